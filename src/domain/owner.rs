//! Whose an address is that somebody wrote down, and which channel is meant by a word: what senders say
//! who know people by an address and channels by their kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::{Directory, Reached};
use super::names::{ChannelName, UserName};
use super::people::{Contact, User};
use super::routes::PlannedDelivery;

/// Whose wishes count for an address that a request names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whose {
    /// Nobody's: whoever wrote it down meant the address.
    #[default]
    Nobody,
    /// This user's, known or not.
    User(UserName),
    /// The user's who has this address, if there is one.
    Owner,
}

/// What recipients read, by name.
pub type Locales = BTreeMap<Arc<str>, String>;

impl Directory {
    /// The channels that are meant: one that nobody configured under this name stands for the first of its
    /// kind (`email`, `sms`, `ios`, `android`).
    pub fn meant(&self, via: &[ChannelName]) -> Vec<ChannelName> {
        via.iter().map(|name| self.one_meant(name).unwrap_or(name).clone()).collect()
    }

    fn one_meant(&self, name: &ChannelName) -> Option<&ChannelName> {
        let contact = match name.as_str() {
            _ if self.channels.contains_key(name) => return None,
            "email" => Contact::Email,
            "sms" => Contact::Phone,
            "ios" => Contact::Ios,
            "android" => Contact::Android,
            _ => return None,
        };
        self.channels.iter().find(|(_, reach)| reach.contact == contact).map(|(name, _)| name)
    }

    /// Gives the addresses that were written down to whose they are.
    pub(super) fn owned(&self, mut reached: Reached, whose: &Whose) -> Reached {
        for target in &mut reached.targets {
            let written_down = *target.recipient == *target.address.masked();
            let contact = self.channels.get(&target.channel).map(|reach| reach.contact);
            let Some(contact) = contact.filter(|_| written_down) else { continue };
            let owner: Option<Arc<str>> = match whose {
                Whose::Nobody => None,
                Whose::User(name) => Some(name.as_str().into()),
                Whose::Owner => self.owner(contact, target.address.expose()).map(|name| name.as_str().into()),
            };
            target.recipient = owner.unwrap_or_else(|| Arc::clone(&target.recipient));
        }
        reached
    }

    /// What those who are told read.
    pub(super) fn locales(&self, told: &[PlannedDelivery]) -> Locales {
        let locale = |planned: &PlannedDelivery| {
            let recipient = &planned.target.recipient;
            Some((Arc::clone(recipient), self.users.get(&**recipient)?.locale.clone()?))
        };
        told.iter().filter_map(locale).collect()
    }

    /// What everybody reads, as far as it is known.
    pub fn readers(&self) -> Locales {
        let locale = |(name, user): (&UserName, &User)| Some((name.as_str().into(), user.locale.clone()?));
        self.users.iter().filter_map(locale).collect()
    }

    fn owner(&self, contact: Contact, address: &str) -> Option<&UserName> {
        let has = |known: &super::delivery::Address| known.expose().eq_ignore_ascii_case(address);
        let user = self.users.iter().find(|(_, user)| user.addresses(contact).iter().any(has));
        user.map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::directory::Reach;

    fn directory() -> Directory {
        let reach = |contact| Reach { contact, max_age: Duration::from_secs(3600) };
        let ada = User { email: Some("ada@example.com".into()), ..User::default() };
        Directory {
            users: BTreeMap::from([("ada".into(), ada)]),
            channels: BTreeMap::from([
                ("a-hook".into(), reach(Contact::Fixed)),
                ("mail".into(), reach(Contact::Email)),
                ("sms".into(), reach(Contact::Phone)),
            ]),
            ..Directory::default()
        }
    }

    #[test]
    fn a_word_stands_for_the_first_channel_of_its_kind_unless_one_has_it_for_a_name() {
        let meant = |name: &str| directory().meant(&[name.into()])[0].to_string();
        for (word, name) in
            [("email", "mail"), ("sms", "sms"), ("mail", "mail"), ("ios", "ios"), ("fax", "fax")]
        {
            assert_eq!(meant(word), name, "{word}");
        }
    }

    #[test]
    fn an_address_is_given_to_whose_it_is() {
        let recipient = |address: &str, whose: Whose| {
            let to = [address.parse().expect("valid")];
            let reached = directory().reach(&to, &["mail".into()], Timestamp::UNIX_EPOCH);
            directory().owned(reached, &whose).targets[0].recipient.to_string()
        };
        assert_eq!(recipient("ADA@example.com", Whose::Owner), "ada");
        assert_eq!(recipient("ada@example.com", Whose::Nobody), "a***@example.com");
        assert_eq!(recipient("eve@example.com", Whose::Owner), "e***@example.com");
        assert_eq!(recipient("eve@example.com", Whose::User("u1".into())), "u1");
        assert_eq!(recipient("ada", Whose::User("u1".into())), "ada", "who is named is that one");
    }
}
