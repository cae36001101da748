//! Incidents that stand for several things that are wrong: a route with `group_by` makes one incident of
//! everything that has the same values there, however many dedup keys it has.
//!
//! Each dedup key is a *member*, and has its own standing and its own clock. The incident is over when
//! all of its members are; whoever takes it takes all of it.

use serde::Serialize;

use super::Timestamp;
use super::dedup::{DedupKey, Keyspace};
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
    /// Where that counts.
    pub keyspace: Keyspace,
    /// Who spoke of it first.
    pub source: SourceName,
    /// Where it stands.
    pub status: MemberStatus,
    /// When all this happened, as its source says.
    pub clock: SourceClock,
    /// While it is wrong: it is over by then, unless it is said again before.
    pub expires_at: Option<Timestamp>,
}

impl Member {
    /// What `event` of `source` makes wrong.
    pub fn new(incident: u64, event: &IncidentEvent, source: &SourceName, now: Timestamp) -> Self {
        let mut clock = SourceClock::default();
        clock.begin(event.occurred_at, now);
        Self {
            incident,
            dedup_key: event.dedup_key.clone(),
            keyspace: event.keyspace,
            source: source.clone(),
            status: MemberStatus::Wrong,
            clock,
            expires_at: event.expires_at,
        }
    }

    /// Its key, which no other member has.
    pub fn key(&self) -> DedupKey {
        DedupKey::new(&self.dedup_key, self.keyspace, &self.source)
    }

    /// Is it what `event` of `source` is about? A source's own word reaches all that the source began.
    pub fn is_meant(&self, event: &IncidentEvent, source: &SourceName) -> bool {
        self.dedup_key == event.dedup_key
            && match event.keyspace {
                Keyspace::Shared => self.keyspace == Keyspace::Shared,
                Keyspace::Source => self.source == *source,
            }
    }

    /// What is said of it counts from now on.
    pub fn hear(&mut self, event: &IncidentEvent, source: &SourceName, now: Timestamp) {
        match event.status {
            EventStatus::Open => {
                self.status = MemberStatus::Wrong;
                self.expires_at = event.expires_at;
            }
            EventStatus::Resolved => self.end(),
            EventStatus::Acknowledged => return,
        }
        if *source == self.source {
            self.clock.hear(event.occurred_at, now);
        }
    }

    /// It is over.
    pub fn end(&mut self) {
        self.status = MemberStatus::Over;
        self.expires_at = None;
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
    let own = members.iter().find(|member| member.is_meant(event, source));
    let is_past =
        |member: &Member| member.source == *source && member.clock.is_past(event.status, event.occurred_at);
    if own.is_some_and(is_past) {
        return Transition::Late;
    }
    let others_are_wrong =
        members.iter().any(|member| !member.is_meant(event, source) && member.status == MemberStatus::Wrong);
    match alone {
        Transition::Resolved if others_are_wrong && incident.status != IncidentStatus::Resolved => {
            Transition::Updated
        }
        other => other,
    }
}

/// `disk-3 is over: 2 of 5 are wrong`
pub fn words(members: &[Member], event: &IncidentEvent, source: &SourceName) -> String {
    let own = members.iter().find(|member| member.is_meant(event, source));
    let status = own.map_or(MemberStatus::Wrong, |member| member.status).as_str();
    format!("{} is {status}: {}", event.dedup_key, standing(members))
}

/// `2 of 5 are wrong`
fn standing(members: &[Member]) -> String {
    let wrong = members.iter().filter(|member| member.status == MemberStatus::Wrong).count();
    format!("{wrong} of {} are wrong", members.len())
}

/// When the first of those that are wrong is over by itself.
pub fn expires_at(members: &[Member]) -> Option<Timestamp> {
    let wrong = members.iter().filter(|member| member.status == MemberStatus::Wrong);
    wrong.filter_map(|member| member.expires_at).min()
}

/// What ran out by `now`, and was not said again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOut {
    /// These, as they are from now on.
    pub over: Vec<Member>,
    /// When the next one does; `None` if nothing is left that would.
    pub next: Option<Timestamp>,
    /// Whether anything is wrong still.
    pub goes_on: bool,
    /// `disk-3 was said to last until …, and was not said again: 2 of 5 are wrong`
    pub words: String,
}

/// Ends those of `members` that ran out by `now`.
pub fn run_out(mut members: Vec<Member>, now: Timestamp) -> RunOut {
    let ran_out = |member: &Member| {
        member.status == MemberStatus::Wrong && member.expires_at.is_some_and(|moment| moment <= now)
    };
    let (mut over, mut until) = (Vec::new(), Timestamp::MIN);
    for member in members.iter_mut().filter(|member| ran_out(member)) {
        until = until.max(member.expires_at.unwrap_or(until));
        member.end();
        over.push(member.clone());
    }
    let (what, was) = match over.as_slice() {
        [one] => (one.dedup_key.clone(), "was"),
        several => (format!("{} of them", several.len()), "were"),
    };
    let until = until.strftime("%Y-%m-%d %H:%M:%S UTC");
    let standing = standing(&members);
    let words = format!("{what} {was} said to last until {until}, and {was} not said again: {standing}");
    let goes_on = members.iter().any(|member| member.status == MemberStatus::Wrong);
    RunOut { over, next: expires_at(&members), goes_on, words }
}
