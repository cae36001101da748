//! What is written in one transaction, and what comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, Decision, Firing, Grants, IncidentRules, Rows};
use crate::domain::action::{Act, Acted};
use crate::domain::audit::AuditEntry;
use crate::domain::bulk::{Bulk, BulkChange};
use crate::domain::delivery::{About, DeadReason, DeliveryState, Job, Lease, Repeat, Target};
use crate::domain::event::Position;
use crate::domain::handling::{Handled, Handling};
use crate::domain::idempotency::KeyChange;
use crate::domain::ids::{DeadLetterId, DeliveryId, EventId};
use crate::domain::malformed::Malformation;
use crate::domain::names::{ChannelName, SinkName, SourceName};
use crate::domain::notification::NotificationKind;
use crate::domain::outgoing::Parcel;
use crate::domain::receipt::Receipt;
use crate::domain::record::RecordChange;
use crate::domain::retention::Purge;
use crate::domain::session::SessionChange;
use crate::domain::suppression::{AddressChange, Mark};
use crate::domain::token::TokenChange;
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
    /// What people do to incidents.
    pub acts: Vec<Act>,
    /// Timers that are due.
    pub firings: Vec<Firing>,
    /// How many of the new deliveries may start at once, by channel.
    pub grants: Grants,
    /// Records that are no events.
    pub quarantined: Vec<Quarantined>,
    /// Dead deliveries to repeat as new ones.
    pub replays: Vec<Repeat>,
    /// What operators want of single deliveries.
    pub handlings: Vec<Handling>,
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
    /// Changes of what the API owns of the configuration.
    pub records: Vec<RecordChange>,
    /// Records that are in their topic of dead letters, too.
    pub exported: Vec<DeadLetterId>,
    /// Channels that nobody sends over any more.
    pub abandoned: Vec<ChannelName>,
    /// What is new about who may do what, and who did.
    pub access: Vec<AccessChange>,
    /// What publishers have handed over, and what they want next.
    pub turns: Vec<Turn>,
}

/// What is new about callers of the API.
#[derive(Debug, Clone)]
pub enum AccessChange {
    /// Of tokens.
    Token(TokenChange),
    /// Of sessions.
    Session(SessionChange),
    /// Somebody did something.
    Audit(AuditEntry),
    /// Of `Idempotency-Key`.
    Key(KeyChange),
    /// What is too old goes.
    Purge(Purge),
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
            acts: Vec::new(),
            firings: Vec::new(),
            grants: Grants::new(),
            quarantined: Vec::new(),
            replays: Vec::new(),
            handlings: Vec::new(),
            bulks: Vec::new(),
            claims: Vec::new(),
            acquitted: Vec::new(),
            trials: Vec::new(),
            flows: Vec::new(),
            addresses: Vec::new(),
            receipts: Vec::new(),
            records: Vec::new(),
            exported: Vec::new(),
            abandoned: Vec::new(),
            access: Vec::new(),
            turns: Vec::new(),
        }
    }

    /// True when incidents are decided upon: then no other node may decide at the same time.
    pub fn decides(&self) -> bool {
        !(self.accepts.is_empty() && self.acts.is_empty() && self.firings.is_empty())
    }

    /// True when it is one action or one timer and nothing else.
    pub fn is_one_deed(&self) -> bool {
        let rest = Self { acts: Vec::new(), firings: Vec::new(), ..self.clone() };
        self.acts.len() + self.firings.len() == 1 && rest.is_empty()
    }

    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.attempted.is_empty()
            && !self.decides()
            && self.quarantined.is_empty()
            && self.replays.is_empty()
            && self.handlings.is_empty()
            && self.bulks.is_empty()
            && self.claims.is_empty()
            && self.acquitted.is_empty()
            && self.trials.is_empty()
            && self.flows.is_empty()
            && self.addresses.is_empty()
            && self.receipts.is_empty()
            && self.records.is_empty()
            && self.exported.is_empty()
            && self.abandoned.is_empty()
            && self.access.is_empty()
            && self.turns.is_empty()
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
    /// How often it came back from a topic of dead letters.
    pub came_back: u32,
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

/// What a publisher says of its sink: what was handed over, and that it wants more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Which sink.
    pub sink: SinkName,
    /// Parcels that need not wait any more.
    pub done: Vec<i64>,
    /// Parcels that were refused, and when to offer them again.
    pub refused: Vec<(i64, Timestamp)>,
    /// At most this many are wanted next.
    pub limit: usize,
    /// Until then no other node hands over to this sink.
    pub until: Timestamp,
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
    /// One for each of `acts`, in order.
    pub acted: Vec<Acted>,
    /// How many of `firings` were still as they were read.
    pub fired: usize,
    /// New deliveries that are in hand at once, all channels.
    pub started: Vec<Job>,
    /// The rows that were decided upon, but for `started`: for those who watch.
    pub rows: Rows,
    /// How many new deliveries wait, by channel.
    pub waiting: Vec<(ChannelName, usize)>,
    /// Of those, the channels on which a critical page waits.
    pub urgent: BTreeSet<ChannelName>,
    /// One for each of `replays`, in order: the new delivery, or `None` if there was no such dead
    /// delivery or it was repeated before.
    pub replayed: Vec<Option<DeliveryId>>,
    /// One for each of `handlings`, in order.
    pub handled: Vec<Handled>,
    /// What operators canceled, for those who watch.
    pub withdrawn: Vec<Ended>,
    /// One for each of `bulks`, in order: how the job stands now; `None` if there is none.
    pub bulks: Vec<Option<Bulk>>,
    /// How many deliveries jobs repeated, and how many they could not.
    pub repeated_by_jobs: (u64, u64),
    /// One for each of `records`, in order: whether it was done, because nothing had come between.
    pub records: Vec<bool>,
    /// One for each of `claims`, in order.
    pub claimed: Vec<Claimed>,
    /// One for each of `trials`, in order: how many earlier lives ended over that record; none if it
    /// is in the store already.
    pub tried: Vec<u32>,
    /// For which sinks there is something new.
    pub posted: BTreeSet<SinkName>,
    /// One for each of `turns`, in order: what to hand over next; nothing if another node does.
    pub parcels: Vec<Vec<Parcel>>,
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
