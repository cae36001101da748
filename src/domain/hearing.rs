//! Whether a person who can be reached wants to hear, and when: what they turned off, and their quiet
//! hours. Some messages nobody can turn off.

use std::collections::BTreeMap;

use super::Timestamp;
use super::delivery::Target;
use super::directory::Directory;
use super::event::Priority;
use super::names::{ChannelName, MessageType};
use super::people::{Contact, User};
use super::severity::Severity;
use super::withheld::Why;

/// `[users.NAME] preferences`: what is not named is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preferences {
    /// Channels, and whether anything is wanted there.
    pub channels: BTreeMap<ChannelName, bool>,
    /// Types of direct notifications, and whether they are wanted.
    pub types: BTreeMap<MessageType, bool>,
}

/// What is said, as far as it decides who wants to hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter<'a> {
    /// An incident.
    Incident(Severity),
    /// A direct notification.
    Direct {
        /// How soon.
        priority: Priority,
        /// What it is, if the sender says so.
        of: Option<&'a MessageType>,
    },
}

impl Matter<'_> {
    /// The severity, for those who ask for it alone.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Incident(severity) => Some(severity),
            Self::Direct { .. } => None,
        }
    }
}

impl Directory {
    /// When `target` hears of a `matter` that is due at `due_at` and of no use from `expires_at` on.
    ///
    /// # Errors
    /// Why it does not hear at all.
    pub fn hears(
        &self,
        target: &Target,
        matter: Matter<'_>,
        due_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Timestamp, Why> {
        let Some(user) = self.person(target) else { return Ok(due_at) };
        if let Matter::Direct { of: Some(of), .. } = matter
            && self.insistent.contains(of)
        {
            return Ok(due_at);
        }
        if user.preferences.channels.get(&target.channel) == Some(&false) {
            return Err(Why::Preference);
        }
        if let Matter::Direct { of: Some(of), .. } = matter
            && user.preferences.types.get(of) == Some(&false)
        {
            return Err(Why::OptedOut { of: of.clone() });
        }
        let quiet = user.quiet_hours.as_ref().filter(|quiet| match matter {
            Matter::Incident(severity) => !quiet.spare(severity),
            Matter::Direct { priority, .. } => !quiet.spare_lane(priority),
        });
        match quiet.and_then(|quiet| quiet.until(due_at)) {
            Some(until) if until >= expires_at => Err(Why::QuietHours { until }),
            Some(until) => Ok(until),
            None => Ok(due_at),
        }
    }

    /// The person whose delivery it is. An address that somebody wrote down is nobody's, and a channel
    /// that knows its way may be named as a person is.
    fn person(&self, target: &Target) -> Option<&User> {
        let contact = self.channels.get(&target.channel)?.contact;
        self.users.get(&*target.recipient).filter(|_| contact != Contact::Fixed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::directory::Reach;
    use crate::domain::names::UserName;
    use crate::domain::quiet::{EXCEPT, QuietHours};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn directory() -> Directory {
        let reach = |contact| Reach { contact, max_age: Duration::from_secs(3600) };
        let quiet = QuietHours {
            from: "22:00".parse().expect("a time"),
            to: "07:00".parse().expect("a time"),
            zone: TimeZone::UTC,
            except: EXCEPT.to_vec(),
        };
        let user = User {
            quiet_hours: Some(quiet),
            preferences: Preferences {
                channels: BTreeMap::from([("sms".into(), false), ("email".into(), true)]),
                types: BTreeMap::from([("welcome".into(), false), ("alarm".into(), false)]),
            },
            ..User::default()
        };
        Directory {
            users: BTreeMap::from([(UserName::from("ada"), user.clone()), (UserName::from("hook"), user)]),
            channels: BTreeMap::from([
                ("email".into(), reach(Contact::Email)),
                ("sms".into(), reach(Contact::Phone)),
                ("hook".into(), reach(Contact::Fixed)),
            ]),
            insistent: [MessageType::from("alarm")].into(),
            ..Directory::default()
        }
    }

    const NIGHT: &str = "2026-01-10T23:00:00Z";
    const DAY: &str = "2026-01-10T12:00:00Z";
    const MORNING: &str = "2026-01-11T07:00:00Z";

    #[test]
    fn who_hears_when_and_who_does_not() {
        let (welcome, alarm, receipt) =
            (MessageType::from("welcome"), MessageType::from("alarm"), MessageType::from("receipt"));
        let incident = Matter::Incident;
        fn direct(priority: Priority, of: &MessageType) -> Matter<'_> {
            Matter::Direct { priority, of: Some(of) }
        }
        let table = [
            ("email", incident(Severity::High), DAY, Ok(DAY)),
            ("email", incident(Severity::High), NIGHT, Ok(MORNING)),
            ("email", incident(Severity::Critical), NIGHT, Ok(NIGHT)),
            ("sms", incident(Severity::Critical), DAY, Err(Why::Preference)),
            ("hook", incident(Severity::Low), NIGHT, Ok(NIGHT)),
            ("email", direct(Priority::Normal, &receipt), NIGHT, Ok(MORNING)),
            ("email", direct(Priority::Critical, &receipt), NIGHT, Ok(NIGHT)),
            ("email", Matter::Direct { priority: Priority::High, of: None }, NIGHT, Ok(MORNING)),
            ("email", direct(Priority::Critical, &welcome), DAY, Err(Why::OptedOut { of: welcome.clone() })),
            ("email", direct(Priority::Low, &alarm), NIGHT, Ok(NIGHT)),
            ("sms", direct(Priority::Low, &alarm), NIGHT, Ok(NIGHT)),
        ];
        for (channel, matter, due, expected) in table {
            let recipient = if channel == "hook" { "hook" } else { "ada" };
            let target = Target { recipient: recipient.into(), channel: channel.into(), address: "x".into() };
            let heard = directory().hears(&target, matter, at(due), at("2026-01-12T00:00:00Z"));
            assert_eq!(heard, expected.map(at), "{channel} {matter:?} {due}");
        }
    }

    #[test]
    fn what_would_be_too_late_in_the_morning_is_not_said_at_all() {
        let target = Target { recipient: "ada".into(), channel: "email".into(), address: "x".into() };
        let matter = Matter::Incident(Severity::High);
        let until = at(MORNING);
        for (expires, expected) in [
            (MORNING, Err(Why::QuietHours { until })),
            ("2026-01-11T07:00:01Z", Ok(until)),
            (NIGHT, Err(Why::QuietHours { until })),
        ] {
            assert_eq!(directory().hears(&target, matter, at(NIGHT), at(expires)), expected, "{expires}");
        }
    }

    #[test]
    fn an_address_is_nobody_s_and_is_told() {
        let masked = Target { recipient: "a***@x".into(), channel: "email".into(), address: "ada@x".into() };
        let matter = Matter::Incident(Severity::Low);
        assert_eq!(directory().hears(&masked, matter, at(NIGHT), at(NIGHT)), Ok(at(NIGHT)));
    }
}
