//! What a commit adds to the metrics.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::acceptance::{Decision, Rows};
use crate::domain::action::Via;
use crate::domain::event::Body;
use crate::domain::incident::Transition;
use crate::domain::severity::Severity;
use crate::store::batch::{AcceptResult, Batch, Committed};
use crate::telemetry::handles::{DeadLetterMetrics, StoreMetrics};
use crate::telemetry::incidents::IncidentMetrics;
use crate::telemetry::labels::{BatchKind, ChangedBy, DeadLetterRetry, StoreOperation};

/// The series that only the single writer can count.
pub(super) struct StatusMetrics {
    store: StoreMetrics,
    incidents: IncidentMetrics,
    dead_letters: DeadLetterMetrics,
}

impl Default for StatusMetrics {
    fn default() -> Self {
        Self {
            store: StoreMetrics::of_process(),
            incidents: IncidentMetrics::of_process(),
            dead_letters: DeadLetterMetrics::of_process(),
        }
    }
}

impl StatusMetrics {
    pub(super) fn committed(&self, batch: &Batch, committed: &Committed, took: Duration) {
        self.store.committed(took);
        self.store.batched(BatchKind::Accepts, batch.accepts.len());
        self.store.batched(BatchKind::Attempts, batch.attempted.len());
        self.store.batched(BatchKind::Quarantined, batch.quarantined.len());
        self.store.batched(BatchKind::Replays, batch.replays.len());
        self.store.batched(BatchKind::Claims, batch.claims.len());
        for replayed in &committed.replayed {
            self.dead_letters.retried(match replayed {
                Some(_) => DeadLetterRetry::Repeated,
                None => DeadLetterRetry::Refused,
            });
        }
        let (repeated, refused) = committed.repeated_by_jobs;
        for (result, count) in [(DeadLetterRetry::Repeated, repeated), (DeadLetterRetry::Refused, refused)] {
            (0..count).for_each(|_| self.dead_letters.retried(result));
        }
        for (accept, accepted) in batch.accepts.iter().zip(&committed.accepted) {
            if let (Body::Incident(_), AcceptResult::Decided(decision)) =
                (&accept.event.body, accepted.result)
                && let Decision::NoRoute(Transition::Opened | Transition::Reopened) = decision
            {
                self.incidents.unrouted();
            }
        }
        self.changed(&committed.rows);
    }

    /// What became of incidents, by events, people and time.
    fn changed(&self, rows: &Rows) {
        let severities: HashMap<u64, Severity> =
            rows.incidents.iter().map(|incident| (incident.number, incident.severity)).collect();
        for entry in &rows.timeline {
            let Some(severity) = severities.get(&entry.incident).copied() else { continue };
            let by = match entry.by.as_ref().map(|by| by.via) {
                None => ChangedBy::Source,
                Some(Via::Timer) => ChangedBy::Timer,
                Some(_) => ChangedBy::Person,
            };
            match entry.transition {
                Transition::Resolved => self.incidents.resolved(severity, by),
                Transition::Acknowledged => self.incidents.acknowledged(severity, by),
                Transition::Exhausted => self.incidents.exhausted(severity),
                _ => {}
            }
        }
    }

    pub(super) fn failed(&self) {
        self.store.failed(StoreOperation::Commit);
    }
}
