//! Timers of incidents: what is to be looked at later. A timer is a row, one of each kind for an
//! incident; whoever fires it looks at the incident again in the same transaction, so that it fires
//! once, and not at all if it makes no sense any more (I7, I12).

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The next step of the policy.
    Step,
    /// Somebody took it and it goes on for too long.
    AckTimeout,
    /// The snooze ends.
    Snooze,
    /// Nothing was heard of it any more.
    AutoResolve,
    /// Its sender said how long it lasts, and did not say it again.
    Expiry,
}

impl TimerKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Step, Self::AckTimeout, Self::Snooze, Self::AutoResolve, Self::Expiry];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::AckTimeout => "ack_timeout",
            Self::Snooze => "snooze",
            Self::AutoResolve => "auto_resolve",
            Self::Expiry => "expiry",
        }
    }

    /// The kind of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A timer that is armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Timer {
    /// Of which incident.
    pub incident: u64,
    /// What for.
    pub kind: TimerKind,
    /// Not before.
    pub due_at: Timestamp,
}

/// What is to become of a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerChange {
    /// Of which incident.
    pub incident: u64,
    /// Which.
    pub kind: TimerKind,
    /// When it is due; `None`: it is not wanted any more.
    pub due_at: Option<Timestamp>,
}
