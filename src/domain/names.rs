//! Names that the operator chooses in the configuration. Newtypes, so that a channel is never
//! taken for a user; cheap to clone, because every delivery carries several.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[schema(value_type = String)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as the operator wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name!(
    /// `[sources.NAME]`
    SourceName
);
name!(
    /// `[mappers.NAME]`
    MapperName
);
name!(
    /// `[channels.NAME]`
    ChannelName
);
name!(
    /// `[users.NAME]`
    UserName
);
name!(
    /// `[teams.NAME]`
    TeamName
);
name!(
    /// `name = "…"` of a `[[routes]]` entry.
    RouteName
);
name!(
    /// `[policies.NAME]`
    PolicyName
);
name!(
    /// `[silences.NAME]`
    SilenceName
);
name!(
    /// `[events_out.NAME]`
    SinkName
);
name!(
    /// What a direct notification is: `welcome`, `security_alert`.
    MessageType
);
name!(
    /// Which running Foghorn holds a row: `[server] name`.
    NodeName
);
