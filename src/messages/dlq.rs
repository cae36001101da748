//! What may be said to the DLQ actor.

use std::sync::Arc;

use ractor::RpcReplyPort;

use super::Peers;
use super::delivery::DeliveryMessage;
use super::ingest::IngestMessage;
use super::post::Post;
use crate::domain::Timestamp;
use crate::domain::bulk::{Bulk, BulkChange, BulkStep};
use crate::domain::delivery::Repeat;
use crate::domain::ids::{DeadLetterId, DeliveryId};
use crate::domain::names::ChannelName;
use crate::sources::LetterBoxes;
use crate::store::batch::{Attempted, Quarantined};

/// What came of putting letters into boxes.
#[derive(Debug, Default)]
pub struct Exported {
    /// Which are in.
    pub ids: Vec<DeadLetterId>,
    /// Why some are not, in words.
    pub trouble: Option<String>,
}

/// What may be said to the DLQ actor.
#[derive(Debug)]
pub enum DlqMessage {
    /// This delivery is dead; `pool` hears `Recorded`.
    Park {
        /// Whose delivery.
        channel: ChannelName,
        /// How its last attempt ended.
        attempted: Box<Attempted>,
        /// Who waits for it.
        pool: Post<DeliveryMessage>,
    },
    /// These records are no events; `from` hears `Settled`.
    Quarantine {
        /// The records.
        letters: Vec<Quarantined>,
        /// Who waits for them.
        from: Post<IngestMessage>,
    },
    /// Repeat these dead deliveries as new ones.
    Retry {
        /// Which.
        repeats: Vec<Repeat>,
        /// One answer each: the new delivery, or `None` if there was nothing to repeat.
        reply: RpcReplyPort<Vec<Option<DeliveryId>>>,
    },
    /// Something is to become of a bulk job.
    Bulk {
        /// What.
        change: Box<BulkChange>,
        /// Answered with how the job stands; `None` if there is no such job.
        reply: RpcReplyPort<Option<Bulk>>,
    },
    /// Look which jobs are due. Of several such turns only the newest counts.
    Look(u64),
    /// What looking found.
    Found {
        /// Which turn it was.
        turn: u64,
        /// The next few of each job that is due.
        steps: Vec<BulkStep>,
        /// When the next job is due; `None` if none goes on.
        next: Option<Timestamp>,
    },
    /// A step was written, or was not needed any more.
    Stepped,
    /// The dead letters of these sources go there, too, from now on.
    LetterBoxes(LetterBoxes),
    /// Put letters into the boxes that they belong into. Of several such turns only the newest counts.
    Export(u64),
    /// These are in their boxes.
    Exported(u64, Exported),
    /// That is written down.
    Noted,
    /// Somebody was restarted.
    Introduce(Arc<Peers>),
}
