//! Who can be told, and where they are reached.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::delivery::Address;
use super::hearing::Preferences;
use super::names::{TeamName, UserName};
use super::quiet::QuietHours;
use super::rotation::Rotation;

/// What kind of address a channel needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
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

impl Role {
    /// The role of this word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "viewer" => Some(Self::Viewer),
            "responder" => Some(Self::Responder),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// One person: `[users.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// Whose clocks they live by, where it is not the server's.
    pub timezone: Option<TimeZone>,
    /// The language they read, such as `en-GB`.
    pub locale: Option<String>,
    /// When they do not want to be woken.
    pub quiet_hours: Option<QuietHours>,
    /// What they do not want to hear.
    pub preferences: Preferences,
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Team {
    /// Who is in it.
    pub members: Vec<UserName>,
    /// Who is on call, if the team takes turns.
    pub rotation: Option<Rotation>,
}

/// Somebody to tell, as written in a policy or a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Recipient {
    /// `user:NAME`
    User(UserName),
    /// `team:NAME`: everybody in it.
    Team(TeamName),
    /// `oncall:NAME`: whoever of this team is on call at the moment.
    OnCall(TeamName),
    /// `role:NAME`: everybody who has it.
    Role(Role),
    /// A bare address.
    Address(Address),
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names nobody: write user:NAME, team:NAME, oncall:TEAM, role:NAME, or an address")]
pub struct InvalidRecipient(pub(super) String);

impl FromStr for Recipient {
    type Err = InvalidRecipient;

    fn from_str(text: &str) -> Result<Self, InvalidRecipient> {
        let invalid = || InvalidRecipient(text.to_owned());
        match text.split_once(':') {
            Some(("user", name)) if !name.is_empty() => Ok(Self::User(name.into())),
            Some(("team", name)) if !name.is_empty() => Ok(Self::Team(name.into())),
            Some(("oncall", name)) if !name.is_empty() => Ok(Self::OnCall(name.into())),
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
            Self::OnCall(name) => write!(f, "oncall:{name}"),
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
