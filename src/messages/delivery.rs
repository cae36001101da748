//! What may be said to a delivery pool and to its workers.

use std::sync::Arc;
use std::time::Duration;

use ractor::RpcReplyPort;

use super::Peers;
use crate::domain::delivery::Job;
use crate::domain::fault::Outcome;
use crate::domain::ids::DeliveryId;
use crate::store::batch::Claimed;

/// What may be said to the pool of a channel.
#[derive(Debug)]
pub enum DeliveryMessage {
    /// These are yours; their attempts are on record.
    Deliver(Vec<Job>),
    /// Rows of this channel wait in the store.
    Waiting,
    /// What came of a claim.
    Claimed(Claimed),
    /// A worker finished an attempt.
    Attempted {
        /// Which worker, by its place in the pool.
        worker: usize,
        /// Which delivery.
        id: DeliveryId,
        /// How it ended.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
    },
    /// The store has these outcomes.
    Recorded(Vec<DeliveryId>),
    /// Look for due rows now: a timer or the sweeper says so.
    Due,
    /// Put a new worker in this place.
    Replace(usize),
    /// Somebody was restarted: say again what the store has not confirmed.
    Introduce(Arc<Peers>),
    /// Start nothing more, finish what runs, give the rest back, then answer.
    Drain(RpcReplyPort<()>),
}

/// What may be said to a worker.
#[derive(Debug)]
pub enum WorkerMessage {
    /// Make this attempt.
    Attempt(Job),
}
