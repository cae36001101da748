//! Who was meant and does not hear, and why: one value for each person and way, never a sentence
//! that somebody has to read to find out.
//!
//! The tag is for machines and stays; the words are for people and may get better.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::names::{ChannelName, MessageType, SilenceName};
use super::people::{Contact, InvalidRecipient};
use super::suppression::{Mark, Suppression};

/// Somebody who was meant and does not hear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Withheld {
    /// Who, by name; an address is masked. Empty where a channel is all that was named.
    #[schema(value_type = String)]
    pub recipient: Arc<str>,
    /// On which channel; none where it holds for every one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<ChannelName>,
    /// Why not.
    #[serde(flatten)]
    pub why: Why,
}

/// Why somebody who was meant does not hear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// What is written names nobody.
    NamesNobody,
    /// No `[users.NAME]`.
    NoSuchUser,
    /// No `[teams.NAME]`.
    NoSuchTeam,
    /// No `[channels.NAME]`.
    NoSuchChannel,
    /// The person has no address of the kind that the channel needs.
    NoAddress {
        /// That kind.
        contact: Contact,
    },
    /// The address is of another kind than the channel needs.
    NotThisAddress,
    /// The team has no rotation.
    NoRotation,
    /// The rotation of the team begins later.
    NobodyOnCall,
    /// Its provider spoke against the address.
    Suppressed {
        /// What it said.
        mark: Mark,
        /// In full, without the address.
        detail: String,
    },
    /// A silence holds for the incident.
    Silenced {
        /// Which.
        silence: SilenceName,
        /// Its end.
        until: Timestamp,
    },
    /// The person wants nothing on this channel.
    Preference,
    /// The person does not want messages of this type.
    OptedOut {
        /// That type.
        of: MessageType,
    },
    /// It would be of no use any more when the quiet hours of the person are over.
    QuietHours {
        /// Their end.
        until: Timestamp,
    },
}

impl Why {
    /// The person wants it so: nothing is wrong with whoever meant to tell them.
    pub fn is_a_wish(&self) -> bool {
        matches!(self, Self::Preference | Self::OptedOut { .. } | Self::QuietHours { .. })
    }

    /// The word of the API and of what is stored.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NamesNobody => "names_nobody",
            Self::NoSuchUser => "no_such_user",
            Self::NoSuchTeam => "no_such_team",
            Self::NoSuchChannel => "no_such_channel",
            Self::NoAddress { .. } => "no_address",
            Self::NotThisAddress => "not_this_address",
            Self::NoRotation => "no_rotation",
            Self::NobodyOnCall => "nobody_on_call",
            Self::Suppressed { .. } => "suppressed",
            Self::Silenced { .. } => "silenced",
            Self::Preference => "preference",
            Self::OptedOut { .. } => "opted_out",
            Self::QuietHours { .. } => "quiet_hours",
        }
    }
}

impl Withheld {
    /// `recipient` does not hear on any channel.
    pub fn of(recipient: impl Into<Arc<str>>, why: Why) -> Self {
        Self { recipient: recipient.into(), channel: None, why }
    }

    /// `recipient` does not hear on `channel`.
    pub fn on(channel: &ChannelName, recipient: impl Into<Arc<str>>, why: Why) -> Self {
        Self { recipient: recipient.into(), channel: Some(channel.clone()), why }
    }

    /// `against` is known of the address.
    pub fn suppressed(against: &Suppression) -> Self {
        let why = Why::Suppressed { mark: against.mark, detail: against.words() };
        Self { recipient: Arc::clone(&against.recipient), channel: Some(against.channel.clone()), why }
    }

    /// For people: `grace has no phone (channel sms)`.
    pub fn words(&self) -> String {
        let Self { recipient, channel, why } = self;
        let channel = channel.as_ref().map_or("", ChannelName::as_str);
        match why {
            Why::NamesNobody => InvalidRecipient(recipient.to_string()).to_string(),
            Why::NoSuchUser => format!("no user {recipient}"),
            Why::NoSuchTeam => format!("no team {recipient}"),
            Why::NoSuchChannel => format!("no channel {channel}"),
            Why::NoAddress { contact } => format!("{recipient} has no {} (channel {channel})", contact.key()),
            Why::NotThisAddress => format!("{recipient} is no address for channel {channel}"),
            Why::NoRotation => format!("team {recipient} has no rotation: nobody is on call"),
            Why::NobodyOnCall => format!("nobody of team {recipient} is on call yet"),
            Why::Suppressed { detail, .. } => detail.clone(),
            Why::Silenced { silence, until } => {
                format!("{recipient} is not told until {until}: silence {silence} (channel {channel})")
            }
            Why::Preference => format!("{recipient} wants nothing on channel {channel}"),
            Why::OptedOut { of } => format!("{recipient} does not want {of} (channel {channel})"),
            Why::QuietHours { until } => {
                format!("{recipient} has quiet hours until {until}, when it has expired (channel {channel})")
            }
        }
    }
}

/// All of them in one sentence.
pub fn in_words(withheld: &[Withheld]) -> String {
    withheld.iter().map(Withheld::words).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_why() -> Vec<Why> {
        let until = Timestamp::UNIX_EPOCH;
        vec![
            Why::NamesNobody,
            Why::NoSuchUser,
            Why::NoSuchTeam,
            Why::NoSuchChannel,
            Why::NoAddress { contact: Contact::Phone },
            Why::NotThisAddress,
            Why::NoRotation,
            Why::NobodyOnCall,
            Why::Suppressed { mark: Mark::Gone, detail: "it is gone".to_owned() },
            Why::Silenced { silence: "upgrade".into(), until },
            Why::Preference,
            Why::OptedOut { of: "welcome".into() },
            Why::QuietHours { until },
        ]
    }

    #[test]
    fn each_reason_has_a_word_of_its_own_and_comes_back_as_it_went() {
        let mut words = Vec::new();
        for why in every_why() {
            let withheld = Withheld::on(&"sms".into(), "ada", why);
            let json = serde_json::to_value(&withheld).expect("plain values");
            assert_eq!(json["why"], withheld.why.as_str());
            assert_eq!((&json["recipient"], &json["channel"]), (&"ada".into(), &"sms".into()));
            assert_eq!(serde_json::from_value::<Withheld>(json).expect("the same"), withheld);
            words.push(withheld.words());
        }
        let all = words.len();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), all, "each says something else: {words:?}");
    }
}
