//! Events, plans and batches as tests say them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::Timestamp;
use foghorn::domain::acceptance::{Accept, IncidentRules};
use foghorn::domain::delivery::{DeliveryState, Job, Lease, Target};
use foghorn::domain::event::{
    Body, Event, EventStatus, IncidentEvent, Link, NotificationRequest, Position, Priority, RequestText,
};
use foghorn::domain::ids::{DeliveryId, EventId};
use foghorn::domain::query::DeliveryQuery;
use foghorn::domain::routes::{OnResolve, Plan, PlannedDelivery};
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
    IncidentRules { dedup_window: Duration::from_secs(3600) }
}

pub(crate) fn batch(lease: &Lease) -> Batch {
    Batch::empty(lease.clone(), NOW, rules())
}

/// One event, and what is planned for it.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) offset: i64,
    pub(crate) key: &'static str,
    pub(crate) status: EventStatus,
    pub(crate) severity: Severity,
    pub(crate) producer_id: Option<&'static str>,
    pub(crate) raw: Vec<u8>,
    /// `channel:address`
    pub(crate) to: Vec<&'static str>,
    pub(crate) due_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            offset: 0,
            key: "disk",
            status: EventStatus::Open,
            severity: Severity::High,
            producer_id: None,
            raw: br#"{"title":"disk \"full\"\u0000"}"#.to_vec(),
            to: vec!["email:ada@example.com"],
            due_at: NOW,
            expires_at: after(3600),
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
            PlannedDelivery { target, due_at: self.due_at, expires_at: self.expires_at }
        });
        planned.collect()
    }

    fn event(&self, body: Body) -> Arc<Event> {
        Arc::new(Event {
            id: EventId::new(NOW, fastrand::u128(..)),
            source: "kafka".into(),
            position: Position::Kafka {
                topic: "incidents".into(),
                partition: 0,
                offset: self.offset,
                timestamp_ms: 7,
            },
            producer_id: self.producer_id.map(str::to_owned),
            traceparent: None,
            received_at: NOW,
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
            description: None,
            labels: BTreeMap::from([("zone".to_owned(), "a'b\\c".to_owned())]),
            links: vec![Link { text: "graph".to_owned(), url: "https://example.com/?a=1&b=\"".to_owned() }],
            occurred_at: None,
        };
        let plan = Plan::Routed {
            route: "all".into(),
            policy: "everybody".into(),
            on_resolve: OnResolve::Notify,
            deliveries: self.planned(),
            unreachable: Vec::new(),
        };
        Accept { event: self.event(Body::Incident(body)), plan: Arc::new(plan) }
    }

    /// As a direct notification.
    pub(crate) fn direct(&self) -> Accept {
        let body = NotificationRequest {
            to: vec!["ada".to_owned()],
            via: vec!["email".into()],
            text: words(),
            priority: Priority::Normal,
            send_at: None,
            expires_at: None,
        };
        let plan = Plan::Direct { deliveries: self.planned(), unreachable: Vec::new() };
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
