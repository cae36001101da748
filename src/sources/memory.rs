//! A source in memory, for tests: push records, watch what is settled, and make it fail.
//!
//! It behaves as a topic does: what is not settled comes again after [`MemorySource::redeliver`],
//! nothing comes while it is paused, and a settled offset never moves back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{MOST_RECORDS, Polled, Record, Source, SourceError};
use crate::domain::event::Position;

/// Share it in an `Arc`: one end polls, the other pushes.
#[derive(Debug)]
pub struct MemorySource {
    topic: Arc<str>,
    state: Mutex<State>,
    /// There is something to poll.
    news: Notify,
    /// An offset was settled, or a call was made that a test may wait for.
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<Record>,
    /// Index of the next record of `log` to yield.
    next: usize,
    said: VecDeque<Result<Polled, SourceError>>,
    settled: BTreeMap<i32, i64>,
    paused: bool,
    revoked: usize,
    closed: bool,
    /// What was told last.
    lag: Option<usize>,
}

impl State {
    fn is_settled(&self, record: &Record) -> bool {
        match &record.position {
            Position::Kafka { partition, offset, .. } => {
                self.settled.get(partition).is_some_and(|settled| offset < settled)
            }
            Position::Message { .. }
            | Position::Request(_)
            | Position::Replay { .. }
            | Position::Retry(_)
            | Position::Part { .. } => false,
        }
    }
}

impl MemorySource {
    /// An empty source that pretends to be this topic.
    pub fn new(topic: &str) -> Self {
        Self { topic: topic.into(), state: Mutex::default(), news: Notify::new(), moved: Notify::new() }
    }

    /// A record at the end of partition 0; returns its offset.
    pub fn push(&self, payload: &[u8]) -> i64 {
        self.push_to(0, Some(payload), &[])
    }

    /// A record at the end of a partition; returns its offset.
    pub fn push_to(&self, partition: i32, payload: Option<&[u8]>, headers: &[(&str, &[u8])]) -> i64 {
        let mut state = self.state();
        let in_partition = |record: &&Record| matches!(&record.position, Position::Kafka { partition: p, .. } if *p == partition);
        let count = state.log.iter().filter(in_partition).count();
        let offset = i64::try_from(count).unwrap_or(i64::MAX);
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec()));
        let record = Record {
            position: Position::Kafka { topic: Arc::clone(&self.topic), partition, offset, timestamp_ms: 0 },
            payload: payload.map(Into::into),
            left_out: 0,
            headers: headers.collect(),
        };
        state.log.push(record);
        drop(state);
        self.news.notify_one();
        offset
    }

    /// The next poll says this.
    pub fn say(&self, news: Result<Polled, SourceError>) {
        self.state().said.push_back(news);
        self.news.notify_one();
    }

    /// Everything that is not settled comes again, as after a restart.
    pub fn redeliver(&self) {
        self.state().next = 0;
        self.news.notify_one();
    }

    /// The offset that would be committed for a partition.
    pub fn settled(&self, partition: i32) -> Option<i64> {
        self.state().settled.get(&partition).copied()
    }

    /// Waits until everything before `offset` of the partition is settled.
    pub async fn until_settled(&self, partition: i32, offset: i64) {
        self.until(|state| state.settled.get(&partition).is_some_and(|settled| *settled >= offset)).await;
    }

    /// Waits until [`Source::revoked`] was called this often in all.
    pub async fn until_revoked(&self, times: usize) {
        self.until(|state| state.revoked >= times).await;
    }

    /// Waits until it is paused, or no longer is.
    pub async fn until_paused(&self, paused: bool) {
        self.until(|state| state.paused == paused).await;
    }

    /// Whether no records are wanted now.
    pub fn is_paused(&self) -> bool {
        self.state().paused
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if holds(&self.state()) {
                return;
            }
            moved.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.moved.notify_waiters();
        self.news.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Source for MemorySource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        loop {
            {
                let mut state = self.state();
                if let Some(said) = state.said.pop_front() {
                    return said;
                }
                if !state.paused && state.next < state.log.len() {
                    let until = state.log.len().min(state.next + MOST_RECORDS);
                    let fresh = state.log[state.next..until].iter();
                    let records: Vec<_> = fresh.filter(|r| !state.is_settled(r)).cloned().collect();
                    state.next = until;
                    if !records.is_empty() {
                        return Ok(Polled::Records(records));
                    }
                    continue;
                }
                let behind = state.log.iter().filter(|record| !state.is_settled(record)).count();
                if state.lag.replace(behind) != Some(behind) {
                    return Ok(Polled::Lag(behind.try_into().unwrap_or(u64::MAX)));
                }
            }
            self.news.notified().await;
        }
    }

    fn settle(&self, topic: &str, partition: i32, offset: i64) {
        if topic != &*self.topic {
            return;
        }
        self.change(|state| {
            let settled = state.settled.entry(partition).or_default();
            *settled = offset.max(*settled);
        });
    }

    fn revoked(&self) {
        self.change(|state| state.revoked += 1);
    }

    fn pause(&self) {
        self.change(|state| state.paused = true);
    }

    fn resume(&self) {
        self.change(|state| state.paused = false);
    }

    async fn close(&self, _deadline: Duration) {
        self.change(|state| state.closed = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_not_settled_comes_again() {
        let source = MemorySource::new("t");
        source.push(b"a");
        source.push(b"b");
        let offsets = |polled| match polled {
            Ok(Polled::Records(records)) => records.len(),
            other => panic!("{other:?}"),
        };
        let lag = |polled| match polled {
            Ok(Polled::Lag(lag)) => lag,
            other => panic!("{other:?}"),
        };
        assert_eq!(offsets(source.poll().await), 2);
        assert_eq!(lag(source.poll().await), 2);
        source.settle("t", 0, 1);
        source.redeliver();
        assert_eq!(offsets(source.poll().await), 1);
        assert_eq!(lag(source.poll().await), 1);
        assert_eq!(source.settled(0), Some(1));
    }
}
