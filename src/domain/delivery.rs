//! A delivery: one notification to one recipient on one channel, the unit of retry and one row.
//!
//! `pending → sending → sent | retrying | dead`, and `canceled` or `expired` from any waiting
//! state. `sent`, `dead`, `canceled` and `expired` are terminal and absorbing; `sent` means the
//! provider accepted. What the provider says later is an attribute, never a new state.

use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::event::Priority;
use super::ids::{DeliveryId, NotificationId};
use super::names::{ChannelName, NodeName};
use super::notification::Content;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waits for its first attempt.
    Pending,
    /// A node holds it and may be talking to the provider.
    Sending,
    /// Waits for another attempt.
    Retrying,
    /// The provider accepted it.
    Sent,
    /// Nothing more will be tried.
    Dead,
    /// Not wanted any more before it was sent.
    Canceled,
    /// Its time ran out before it was sent.
    Expired,
}

impl DeliveryState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Sending, Self::Retrying, Self::Sent, Self::Dead, Self::Canceled, Self::Expired];

    /// The word used in the store, the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Retrying => "retrying",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// The state of this word; `failed`, as other systems say, is `dead`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "failed" {
            return Some(Self::Dead);
        }
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Nothing ever leaves this state.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Sent | Self::Dead | Self::Canceled | Self::Expired)
    }

    /// May a delivery go from here to `next`?
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending | Self::Retrying => {
                matches!(next, Self::Sending | Self::Canceled | Self::Expired)
            }
            Self::Sending => matches!(
                next,
                Self::Sent | Self::Retrying | Self::Dead | Self::Pending | Self::Canceled | Self::Expired
            ),
            Self::Sent | Self::Dead | Self::Canceled | Self::Expired => false,
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a delivery is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeadReason {
    /// The provider said never.
    Rejected,
    /// Attempts or age are spent.
    Exhausted,
    /// Workers kept dying over it.
    Poison,
    /// Nobody knows whether it was sent, and the channel asks not to send twice.
    Unknown,
    /// Its channel is no longer configured.
    ChannelRemoved,
}

impl DeadReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Rejected, Self::Exhausted, Self::Poison, Self::Unknown, Self::ChannelRemoved];

    /// The word used in the store, the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Exhausted => "exhausted",
            Self::Poison => "poison",
            Self::Unknown => "unknown",
            Self::ChannelRemoved => "channel_removed",
        }
    }
}

/// Where a message goes on one channel. Printed masked; the provider gets [`Address::expose`].
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(Arc<str>);

impl Address {
    /// The address itself: for the provider and the store, never for logs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Enough to recognise, not enough to use: `a***@example.com`, `+1555***11`. Empty for a channel that
    /// knows its way.
    pub fn masked(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        if let Some((local, domain)) = self.0.rsplit_once('@') {
            let first: String = local.chars().take(1).collect();
            return format!("{first}***@{domain}");
        }
        let letters: Vec<char> = self.0.chars().collect();
        if letters.len() < 8 {
            return "***".to_owned();
        }
        let (head, tail) = (5.min(letters.len() / 3), 2);
        let head: String = letters[..head].iter().collect();
        let tail: String = letters[letters.len() - tail..].iter().collect();
        format!("{head}***{tail}")
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// One recipient on one channel, as planned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Who: a user's name, or the masked address for a bare one.
    pub recipient: Arc<str>,
    /// How.
    pub channel: ChannelName,
    /// Where.
    pub address: Address,
}

/// A dead delivery to repeat as a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// Which.
    pub dead: DeliveryId,
    /// To whom and how from now on; `None`: as before.
    pub to: Option<Target>,
}

impl From<DeliveryId> for Repeat {
    fn from(dead: DeliveryId) -> Self {
        Self { dead, to: None }
    }
}

/// A delivery as it is first written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its id, which is also the idempotency key towards the provider.
    pub id: DeliveryId,
    /// What it tells.
    pub notification: NotificationId,
    /// The incident behind it, if there is one.
    pub incident: Option<u64>,
    /// To whom and how.
    pub target: Target,
    /// Which lane.
    pub priority: Priority,
    /// Not before.
    pub due_at: Timestamp,
    /// Not after.
    pub expires_at: Timestamp,
    /// The dead delivery that this one repeats.
    pub replay_of: Option<DeliveryId>,
    /// How long it waits for others to the same address once one has gone there; `None`: for nobody.
    pub bundle: Option<Duration>,
}

/// A delivery in the hands of a pool: its attempt is already on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Which delivery.
    pub id: DeliveryId,
    /// To whom and how.
    pub target: Target,
    /// What to say.
    pub content: Arc<Content>,
    /// Which lane.
    pub priority: Priority,
    /// Number of this attempt, 1 for the first.
    pub attempt: u32,
    /// How many attempts count so far, this one included: waiting for others costs none.
    pub counted: u32,
    /// How many earlier attempts ended with a dead worker.
    pub crashes: u32,
    /// When the delivery was made.
    pub created_at: Timestamp,
    /// After this it makes no sense.
    pub expires_at: Timestamp,
    /// Deliveries to the same address that go out in the same message.
    pub rest: Vec<Job>,
}

impl Job {
    /// The deliveries of this message, each by itself.
    pub fn each(mut self) -> impl Iterator<Item = Self> {
        let rest = std::mem::take(&mut self.rest);
        iter::once(self).chain(rest)
    }

    /// The ids of the deliveries of this message.
    pub fn ids(&self) -> impl Iterator<Item = DeliveryId> {
        iter::once(self.id).chain(self.rest.iter().map(|job| job.id))
    }

    /// What is sent: everything that its deliveries have to say.
    #[must_use]
    pub fn message(mut self) -> Self {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            let contents = iter::once(self.content).chain(rest.into_iter().map(|job| job.content));
            self.content = Arc::new(Content::Bundle(contents.collect()));
        }
        self
    }
}

/// To whom a job goes and what it says. A clone copies no text.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// To whom and how.
    pub target: Target,
    /// What to say.
    pub content: Arc<Content>,
}

impl About {
    /// What `job` is about.
    pub fn of(job: &Job) -> Self {
        Self { target: job.target.clone(), content: Arc::clone(&job.content) }
    }
}

/// Which running Foghorn holds a row, and in which life of it. A write with an older epoch is
/// refused (I9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The node.
    pub node: NodeName,
    /// Grows with each start of that node.
    pub epoch: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_states_are_absorbing() {
        for from in DeliveryState::ALL.into_iter().filter(|state| state.is_terminal()) {
            for to in DeliveryState::ALL {
                assert!(!from.may_become(to), "{from} → {to}");
            }
        }
    }

    #[test]
    fn nothing_is_sent_without_having_been_sending() {
        for from in DeliveryState::ALL {
            assert_eq!(from.may_become(DeliveryState::Sent), from == DeliveryState::Sending, "{from}");
        }
    }

    #[test]
    fn every_word_reads_back_and_failed_means_dead() {
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::parse(state.as_str()), Some(state));
        }
        assert_eq!(DeliveryState::parse("failed"), Some(DeliveryState::Dead));
        assert_eq!(DeliveryState::parse("gone"), None);
    }

    #[test]
    fn an_address_is_recognisable_but_not_usable() {
        let table = [
            ("ada@example.com", "a***@example.com"),
            ("+15550111", "+15***11"),
            ("+447700900123", "+447***23"),
            ("short", "***"),
            ("", ""),
            ("@example.com", "***@example.com"),
            ("élodie@example.com", "é***@example.com"),
        ];
        for (whole, masked) in table {
            assert_eq!(Address::from(whole).masked(), masked);
        }
    }
}
