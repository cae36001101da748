//! What may be said to an ingest actor.

use std::fmt;
use std::sync::Arc;

use ractor::RpcReplyPort;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::Peers;
use crate::domain::event::Position;
use crate::domain::ids::{DeadLetterId, EventId};
use crate::domain::malformed::Malformed;
use crate::domain::names::SourceName;
use crate::formats::Words;
use crate::sources::{Connect, Polled};
use crate::store::batch::Accepted;
use crate::store::views::Kept;
use crate::telemetry::handles::SourceMetrics;

/// What may be said to an ingest actor.
#[derive(Debug)]
pub enum IngestMessage {
    /// The source has news.
    Polled(Polled),
    /// The source cannot go on as it is; try again after a while.
    SourceLost(String),
    /// Build the source anew and read from it.
    Connect,
    /// Events that came by request, each as raw JSON. Answered when all are on stable storage.
    Submit {
        /// At most 500.
        items: Vec<Arc<[u8]>>,
        /// The `traceparent` of the request.
        traceparent: Option<String>,
        /// They are records of this source, and not of the one that the actor is of.
        source: Option<SourceName>,
        /// What its sender calls the request: said again, it is the same.
        called: Option<String>,
        /// Where the answers go, one for each item.
        reply: RpcReplyPort<Vec<Submitted>>,
    },
    /// Bytes that came in before are taken in again. Answered when all are on stable storage.
    Replay {
        /// Which.
        items: Vec<Replay>,
        /// Where the answers go, one for each item.
        reply: RpcReplyPort<Vec<Submitted>>,
    },
    /// These are on stable storage.
    Settled(Vec<Settled>),
    /// The record that is to be tried next can go on.
    Trial(TrialNews),
    /// Read records so from now on.
    Words(Arc<Words>),
    /// Somebody was restarted, or a way was shut or opened: here are the new peers; say again what is unsettled.
    Introduce(Arc<Peers>),
    /// Take nothing more in, settle what is in flight, commit, then answer.
    Drain(RpcReplyPort<()>),
}

/// What the configuration gives an ingest actor.
#[derive(Clone)]
pub struct Intake {
    /// How to reach the source; `None` for requests.
    pub connect: Option<Connect>,
    /// How many records may be held.
    pub max_in_flight: usize,
    /// The series of the source.
    pub metrics: SourceMetrics,
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("max_in_flight", &self.max_in_flight).finish_non_exhaustive()
    }
}

/// What a record that is tried by itself waits for, one after the other.
#[derive(Debug)]
pub enum TrialNews {
    /// No other record of this process is being tried while this permit lives.
    Turn(OwnedSemaphorePermit),
    /// The trial is written down, unless it has to wait or the record is poison.
    Begun {
        /// Of which record.
        position: Position,
        /// How many earlier lives ended over it.
        ends: u32,
    },
    /// The process has lived long enough to try this suspect.
    Calm(Position),
    /// See whether there is still reason for care.
    Review,
}

/// Bytes to be taken in again.
#[derive(Debug, Clone)]
pub struct Replay {
    /// What they were.
    pub of: ReplayOf,
    /// The bytes, and where they came from.
    pub kept: Kept,
}

/// What is taken in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ReplayOf {
    /// An event.
    Event(EventId),
    /// A record that could not become one.
    DeadLetter(DeadLetterId),
}

/// A position that is on stable storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub position: Position,
    /// As what.
    pub as_what: SettledAs,
}

/// What a record became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettledAs {
    /// An event.
    Event(Accepted),
    /// A dead letter; the reason in words.
    DeadLetter(String),
    /// Nothing, on purpose: the rule of this name lets it go, and it is on no storage.
    Ignored(String),
}

/// What became of one submitted item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// It is on stable storage.
    Accepted(Accepted),
    /// It is no event; nothing was kept.
    Malformed(Malformed),
    /// It is kept as a dead letter: a direct notification that reaches nobody, or worse.
    DeadLetter(String),
    /// The rule of this name lets it go on purpose; nothing was kept.
    Ignored(String),
}
