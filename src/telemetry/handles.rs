//! What the hot path counts with. A value is made once, when an actor starts, and kept in its
//! state; each call after that is an atomic or two.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::labels::{
    AttemptOutcome, BatchKind, DeadLetterKind, DeadLetterRetry, EventResult, StoreOperation,
};
use super::names::Metric;
use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::fault::{CRASHED, Fault, Outcome};
use crate::domain::malformed::Malformation;
use crate::domain::names::{ChannelName, SourceName};
use crate::domain::severity::Severity;

/// The labels of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredSource {
    /// `[sources.NAME]`
    pub name: SourceName,
    /// `type = "…"`
    pub kind: String,
}

/// The labels of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredChannel {
    /// `[channels.NAME]`
    pub name: ChannelName,
    /// `type = "…"`
    pub kind: String,
    /// `provider = "…"`
    pub provider: String,
}

/// What comes in.
#[derive(Clone)]
pub struct SourceMetrics {
    /// How each topic is; shared by those who read the topics of one source.
    topics: Arc<Mutex<BTreeMap<String, Topic>>>,
    up: Gauge,
    received: Counter,
    processed: Vec<Counter>,
    rejected: Vec<(Malformation, Counter)>,
    processing: Histogram,
    lag: Gauge,
    last_event: Gauge,
    reconnects: Counter,
    gone: Counter,
    unreadable: Counter,
    opened: Vec<Counter>,
}

#[derive(Debug, Default)]
struct Topic {
    up: bool,
    lag: u64,
}

impl SourceMetrics {
    /// The series of a source.
    pub fn of(source: &ConfiguredSource) -> Self {
        let name = source.name.as_str();
        let counter = |metric: Metric, word: &str| metric.counter(&[name, word]);
        Self {
            topics: Arc::default(),
            up: Metric::SourceUp.gauge(&[name, &source.kind]),
            received: Metric::EventsReceived.counter(&[name]),
            processed: each(EventResult::ALL, |word| counter(Metric::EventsProcessed, word.as_str())),
            rejected: each(&Malformation::ALL, |reason| {
                (reason, counter(Metric::EventsRejected, reason.as_str()))
            }),
            processing: Metric::EventProcessingDuration.histogram(&[name]),
            lag: Metric::SourceLag.gauge(&[name]),
            last_event: Metric::SourceLastEvent.gauge(&[name]),
            reconnects: Metric::SourceReconnects.counter(&[name]),
            gone: Metric::SourceGone.counter(&[name]),
            unreadable: Metric::SourceUnreadable.counter(&[name]),
            opened: each(&Severity::ALL, |severity| {
                Metric::IncidentsOpened.counter(&[severity.as_str(), name])
            }),
        }
    }

    /// A topic is connected, or not; the source is if all of its topics are.
    pub fn up(&self, topic: Option<&str>, up: bool) {
        let all = self.noting(topic, |topic| topic.up = up, |topics| topics.values().all(|topic| topic.up));
        self.up.set(f64::from(u8::from(all)));
    }

    fn noting<T>(
        &self,
        topic: Option<&str>,
        note: impl FnOnce(&mut Topic),
        sum: impl FnOnce(&BTreeMap<String, Topic>) -> T,
    ) -> T {
        // A number under this lock is whole or not there yet.
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        note(topics.entry(topic.unwrap_or_default().to_owned()).or_default());
        sum(&topics)
    }

    /// It was lost and is connected again.
    pub fn reconnected(&self) {
        self.reconnects.increment(1);
    }

    /// So many records were thrown away before they were read.
    pub fn gone(&self, records: u64) {
        self.gone.increment(records);
    }

    /// An answer of the broker could not be taken apart into records.
    pub fn unreadable(&self) {
        self.unreadable.increment(1);
    }

    /// So many records were read, the last of them at `at`.
    pub fn received(&self, records: usize, at: Timestamp) {
        self.received.increment(records as u64);
        self.last_event.set(at.as_second() as f64);
    }

    /// One record is stored as an event, `took` after it came.
    pub fn accepted(&self, took: Duration) {
        self.processed[EventResult::Accepted as usize].increment(1);
        self.processing.record(took);
    }

    /// One record was known.
    pub fn duplicate(&self) {
        self.processed[EventResult::Duplicate as usize].increment(1);
    }

    /// One record is no event and is in quarantine.
    pub fn rejected(&self, reason: Malformation) {
        self.processed[EventResult::Rejected as usize].increment(1);
        find(&self.rejected, reason).increment(1);
    }

    /// One record was let go on purpose.
    pub fn ignored(&self) {
        self.processed[EventResult::Ignored as usize].increment(1);
    }

    /// An incident began with an event of this source.
    pub fn opened(&self, severity: Severity) {
        self.opened[severity as usize].increment(1);
    }

    /// So many records wait in a topic; in the source, as many as in all of its topics.
    pub fn lag(&self, topic: Option<&str>, records: u64) {
        let all = self.noting(
            topic,
            |topic| topic.lag = records,
            |topics| topics.values().map(|topic| topic.lag).fold(0, u64::saturating_add),
        );
        self.lag.set(all as f64);
    }
}

/// What goes out.
#[derive(Clone)]
pub struct ChannelMetrics {
    up: Gauge,
    ended: Vec<(DeliveryState, Counter)>,
    attempts: Vec<Counter>,
    failures: Vec<(&'static str, Counter)>,
    attempt: Histogram,
    latency: Histogram,
    waiting: Vec<(DeliveryState, Gauge)>,
    oldest: Gauge,
}

impl std::fmt::Debug for ChannelMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelMetrics").finish_non_exhaustive()
    }
}

impl ChannelMetrics {
    /// The states that `foghorn_deliveries` counts: those that somebody may have to wait for.
    pub const WAITING: [DeliveryState; 4] =
        [DeliveryState::Pending, DeliveryState::Sending, DeliveryState::Retrying, DeliveryState::Dead];

    /// The series of a channel.
    pub fn of(channel: &ConfiguredChannel) -> Self {
        let name = channel.name.as_str();
        let provider = channel.provider.as_str();
        let reasons: Vec<_> = Fault::ALL.into_iter().map(Fault::label).chain([CRASHED]).collect();
        let ends: Vec<_> = DeliveryState::ALL.into_iter().filter(|state| state.is_terminal()).collect();
        Self {
            up: Metric::ChannelUp.gauge(&[name, &channel.kind, provider]),
            ended: each(&ends, |state| (state, Metric::Deliveries.counter(&[name, state.as_str()]))),
            attempts: each(AttemptOutcome::ALL, |outcome| {
                Metric::DeliveryAttempts.counter(&[name, provider, outcome.as_str()])
            }),
            failures: each(&reasons, |reason| {
                (reason, Metric::DeliveryAttemptFailures.counter(&[name, reason]))
            }),
            attempt: Metric::DeliveryAttemptDuration.histogram(&[name]),
            latency: Metric::DeliveryLatency.histogram(&[name]),
            waiting: each(&Self::WAITING, |state| {
                (state, Metric::DeliveriesWaiting.gauge(&[name, state.as_str()]))
            }),
            oldest: Metric::OldestPending.gauge(&[name]),
        }
    }

    /// It takes deliveries, or it waits.
    pub fn up(&self, up: bool) {
        self.up.set(f64::from(u8::from(up)));
    }

    /// One attempt ended like this, after so long.
    pub fn attempted(&self, outcome: &Outcome, took: Duration) {
        self.attempts[AttemptOutcome::of(outcome) as usize].increment(1);
        self.attempt.record(took);
        if !matches!(outcome, Outcome::Sent(_)) {
            find(&self.failures, outcome.label()).increment(1);
        }
    }

    /// So many deliveries came to this end. A state that is no end is not counted.
    pub fn ended(&self, state: DeliveryState, deliveries: usize) {
        if state.is_terminal() {
            find(&self.ended, state).increment(deliveries as u64);
        }
    }

    /// A delivery that was due at once was sent, so long after it was written down.
    pub fn latency(&self, since_accepted: Duration) {
        self.latency.record(since_accepted);
    }

    /// So many deliveries are in this state now. A state not in [`Self::WAITING`] is not counted.
    pub fn waiting(&self, state: DeliveryState, deliveries: u64) {
        if Self::WAITING.contains(&state) {
            find(&self.waiting, state).set(deliveries as f64);
        }
    }

    /// Age of the oldest delivery that is not sent yet; zero if none waits.
    pub fn oldest_pending(&self, age: Duration) {
        self.oldest.set(age.as_secs_f64());
    }
}

/// What waits for a person.
#[derive(Clone)]
pub struct DeadLetterMetrics {
    now: Vec<Gauge>,
    retries: Vec<Counter>,
}

impl DeadLetterMetrics {
    /// The series of this process.
    pub fn of_process() -> Self {
        Self {
            now: each(DeadLetterKind::ALL, |kind| Metric::DeadLetters.gauge(&[kind.as_str()])),
            retries: each(DeadLetterRetry::ALL, |result| {
                Metric::DeadLetterRetries.counter(&[result.as_str()])
            }),
        }
    }

    /// So many are there now.
    pub fn now(&self, kind: DeadLetterKind, letters: u64) {
        self.now[kind as usize].set(letters as f64);
    }

    /// Somebody asked to repeat one.
    pub fn retried(&self, result: DeadLetterRetry) {
        self.retries[result as usize].increment(1);
    }
}

/// How the store does.
#[derive(Clone)]
pub struct StoreMetrics {
    commit: Histogram,
    rows: Vec<Histogram>,
    errors: Vec<Counter>,
}

impl StoreMetrics {
    /// The series of this process.
    pub fn of_process() -> Self {
        Self {
            commit: Metric::StoreCommitDuration.histogram(&[]),
            rows: each(BatchKind::ALL, |kind| Metric::StoreBatchSize.histogram(&[kind.as_str()])),
            errors: each(StoreOperation::ALL, |operation| Metric::StoreErrors.counter(&[operation.as_str()])),
        }
    }

    /// A transaction was committed.
    pub fn committed(&self, took: Duration) {
        self.commit.record(took);
    }

    /// It held so many rows of this kind; none is not counted.
    pub fn batched(&self, kind: BatchKind, rows: usize) {
        if rows > 0 {
            self.rows[kind as usize].record(rows as f64);
        }
    }

    /// It did not do what it was asked.
    pub fn failed(&self, operation: StoreOperation) {
        self.errors[operation as usize].increment(1);
    }
}

/// One request was answered. `route` is the template (`/api/v1/incidents/{number}`), never the path.
pub fn answered(route: &str, method: &str, code: u16, took: Duration) {
    Metric::HttpRequests.counter(&[route, method, &code.to_string()]).increment(1);
    Metric::HttpRequestDuration.histogram(&[route, method]).record(took);
}

/// One more stream, for as long as this lives.
#[derive(Debug)]
pub struct StreamCount(Gauge);

impl StreamCount {
    /// A stream begins.
    pub fn begin() -> Self {
        let gauge = Metric::SseClients.gauge(&[]);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for StreamCount {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

pub(super) fn each<W: Copy, H>(words: &[W], handle: impl Fn(W) -> H) -> Vec<H> {
    words.iter().map(|word| handle(*word)).collect()
}

fn find<W: PartialEq, H>(handles: &[(W, H)], word: W) -> &H {
    let found = handles.iter().find(|(own, _)| *own == word);
    &found.expect("the list was made from all words").1
}
