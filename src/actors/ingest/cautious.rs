//! One record at a time after a life that ended without a word: [`crate::domain::caution`] decides,
//! this carries it out.
//!
//! What is read waits here unopened. The first of it takes its turn (one record of the whole process
//! is on trial at a time), is written down, and only then looked into; when it is settled the next
//! one begins. Records that cannot have been in hand pass in bulk, in their order.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{IngestArguments, IngestState, Link, reader};
use crate::domain::caution::{Caution, Step, judge};
use crate::domain::event::Position;
use crate::messages::ingest::{IngestMessage, SettledAs, TrialNews};
use crate::messages::post::tell;
use crate::messages::status::StatusMessage;
use crate::sources::{MOST_RECORDS, Record};
use crate::store::batch::{AcceptResult, Accepted, Trial};

/// How often it is asked whether there is still reason for care.
const REVIEW_EVERY: Duration = Duration::from_secs(10);

/// What was read with care, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Care {
    caution: Option<Caution>,
    turn: Option<Arc<Semaphore>>,
    /// Unopened, in the order of the source.
    queue: VecDeque<Record>,
    queued: HashSet<Position>,
    first: First,
    /// How many ends the first was known for when it last waited.
    waited: u32,
    /// How many records are still to be read, as the source told last.
    lag: Option<u64>,
}

/// How far the first of the queue is.
#[derive(Debug, Default)]
enum First {
    /// Nobody has begun with it.
    #[default]
    Idle,
    /// It waits for its turn.
    Queuing,
    /// It is being written down.
    Asked(OwnedSemaphorePermit),
    /// It is a suspect, and the process has to live a while first.
    Calming,
    /// It is out of the queue and not settled yet.
    Tried(Position, #[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit),
}

impl Care {
    pub(super) fn of(arguments: &IngestArguments) -> Self {
        let turn = arguments.caution.clone().filter(|_| arguments.intake.connect.is_some());
        let window = arguments.intake.max_in_flight + MOST_RECORDS;
        Self { caution: turn.is_some().then(|| Caution::over(window)), turn, ..Self::default() }
    }

    pub(super) fn holds(&self, position: &Position) -> bool {
        self.queued.contains(position)
    }

    /// The source told how many records are still to be read.
    pub(super) fn lag(&mut self, records: u64) {
        self.lag = Some(records);
    }

    fn watches(&self, position: &Position) -> bool {
        self.caution.as_ref().is_some_and(|caution| caution.watches(position))
    }

    /// Keeps a record that must not be looked into yet.
    pub(super) fn set_aside(&mut self, record: &Record) -> bool {
        let waits = !self.queue.is_empty() || self.watches(&record.position);
        if waits {
            self.queued.insert(record.position.clone());
            self.queue.push_back(record.clone());
        }
        waits
    }

    fn is_first(&self, position: &Position) -> bool {
        self.queue.front().is_some_and(|first| first.position == *position)
    }

    fn pop(&mut self) -> Option<Record> {
        let record = self.queue.pop_front()?;
        self.queued.remove(&record.position);
        Some(record)
    }

    /// What is next and need not be tried.
    fn harmless(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        while self.queue.front().is_some_and(|first| !self.watches(&first.position)) {
            records.extend(self.pop());
        }
        records
    }

    /// Forgets what is unopened: the source gives it again. Returns the credits that it took.
    pub(super) fn forget(&mut self) -> usize {
        self.lag = None;
        if !matches!(self.first, First::Tried(..)) {
            self.first = First::Idle;
            self.waited = 0;
        }
        self.queued.clear();
        self.queue.drain(..).map(|record| reader::weight(&record)).sum()
    }

    /// A record is on stable storage.
    pub(super) fn settled(&mut self, position: &Position, as_what: &SettledAs) {
        let known = matches!(as_what, SettledAs::Event(Accepted { result: AcceptResult::Duplicate, .. }));
        if let Some(caution) = self.caution.as_mut().filter(|_| !known) {
            caution.settled(position);
        }
        if matches!(&self.first, First::Tried(tried, _) if tried == position) {
            self.first = First::Idle;
            self.waited = 0;
        }
    }
}

impl IngestState {
    /// Does what can be done about the queue.
    pub(super) fn go_on(&mut self) {
        if self.drained.is_some() || !matches!(self.care.first, First::Idle) {
            return;
        }
        let harmless = self.care.harmless();
        if !harmless.is_empty() {
            let now = self.arguments.clock.now();
            let items = harmless.iter().flat_map(|record| self.read(record, now)).collect();
            self.hold_and_send(items);
        }
        if let Some(turn) = self.care.turn.clone().filter(|_| !self.care.queue.is_empty()) {
            self.care.first = First::Queuing;
            let ingest = self.myself.clone();
            tokio::spawn(async move {
                // Never closed, so there always is a permit in the end.
                if let Ok(permit) = turn.acquire_owned().await {
                    ingest.tell(IngestMessage::Trial(TrialNews::Turn(permit)));
                }
            });
        }
    }

    pub(super) fn on_trial(&mut self, news: TrialNews) {
        match (news, std::mem::take(&mut self.care.first)) {
            (TrialNews::Turn(permit), First::Queuing) => {
                self.care.first = First::Asked(permit);
                self.ask();
            }
            (TrialNews::Begun { position, ends }, First::Asked(permit)) if self.care.is_first(&position) => {
                self.on_begun(ends, permit);
            }
            (TrialNews::Calm(position), First::Calming) if self.care.is_first(&position) => {}
            (TrialNews::Review, first) => {
                self.care.first = first;
                self.on_review();
            }
            (_, first) => self.care.first = first,
        }
        self.go_on();
    }

    /// Has the trial written down. Said again, it is the same trial.
    pub(super) fn ask(&self) {
        let position = match &self.care.first {
            First::Asked(_) => self.care.queue.front().map(|first| &first.position),
            First::Tried(position, _) => Some(position),
            First::Idle | First::Queuing | First::Calming => None,
        };
        if let Some(position) = position.cloned() {
            let source = self.arguments.key.source.clone();
            let trial = Trial { source, position, waited: self.care.waited };
            let from = self.myself.clone();
            tell(self.peers.status.as_ref(), StatusMessage::Try { trial, from });
        }
    }

    fn on_begun(&mut self, ends: u32, permit: OwnedSemaphorePermit) {
        let step = judge(ends, self.care.waited);
        if let (Step::TryAfter(quiet), Some(first)) = (step, self.care.queue.front()) {
            let position = first.position.clone();
            tracing::warn!(source = %self.arguments.key.source, %position, quiet_s = quiet.as_secs(),
                "a life ended with this record in hand; it is tried again after a while");
            self.care.waited = ends;
            self.care.first = First::Calming;
            self.myself.actor().send_after(quiet, || IngestMessage::Trial(TrialNews::Calm(position)));
            return;
        }
        let Some(record) = self.care.pop() else {
            return;
        };
        self.care.first = First::Tried(record.position.clone(), permit);
        let now = self.arguments.clock.now();
        let items = match step {
            Step::Condemn => vec![reader::condemned(&self.arguments, &record, now)],
            Step::Try | Step::TryAfter(_) => self.read(&record, now),
        };
        self.hold_and_send(items);
    }

    /// When nothing is left to be read, everything that may have been in hand is over.
    pub(super) fn on_review(&mut self) {
        if self.care.caution.is_none() {
            return;
        }
        let caught_up = matches!(self.link, Link::Reading(..)) && self.care.lag == Some(0);
        if caught_up && self.care.queue.is_empty() && matches!(self.care.first, First::Idle) {
            self.care.caution = None;
            let key = &self.arguments.key;
            tracing::info!(source = %key.source, topic = key.topic.as_deref(), "nothing left to be careful about");
        } else {
            self.myself.actor().send_after(REVIEW_EVERY, || IngestMessage::Trial(TrialNews::Review));
        }
    }
}
