//! Who is reached: recipients, as people write them, become addresses on channels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Timestamp;
use super::delivery::{Address, Target};
use super::names::{ChannelName, MessageType, TeamName, UserName};
use super::people::{Contact, Recipient, Team, User};
use super::severity::Severity;
use super::suppression::Suppressions;
use super::withheld::{Why, Withheld};

/// What planning needs to know of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// What kind of address it needs.
    pub contact: Contact,
    /// How long a delivery on it makes sense.
    pub max_age: Duration,
}

/// Everybody and every way to reach them.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// `[users]`
    pub users: BTreeMap<UserName, User>,
    /// `[teams]`
    pub teams: BTreeMap<TeamName, Team>,
    /// `[channels]`
    pub channels: BTreeMap<ChannelName, Reach>,
    /// Which channels take over when one cannot, in this order.
    pub stand_ins: StandIns,
    /// Types of direct notifications that nobody can turn off.
    pub insistent: BTreeSet<MessageType>,
}

/// Which channels take over from which, in this order.
pub type StandIns = BTreeMap<ChannelName, Vec<ChannelName>>;

/// Who is reached, and who was meant and is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// One delivery each; nobody twice.
    pub targets: Vec<Target>,
    /// Who does not hear on which channel, and why.
    pub withheld: Vec<Withheld>,
}

impl Directory {
    /// Everybody in `notify` on every channel in `via`, each address once per channel, but for those
    /// that nothing of `severity` is sent to any more.
    pub fn reach_but(
        &self,
        notify: &[Recipient],
        via: &[ChannelName],
        known: &Suppressions,
        severity: Option<Severity>,
        at: Timestamp,
    ) -> Reached {
        let mut reached = self.reach(notify, via, at);
        if known.is_empty() {
            return reached;
        }
        let Reached { targets, withheld } = &mut reached;
        targets.retain(|target| {
            let against = known.of(&target.channel, &target.address);
            let contact = self.channels.get(&target.channel).map(|reach| reach.contact);
            let against = against.zip(contact).filter(|(against, contact)| against.holds(*contact, severity));
            withheld.extend(against.map(|(against, _)| Withheld::suppressed(against)));
            against.is_none()
        });
        reached
    }

    /// Everybody in `notify` on every channel in `via`, each address once per channel. Who is on call is
    /// asked for `at`.
    pub fn reach(&self, notify: &[Recipient], via: &[ChannelName], at: Timestamp) -> Reached {
        let mut reached = Reached::default();
        for (place, channel) in via.iter().enumerate() {
            if via[..place].iter().any(|earlier| self.stands_in(channel, earlier)) {
                continue;
            }
            let Some(reach) = self.channels.get(channel) else {
                reached.withheld.push(Withheld::on(channel, "", Why::NoSuchChannel));
                continue;
            };
            if reach.contact == Contact::Fixed {
                reached.add(channel.as_str().into(), channel, Address::from(""));
                continue;
            }
            for recipient in notify {
                self.reach_one(recipient, (channel, reach.contact), at, &mut reached);
            }
        }
        reached
    }

    /// Who of `team` is on call.
    ///
    /// # Errors
    /// Why nobody is.
    pub fn on_call(&self, team: &TeamName, at: Timestamp) -> Result<UserName, Why> {
        let team = self.teams.get(team).ok_or(Why::NoSuchTeam)?;
        let rotation = team.rotation.as_ref().ok_or(Why::NoRotation)?;
        rotation.on_call(at).user.ok_or(Why::NobodyOnCall)
    }

    fn stands_in(&self, channel: &ChannelName, earlier: &ChannelName) -> bool {
        self.stand_ins.get(earlier).is_some_and(|stand_ins| stand_ins.contains(channel))
    }

    /// Channels that are named together and need the same kind of address stand in for each other:
    /// the first one is used, and the next when it cannot. Channels that know their way lead to
    /// different places, and each is used.
    pub fn pair(&mut self, via: &[ChannelName]) {
        let contact = |name: &ChannelName| self.channels.get(name).map(|reach| reach.contact);
        let mut pairs = Vec::new();
        for (place, name) in via.iter().enumerate() {
            let Some(own) = contact(name).filter(|own| *own != Contact::Fixed) else { continue };
            let others = via[place + 1..].iter().chain(&via[..place]);
            pairs.extend(others.filter(|other| contact(other) == Some(own)).map(|other| (name, other)));
        }
        for (name, other) in pairs.into_iter().filter(|(name, other)| name != other) {
            let known = self.stand_ins.entry(name.clone()).or_default();
            if !known.contains(other) {
                known.push(other.clone());
            }
        }
    }

    fn reach_one(
        &self,
        recipient: &Recipient,
        (channel, contact): (&ChannelName, Contact),
        at: Timestamp,
        reached: &mut Reached,
    ) {
        let users: Vec<UserName> = match recipient {
            Recipient::Address(address) => {
                if fits(address, contact) {
                    reached.add(address.masked().into(), channel, address.clone());
                } else {
                    let who = address.masked();
                    reached.withheld.push(Withheld::on(channel, who, Why::NotThisAddress));
                }
                return;
            }
            Recipient::User(name) => vec![name.clone()],
            Recipient::Team(name) => match self.teams.get(name) {
                Some(team) => team.members.clone(),
                None => {
                    return reached.withheld.push(Withheld::on(channel, name.as_str(), Why::NoSuchTeam));
                }
            },
            Recipient::OnCall(team) => match self.on_call(team, at) {
                Ok(user) => vec![user],
                Err(why) => return reached.withheld.push(Withheld::on(channel, team.as_str(), why)),
            },
            Recipient::Role(role) => {
                let who = self.users.iter().filter(|(_, user)| user.role == *role);
                who.map(|(name, _)| name.clone()).collect()
            }
        };
        for name in &users {
            let Some(user) = self.users.get(name) else {
                reached.withheld.push(Withheld::on(channel, name.as_str(), Why::NoSuchUser));
                continue;
            };
            let addresses = user.addresses(contact);
            if addresses.is_empty() {
                let why = Why::NoAddress { contact };
                reached.withheld.push(Withheld::on(channel, name.as_str(), why));
            }
            for address in addresses {
                reached.add(name.as_str().into(), channel, address.clone());
            }
        }
    }
}

impl Reached {
    fn add(&mut self, recipient: Arc<str>, channel: &ChannelName, address: Address) {
        let known = |target: &Target| target.channel == *channel && target.address == address;
        if !self.targets.iter().any(known) {
            self.targets.push(Target { recipient, channel: channel.clone(), address });
        }
    }
}

fn fits(address: &Address, contact: Contact) -> bool {
    match contact {
        Contact::Email => address.expose().contains('@'),
        Contact::Phone => address.expose().starts_with('+'),
        Contact::Ios | Contact::Android | Contact::Fixed => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    use crate::domain::people::Role;
    use crate::domain::rotation::{Rotation, Turn};

    fn directory() -> Directory {
        let reach = |contact| Reach { contact, max_age: Duration::from_secs(3600) };
        Directory {
            users: BTreeMap::from([
                (
                    "ada".into(),
                    User {
                        email: Some("ada@example.com".into()),
                        phone: Some("+15550111".into()),
                        role: Role::Admin,
                        ..User::default()
                    },
                ),
                ("grace".into(), User { email: Some("grace@example.com".into()), ..User::default() }),
            ]),
            teams: BTreeMap::from([(
                "payments".into(),
                Team { members: vec!["ada".into(), "grace".into(), "ghost".into()], rotation: None },
            )]),
            channels: BTreeMap::from([
                ("email".into(), reach(Contact::Email)),
                ("sms".into(), reach(Contact::Phone)),
                ("hook".into(), reach(Contact::Fixed)),
                ("sms-backup".into(), reach(Contact::Phone)),
                ("other-hook".into(), reach(Contact::Fixed)),
            ]),
            ..Directory::default()
        }
    }

    fn told(notify: &[&str], via: &[&str]) -> (Vec<String>, Vec<String>) {
        let notify: Vec<Recipient> = notify.iter().map(|text| text.parse().expect("valid")).collect();
        let via: Vec<ChannelName> = via.iter().map(|name| (*name).into()).collect();
        let reached = directory().reach(&notify, &via, Timestamp::UNIX_EPOCH);
        let targets = reached.targets.iter().map(|t| format!("{}/{}", t.channel, t.recipient)).collect();
        (targets, reached.withheld.iter().map(Withheld::words).collect())
    }

    #[test]
    fn a_team_is_everybody_in_it_and_the_rest_is_said() {
        let (told, withheld) = told(&["team:payments"], &["sms", "email"]);
        assert_eq!(told, ["sms/ada", "email/ada", "email/grace"]);
        assert_eq!(withheld, ["grace has no phone (channel sms)", "no user ghost", "no user ghost"]);
    }

    #[test]
    fn who_is_on_call_is_whoever_it_is_at_the_moment() {
        let mut directory = directory();
        let rotation = Rotation {
            every: Turn::Days(1),
            starts: "2026-01-05T09:00:00".parse().expect("a date and a time"),
            zone: TimeZone::UTC,
            order: vec!["ada".into(), "grace".into()],
            overrides: Vec::new(),
        };
        directory.teams.insert("web".into(), Team { members: Vec::new(), rotation: Some(rotation) });
        let email = ["email".into()];
        for (team, at, told, why) in [
            ("web", "2026-01-05T08:59:59Z", None, Some(Why::NobodyOnCall)),
            ("web", "2026-01-05T09:00:00Z", Some("ada"), None),
            ("web", "2026-01-06T09:00:00Z", Some("grace"), None),
            ("payments", "2026-01-06T09:00:00Z", None, Some(Why::NoRotation)),
            ("none", "2026-01-06T09:00:00Z", None, Some(Why::NoSuchTeam)),
        ] {
            let notify = [Recipient::OnCall(team.into())];
            let reached = directory.reach(&notify, &email, at.parse().expect("a moment"));
            assert_eq!(reached.targets.first().map(|target| &*target.recipient), told, "{team} {at}");
            assert_eq!(reached.withheld.into_iter().map(|one| one.why).next(), why, "{team} {at}");
        }
    }

    #[test]
    fn nobody_is_told_twice_on_one_channel() {
        let (told, _) = told(&["ada", "user:ada", "role:admin", "ada@example.com"], &["email"]);
        assert_eq!(told, ["email/ada"]);
    }

    #[test]
    fn a_channel_that_knows_its_way_is_used_once() {
        assert_eq!(told(&["ada", "grace"], &["hook"]).0, ["hook/hook"]);
    }

    #[test]
    fn of_two_ways_to_one_address_the_second_stands_in() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<ChannelName>>();
        let via = names(&["sms", "email", "sms-backup", "hook", "other-hook"]);
        let mut paired = directory();
        let reach = |directory: &Directory| {
            let reached = directory.reach(&["ada".parse().expect("valid")], &via, Timestamp::UNIX_EPOCH);
            reached.targets.into_iter().map(|target| target.channel).collect::<Vec<_>>()
        };
        assert_eq!(reach(&paired), via, "nobody said that they belong together");
        paired.pair(&via);
        assert_eq!(reach(&paired), names(&["sms", "email", "hook", "other-hook"]));
        let of = |name: &str| paired.stand_ins.get(&ChannelName::from(name)).cloned().unwrap_or_default();
        assert_eq!(
            [of("sms"), of("sms-backup"), of("email")],
            [names(&["sms-backup"]), names(&["sms"]), names(&[])]
        );
    }

    #[test]
    fn what_names_nobody_is_said_and_never_a_panic() {
        let (told, withheld) = told(&["nobody", "team:none", "+15550199"], &["email", "fax"]);
        assert!(told.is_empty());
        assert_eq!(
            withheld,
            ["no user nobody", "no team none", "*** is no address for channel email", "no channel fax"]
                .map(|text| text.replace("***", "+15***99"))
        );
        for invalid in ["", "squad:x", "user:", "oncall:", "role:king"] {
            assert!(invalid.parse::<Recipient>().is_err(), "{invalid}");
        }
    }
}
