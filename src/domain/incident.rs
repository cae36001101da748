//! The incident state machine: `open → acknowledged → resolved`, and back to `open` when the same
//! thing goes wrong again inside the dedup window, or when a person says so.
//!
//! Events of one incident apply in the order the source gave them (I4). Every application that
//! changes something makes a new `version`, and each version has one timeline entry.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::dedup::Keyspace;
use super::event::{EventStatus, IncidentEvent, Link};
use super::ids::IncidentId;
use super::late::SourceClock;
use super::names::{PolicyName, RouteName, SourceName};
use super::policy::Position;
use super::severity::Severity;
pub use super::transition::{Transition, transition};

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    /// It is wrong and nobody has it.
    Open,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl IncidentStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// The word used in the store, the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// The status of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for IncidentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether it makes sense to call for somebody now. Kept with the incident, so that a delivery is
/// judged without knowing the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calls {
    /// People are called.
    On,
    /// Somebody has it, it is snoozed, or it is over.
    Off,
}

impl Calls {
    /// Both.
    pub const ALL: [Self; 2] = [Self::On, Self::Off];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Unique for ever.
    pub id: IncidentId,
    /// What people say aloud; grows by one with each incident.
    pub number: u64,
    /// Grows by one with each change.
    pub version: u64,
    /// Same key = same incident.
    pub dedup_key: String,
    /// Where the key counts.
    pub keyspace: Keyspace,
    /// Where it stands.
    pub status: IncidentStatus,
    /// How bad.
    pub severity: Severity,
    /// In one line.
    pub title: String,
    /// What it is about.
    pub service: Option<String>,
    /// More words.
    pub description: Option<String>,
    /// Labels of the last event.
    pub labels: BTreeMap<String, String>,
    /// Links of the last event.
    pub links: Vec<Link>,
    /// Which source opened it.
    pub source: SourceName,
    /// Which route took it; `None` if no route matched.
    pub route: Option<RouteName>,
    /// Which policy tells people.
    pub policy: Option<PolicyName>,
    /// How many events it has had.
    pub event_count: u64,
    /// Start of this episode.
    pub opened_at: Timestamp,
    /// When somebody took it in this episode.
    pub acknowledged_at: Option<Timestamp>,
    /// Who took it: a person, or a source.
    pub acknowledged_by: Option<Arc<str>>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Who ended it: a person, a source, or time.
    pub resolved_by: Option<Arc<str>>,
    /// When the last event arrived.
    pub last_event_at: Timestamp,
    /// Who works on it.
    pub assignee: Option<Arc<str>>,
    /// Nobody is called before.
    pub snoozed_until: Option<Timestamp>,
    /// Whether people are called.
    pub calls: Calls,
    /// The next step of its policy.
    pub position: Position,
    /// When people were last called.
    pub called_at: Option<Timestamp>,
    /// Since when nobody is shown it any more. Its number is not given again.
    pub deleted_at: Option<Timestamp>,
    /// When all this happened, as its source says.
    pub clock: SourceClock,
}

impl Incident {
    /// A new incident, not routed yet.
    pub fn open(
        id: IncidentId,
        number: u64,
        event: &IncidentEvent,
        source: &SourceName,
        now: Timestamp,
    ) -> Self {
        let mut clock = SourceClock::default();
        clock.begin(event.occurred_at, now);
        Self {
            id,
            number,
            version: 1,
            dedup_key: event.dedup_key.clone(),
            keyspace: event.keyspace,
            status: IncidentStatus::Open,
            severity: event.severity,
            title: event.title.clone(),
            service: event.service.clone(),
            description: event.description.clone(),
            labels: event.labels.clone(),
            links: event.links.clone(),
            source: source.clone(),
            route: None,
            policy: None,
            event_count: 1,
            opened_at: now,
            acknowledged_at: None,
            acknowledged_by: None,
            resolved_at: None,
            resolved_by: None,
            last_event_at: now,
            assignee: None,
            snoozed_until: None,
            calls: Calls::On,
            position: Position::default(),
            called_at: None,
            deleted_at: None,
            clock,
        }
    }

    /// What `event` of `source` would do to this incident at `now`.
    pub fn transition(
        &self,
        event: &IncidentEvent,
        source: &SourceName,
        now: Timestamp,
        dedup_window: Duration,
    ) -> Transition {
        if *source == self.source && self.clock.is_past(event.status, event.occurred_at) {
            return Transition::Late;
        }
        self.transition_in_order(event.status, now, dedup_window)
    }

    /// The same for an event that is not late.
    pub fn transition_in_order(
        &self,
        event: EventStatus,
        now: Timestamp,
        dedup_window: Duration,
    ) -> Transition {
        let since_resolved = self
            .resolved_at
            .map(|resolved| Duration::try_from(now.duration_since(resolved)).unwrap_or_default());
        transition(Some(self.status), event, since_resolved, dedup_window)
    }

    /// Applies a transition that [`Self::transition`] gave for an `event` of `source`.
    /// [`Transition::Opened`] and [`Transition::Ignored`] belong to no existing incident and change
    /// nothing, and no event makes any other than those of a status.
    pub fn apply(
        &mut self,
        transition: Transition,
        event: &IncidentEvent,
        source: &SourceName,
        now: Timestamp,
    ) {
        match transition {
            Transition::Reopened => {
                self.reopen(now);
                self.restate(event);
                if *source == self.source {
                    self.clock.begin(event.occurred_at, now);
                }
            }
            Transition::Updated => self.restate(event),
            Transition::Acknowledged => self.acknowledge(source.as_str().into(), now),
            Transition::Resolved => self.resolve(source.as_str().into(), now),
            Transition::Late => {}
            _ => return,
        }
        self.hear(event, source, now);
        self.version += 1;
        self.event_count += 1;
        self.last_event_at = now;
    }

    /// One of the things that it stands for changed, at `now`: it is as bad as the worst of them was.
    pub fn gather(&mut self, event: &IncidentEvent, now: Timestamp) {
        if event.status == EventStatus::Open {
            self.severity = self.severity.min(event.severity);
        }
        self.version += 1;
        self.event_count += 1;
        self.last_event_at = now;
    }

    /// What `source` speaks of is known from now on.
    pub fn hear(&mut self, event: &IncidentEvent, source: &SourceName, now: Timestamp) {
        if *source == self.source && event.status != EventStatus::Acknowledged {
            self.clock.hear(event.occurred_at, now);
        }
    }

    /// A new episode begins.
    pub fn reopen(&mut self, now: Timestamp) {
        self.status = IncidentStatus::Open;
        self.opened_at = now;
        (self.acknowledged_at, self.acknowledged_by) = (None, None);
        (self.resolved_at, self.resolved_by) = (None, None);
        self.snoozed_until = None;
        self.calls = Calls::On;
        self.position = Position::default();
    }

    /// Somebody takes it. Whether paging goes on its policy says.
    pub fn acknowledge(&mut self, by: Arc<str>, now: Timestamp) {
        self.status = IncidentStatus::Acknowledged;
        (self.acknowledged_at, self.acknowledged_by) = (Some(now), Some(by));
    }

    /// It is over.
    pub fn resolve(&mut self, by: Arc<str>, now: Timestamp) {
        self.status = IncidentStatus::Resolved;
        (self.resolved_at, self.resolved_by) = (Some(now), Some(by));
        self.snoozed_until = None;
        self.calls = Calls::Off;
    }

    /// Was it too old to call anybody for when it opened, and has nothing newer been heard since?
    pub fn waits_for_news(&self) -> bool {
        self.status == IncidentStatus::Open && self.calls == Calls::Off && self.snoozed_until.is_none()
    }

    fn restate(&mut self, event: &IncidentEvent) {
        self.severity = event.severity;
        self.title.clone_from(&event.title);
        self.description.clone_from(&event.description);
        self.labels.clone_from(&event.labels);
        self.links.clone_from(&event.links);
        if event.service.is_some() {
            self.service.clone_from(&event.service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: Duration = Duration::from_secs(100);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn event(status: EventStatus) -> IncidentEvent {
        IncidentEvent {
            title: "disk full".into(),
            severity: Severity::High,
            status,
            service: None,
            dedup_key: "disk".into(),
            keyspace: Keyspace::Shared,
            description: None,
            labels: BTreeMap::new(),
            links: Vec::new(),
            occurred_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn the_whole_machine_is_this_table() {
        use EventStatus as E;
        use IncidentStatus as I;
        use Transition as T;
        let recent = Some(WINDOW);
        let old = Some(WINDOW + Duration::from_secs(1));
        let table = [
            (None, E::Open, None, T::Opened),
            (None, E::Acknowledged, None, T::Ignored),
            (None, E::Resolved, None, T::Ignored),
            (Some(I::Open), E::Open, None, T::Updated),
            (Some(I::Open), E::Acknowledged, None, T::Acknowledged),
            (Some(I::Open), E::Resolved, None, T::Resolved),
            (Some(I::Acknowledged), E::Open, None, T::Updated),
            (Some(I::Acknowledged), E::Acknowledged, None, T::Updated),
            (Some(I::Acknowledged), E::Resolved, None, T::Resolved),
            (Some(I::Resolved), E::Open, recent, T::Reopened),
            (Some(I::Resolved), E::Open, old, T::Opened),
            (Some(I::Resolved), E::Acknowledged, recent, T::Ignored),
            (Some(I::Resolved), E::Resolved, old, T::Ignored),
        ];
        for (current, said, since, expected) in table {
            assert_eq!(transition(current, said, since, WINDOW), expected, "{current:?} {said:?}");
        }
    }

    #[test]
    fn reopening_starts_a_new_episode_of_the_same_incident() {
        let (id, api) = (IncidentId::new(at(0), 1), SourceName::from("api"));
        let mut incident = Incident::open(id, 7, &event(EventStatus::Open), &api, at(0));
        incident.apply(Transition::Acknowledged, &event(EventStatus::Acknowledged), &api, at(1));
        assert_eq!(incident.acknowledged_by.as_deref(), Some("api"));
        incident.apply(Transition::Resolved, &event(EventStatus::Resolved), &api, at(2));
        assert_eq!(incident.calls, Calls::Off);
        incident.apply(Transition::Reopened, &event(EventStatus::Open), &api, at(3));
        assert_eq!(incident.calls, Calls::On);
        assert_eq!(incident.number, 7);
        assert_eq!(incident.version, 4);
        assert_eq!(incident.event_count, 4);
        assert_eq!(incident.opened_at, at(3));
        assert_eq!((incident.acknowledged_at, incident.resolved_at), (None, None));
    }

    /// The reference model: nothing but the status and the moment of resolution.
    #[derive(Default)]
    struct Reference {
        status: Option<EventStatus>,
        resolved: i64,
        incidents: u64,
    }

    impl Reference {
        fn say(&mut self, said: EventStatus, now: i64) {
            match (self.status, said) {
                (None, EventStatus::Open) => self.incidents += 1,
                (None, _) => return,
                (Some(EventStatus::Resolved), EventStatus::Open) => {
                    if now - self.resolved > 100 {
                        self.incidents += 1;
                    }
                }
                (Some(EventStatus::Resolved), _) => return,
                (Some(EventStatus::Acknowledged), EventStatus::Open) => return,
                (Some(_), EventStatus::Resolved) => self.resolved = now,
                (Some(_), _) => {}
            }
            self.status = Some(said);
        }
    }

    fn any_status() -> impl Strategy<Value = EventStatus> {
        prop::sample::select(EventStatus::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn every_history_ends_where_the_reference_ends(
            history in prop::collection::vec((any_status(), 0_i64..80), 0..60),
        ) {
            let (mut reference, mut current, mut now) = (Reference::default(), None::<Incident>, 0);
            for (said, wait) in history {
                now += wait;
                reference.say(said, now);
                let event = event(said);
                let change = current.as_ref().map_or_else(
                    || transition(None, said, None, WINDOW),
                    |incident| incident.transition(&event, &"api".into(), at(now), WINDOW),
                );
                let number = current.as_ref().map_or(0, |incident| incident.number);
                let version = current.as_ref().map_or(0, |incident| incident.version);
                match (&mut current, change) {
                    (_, Transition::Opened) => {
                        let id = IncidentId::new(at(now), 1);
                        current = Some(Incident::open(id, number + 1, &event, &"api".into(), at(now)));
                    }
                    (Some(incident), change) => {
                        incident.apply(change, &event, &"api".into(), at(now));
                        let expected = version + u64::from(change != Transition::Ignored);
                        prop_assert_eq!(incident.version, expected);
                    }
                    (None, change) => prop_assert_eq!(change, Transition::Ignored),
                }
                let status = current.as_ref().map(|incident| incident.status.as_str());
                prop_assert_eq!(status, reference.status.map(EventStatus::as_str));
                prop_assert_eq!(current.as_ref().map_or(0, |i| i.number), reference.incidents);
            }
        }
    }
}
