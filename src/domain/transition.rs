//! What may happen to an incident, and what an event does to it: one table.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::EventStatus;
use super::incident::IncidentStatus;

/// What happened to an incident: by an event, a person, or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transition {
    /// A new incident.
    Opened,
    /// It was over and is back.
    Reopened,
    /// Still wrong: what is known of it is newer now.
    Updated,
    /// Somebody took it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Nothing to do: over already, or never open.
    Ignored,
    /// Whoever had it has it no more.
    Unacknowledged,
    /// Nobody is to be called for a while.
    Snoozed,
    /// The snooze is over.
    Woken,
    /// The next step of its policy was taken.
    Escalated,
    /// All steps were taken, and nobody answered.
    Exhausted,
    /// A person changed what is known of it.
    Edited,
    /// A person wrote something down.
    Noted,
    /// An event came too late to change anything: its source has spoken of a later moment.
    Late,
}

impl Transition {
    /// Every transition.
    pub const ALL: [Self; 14] = [
        Self::Opened,
        Self::Reopened,
        Self::Updated,
        Self::Acknowledged,
        Self::Resolved,
        Self::Ignored,
        Self::Unacknowledged,
        Self::Snoozed,
        Self::Woken,
        Self::Escalated,
        Self::Exhausted,
        Self::Edited,
        Self::Noted,
        Self::Late,
    ];

    /// The word used in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Updated => "updated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Ignored => "ignored",
            Self::Unacknowledged => "unacknowledged",
            Self::Snoozed => "snoozed",
            Self::Woken => "woken",
            Self::Escalated => "escalated",
            Self::Exhausted => "exhausted",
            Self::Edited => "edited",
            Self::Noted => "noted",
            Self::Late => "late",
        }
    }
}

/// What an event would do, given where the newest incident of its key stands.
///
/// `since_resolved` is how long ago that was over; `None` if it is not.
pub fn transition(
    current: Option<IncidentStatus>,
    event: EventStatus,
    since_resolved: Option<Duration>,
    dedup_window: Duration,
) -> Transition {
    use IncidentStatus as Is;
    match (current, event) {
        (None, EventStatus::Open) => Transition::Opened,
        (None, EventStatus::Acknowledged | EventStatus::Resolved) => Transition::Ignored,
        (Some(Is::Resolved), EventStatus::Open) => {
            if since_resolved.is_some_and(|age| age > dedup_window) {
                Transition::Opened
            } else {
                Transition::Reopened
            }
        }
        (Some(Is::Resolved), EventStatus::Acknowledged | EventStatus::Resolved) => Transition::Ignored,
        (Some(Is::Open), EventStatus::Acknowledged) => Transition::Acknowledged,
        (Some(Is::Open | Is::Acknowledged), EventStatus::Resolved) => Transition::Resolved,
        (Some(Is::Open | Is::Acknowledged), EventStatus::Open)
        | (Some(Is::Acknowledged), EventStatus::Acknowledged) => Transition::Updated,
    }
}
