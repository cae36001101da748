//! Who can be told, and where they are reached.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::delivery::{Address, Target};
use super::names::{ChannelName, TeamName, UserName};
use super::severity::Severity;
use super::suppression::Suppressions;

/// What kind of address a channel needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contact {
    /// A mailbox.
    Email,
    /// A phone number in E.164.
    Phone,
    /// Device tokens of iOS.
    Ios,
    /// Device tokens of Android.
    Android,
    /// The channel knows where it leads; recipients make no difference.
    Fixed,
}

impl Contact {
    /// The key of `[users.NAME]` that holds it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Fixed => "",
        }
    }
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May look.
    Viewer,
    /// May act on incidents.
    #[default]
    Responder,
    /// May do everything.
    Admin,
}

/// One person: `[users.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct User {
    /// Full name, for people.
    pub name: String,
    /// Mailbox.
    pub email: Option<Address>,
    /// Phone number, E.164.
    pub phone: Option<Address>,
    /// Device tokens.
    pub ios: Vec<Address>,
    /// Device tokens.
    pub android: Vec<Address>,
    /// Member id at Slack: whose buttons they press.
    pub slack: Option<Address>,
    /// What they may do.
    pub role: Role,
}

impl User {
    /// Every address of this kind.
    pub fn addresses(&self, contact: Contact) -> &[Address] {
        match contact {
            Contact::Email => self.email.as_slice(),
            Contact::Phone => self.phone.as_slice(),
            Contact::Ios => &self.ios,
            Contact::Android => &self.android,
            Contact::Fixed => &[],
        }
    }
}

/// Some people: `[teams.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Team {
    /// Who is in it.
    pub members: Vec<UserName>,
}

/// Somebody to tell, as written in a policy or a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Recipient {
    /// `user:NAME`
    User(UserName),
    /// `team:NAME`: everybody in it.
    Team(TeamName),
    /// `role:NAME`: everybody who has it.
    Role(Role),
    /// A bare address.
    Address(Address),
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names nobody: write user:NAME, team:NAME, role:NAME, or an address")]
pub struct InvalidRecipient(String);

impl FromStr for Recipient {
    type Err = InvalidRecipient;

    fn from_str(text: &str) -> Result<Self, InvalidRecipient> {
        let invalid = || InvalidRecipient(text.to_owned());
        match text.split_once(':') {
            Some(("user", name)) if !name.is_empty() => Ok(Self::User(name.into())),
            Some(("team", name)) if !name.is_empty() => Ok(Self::Team(name.into())),
            Some(("role", "viewer")) => Ok(Self::Role(Role::Viewer)),
            Some(("role", "responder")) => Ok(Self::Role(Role::Responder)),
            Some(("role", "admin")) => Ok(Self::Role(Role::Admin)),
            Some(_) => Err(invalid()),
            None if text.contains('@') || text.starts_with('+') => Ok(Self::Address(text.into())),
            None if text.is_empty() => Err(invalid()),
            None => Ok(Self::User(text.into())),
        }
    }
}

impl TryFrom<String> for Recipient {
    type Error = InvalidRecipient;

    fn try_from(text: String) -> Result<Self, InvalidRecipient> {
        text.parse()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Team(name) => write!(f, "team:{name}"),
            Self::Role(Role::Viewer) => f.write_str("role:viewer"),
            Self::Role(Role::Responder) => f.write_str("role:responder"),
            Self::Role(Role::Admin) => f.write_str("role:admin"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        match recipient {
            Recipient::Address(address) => address.expose().to_owned(),
            other => other.to_string(),
        }
    }
}

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
}

/// Which channels take over from which, in this order.
pub type StandIns = BTreeMap<ChannelName, Vec<ChannelName>>;

/// Who is reached, and who was meant and is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// One delivery each; nobody twice.
    pub targets: Vec<Target>,
    /// In words, for the timeline: `grace has no phone (channel sms)`.
    pub unreachable: Vec<String>,
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
    ) -> Reached {
        let mut reached = self.reach(notify, via);
        if known.is_empty() {
            return reached;
        }
        let Reached { targets, unreachable } = &mut reached;
        targets.retain(|target| {
            let against = known.of(&target.channel, &target.address);
            let contact = self.channels.get(&target.channel).map(|reach| reach.contact);
            let against = against.zip(contact).filter(|(against, contact)| against.holds(*contact, severity));
            unreachable.extend(against.map(|(against, _)| against.words()));
            against.is_none()
        });
        reached
    }

    /// Everybody in `notify` on every channel in `via`, each address once per channel.
    pub fn reach(&self, notify: &[Recipient], via: &[ChannelName]) -> Reached {
        let mut reached = Reached::default();
        for (place, channel) in via.iter().enumerate() {
            if via[..place].iter().any(|earlier| self.stands_in(channel, earlier)) {
                continue;
            }
            let Some(reach) = self.channels.get(channel) else {
                reached.unreachable.push(format!("no channel {channel}"));
                continue;
            };
            if reach.contact == Contact::Fixed {
                reached.add(channel.as_str().into(), channel, Address::from(""));
                continue;
            }
            for recipient in notify {
                self.reach_one(recipient, channel, reach.contact, &mut reached);
            }
        }
        reached
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
        channel: &ChannelName,
        contact: Contact,
        reached: &mut Reached,
    ) {
        let users: Vec<&UserName> = match recipient {
            Recipient::Address(address) => {
                if fits(address, contact) {
                    reached.add(address.masked().into(), channel, address.clone());
                } else {
                    reached.unreachable.push(format!("{address} is no address for channel {channel}"));
                }
                return;
            }
            Recipient::User(name) => vec![name],
            Recipient::Team(name) => match self.teams.get(name) {
                Some(team) => team.members.iter().collect(),
                None => return reached.unreachable.push(format!("no team {name}")),
            },
            Recipient::Role(role) => {
                self.users.iter().filter(|(_, user)| user.role == *role).map(|(name, _)| name).collect()
            }
        };
        for name in users {
            let Some(user) = self.users.get(name) else {
                reached.unreachable.push(format!("no user {name}"));
                continue;
            };
            let addresses = user.addresses(contact);
            if addresses.is_empty() {
                let key = contact.key();
                reached.unreachable.push(format!("{name} has no {key} (channel {channel})"));
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

/// A phone number in E.164; whether it exists only its carrier knows.
pub fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A member id of Slack: `U2CERLKJA`.
pub fn is_slack_member(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.starts_with(['U', 'W']) && (6..=20).contains(&text.len()) && text.bytes().all(fits)
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
                Team { members: vec!["ada".into(), "grace".into(), "ghost".into()] },
            )]),
            channels: BTreeMap::from([
                ("email".into(), reach(Contact::Email)),
                ("sms".into(), reach(Contact::Phone)),
                ("hook".into(), reach(Contact::Fixed)),
                ("sms-backup".into(), reach(Contact::Phone)),
                ("other-hook".into(), reach(Contact::Fixed)),
            ]),
            stand_ins: StandIns::new(),
        }
    }

    fn told(notify: &[&str], via: &[&str]) -> (Vec<String>, Vec<String>) {
        let notify: Vec<Recipient> = notify.iter().map(|text| text.parse().expect("valid")).collect();
        let via: Vec<ChannelName> = via.iter().map(|name| (*name).into()).collect();
        let reached = directory().reach(&notify, &via);
        let targets = reached.targets.iter().map(|t| format!("{}/{}", t.channel, t.recipient)).collect();
        (targets, reached.unreachable)
    }

    #[test]
    fn a_team_is_everybody_in_it_and_the_rest_is_said() {
        let (told, unreachable) = told(&["team:payments"], &["sms", "email"]);
        assert_eq!(told, ["sms/ada", "email/ada", "email/grace"]);
        assert_eq!(unreachable, ["grace has no phone (channel sms)", "no user ghost", "no user ghost"]);
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
            let reached = directory.reach(&["ada".parse().expect("valid")], &via);
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
        let (told, unreachable) = told(&["nobody", "team:none", "+15550199"], &["email", "fax"]);
        assert!(told.is_empty());
        assert_eq!(
            unreachable,
            ["no user nobody", "no team none", "*** is no address for channel email", "no channel fax"]
                .map(|text| text.replace("***", "+15***99"))
        );
        for invalid in ["", "squad:x", "user:", "role:king"] {
            assert!(invalid.parse::<Recipient>().is_err(), "{invalid}");
        }
    }
}
