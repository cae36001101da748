//! Incidents that stand for several things that are wrong: a route with `group_by` makes one incident of
//! everything that has the same values there, however many dedup keys it has.
//!
//! Each dedup key is a *member*, and has its own standing and its own clock. The incident is over when
//! all of its members are; whoever takes it takes all of it.

use serde::Serialize;

use super::Timestamp;
use super::event::{EventStatus, IncidentEvent};
use super::incident::{Incident, IncidentStatus, Transition};
use super::late::SourceClock;
use super::names::{RouteName, SourceName};
use super::routes::Field;

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// It is wrong.
    Wrong,
    /// It is over.
    Over,
}

impl MemberStatus {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Wrong, Self::Over];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Over => "over",
        }
    }
}

/// One of the things that an incident stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The incident.
    pub incident: u64,
    /// What senders call it.
    pub dedup_key: String,
    /// Who spoke of it first.
    pub source: SourceName,
    /// Where it stands.
    pub status: MemberStatus,
    /// When all this happened, as its source says.
    pub clock: SourceClock,
}

impl Member {
    /// What `event` of `source` makes wrong.
    pub fn new(incident: u64, event: &IncidentEvent, source: &SourceName, now: Timestamp) -> Self {
        let mut clock = SourceClock::default();
        clock.begin(event.occurred_at, now);
        let (dedup_key, source) = (event.dedup_key.clone(), source.clone());
        Self { incident, dedup_key, source, status: MemberStatus::Wrong, clock }
    }

    /// What is said of it counts from now on.
    pub fn hear(&mut self, event: &IncidentEvent, source: &SourceName, now: Timestamp) {
        match event.status {
            EventStatus::Open => self.status = MemberStatus::Wrong,
            EventStatus::Resolved => self.status = MemberStatus::Over,
            EventStatus::Acknowledged => return,
        }
        if *source == self.source {
            self.clock.hear(event.occurred_at, now);
        }
    }
}

/// What all have in common that `by` makes one incident: its dedup key. `None` if each is by itself.
pub fn key(route: &RouteName, by: &[Field], event: &IncidentEvent, source: &SourceName) -> Option<String> {
    let values = by.iter().map(|field| format!("{field}={}", field.of(event, source).unwrap_or_default()));
    let values: Vec<String> = values.collect();
    (!by.is_empty()).then(|| format!("{route}: {}", values.join(", ")))
}

/// What `event` of `source` does to `incident`, which `members` are part of, given what it would do to one
/// that stands for nothing else.
pub fn transition(
    alone: Transition,
    members: &[Member],
    incident: &Incident,
    event: &IncidentEvent,
    source: &SourceName,
) -> Transition {
    let own = members.iter().find(|member| member.dedup_key == event.dedup_key);
    let is_past =
        |member: &Member| member.source == *source && member.clock.is_past(event.status, event.occurred_at);
    if own.is_some_and(is_past) {
        return Transition::Late;
    }
    let others_are_wrong = members
        .iter()
        .any(|member| member.dedup_key != event.dedup_key && member.status == MemberStatus::Wrong);
    match alone {
        Transition::Resolved if others_are_wrong && incident.status != IncidentStatus::Resolved => {
            Transition::Updated
        }
        other => other,
    }
}

/// `disk-3 is over: 2 of 5 are wrong`
pub fn words(members: &[Member], dedup_key: &str) -> String {
    let own = members.iter().find(|member| member.dedup_key == dedup_key);
    let status = own.map_or(MemberStatus::Wrong, |member| member.status).as_str();
    let wrong = members.iter().filter(|member| member.status == MemberStatus::Wrong).count();
    format!("{dedup_key} is {status}: {wrong} of {} are wrong", members.len())
}
