//! What the task that talks to a bus and whoever polls the source hand each other.
//!
//! A client of a bus cannot be dropped in the middle of an answer without losing it, and a poll is dropped
//! all the time. So a task of its own talks to the bus, and the two meet here: news and records go
//! out, acknowledgements and wishes come in. The task asks the bus for records only while somebody waits
//! for them, so what was taken and is not yet in hand is at most one portion.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{MOST_RECORDS, Polled, Record, SourceError};

/// The meeting point. One task, and one who polls.
#[derive(Debug, Default)]
pub(super) struct Handover {
    state: Mutex<State>,
    /// There is something to poll.
    outward: Notify,
    /// There is something for the task.
    inward: Notify,
}

#[derive(Debug, Default)]
struct State {
    news: VecDeque<Polled>,
    records: VecDeque<Record>,
    lag: Lag,
    end: Option<SourceError>,
    acknowledged: Vec<Arc<str>>,
    set_aside: Vec<Arc<str>>,
    demand: Demand,
    flow: Flow,
    link: Link,
}

/// How many messages wait, as the bus says.
#[derive(Debug, Default, PartialEq, Eq)]
enum Lag {
    #[default]
    Unknown,
    New(u64),
    Told(u64),
}

/// Does somebody wait for records?
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Demand {
    #[default]
    None,
    Records,
}

/// Are records wanted at all?
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Flow {
    #[default]
    Running,
    Paused,
    Closing,
}

/// What was told of the bus last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Link {
    #[default]
    Untold,
    Up,
    Degraded,
    Down,
}

impl Handover {
    // ── whoever polls ──

    /// The next news. Cancel safe.
    pub(super) async fn poll(&self) -> Result<Polled, SourceError> {
        loop {
            let news = self.outward.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if let Some(polled) = self.next() {
                return polled;
            }
            news.await;
        }
    }

    fn next(&self) -> Option<Result<Polled, SourceError>> {
        let mut state = self.state();
        if let Some(news) = state.news.pop_front() {
            return Some(Ok(news));
        }
        if state.flow == Flow::Running && !state.records.is_empty() {
            let count = state.records.len().min(MOST_RECORDS);
            return Some(Ok(Polled::Records(state.records.drain(..count).collect())));
        }
        if let Lag::New(lag) = state.lag {
            state.lag = Lag::Told(lag);
            return Some(Ok(Polled::Lag(lag)));
        }
        if let Some(end) = &state.end {
            return Some(Err(end.clone()));
        }
        if state.flow == Flow::Running && state.demand == Demand::None {
            state.demand = Demand::Records;
            self.inward.notify_one();
        }
        None
    }

    /// These are on stable storage.
    pub(super) fn acknowledge(&self, ids: &[Arc<str>]) {
        self.state().acknowledged.extend_from_slice(ids);
        self.inward.notify_one();
    }

    /// These are on stable storage as dead letters.
    pub(super) fn set_aside(&self, ids: &[Arc<str>]) {
        self.state().set_aside.extend_from_slice(ids);
        self.inward.notify_one();
    }

    /// No records until [`Handover::resume`].
    pub(super) fn pause(&self) {
        self.flow(Flow::Paused);
    }

    /// Records again.
    pub(super) fn resume(&self) {
        self.flow(Flow::Running);
    }

    /// Acknowledge what is to be acknowledged, and come to an end.
    pub(super) fn close(&self) {
        self.flow(Flow::Closing);
    }

    fn flow(&self, flow: Flow) {
        let mut state = self.state();
        if state.flow != Flow::Closing {
            state.flow = flow;
        }
        drop(state);
        self.inward.notify_one();
        self.outward.notify_one();
    }

    // ── the task ──

    /// Waits until there may be something new for the task.
    pub(super) async fn stirred(&self) {
        self.inward.notified().await;
    }

    /// Waits, unless the source is closed meanwhile.
    pub(super) async fn rest(&self, time: Duration) {
        let closed = async {
            while !self.is_closing() {
                self.stirred().await;
            }
        };
        // Either will do.
        let _ = tokio::time::timeout(time, closed).await;
    }

    /// Is it time to come to an end?
    pub(super) fn is_closing(&self) -> bool {
        self.state().flow == Flow::Closing
    }

    /// Are no records wanted for now?
    pub(super) fn is_paused(&self) -> bool {
        self.state().flow == Flow::Paused
    }

    /// Does somebody wait for records, and are there none yet?
    pub(super) fn wants_records(&self) -> bool {
        let state = self.state();
        state.flow == Flow::Running && state.demand == Demand::Records && state.records.is_empty()
    }

    /// What was acknowledged since this was asked last; what was set aside too, unless it was asked for before.
    pub(super) fn acknowledged(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        let mut ids = std::mem::take(&mut state.acknowledged);
        ids.append(&mut state.set_aside);
        ids
    }

    /// What was set aside since this was asked last.
    pub(super) fn dead_letters(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.state().set_aside)
    }

    /// Records in their order.
    pub(super) fn give(&self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let mut state = self.state();
        state.records.extend(records);
        state.demand = Demand::None;
        drop(state);
        self.outward.notify_one();
    }

    /// What was given and not polled, which nobody will be given.
    pub(super) fn left_over(&self) -> Vec<Record> {
        self.state().records.drain(..).collect()
    }

    /// Some news.
    pub(super) fn tell(&self, news: Polled) {
        self.state().news.push_back(news);
        self.outward.notify_one();
    }

    /// So many messages are not acknowledged yet.
    pub(super) fn lag(&self, lag: u64) {
        let mut state = self.state();
        if state.lag != Lag::Told(lag) {
            state.lag = Lag::New(lag);
            drop(state);
            self.outward.notify_one();
        }
    }

    /// The bus answers. Told if it is news.
    pub(super) fn up(&self) {
        self.link(Link::Up, Polled::Up);
    }

    /// The bus answers, but not well. Told if it is news.
    pub(super) fn degraded(&self, why: String) {
        self.link(Link::Degraded, Polled::Degraded(why));
    }

    /// Did the bus answer when it was spoken of last?
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state().link, Link::Up | Link::Degraded)
    }

    /// The bus does not answer. Told if it is news.
    pub(super) fn down(&self, why: String) {
        self.link(Link::Down, Polled::Down(why));
    }

    fn link(&self, link: Link, news: Polled) {
        let before = std::mem::replace(&mut self.state().link, link);
        if before != link {
            self.tell(news);
        }
    }

    /// There will be no more.
    pub(super) fn end(&self, why: SourceError) {
        self.state().end = Some(why);
        self.outward.notify_one();
    }

    /// Nothing under this lock can panic half-way, so a poisoned state is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait before the next try to connect: longer each time, and never the same for two who lost
/// the bus at the same moment.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tries: u32,
}

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

impl Patience {
    /// The wait before the next try.
    pub(super) fn next(&mut self) -> Duration {
        let most = FIRST_WAIT.saturating_mul(1 << self.tries.min(16)).min(LONGEST_WAIT);
        self.tries = self.tries.saturating_add(1);
        most.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// It was connected: the next wait is the first one again.
    pub(super) fn restore(&mut self) {
        self.tries = 0;
    }
}

/// How many messages to ask for, when a bus bounds an answer by their number and memory is bounded by
/// their size: as many as are so large as the last ones were.
#[derive(Debug)]
pub(super) struct Portion {
    most: usize,
    mean: usize,
}

/// So many bytes are asked for at a time, as far as can be told.
const BYTES: usize = 4 << 20;

impl Portion {
    /// At most `most` messages, about which nothing is known.
    pub(super) fn of(most: usize) -> Self {
        Self { most: most.clamp(1, MOST_RECORDS), mean: 16 << 10 }
    }

    /// How many to ask for.
    pub(super) fn count(&self) -> usize {
        (BYTES / self.mean.max(1)).clamp(1, self.most)
    }

    /// So many came, and so large. What is large is believed at once, and what is small after a while.
    pub(super) fn came(&mut self, records: &[Record]) {
        let bytes = records.iter().filter_map(|record| record.payload.as_ref()).map(|payload| payload.len());
        let (count, bytes) = (records.len(), bytes.sum::<usize>());
        if let Some(mean) = bytes.checked_div(count) {
            self.mean = mean.max(self.mean / 2).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Position;

    fn record(id: &str, bytes: usize) -> Record {
        Record {
            position: Position::Message { stream: "s".into(), id: id.into() },
            payload: Some(vec![b'x'; bytes].into()),
            left_out: 0,
            headers: Vec::new(),
        }
    }

    #[tokio::test]
    async fn records_are_asked_for_only_while_somebody_waits_for_them() {
        let handover = Handover::default();
        assert!(!handover.wants_records());
        assert!(handover.next().is_none());
        assert!(handover.wants_records());
        handover.pause();
        assert!(!handover.wants_records(), "nobody wants any while it is paused");
        handover.resume();
        handover.give(vec![record("1", 1), record("2", 1)]);
        assert!(!handover.wants_records());
        let Ok(Polled::Records(records)) = handover.poll().await else { panic!() };
        assert_eq!(records.len(), 2);
    }

    #[tokio::test]
    async fn what_came_before_a_pause_waits_for_its_end() {
        let handover = Handover::default();
        handover.give(vec![record("1", 1)]);
        handover.pause();
        handover.lag(7);
        assert_eq!(handover.poll().await.unwrap(), Polled::Lag(7));
        assert!(handover.next().is_none());
        handover.lag(7);
        assert!(handover.next().is_none(), "told already");
        handover.resume();
        assert!(matches!(handover.next(), Some(Ok(Polled::Records(_)))));
    }

    #[test]
    fn a_bus_that_has_no_place_for_dead_letters_acknowledges_them() {
        let ids = |names: &[&str]| -> Vec<Arc<str>> { names.iter().map(|name| Arc::from(*name)).collect() };
        let handover = Handover::default();
        let settle = || {
            handover.set_aside(&ids(&["dead"]));
            handover.acknowledge(&ids(&["stored"]));
        };
        settle();
        assert_eq!(handover.acknowledged(), ids(&["stored", "dead"]));
        settle();
        assert_eq!((handover.dead_letters(), handover.acknowledged()), (ids(&["dead"]), ids(&["stored"])));
        assert!(handover.dead_letters().is_empty() && handover.acknowledged().is_empty());
    }

    #[test]
    fn a_bus_is_down_once_and_up_once() {
        let handover = Handover::default();
        handover.down("a".to_owned());
        handover.down("b".to_owned());
        handover.up();
        handover.up();
        assert!(matches!(handover.next(), Some(Ok(Polled::Down(why))) if why == "a"));
        assert!(matches!(handover.next(), Some(Ok(Polled::Up))));
        assert!(handover.next().is_none());
    }

    #[test]
    fn large_messages_come_in_small_portions() {
        let mut portion = Portion::of(10_000);
        assert_eq!(portion.count(), 256, "nothing is known yet");
        portion.came(&[record("1", 2 << 20), record("2", 2 << 20)]);
        assert_eq!(portion.count(), 2);
        for _ in 0..20 {
            portion.came(&[record("1", 100)]);
        }
        assert_eq!(portion.count(), MOST_RECORDS);
        assert_eq!(Portion::of(3).count(), 3);
    }

    #[test]
    fn waits_grow_and_are_never_the_same() {
        let mut patience = Patience::default();
        let waits: Vec<Duration> = (0..40).map(|_| patience.next()).collect();
        assert!(waits[0] <= FIRST_WAIT && waits[0] >= FIRST_WAIT / 2);
        assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT));
        assert!(waits[39] >= LONGEST_WAIT / 2);
        assert!(waits[30..].windows(2).any(|pair| pair[0] != pair[1]));
        patience.restore();
        assert!(patience.next() <= FIRST_WAIT);
    }
}
