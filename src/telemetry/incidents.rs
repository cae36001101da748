//! The series of incidents.

use metrics::{Counter, Gauge};

use super::handles::each;
use super::labels::ChangedBy;
use super::names::Metric;
use crate::domain::incident::IncidentStatus;
use crate::domain::severity::Severity;

/// What became of incidents, whatever their source.
#[derive(Clone)]
pub struct IncidentMetrics {
    now: Vec<(IncidentStatus, Vec<Gauge>)>,
    resolved: Vec<Vec<Counter>>,
    acknowledged: Vec<Vec<Counter>>,
    exhausted: Vec<Counter>,
    unrouted: Counter,
}

impl IncidentMetrics {
    /// The series of this process.
    pub fn of_process() -> Self {
        let by_whom = |metric: Metric| {
            each(&Severity::ALL, |severity| {
                each(ChangedBy::ALL, |by| metric.counter(&[severity.as_str(), by.as_str()]))
            })
        };
        let of_status = |status: IncidentStatus| {
            let gauge =
                |severity: Severity| Metric::IncidentsNow.gauge(&[status.as_str(), severity.as_str()]);
            (status, each(&Severity::ALL, gauge))
        };
        Self {
            now: each(&Self::UNRESOLVED, of_status),
            resolved: by_whom(Metric::IncidentsResolved),
            acknowledged: by_whom(Metric::IncidentsAcknowledged),
            exhausted: each(&Severity::ALL, |severity| {
                Metric::IncidentsExhausted.counter(&[severity.as_str()])
            }),
            unrouted: Metric::IncidentsUnrouted.counter(&[]),
        }
    }

    /// Those that are counted: one that is over stays for ever.
    pub const UNRESOLVED: [IncidentStatus; 2] = [IncidentStatus::Open, IncidentStatus::Acknowledged];

    /// So many are there now; `count` is asked for each series.
    pub fn now(&self, count: impl Fn(IncidentStatus, Severity) -> u64) {
        for (status, gauges) in &self.now {
            for (severity, gauge) in Severity::ALL.into_iter().zip(gauges) {
                gauge.set(count(*status, severity) as f64);
            }
        }
    }

    /// One ended.
    pub fn resolved(&self, severity: Severity, by: ChangedBy) {
        self.resolved[severity as usize][by as usize].increment(1);
    }

    /// Somebody took one.
    pub fn acknowledged(&self, severity: Severity, by: ChangedBy) {
        self.acknowledged[severity as usize][by as usize].increment(1);
    }

    /// The policy of one came to its end.
    pub fn exhausted(&self, severity: Severity) {
        self.exhausted[severity as usize].increment(1);
    }

    /// One was wanted by no route.
    pub fn unrouted(&self) {
        self.unrouted.increment(1);
    }
}
