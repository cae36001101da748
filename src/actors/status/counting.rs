//! What a commit adds to the metrics.

use std::time::Duration;

use crate::domain::acceptance::Decision;
use crate::domain::event::Body;
use crate::domain::incident::Transition;
use crate::store::batch::{AcceptResult, Batch, Committed};
use crate::telemetry::handles::{DeadLetterMetrics, IncidentMetrics, StoreMetrics};
use crate::telemetry::labels::{BatchKind, DeadLetterRetry, ResolvedBy, StoreOperation};

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
            let (Body::Incident(body), AcceptResult::Decided(decision)) =
                (&accept.event.body, accepted.result)
            else {
                continue;
            };
            match decision {
                Decision::NoRoute(Transition::Opened | Transition::Reopened) => self.incidents.unrouted(),
                Decision::Routed(Transition::Resolved) | Decision::NoRoute(Transition::Resolved) => {
                    self.incidents.resolved(body.severity, ResolvedBy::Source);
                }
                Decision::Routed(_) | Decision::NoRoute(_) | Decision::Direct => {}
            }
        }
    }

    pub(super) fn failed(&self) {
        self.store.failed(StoreOperation::Commit);
    }
}
