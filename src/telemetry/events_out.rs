//! What the publishers of events out count with.

use std::time::Duration;

use metrics::{Counter, Gauge};

use super::labels::HandedOver;
use super::names::Metric;
use crate::domain::names::SinkName;

/// The series of a sink.
#[derive(Clone)]
pub struct SinkMetrics {
    handed: Vec<Counter>,
    waiting: Gauge,
    oldest: Gauge,
}

impl std::fmt::Debug for SinkMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SinkMetrics").finish_non_exhaustive()
    }
}

impl SinkMetrics {
    /// The series of this sink.
    pub fn of(sink: &SinkName) -> Self {
        let name = sink.as_str();
        let counter = |result: &HandedOver| Metric::EventsOutPublished.counter(&[name, result.as_str()]);
        Self {
            handed: HandedOver::ALL.iter().map(counter).collect(),
            waiting: Metric::EventsOutWaiting.gauge(&[name]),
            oldest: Metric::EventsOutOldest.gauge(&[name]),
        }
    }

    /// So many events were offered with this result.
    pub fn handed(&self, result: HandedOver, events: usize) {
        self.handed[result as usize].increment(events as u64);
    }

    /// So many wait, the oldest for so long.
    pub fn waiting(&self, events: u64, oldest: Duration) {
        self.waiting.set(events as f64);
        self.oldest.set(oldest.as_secs_f64());
    }
}
