//! An incident that shows what a message about one looks like.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::event::Link;
use crate::domain::ids::IncidentId;
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::{IncidentFacts, NotificationKind};
use crate::domain::severity::Severity;

/// 2026-11-21 14:02:10 UTC.
const OPENED: Timestamp = Timestamp::constant(1_795_269_730, 0);
/// A quarter of an hour later.
const RESOLVED: Timestamp = Timestamp::constant(1_795_270_600, 0);

/// An incident about which everything is known.
pub(in crate::render) fn facts(kind: NotificationKind) -> IncidentFacts {
    let over = kind == NotificationKind::Resolved;
    let taken = kind == NotificationKind::Acknowledged;
    IncidentFacts {
        kind,
        id: IncidentId::new(OPENED, 1),
        number: 1042,
        version: 3,
        title: "5xx rate above 5%".into(),
        severity: Severity::Critical,
        status: match kind {
            NotificationKind::Resolved => IncidentStatus::Resolved,
            NotificationKind::Acknowledged => IncidentStatus::Acknowledged,
            _ => IncidentStatus::Open,
        },
        service: Some("checkout-api".into()),
        description: Some("12.4% of requests failed".into()),
        labels: BTreeMap::from([("env".into(), "prod".into()), ("region".into(), "eu-west-1".into())]),
        links: vec![Link { text: "Runbook".into(), url: "https://wiki.example.com/checkout".into() }],
        source: "prometheus".into(),
        policy: Some("page".into()),
        event_count: 9,
        opened_at: OPENED,
        resolved_at: over.then_some(RESOLVED),
        acknowledged_by: taken.then(|| "ada".to_owned()),
    }
}

/// One about which nothing more is known than what every incident has.
pub(super) fn bare(kind: NotificationKind) -> IncidentFacts {
    IncidentFacts {
        service: None,
        description: None,
        labels: BTreeMap::new(),
        links: Vec::new(),
        policy: None,
        event_count: 1,
        severity: Severity::Low,
        ..facts(kind)
    }
}

/// Incidents in all their states, so that whatever a template says of one is said once.
pub(in crate::render) fn all() -> Vec<IncidentFacts> {
    let kinds = NotificationKind::ALL.into_iter().filter(|kind| *kind != NotificationKind::Direct);
    let mut all: Vec<_> = kinds.flat_map(|kind| [facts(kind), bare(kind)]).collect();
    all.push(IncidentFacts { status: IncidentStatus::Acknowledged, ..facts(NotificationKind::Opened) });
    all
}
