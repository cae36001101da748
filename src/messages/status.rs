//! What may be said to the status actor, the single writer of the store.

use ractor::RpcReplyPort;

use super::delivery::DeliveryMessage;
use super::dlq::DlqMessage;
use super::ingest::IngestMessage;
use super::post::Post;
use super::publisher::PublisherMessage;
use super::sweeper::SweeperMessage;
use crate::domain::acceptance::{Accept, Firing, IncidentRules};
use crate::domain::action::{Act, Acted};
use crate::domain::bulk::{Bulk, BulkChange};
use crate::domain::delivery::Repeat;
use crate::domain::handling::{Handled, Handling};
use crate::domain::ids::{DeadLetterId, DeliveryId, SuppressionId};
use crate::domain::names::ChannelName;
use crate::domain::receipt::Receipt;
use crate::domain::record::RecordChange;
use crate::domain::suppression::AddressChange;
use crate::domain::way::FlowChange;
use crate::store::StoreError;
use crate::store::batch::{AccessChange, Attempted, Claim, Committed, Quarantined, Trial, Turn};

/// Who waits for a change of a bulk job.
#[derive(Debug)]
pub enum BulkReply {
    /// Somebody who asked how it stands then.
    Asker(RpcReplyPort<Option<Bulk>>),
    /// The DLQ actor, to go on.
    Driver(Post<DlqMessage>),
}

/// What may be said to the status actor.
#[derive(Debug)]
pub enum StatusMessage {
    /// Accept these; `from` hears [`IngestMessage::Settled`].
    Accept {
        /// In the order of their source.
        accepts: Vec<Accept>,
        /// Who waits for them.
        from: Post<IngestMessage>,
    },
    /// Somebody does something to an incident; answered when it is on stable storage.
    Act {
        /// What.
        act: Box<Act>,
        /// What came of it.
        reply: RpcReplyPort<Acted>,
    },
    /// Fire these timers; `from` hears [`SweeperMessage::Fired`].
    Fire {
        /// The timers, with whom their steps tell.
        firings: Vec<Firing>,
        /// Who waits for them.
        from: Post<SweeperMessage>,
    },
    /// Keep these as dead letters; `from` hears [`IngestMessage::Settled`].
    Quarantine {
        /// The records.
        letters: Vec<Quarantined>,
        /// Who waits for them.
        from: Post<IngestMessage>,
    },
    /// An attempt ended; `pool` hears `Recorded`.
    Attempted {
        /// How it ended.
        attempted: Attempted,
        /// Who waits for it.
        pool: Post<DeliveryMessage>,
    },
    /// `pool` has room for so many more deliveries that are new and due now.
    Offer {
        /// Its channel.
        channel: ChannelName,
        /// How many more.
        places: usize,
        /// Who gets them.
        pool: Post<DeliveryMessage>,
    },
    /// `pool` wants waiting deliveries; it hears `Claimed`.
    Claim {
        /// What it wants.
        claim: Claim,
        /// Who gets them.
        pool: Post<DeliveryMessage>,
    },
    /// Repeat these dead deliveries as new ones.
    Replay {
        /// Which.
        repeats: Vec<Repeat>,
        /// One answer each: the new delivery, or `None` if there was nothing to repeat.
        reply: RpcReplyPort<Vec<Option<DeliveryId>>>,
    },
    /// An operator wants something of a delivery; answered when it is on stable storage.
    Handle {
        /// What.
        handling: Handling,
        /// What came of it.
        reply: RpcReplyPort<Handled>,
    },
    /// Something is to become of a bulk job.
    Bulk {
        /// What.
        change: Box<BulkChange>,
        /// Who waits for it.
        from: BulkReply,
    },
    /// Shut or open these ways; answered when it is on stable storage.
    Flow {
        /// What is to be.
        changes: Vec<FlowChange>,
        /// Told when it is done.
        reply: RpcReplyPort<()>,
    },
    /// Providers said something later; answered when it is on stable storage.
    Receipts {
        /// What they said.
        receipts: Vec<Receipt>,
        /// What it says about addresses.
        addresses: Vec<AddressChange>,
        /// Told when it is done.
        reply: RpcReplyPort<()>,
    },
    /// Somebody takes back what is known against an address; answered when it is on stable storage.
    Lift {
        /// Which.
        id: SuppressionId,
        /// Told when it is done.
        reply: RpcReplyPort<()>,
    },
    /// Something is new about callers of the API.
    Access {
        /// What.
        changes: Vec<AccessChange>,
        /// Told when it is on stable storage.
        reply: Option<RpcReplyPort<()>>,
    },
    /// Change what the API owns of the configuration.
    Record {
        /// What.
        change: Box<RecordChange>,
        /// Told, when it is on stable storage, whether it was done: not if something came between.
        reply: RpcReplyPort<bool>,
    },
    /// A publisher has handed over what it says, and wants more; it hears
    /// [`PublisherMessage::Parcels`].
    Turn {
        /// What it has done and wants.
        turn: Box<Turn>,
        /// Who waits for it.
        publisher: Post<PublisherMessage>,
    },
    /// `[incidents]` is this from now on.
    Rules(IncidentRules),
    /// These records are in their topic of dead letters, too.
    Exported {
        /// Which.
        ids: Vec<DeadLetterId>,
        /// Who waits for it to be written.
        from: Post<DlqMessage>,
    },
    /// Nobody sends over this channel any more: what is too late for it expires.
    Abandoned(ChannelName),
    /// Write down that this record is going to be tried; `from` hears [`Begun`](super::ingest::TrialNews::Begun).
    Try {
        /// Which.
        trial: Trial,
        /// Who tries it.
        from: Post<IngestMessage>,
    },
    /// Is somebody there? Answered at once, whatever the store does.
    Presence(RpcReplyPort<()>),
    /// A commit ended.
    Committed(Box<Result<Committed, StoreError>>),
    /// Try the same batch again.
    Retry,
    /// Outcomes have waited long enough for company.
    Linger(u64),
    /// Answer once nothing waits to be written.
    Flush(RpcReplyPort<()>),
}
