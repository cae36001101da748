//! Identifiers: a prefix that says what it is, and a ULID, so that they sort by creation time.
//!
//! Written everywhere in the one form `del_01J9X2M4QF…`: in the store, the API, the logs and mail.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Timestamp;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an id of the form {prefix}_ and 26 letters or digits")]
pub struct InvalidId {
    text: String,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[doc = $doc:literal])* $name:ident, $prefix:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this kind starts with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id whose time part is `now`; ids made in the same millisecond are unordered.
            pub fn new(now: Timestamp, entropy: u128) -> Self {
                let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
                Self(Ulid::from_parts(millis, entropy))
            }

            /// When it was made, in milliseconds since the Unix epoch.
            pub fn created_ms(self) -> i64 {
                i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX)
            }

            /// The id of these bits.
            pub fn of_bits(bits: u128) -> Self {
                Self(Ulid(bits))
            }

            /// The id itself, for those who write it in another form.
            pub fn bits(self) -> u128 {
                self.0.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; ulid::ULID_LEN];
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(self.0.array_to_str(&mut buffer))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|bare| Ulid::from_string(bare).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId { text: text.to_owned(), prefix: $prefix })
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some([$($doc),*].concat().trim().to_owned()))
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9A-HJKMNP-TV-Z]{25}$")))
                    .examples([concat!($prefix, "_01J9X2M4QF5T8V0W3Y6ZABCDEF")])
                    .into()
            }
        }

        impl ToSchema for $name {}

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One accepted input.
    EventId,
    "evt"
);
id!(
    /// One incident; people use its number instead.
    IncidentId,
    "inc"
);
id!(
    /// One decision to tell someone.
    NotificationId,
    "ntf"
);
id!(
    /// One notification to one recipient on one channel.
    DeliveryId,
    "del"
);
id!(
    /// One record that could not become an event.
    DeadLetterId,
    "dle"
);
id!(
    /// One bulk job.
    JobId,
    "job"
);
id!(
    /// One address that a provider has spoken against.
    SuppressionId,
    "sup"
);
id!(
    /// One token of the API.
    TokenId,
    "tok"
);
id!(
    /// Somebody who is signed in.
    SessionId,
    "ses"
);
id!(
    /// One line of who did what.
    AuditId,
    "aud"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself_and_sorts_by_time() {
        let early = DeliveryId::new(Timestamp::from_millisecond(1_000).expect("in range"), 7);
        let late = DeliveryId::new(Timestamp::from_millisecond(2_000).expect("in range"), 3);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert!(early.to_string() < late.to_string());
        assert_eq!(late.created_ms(), 2_000);
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let event = EventId::new(Timestamp::UNIX_EPOCH, 1).to_string();
        assert!(event.parse::<DeliveryId>().is_err());
        assert!("del_".parse::<DeliveryId>().is_err());
        assert!("del_é".parse::<DeliveryId>().is_err());
    }
}
