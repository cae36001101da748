//! What is written in one transaction, and what comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, Decision, Grants, IncidentRules, Rows};
use crate::domain::bulk::{Bulk, BulkChange};
use crate::domain::delivery::{About, DeadReason, DeliveryState, Job, Lease, Target};
use crate::domain::event::Position;
use crate::domain::ids::{DeadLetterId, DeliveryId, EventId};
use crate::domain::malformed::Malformation;
use crate::domain::names::{ChannelName, SourceName};
use crate::domain::notification::NotificationKind;
use crate::domain::receipt::Receipt;
use crate::domain::suppression::{AddressChange, Mark};
use crate::domain::way::FlowChange;

/// One transaction.
///
/// Applied in the order of the fields: a slot freed by an outcome can be claimed in the same batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Who writes.
    pub lease: Lease,
    /// The moment of the batch.
    pub now: Timestamp,
    /// `[incidents]`
    pub rules: IncidentRules,
    /// How attempts ended.
    pub attempted: Vec<Attempted>,
    /// Events to accept.
    pub accepts: Vec<Accept>,
    /// How many of the new deliveries may start at once, by channel.
    pub grants: Grants,
    /// Records that are no events.
    pub quarantined: Vec<Quarantined>,
    /// Dead deliveries to repeat as new ones.
    pub replays: Vec<DeliveryId>,
    /// What is to become of bulk jobs.
    pub bulks: Vec<BulkChange>,
    /// Waiting deliveries to take in hand.
    pub claims: Vec<Claim>,
    /// Records on trial that are settled by this batch.
    pub acquitted: Vec<(SourceName, Position)>,
    /// Records to be tried next.
    pub trials: Vec<Trial>,
    /// Ways to shut or to open.
    pub flows: Vec<FlowChange>,
    /// What is new about addresses.
    pub addresses: Vec<AddressChange>,
    /// What providers said later.
    pub receipts: Vec<Receipt>,
    /// Channels that nobody sends over any more.
    pub abandoned: Vec<ChannelName>,
}

impl Batch {
    /// Nothing to write.
    pub fn empty(lease: Lease, now: Timestamp, rules: IncidentRules) -> Self {
        Self {
            lease,
            now,
            rules,
            attempted: Vec::new(),
            accepts: Vec::new(),
            grants: Grants::new(),
            quarantined: Vec::new(),
            replays: Vec::new(),
            bulks: Vec::new(),
            claims: Vec::new(),
            acquitted: Vec::new(),
            trials: Vec::new(),
            flows: Vec::new(),
            addresses: Vec::new(),
            receipts: Vec::new(),
            abandoned: Vec::new(),
        }
    }

    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.attempted.is_empty()
            && self.accepts.is_empty()
            && self.quarantined.is_empty()
            && self.replays.is_empty()
            && self.bulks.is_empty()
            && self.claims.is_empty()
            && self.acquitted.is_empty()
            && self.trials.is_empty()
            && self.flows.is_empty()
            && self.addresses.is_empty()
            && self.receipts.is_empty()
            && self.abandoned.is_empty()
    }
}

/// A record that may be to blame for an end without a word, to be written down before it is looked
/// into. Asking twice in one life counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Which source.
    pub source: SourceName,
    /// Where in it.
    pub position: Position,
    /// How many ends were known of when the caller last waited. Nothing is written if there are more:
    /// the caller has to wait first, or to give the record up.
    pub waited: u32,
}

/// How one attempt ended, and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempted {
    /// Which delivery.
    pub id: DeliveryId,
    /// Which attempt; a write about another attempt than the current one changes nothing.
    pub attempt: u32,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub took_ms: i64,
    /// One word: [`crate::domain::fault::Outcome::label`].
    pub outcome: &'static str,
    /// The provider's code, or empty.
    pub code: String,
    /// The provider's words, or empty.
    pub detail: String,
    /// The provider's id of the message.
    pub provider_id: Option<String>,
    /// What becomes of the delivery.
    pub next: Next,
    /// The channel that it goes on over, if that is another one.
    pub moved_to: Option<ChannelName>,
    /// What was learned of its address: the status actor makes a row of it in the same transaction.
    pub lesson: Lesson,
    /// For those who watch: no store writes it.
    pub about: Option<About>,
}

/// What an attempt says about the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lesson {
    /// Nothing new.
    #[default]
    Nothing,
    /// The provider spoke against it.
    Marked(Mark),
    /// It was spoken against before, and something got through now.
    Reached,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// `sent`.
    Sent,
    /// `retrying`, the attempt counts. If its incident is over by then and it calls for action, it
    /// is `canceled` instead (I4).
    Retrying {
        /// When to try again.
        due_at: Timestamp,
        /// The worker died: counts towards poison.
        crashed: bool,
    },
    /// Waits for somebody else's reasons; the attempt does not count and its row says so. Back to
    /// `retrying`.
    Held {
        /// Until when.
        due_at: Timestamp,
    },
    /// `dead`.
    Dead(DeadReason),
    /// `expired`.
    Expired,
}

/// A record that is no event, kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its id.
    pub id: DeadLetterId,
    /// Which source.
    pub source: SourceName,
    /// Where in it; the same position is quarantined once.
    pub position: Position,
    /// One word.
    pub reason: Malformation,
    /// Why, for people, without the record's own bytes.
    pub detail: String,
    /// The record's bytes, all of them.
    pub raw: Arc<[u8]>,
}

/// A wish for waiting deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// On which channel.
    pub channel: ChannelName,
    /// At most this many.
    pub limit: usize,
    /// What to do first about rows in `sending` that nobody works on any more.
    pub adopt: Adopt,
    /// What the pool does work on: never adopted.
    pub holding: Vec<DeliveryId>,
}

/// What becomes of rows in `sending` on this channel held by this node, in whatever life, that are
/// not in [`Claim::holding`]: asked for when the pool or the status actor was started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopt {
    /// They are being worked on.
    Nothing,
    /// Nobody knows whether they were sent: the attempt's outcome is `unknown`, it counts, and the
    /// delivery is due again now.
    Retry,
    /// Nobody knows whether they were sent, and the channel asks not to send twice: `dead`.
    Hold,
}

/// What a committed batch did.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// One for each of `accepts`, in order.
    pub accepted: Vec<Accepted>,
    /// New deliveries that are in hand at once, all channels.
    pub started: Vec<Job>,
    /// The rows that accepting wrote, but for `started`: for those who watch.
    pub rows: Rows,
    /// How many new deliveries wait, by channel.
    pub waiting: Vec<(ChannelName, usize)>,
    /// Of those, the channels on which a critical page waits.
    pub urgent: BTreeSet<ChannelName>,
    /// One for each of `replays`, in order: the new delivery, or `None` if there was no such dead
    /// delivery or it was repeated before.
    pub replayed: Vec<Option<DeliveryId>>,
    /// One for each of `bulks`, in order: how the job stands now; `None` if there is none.
    pub bulks: Vec<Option<Bulk>>,
    /// How many deliveries jobs repeated, and how many they could not.
    pub repeated_by_jobs: (u64, u64),
    /// One for each of `claims`, in order.
    pub claimed: Vec<Claimed>,
    /// One for each of `trials`, in order: how many earlier lives ended over that record; none if it
    /// is in the store already.
    pub tried: Vec<u32>,
}

/// What came of a claim.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// In hand now, each with its attempt on record. In the order to be attempted.
    pub jobs: Vec<Job>,
    /// How many were expired instead.
    pub expired: usize,
    /// How many were canceled instead, because their incident is over.
    pub canceled: usize,
    /// Those, for those who watch.
    pub ended: Vec<Ended>,
    /// When the next waiting delivery of the channel is due; `None` if none waits.
    pub next_due: Option<Timestamp>,
}

/// A waiting delivery that came to its end without another attempt.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Which.
    pub id: DeliveryId,
    /// `Expired` or `Canceled`.
    pub state: DeliveryState,
    /// To whom and how.
    pub target: Target,
    /// Why.
    pub kind: NotificationKind,
    /// The incident behind it.
    pub incident: Option<u64>,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The event's id: of a duplicate, the first one's.
    pub event: EventId,
    /// What became of it.
    pub result: AcceptResult,
    /// The incident it is about.
    pub incident: Option<u64>,
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptResult {
    /// It is new and was decided.
    Decided(Decision),
    /// It is known already; nothing was changed.
    Duplicate,
    /// Its producer's id is known with other bytes; it is in quarantine.
    Conflict,
}
