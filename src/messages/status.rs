//! What may be said to the status actor, the single writer of the store.

use std::sync::Arc;

use ractor::{ActorRef, RpcReplyPort};

use super::Peers;
use super::ingest::IngestMessage;
use crate::domain::acceptance::Accept;
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;
use crate::store::StoreError;
use crate::store::batch::{Adopt, Attempted, Committed, Quarantined};

/// What may be said to the status actor.
#[derive(Debug)]
pub enum StatusMessage {
    /// Accept these; `from` hears [`IngestMessage::Settled`].
    Accept {
        /// In the order of their source.
        accepts: Vec<Accept>,
        /// Who waits for them.
        from: ActorRef<IngestMessage>,
    },
    /// Keep these as dead letters; `from` hears [`IngestMessage::Settled`].
    Quarantine {
        /// The records.
        letters: Vec<Quarantined>,
        /// Who waits for them.
        from: ActorRef<IngestMessage>,
    },
    /// An attempt on `channel` ended; its pool hears `Recorded`.
    Attempted {
        /// Whose attempt.
        channel: ChannelName,
        /// How it ended.
        attempted: Attempted,
    },
    /// The pool of `channel` wants work; it hears `Claimed`.
    Claim {
        /// Whose pool.
        channel: ChannelName,
        /// At most this many.
        limit: usize,
        /// What to do first about rows that a dead pool or process held.
        adopt: Adopt,
    },
    /// Repeat these dead deliveries as new ones.
    Replay {
        /// Which.
        ids: Vec<DeliveryId>,
        /// One answer each: the new delivery, or `None` if there was nothing to repeat.
        reply: RpcReplyPort<Vec<Option<DeliveryId>>>,
    },
    /// A commit ended.
    Committed(Result<Committed, StoreError>),
    /// Try the same batch again.
    Retry,
    /// Somebody was restarted.
    Introduce(Arc<Peers>),
    /// Answer once nothing waits to be written.
    Flush(RpcReplyPort<()>),
}
