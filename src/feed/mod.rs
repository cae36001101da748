//! The feed: what was just committed, told to whoever watches.
//!
//! The single writer tells facts after a commit, never before; what is let go, which nobody writes down, those tell who
//! read it. Facts are kept in one bounded ring; a
//! watcher is no more than a position in it. So nobody who reads slowly holds up the writer or takes
//! memory: whoever falls behind the ring hears that facts were missed, and goes on with the newest.
//!
//! While nobody watches, and nobody did for as long as the ring reaches back, a commit costs one load
//! of an atomic: facts are not even made.
//!
//! Ids are made of the time and only grow, also over a restart: a position of an earlier life is
//! older than the ring, and its owner hears that facts were missed.

mod fact;
mod filter;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use fact::{DeliveryFact, EventFact, EventResult, Fact, IncidentFact, Topic};
pub use filter::Filter;

use crate::clock::Clock;
use crate::domain::Timestamp;

/// How much the ring may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Most facts.
    pub facts: usize,
    /// Most bytes, about.
    pub bytes: usize,
    /// Nothing older than this; also how long facts are kept after the last watcher left.
    pub age: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self { facts: 20_000, bytes: 16 << 20, age: Duration::from_secs(600) }
    }
}

/// A fact with its place in the order.
#[derive(Debug, PartialEq)]
pub struct Told {
    /// Grows with each fact.
    pub id: u64,
    /// What happened.
    pub fact: Fact,
}

/// What a watcher hears next.
#[derive(Debug)]
pub enum Heard {
    /// These facts, in order.
    Facts(Vec<Arc<Told>>),
    /// Facts were missed: what is known has to be read anew.
    Missed,
}

/// The feed. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    room: Room,
    /// Whether facts are kept at all.
    kept: AtomicBool,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Ring {
    facts: VecDeque<(Timestamp, Arc<Told>)>,
    bytes: usize,
    /// All that came after this one is in the ring.
    since: u64,
    /// The last one.
    newest: u64,
    watchers: usize,
    /// When the last watcher left.
    left_at: Timestamp,
}

/// Most facts that are handed over at once: how long a reader holds the lock.
const AT_ONCE: usize = 256;
/// And about how many bytes: what a reader who does not read keeps from the ring.
const BYTES_AT_ONCE: usize = 256 << 10;

/// Facts of one millisecond, before ids run ahead of the time. 2^53, the end of what JavaScript can
/// count, is reached in the year 2039 with 12 bits; with 10 it is 2248.
const BITS_BELOW_MILLISECOND: u32 = 10;

impl Feed {
    /// An empty feed.
    pub fn new(clock: Clock, room: Room) -> Self {
        let now = clock.now();
        let first = id_at(now);
        let ring =
            Ring { facts: VecDeque::new(), bytes: 0, since: first, newest: first, watchers: 0, left_at: now };
        Self(Arc::new(Inner {
            clock,
            room,
            kept: AtomicBool::new(false),
            ring: Mutex::new(ring),
            newest: watch::Sender::new(first),
        }))
    }

    /// Tells facts that are on stable storage. They are made only if anybody may hear of them.
    pub fn tell(&self, facts: impl FnOnce() -> Vec<Fact>) {
        if !self.0.kept.load(Ordering::Acquire) {
            return;
        }
        let facts = facts();
        let now = self.0.clock.now();
        let newest = {
            let mut ring = self.lock();
            if ring.watchers == 0 && !is_young(ring.left_at, now, self.0.room.age) {
                self.0.kept.store(false, Ordering::Release);
                ring.clear();
                return;
            }
            ring.push(facts, now);
            ring.trim(&self.0.room, now);
            ring.newest
        };
        self.0.newest.send_replace(newest);
    }

    /// Watches from now on, or from after the fact of this id.
    pub fn watch(&self, after: Option<u64>) -> Watch {
        let now = self.0.clock.now();
        let mut ring = self.lock();
        if !self.0.kept.load(Ordering::Acquire) {
            // What happened meanwhile was told to nobody.
            ring.clear();
            ring.newest = id_at(now).max(ring.newest + 1);
            ring.since = ring.newest;
            self.0.kept.store(true, Ordering::Release);
        }
        ring.watchers += 1;
        let position = after.unwrap_or(ring.newest);
        drop(ring);
        Watch { feed: self.clone(), position, news: self.0.newest.subscribe() }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing in here panics half-way.
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id_at(now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond()).unwrap_or(0) << BITS_BELOW_MILLISECOND
}

fn is_young(then: Timestamp, now: Timestamp, age: Duration) -> bool {
    Duration::try_from(now.duration_since(then)).unwrap_or_default() <= age
}

impl Ring {
    fn push(&mut self, facts: Vec<Fact>, now: Timestamp) {
        for fact in facts {
            self.newest = id_at(now).max(self.newest + 1);
            self.bytes += fact.bytes();
            self.facts.push_back((now, Arc::new(Told { id: self.newest, fact })));
        }
    }

    fn trim(&mut self, room: &Room, now: Timestamp) {
        while let Some((at, told)) = self.facts.front() {
            let fits = self.facts.len() <= room.facts && self.bytes <= room.bytes;
            if fits && is_young(*at, now, room.age) {
                return;
            }
            self.since = told.id;
            self.bytes = self.bytes.saturating_sub(told.fact.bytes());
            self.facts.pop_front();
        }
    }

    fn clear(&mut self) {
        self.facts = VecDeque::new();
        self.bytes = 0;
    }
}

/// A place in the feed.
#[derive(Debug)]
pub struct Watch {
    feed: Feed,
    position: u64,
    news: watch::Receiver<u64>,
}

impl Watch {
    /// The id of the last fact that was heard, or passed over.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Waits for what comes next. Cancel safe.
    pub async fn next(&mut self) -> Heard {
        loop {
            self.news.mark_unchanged();
            match self.look() {
                Heard::Facts(facts) if facts.is_empty() => {}
                heard => return heard,
            }
            if self.news.changed().await.is_err() {
                // The feed lives as long as this does.
                return std::future::pending().await;
            }
        }
    }

    fn look(&mut self) -> Heard {
        let ring = self.feed.lock();
        if self.position < ring.since || self.position > ring.newest {
            self.position = ring.newest;
            return Heard::Missed;
        }
        let start = ring.facts.partition_point(|(_, told)| told.id <= self.position);
        let mut bytes = 0;
        let some = ring.facts.range(start..).take(AT_ONCE).take_while(|(_, told)| {
            let fits = bytes < BYTES_AT_ONCE;
            bytes += told.fact.bytes();
            fits
        });
        let facts: Vec<_> = some.map(|(_, told)| Arc::clone(told)).collect();
        self.position = facts.last().map_or(self.position, |told| told.id);
        Heard::Facts(facts)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let now = self.feed.0.clock.now();
        let mut ring = self.feed.lock();
        ring.watchers = ring.watchers.saturating_sub(1);
        ring.left_at = now;
    }
}

#[cfg(test)]
mod tests;
