//! Jobs as a pool hands them to a channel, and channels without a pool.

use std::collections::BTreeMap;
use std::sync::Arc;

use foghorn::channels::outbox::Outbox;
use foghorn::channels::{Channel, Surroundings, channel_type};
use foghorn::clock::Clock;
use foghorn::domain::Timestamp;
use foghorn::domain::delivery::{Job, Target};
use foghorn::domain::event::{Link, Priority, RequestText};
use foghorn::domain::fault::{Failure, Fault, Outcome};
use foghorn::domain::ids::{DeliveryId, IncidentId};
use foghorn::domain::incident::IncidentStatus;
use foghorn::domain::notification::{Content, IncidentFacts, NotificationKind};
use foghorn::domain::severity::Severity;
use foghorn::render::Templates;

/// The moment at which all tests of channels take place.
pub(crate) const NOW: &str = "2026-11-21T14:02:11Z";

/// The text of an incident that would page somebody.
pub(crate) fn facts(kind: NotificationKind) -> IncidentFacts {
    let opened_at: Timestamp = "2026-11-21T14:02:10Z".parse().unwrap();
    let is_over = kind == NotificationKind::Resolved;
    IncidentFacts {
        kind,
        id: IncidentId::new(opened_at, 7),
        number: 1042,
        version: 3,
        title: "5xx rate above 5%".to_owned(),
        severity: Severity::Critical,
        status: if is_over { IncidentStatus::Resolved } else { IncidentStatus::Open },
        service: Some("checkout-api".to_owned()),
        description: Some("12.4% of requests failed".to_owned()),
        labels: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
        links: vec![Link { text: "Runbook".to_owned(), url: "https://wiki.example.com/checkout".to_owned() }],
        source: "prometheus".to_owned(),
        policy: Some("payments".into()),
        event_count: 9,
        opened_at,
        resolved_at: is_over.then(|| "2026-11-21T14:16:10Z".parse().unwrap()),
        acknowledged_by: None,
    }
}

/// A job about an incident.
pub(crate) fn incident(to: &str, facts: IncidentFacts) -> Job {
    job(to, Content::Incident(Box::new(facts)))
}

/// A job that says `body`.
pub(crate) fn direct(to: &str, subject: &str, body: &str) -> Job {
    job(to, Content::Direct(RequestText::Plain { subject: subject.to_owned(), body: body.to_owned() }))
}

/// A job of any content.
pub(crate) fn job(to: &str, content: Content) -> Job {
    let created_at: Timestamp = NOW.parse().unwrap();
    Job {
        id: DeliveryId::new(created_at, fastrand::u128(..)),
        target: Target { recipient: "ada".into(), channel: "mail".into(), address: to.into() },
        content: Arc::new(content),
        priority: Priority::Normal,
        attempt: 1,
        counted: 1,
        crashes: 0,
        created_at,
        expires_at: "2026-11-21T15:02:11Z".parse().unwrap(),
        rest: Vec::new(),
    }
}

/// What a channel is surrounded by in these tests.
pub(crate) fn surroundings() -> Surroundings {
    Surroundings {
        server_name: "fog-1".to_owned(),
        public_url: "https://foghorn.example.com".to_owned(),
        outbox: Arc::new(Outbox::default()),
        templates: Arc::new(Templates::default()),
        locales: Arc::default(),
        links: None,
        clock: Clock::starting_at(NOW.parse().unwrap()),
        workers: 4,
    }
}

/// The channel of these settings; panics with what is wrong with them.
pub(crate) fn channel(
    kind: &str,
    provider: &str,
    settings: &str,
    surroundings: &Surroundings,
) -> Arc<dyn Channel> {
    let settings = settings.parse().unwrap();
    let kind = channel_type(kind).unwrap();
    match kind.build(provider, &settings, surroundings) {
        Ok(channel) => channel,
        Err(problems) => panic!("{problems:?}"),
    }
}

/// The failure of an attempt that has to fail.
pub(crate) fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}

/// The fault of an attempt that has to fail.
pub(crate) fn fault(outcome: Outcome) -> Fault {
    failure(outcome).fault
}

/// The incident of [`facts`], this bad.
pub(crate) fn as_bad_as(severity: Severity) -> IncidentFacts {
    IncidentFacts { severity, ..facts(NotificationKind::Opened) }
}

/// Moves the clocks of a test on, while nobody talks to anybody.
pub(crate) async fn later(wait: std::time::Duration) {
    tokio::time::pause();
    tokio::time::advance(wait).await;
    tokio::time::resume();
}
