//! What this consumer owns, and what is to be told of it.
//!
//! Callbacks note here what happened, and `KafkaSource::poll` tells it. Giving up partitions is therefore spread
//! over time: the callback stops the intake and notes the revocation; the in-flight records
//! settle; then [`Membership::leave`] fences the partitions, commits and hands them back. The
//! group waits meanwhile, as the protocol allows.

mod commits;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, ConsumerContext, RebalanceProtocol};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::reset::Reset;
use super::span::Span;
use super::statistics::Statistics;
use crate::sources::{Gone, Polled, Record, SourceError};

/// How long in-flight records of revoked partitions may take to settle.
const DRAIN: Duration = Duration::from_secs(10);
/// Offsets move at most this often.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// How long after the last batch that could not be read all is said to be well.
const READABLE_AGAIN: Duration = Duration::from_secs(5);
/// Reports in a row that say "outside the group" before the consumer is given up.
const OUTSIDE_TOO_LONG: u32 = 30;
/// Reports after a loss of all brokers that may still tell of the time before it.
const STALE_REPORTS: u32 = 2;

/// Shared by the consumer's callbacks and the source.
pub(super) struct Membership {
    topic: Arc<str>,
    state: Mutex<State>,
    /// Something in `state` wants a poll's attention.
    pub(super) news: Notify,
}

#[derive(Default)]
struct State {
    owned: BTreeMap<i32, Span>,
    /// Assigned, and not yet known where to start.
    arriving: Option<TopicPartitionList>,
    leaving: Option<Leaving>,
    /// Offsets of ours that are past the end, and the ones to commit instead.
    back: Vec<(i32, i64)>,
    tidings: VecDeque<Result<Polled, SourceError>>,
    link: Link,
    paused: bool,
    closing: bool,
    commit_due: Option<Instant>,
    lag: Option<u64>,
    reason: Option<String>,
    /// Since when everything could be read again, unless it has been told.
    unreadable: Option<Instant>,
    outside: u32,
}

/// How partitions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handover {
    /// Once they are drained.
    Wait,
    /// They are lost already, or nobody is left to settle anything.
    Now,
}

struct Leaving {
    partitions: Vec<i32>,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Link {
    #[default]
    Unknown,
    Up,
    Down {
        reports: u32,
    },
}

impl State {
    fn connected(&mut self) {
        if self.link != Link::Up {
            self.link = Link::Up;
            self.reason = None;
            self.tidings.push_back(Ok(Polled::Up));
        }
    }

    fn is_leaving(&self, partition: i32) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| leaving.partitions.contains(&partition))
    }
}

impl Membership {
    pub(super) fn new(topic: Arc<str>) -> Self {
        Self { topic, state: Mutex::default(), news: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest thing not yet told.
    pub(super) fn tiding(&self) -> Option<Result<Polled, SourceError>> {
        self.state().tidings.pop_front()
    }

    /// These partitions are to be ours once it is known where to start.
    pub(super) fn arriving(&self, list: &TopicPartitionList) {
        self.state().arriving = Some(list.clone());
    }

    /// What is to be ours.
    pub(super) fn take_arriving(&self) -> Option<TopicPartitionList> {
        self.state().arriving.take()
    }

    /// A partition goes on somewhere else.
    pub(super) fn reset(&self, Reset { partition, wanted, oldest }: Reset) {
        let gone = Gone { topic: Arc::clone(&self.topic), partition, wanted, oldest };
        let mut state = self.state();
        if let Some(oldest) = oldest.filter(|_| gone.starts_again()) {
            state.back.push((partition, oldest));
        }
        state.tidings.push_back(Ok(Polled::Gone(gone)));
        self.news.notify_one();
    }

    /// These partitions are ours now, beside those we had or in place of them. True if they must
    /// be paused like the others.
    pub(super) fn took(&self, partitions: &[i32], protocol: &RebalanceProtocol) -> bool {
        let mut state = self.state();
        if !matches!(protocol, RebalanceProtocol::Cooperative) {
            state.owned.clear();
        }
        let fresh = partitions.iter().map(|partition| (*partition, Span::default()));
        state.owned.extend(fresh);
        state.connected();
        state.paused
    }

    /// These partitions are to go. `Wait` means that their in-flight records may settle first,
    /// and [`Membership::leave`] hands them back.
    pub(super) fn losing(&self, partitions: Vec<i32>, lost: bool) -> Handover {
        let mut state = self.state();
        let told = !state.closing && !partitions.is_empty();
        if told {
            let named = partitions.iter().map(|p| (Arc::clone(&self.topic), *p));
            let revoking = Polled::Revoking(named.collect());
            state.tidings.push_back(Ok(revoking));
        }
        if told && !lost {
            let until = Instant::now() + DRAIN;
            state.leaving = Some(Leaving { partitions, until });
            return Handover::Wait;
        }
        state.owned.retain(|partition, _| !partitions.contains(partition));
        Handover::Now
    }

    /// librdkafka's periodic report.
    pub(super) fn report(&self, report: &Statistics) {
        let mut state = self.state();
        if let Some(lag) = report.lag(&self.topic)
            && state.lag.replace(lag) != Some(lag)
        {
            state.tidings.push_back(Ok(Polled::Lag(lag)));
        }
        if report.owes_commits(&self.topic) {
            state.commit_due.get_or_insert(Instant::now() + COMMIT_EVERY);
        }
        if state.unreadable.is_some_and(|since| since.elapsed() > READABLE_AGAIN) {
            state.unreadable = None;
            state.tidings.push_back(Ok(Polled::Up));
        }
        state.outside = if report.is_outside_the_group() { state.outside + 1 } else { 0 };
        if state.outside == OUTSIDE_TOO_LONG {
            let why = "the consumer left its group and does not come back".to_owned();
            state.tidings.push_back(Err(SourceError::Lost(why)));
        }
        match &mut state.link {
            Link::Down { reports } if *reports < STALE_REPORTS => *reports += 1,
            Link::Up => {}
            Link::Down { .. } | Link::Unknown if report.is_connected() => state.connected(),
            Link::Down { .. } | Link::Unknown => {}
        }
        let wanted = !state.tidings.is_empty() || state.commit_due.is_some();
        drop(state);
        if wanted {
            self.news.notify_one();
        }
    }

    /// A broker's answer cannot be taken apart into records.
    pub(super) fn unreadable(&self, why: String) {
        let mut state = self.state();
        state.unreadable = Some(Instant::now());
        state.tidings.push_back(Ok(Polled::Unreadable(why)));
    }

    /// librdkafka's words about some trouble, kept for whoever has to tell of it.
    pub(super) fn heard(&self, reason: &str) {
        self.state().reason = Some(reason.to_owned());
    }

    /// The topic whose consumer this is.
    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// When there is something to do even if nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let state = self.state();
        let leaving = state.leaving.as_ref().map(|leaving| leaving.until);
        [leaving, state.commit_due].into_iter().flatten().min()
    }

    /// Notes what was read and is ours; what is on its way out is left for the next owner.
    pub(super) fn yielded(&self, mut records: Vec<(i32, i64, Record)>) {
        let mut state = self.state();
        records.retain(|(partition, offset, _)| {
            if state.is_leaving(*partition) {
                return false;
            }
            let Some(span) = state.owned.get_mut(partition) else {
                return false;
            };
            span.extend(*offset);
            true
        });
        state.connected();
        if !records.is_empty() {
            let records = records.into_iter().map(|(_, _, record)| record).collect();
            state.tidings.push_back(Ok(Polled::Records(records)));
        }
    }

    /// Hands back the partitions that are being revoked, if there are any: from here on nothing
    /// of them is settled, and what is settled is committed. librdkafka lets them go only after
    /// the commit was answered.
    pub(super) fn leave<C: ConsumerContext>(&self, consumer: &impl Consumer<C>) {
        let partitions = {
            let mut state = self.state();
            let Some(leaving) = state.leaving.take() else {
                return;
            };
            state.owned.retain(|partition, _| !leaving.partitions.contains(partition));
            leaving.partitions
        };
        self.commit(consumer);
        self.unassign(consumer, &self.list(&partitions));
    }

    /// As [`Membership::leave`], once the time to drain is over.
    pub(super) fn leave_if_due<C: ConsumerContext>(&self, consumer: &impl Consumer<C>) {
        let overdue = |leaving: &Leaving| leaving.until <= Instant::now();
        if self.state().leaving.as_ref().is_some_and(overdue) {
            tracing::warn!(topic = %self.topic, "revoked partitions did not drain in time: their records come again");
            self.leave(consumer);
        }
    }

    /// Hands partitions back at once.
    pub(super) fn unassign<C: ConsumerContext>(
        &self,
        consumer: &impl Consumer<C>,
        partitions: &TopicPartitionList,
    ) {
        let done = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        };
        if let Err(error) = done {
            self.give_up(format!("revoked partitions could not be handed back: {error}"));
        }
    }

    /// From now on nothing is waited for.
    pub(super) fn close(&self) {
        self.state().closing = true;
    }

    /// No records until [`Membership::resume`], also of partitions that come later.
    pub(super) fn pause<C: ConsumerContext>(&self, consumer: &impl Consumer<C>) {
        let partitions = {
            let mut state = self.state();
            state.paused = true;
            state.owned.keys().copied().collect::<Vec<_>>()
        };
        if let Err(error) = consumer.pause(&self.list(&partitions)) {
            tracing::warn!(topic = %self.topic, %error, "not paused");
        }
    }

    pub(super) fn resume<C: ConsumerContext>(&self, consumer: &impl Consumer<C>) {
        let partitions = {
            let mut state = self.state();
            state.paused = false;
            let staying = state.owned.keys().copied();
            staying.filter(|p| !state.is_leaving(*p)).collect::<Vec<_>>()
        };
        if let Err(error) = consumer.resume(&self.list(&partitions)) {
            self.give_up(format!("could not be resumed: {error}"));
        }
    }

    /// librdkafka's own words about the last trouble since it was connected.
    pub(super) fn reason(&self) -> Option<String> {
        self.state().reason.clone()
    }

    /// No broker answers. Told once.
    pub(super) fn disconnected(&self, reason: String) {
        let mut state = self.state();
        if !matches!(state.link, Link::Down { .. }) {
            state.tidings.push_back(Ok(Polled::Down(reason)));
        }
        state.link = Link::Down { reports: 0 };
    }

    /// This consumer is finished. Told after what was read before.
    pub(super) fn end(&self, error: SourceError) {
        self.state().tidings.push_back(Err(error));
        self.news.notify_one();
    }

    /// This consumer cannot be mended, a new one may work.
    pub(super) fn give_up(&self, why: String) {
        self.end(SourceError::Lost(why));
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        list
    }
}
