//! Events, plans and batches as tests say them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::Timestamp;
use foghorn::domain::acceptance::{Accept, IncidentRules};
use foghorn::domain::dedup::Keyspace;
use foghorn::domain::delivery::{DeliveryState, Job, Lease, Target};
use foghorn::domain::event::{
    Body, Event, EventStatus, IncidentEvent, Link, NotificationRequest, Position, Priority, RequestText,
};
use foghorn::domain::ids::{DeliveryId, EventId};
use foghorn::domain::query::DeliveryQuery;
use foghorn::domain::routes::{Plan, PlannedDelivery, StepPlan};
use foghorn::domain::severity::Severity;
use foghorn::store::Paging;
use foghorn::store::batch::{Adopt, Attempted, Batch, Claim, Lesson, Next};

/// When tests happen.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

/// So many seconds after [`NOW`].
pub(crate) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW.as_second() + seconds).unwrap()
}

pub(crate) fn rules() -> IncidentRules {
    let dedup_window = Duration::from_secs(3600);
    IncidentRules { dedup_window, flap_window: Duration::ZERO, ..IncidentRules::default() }
}

pub(crate) fn batch(lease: &Lease) -> Batch {
    Batch::empty(lease.clone(), NOW, rules())
}

/// One event, and what is planned for it.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) offset: i64,
    pub(crate) key: &'static str,
    pub(crate) keyspace: Keyspace,
    pub(crate) status: EventStatus,
    pub(crate) severity: Severity,
    pub(crate) producer_id: Option<&'static str>,
    pub(crate) raw: Vec<u8>,
    /// `channel:address`
    pub(crate) to: Vec<&'static str>,
    pub(crate) due_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When it happened, as the source says.
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) source: &'static str,
    pub(crate) bundle: Option<Duration>,
    pub(crate) group: Option<&'static str>,
    /// Its sender says that it is over by then.
    pub(crate) lasts_until: Option<Timestamp>,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            offset: 0,
            key: "disk",
            keyspace: Keyspace::Shared,
            status: EventStatus::Open,
            severity: Severity::High,
            producer_id: None,
            raw: br#"{"title":"disk \"full\"\u0000"}"#.to_vec(),
            to: vec!["email:ada@example.com"],
            due_at: NOW,
            expires_at: after(3600),
            occurred_at: None,
            source: "kafka",
            bundle: None,
            group: None,
            lasts_until: None,
        }
    }
}

pub(crate) fn open(offset: i64) -> Said {
    Said { offset, ..Said::default() }
}

pub(crate) fn resolved(offset: i64) -> Said {
    Said { offset, status: EventStatus::Resolved, ..Said::default() }
}

impl Said {
    pub(crate) fn about(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    pub(crate) fn to(self, to: &[&'static str]) -> Self {
        Self { to: to.to_vec(), ..self }
    }

    pub(crate) fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    pub(crate) fn due(self, due_at: Timestamp) -> Self {
        Self { due_at, ..self }
    }

    /// It happened so many seconds after [`NOW`].
    pub(crate) fn at(self, seconds: i64) -> Self {
        Self { occurred_at: Some(after(seconds)), ..self }
    }

    /// It waits so many seconds for others to the same address.
    pub(crate) fn bundled(self, seconds: u64) -> Self {
        Self { bundle: Some(Duration::from_secs(seconds)), ..self }
    }

    /// It is one incident with everything else of this group.
    pub(crate) fn of_group(self, group: &'static str) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Its key counts in its source alone.
    pub(crate) fn of_its_own(self) -> Self {
        Self { keyspace: Keyspace::Source, ..self }
    }

    /// It is over so many seconds after [`NOW`], unless it is said again.
    pub(crate) fn lasts(self, seconds: i64) -> Self {
        Self { lasts_until: Some(after(seconds)), ..self }
    }

    pub(crate) fn by(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    pub(crate) fn expires(self, expires_at: Timestamp) -> Self {
        Self { expires_at, ..self }
    }

    pub(crate) fn id(self, id: &'static str, raw: &str) -> Self {
        Self { producer_id: Some(id), raw: raw.as_bytes().to_vec(), ..self }
    }

    fn planned(&self) -> Vec<PlannedDelivery> {
        let planned = self.to.iter().map(|to| {
            let (channel, address) = to.split_once(':').unwrap();
            let target = Target { recipient: "ada".into(), channel: channel.into(), address: address.into() };
            PlannedDelivery { target, due_at: self.due_at, expires_at: self.expires_at, bundle: self.bundle }
        });
        planned.collect()
    }

    fn event(&self, body: Body) -> Arc<Event> {
        Arc::new(Event {
            id: EventId::new(NOW, fastrand::u128(..)),
            source: self.source.into(),
            position: Position::Kafka {
                topic: "incidents".into(),
                partition: 0,
                offset: self.offset,
                timestamp_ms: 7,
            },
            producer_id: self.producer_id.map(str::to_owned),
            traceparent: None,
            received_at: NOW,
            came_back: 0,
            body,
            raw: self.raw.clone().into(),
        })
    }

    /// As an event about an incident.
    pub(crate) fn accept(&self) -> Accept {
        let body = IncidentEvent {
            title: format!("{} \"full\" — ünïcode 🚨", self.key),
            severity: self.severity,
            status: self.status,
            service: Some("checkout".to_owned()),
            dedup_key: self.key.to_owned(),
            keyspace: self.keyspace,
            description: None,
            labels: BTreeMap::from([("zone".to_owned(), "a'b\\c".to_owned())]),
            links: vec![Link { text: "graph".to_owned(), url: "https://example.com/?a=1&b=\"".to_owned() }],
            occurred_at: self.occurred_at,
            expires_at: self.lasts_until,
        };
        let plan = Plan::Routed {
            route: "all".into(),
            group: self.group.map(str::to_owned),
            step: StepPlan {
                policy: "everybody".into(),
                position: Default::default(),
                deliveries: self.planned(),
                withheld: Vec::new(),
                silenced_until: None,
            },
        };
        Accept { event: self.event(Body::Incident(body)), plan: Arc::new(plan) }
    }

    /// As a direct notification.
    pub(crate) fn direct(&self) -> Accept {
        let body = NotificationRequest {
            of: None,
            to: vec!["ada".to_owned()],
            via: vec!["email".into()],
            whose: Default::default(),
            text: words(),
            priority: Priority::Normal,
            send_at: None,
            expires_at: None,
            digest: None,
        };
        let (deliveries, locales) = (self.planned(), Default::default());
        let plan = Plan::Direct { deliveries, withheld: Vec::new(), locales };
        Accept { event: self.event(Body::Notification(body)), plan: Arc::new(plan) }
    }
}

/// What [`Said::direct`] says.
pub(crate) fn words() -> RequestText {
    RequestText::Plain { subject: "hello".to_owned(), body: "it's \"fine\"\n".to_owned() }
}

pub(crate) fn claim(channel: &str, limit: usize) -> Claim {
    Claim { channel: channel.into(), limit, adopt: Adopt::Nothing, holding: Vec::new() }
}

pub(crate) fn adopting(channel: &str, adopt: Adopt, holding: &[DeliveryId]) -> Claim {
    Claim { adopt, holding: holding.to_vec(), ..claim(channel, 100) }
}

/// How `job` ended.
pub(crate) fn ended(job: &Job, outcome: &'static str, next: Next) -> Attempted {
    Attempted {
        id: job.id,
        attempt: job.attempt,
        at: after(1),
        took_ms: 12,
        outcome,
        code: "250".to_owned(),
        detail: "ok; \"quoted\"".to_owned(),
        provider_id: Some("<1@mx>".to_owned()),
        next,
        moved_to: None,
        lesson: Lesson::Nothing,
        about: None,
    }
}

pub(crate) fn all() -> Paging {
    Paging { before: None, limit: 200 }
}

pub(crate) fn of_state(state: DeliveryState) -> DeliveryQuery {
    DeliveryQuery::default().in_states(&[state])
}
