//! What may be said to a delivery pool and to its workers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ractor::RpcReplyPort;

use super::Peers;
use crate::channels::Channel;
use crate::domain::delivery::Job;
use crate::domain::fault::Outcome;
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;
use crate::domain::rate::Rates;
use crate::domain::retry::RetryPolicy;
use crate::store::batch::Claimed;
use crate::telemetry::handles::ChannelMetrics;

/// What may be said to the pool of a channel.
#[derive(Debug)]
pub enum DeliveryMessage {
    /// These are yours; their attempts are on record.
    Deliver(Vec<Job>),
    /// Rows of this channel wait in the store.
    Waiting,
    /// One of them is a critical page.
    Urgent,
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
    /// Send with this from now on; what is being sent ends as it began.
    Renew(Equipment),
    /// Somebody was restarted, or a way was shut or opened: say again what the store has not confirmed.
    Introduce(Arc<Peers>),
    /// Start nothing more, finish what runs, give the rest back, then answer.
    Drain(RpcReplyPort<()>),
}

/// What may be said to a worker.
pub enum WorkerMessage {
    /// Make this attempt, this way.
    Attempt(Job, Arc<dyn Channel>),
}

impl fmt::Debug for WorkerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Attempt(job, _) = self;
        f.debug_tuple("Attempt").field(job).finish()
    }
}

/// What the configuration gives a pool, replaced as a whole when it is reloaded.
#[derive(Clone)]
pub struct Equipment {
    /// How to send.
    pub channel: Arc<dyn Channel>,
    /// How many attempts at once.
    pub workers: usize,
    /// How fast.
    pub rates: Rates,
    /// Which channels take over when this one cannot.
    pub stand_ins: Vec<ChannelName>,
    /// When to try again.
    pub retry: RetryPolicy,
    /// The series of the channel, whose provider may be another one now.
    pub metrics: ChannelMetrics,
}

impl fmt::Debug for Equipment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Equipment").field("workers", &self.workers).finish_non_exhaustive()
    }
}
