//! Addresses that a provider has spoken against: no such device, not for this app, the person said
//! STOP. Whoever plans a delivery leaves them out and says so.
//!
//! One answer is enough for a device's token, which never comes back, and for a person's wish. A
//! mailbox or a number may be unknown for an hour because somebody's server is: that takes three
//! deliveries in a row, and a critical page is sent there all the same. Whatever gets through takes
//! everything back.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::delivery::Address;
use super::fault::{Fault, Permanent};
use super::ids::{DeliveryId, SuppressionId};
use super::names::ChannelName;
use super::people::Contact;
use super::severity::Severity;

/// What a provider said about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It does not exist, or no more.
    Gone,
    /// It exists, but not for us: set aside until somebody has looked.
    Suspect,
    /// Whoever it belongs to does not want to be told this way.
    OptedOut,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Self; 3] = [Self::Gone, Self::Suspect, Self::OptedOut];

    /// The word used in the store, the API and the logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Suspect => "suspect",
            Self::OptedOut => "opted_out",
        }
    }

    /// The mark of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.as_str() == text)
    }

    /// What a fault says about the address, if it says anything.
    pub fn of(fault: Fault) -> Option<Self> {
        match fault {
            Fault::Permanent(Permanent::RecipientGone) => Some(Self::Gone),
            Fault::Permanent(Permanent::RecipientSuspect) => Some(Self::Suspect),
            Fault::Permanent(Permanent::OptedOut) => Some(Self::OptedOut),
            _ => None,
        }
    }
}

/// One address, and what was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Its id.
    pub id: SuppressionId,
    /// On which channel: another sender may be heard there.
    pub channel: ChannelName,
    /// Which address; empty for a channel that knows its way.
    pub address: Address,
    /// Whose.
    pub recipient: Arc<str>,
    /// What was said.
    pub mark: Mark,
    /// How many deliveries in a row heard it.
    pub strikes: u32,
    /// The provider's code.
    pub code: String,
    /// The provider's words.
    pub detail: String,
    /// The last delivery that heard it.
    pub delivery: DeliveryId,
    /// Since when.
    pub since: Timestamp,
    /// Last heard.
    pub last_at: Timestamp,
}

/// Deliveries in a row that have to hear of a mailbox or number that it is gone.
const STRIKES: u32 = 3;

impl Suppression {
    /// Whether nothing of this severity is sent there any more.
    pub fn holds(&self, contact: Contact, severity: Option<Severity>) -> bool {
        match (self.mark, contact) {
            (Mark::OptedOut | Mark::Suspect, _)
            | (Mark::Gone, Contact::Ios | Contact::Android | Contact::Fixed) => true,
            (Mark::Gone, Contact::Email | Contact::Phone) => {
                self.strikes >= STRIKES && severity != Some(Severity::Critical)
            }
        }
    }

    /// Why not, for the timeline: `ios a1b2***ef of ada is gone (410 Unregistered)`.
    pub fn words(&self) -> String {
        let Self { channel, address, recipient, code, .. } = self;
        let what = match self.mark {
            Mark::Gone => "is gone",
            Mark::Suspect => "is set aside",
            Mark::OptedOut => "has opted out",
        };
        if address.expose().is_empty() {
            return format!("channel {channel} is disabled ({code})");
        }
        format!("{address} of {recipient} {what} (channel {channel}, {code})")
    }
}

/// Something new about an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressChange {
    /// A provider spoke against it. Counted once for each delivery.
    Marked(Suppression),
    /// Something got through to it.
    Reached(ChannelName, Address),
    /// Somebody takes it back.
    Lifted(SuppressionId),
}

/// Everything that is known against addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suppressions(HashMap<(ChannelName, Address), Suppression>);

impl Suppressions {
    /// What is known against `address` on `channel`.
    pub fn of(&self, channel: &ChannelName, address: &Address) -> Option<&Suppression> {
        // The usual case costs no copy of a name.
        if self.0.is_empty() { None } else { self.0.get(&(channel.clone(), address.clone())) }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if nothing is known against anybody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Suppression> for Suppressions {
    fn from_iter<I: IntoIterator<Item = Suppression>>(all: I) -> Self {
        Self(all.into_iter().map(|one| ((one.channel.clone(), one.address.clone()), one)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suppression(mark: Mark, strikes: u32) -> Suppression {
        Suppression {
            id: SuppressionId::new(Timestamp::UNIX_EPOCH, 1),
            channel: "way".into(),
            address: "ada@example.com".into(),
            recipient: "ada".into(),
            mark,
            strikes,
            code: "550 5.1.1".to_owned(),
            detail: String::new(),
            delivery: DeliveryId::new(Timestamp::UNIX_EPOCH, 1),
            since: Timestamp::UNIX_EPOCH,
            last_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_token_is_dropped_at_once_and_a_mailbox_after_three_but_not_for_a_critical_page() {
        let (high, critical) = (Some(Severity::High), Some(Severity::Critical));
        let table = [
            (Mark::Gone, 1, Contact::Ios, critical, true),
            (Mark::Gone, 1, Contact::Fixed, critical, true),
            (Mark::Suspect, 1, Contact::Android, critical, true),
            (Mark::OptedOut, 1, Contact::Phone, critical, true),
            (Mark::Gone, 2, Contact::Email, high, false),
            (Mark::Gone, 3, Contact::Email, high, true),
            (Mark::Gone, 3, Contact::Phone, None, true),
            (Mark::Gone, 9, Contact::Email, critical, false),
        ];
        for (mark, strikes, contact, severity, holds) in table {
            let told = suppression(mark, strikes).holds(contact, severity);
            assert_eq!(told, holds, "{mark:?} {strikes} {contact:?} {severity:?}");
        }
    }

    #[test]
    fn every_mark_has_a_word_of_its_own_and_comes_from_a_fault() {
        for mark in Mark::ALL {
            assert_eq!(Mark::parse(mark.as_str()), Some(mark));
            assert_eq!(Fault::ALL.into_iter().filter(|fault| Mark::of(*fault) == Some(mark)).count(), 1);
        }
    }

    #[test]
    fn what_is_said_of_it_names_nobody_s_address() {
        let words = suppression(Mark::Gone, 3).words();
        assert_eq!(words, "a***@example.com of ada is gone (channel way, 550 5.1.1)");
    }
}
