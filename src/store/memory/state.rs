//! What the memory store holds, and its indexes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::outgoing::Outbox;
use crate::domain::Timestamp;
use crate::domain::audit::AuditEntry;
use crate::domain::bulk::Bulk;
use crate::domain::bundle::Class;
use crate::domain::dedup::DedupKey;
use crate::domain::delivery::{Delivery, DeliveryState, Lease};
use crate::domain::event::Position;
use crate::domain::group::Member;
use crate::domain::idempotency::{Key, Known};
use crate::domain::ids::{
    AuditId, DeadLetterId, DeliveryId, EventId, JobId, NotificationId, SessionId, TokenId,
};
use crate::domain::incident::Incident;
use crate::domain::late::Tombstone;
use crate::domain::letter::Letter;
use crate::domain::names::{ChannelName, NodeName, SourceName};
use crate::domain::notification::{Notification, NotificationKind};
use crate::domain::receipt::Receipt;
use crate::domain::record::Records;
use crate::domain::session::Session;
use crate::domain::suppression::Suppression;
use crate::domain::timer::TimerKind;
use crate::domain::token::Token;
use crate::domain::way::Paused;
use crate::store::views::{
    AttemptView, Backlog, BacklogLine, DeadLetterView, DeliveryView, EventView, Kept, TimelineView,
};

/// Everything, and the ways to it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) nodes: HashMap<NodeName, i64>,
    /// Whose last life ended in order.
    pub(super) ended: HashSet<NodeName>,
    pub(super) paused: Paused,
    pub(super) suppressions: Vec<Suppression>,
    pub(super) tokens: BTreeMap<TokenId, Token>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) audit: BTreeMap<AuditId, AuditEntry>,
    pub(super) keys: HashMap<Key, Claimed>,
    pub(super) receipts: HashMap<DeliveryId, Receipt>,
    pub(super) records: Records,
    pub(super) outbox: Outbox,
    pub(super) trials: HashMap<(SourceName, Position), Tried>,
    pub(super) positions: HashMap<(SourceName, Position), KnownEvent>,
    pub(super) producer_ids: HashMap<(SourceName, String), KnownBytes>,
    pub(super) incidents: BTreeMap<u64, Incident>,
    pub(super) tombstones: HashMap<(String, SourceName), Tombstone>,
    /// Number of the newest incident of a dedup key.
    pub(super) newest: HashMap<DedupKey, u64>,
    /// What incidents stand for, by incident and dedup key.
    pub(super) members: BTreeMap<(u64, DedupKey), Member>,
    pub(super) timeline: BTreeMap<(u64, u64), TimelineView>,
    pub(super) signing_key: Option<String>,
    pub(super) timers: HashMap<(u64, TimerKind), Timestamp>,
    /// The same, the first due first.
    pub(super) timers_due: BTreeSet<(Timestamp, u64, TimerKind)>,
    pub(super) notifications: HashMap<NotificationId, Notification>,
    pub(super) deliveries: BTreeMap<DeliveryId, Stored>,
    pub(super) attempts: BTreeMap<(DeliveryId, u32), AttemptView>,
    pub(super) letters: BTreeMap<DeadLetterId, DeadLetterView>,
    pub(super) letter_bytes: HashMap<DeadLetterId, Kept>,
    /// Those that are not in their topic of dead letters yet.
    pub(super) here: BTreeMap<DeadLetterId, Letter>,
    pub(super) events: BTreeMap<EventId, KeptEvent>,
    pub(super) quarantined: HashSet<(SourceName, Position)>,
    pub(super) of_incident: HashMap<u64, Vec<DeliveryId>>,
    pub(super) replayed: HashSet<DeliveryId>,
    pub(super) bulks: BTreeMap<JobId, Bulk>,
    /// What waits: channel, lane, due, id.
    pub(super) waiting: BTreeSet<(ChannelName, i16, Timestamp, DeliveryId)>,
    /// When something last went to an address that waits for more.
    pub(super) bundles: HashMap<(ChannelName, Class, String), Timestamp>,
    /// What is being sent.
    pub(super) in_hand: BTreeSet<(ChannelName, DeliveryId)>,
}

/// A key that somebody claimed.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) known: Known,
    pub(super) at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// A record on trial.
#[derive(Debug)]
pub(super) struct Tried {
    /// How many lives ended over it, that of `by` included.
    pub(super) ends: u32,
    /// Who tries it, unless that life ended in order.
    pub(super) by: Option<Lease>,
}

/// An event, as far as later ones need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownEvent {
    pub(super) id: EventId,
    pub(super) incident: Option<u64>,
}

/// An event as it is shown, without its bytes, and those.
#[derive(Debug)]
pub(super) struct KeptEvent {
    pub(super) view: EventView,
    pub(super) kept: Kept,
}

/// An event that has a producer's id, with its bytes.
type KnownBytes = (KnownEvent, Arc<[u8]>);

/// A delivery and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) delivery: Delivery,
    pub(super) kind: NotificationKind,
    pub(super) state: DeliveryState,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) attempts: u32,
    pub(super) held: u32,
    pub(super) crashes: u32,
    pub(super) last_outcome: Option<&'static str>,
    pub(super) dead_reason: Option<&'static str>,
    pub(super) owner: Option<Lease>,
    pub(super) settled_at: Option<Timestamp>,
    pub(super) job: Option<JobId>,
    pub(super) even_if_over: bool,
}

impl Stored {
    pub(super) fn new(delivery: Delivery, kind: NotificationKind, now: Timestamp) -> Self {
        Self {
            delivery,
            kind,
            state: DeliveryState::Pending,
            created_at: now,
            updated_at: now,
            attempts: 0,
            held: 0,
            crashes: 0,
            last_outcome: None,
            dead_reason: None,
            owner: None,
            settled_at: None,
            job: None,
            even_if_over: false,
        }
    }

    pub(super) fn waits(&self) -> bool {
        matches!(self.state, DeliveryState::Pending | DeliveryState::Retrying)
    }

    pub(super) fn is_dead_letter(&self) -> bool {
        self.state == DeliveryState::Dead && self.settled_at.is_none()
    }

    pub(super) fn view(&self) -> DeliveryView {
        let delivery = &self.delivery;
        DeliveryView {
            id: delivery.id,
            incident_number: delivery.incident,
            notification: self.kind.as_str(),
            notification_id: delivery.notification,
            channel: delivery.target.channel.clone(),
            recipient: delivery.target.recipient.to_string(),
            to: delivery.target.address.masked(),
            state: self.state,
            reason: self.dead_reason.or(self.last_outcome).map(str::to_owned),
            attempts: self.attempts - self.held,
            created_at: self.created_at,
            updated_at: self.updated_at,
            next_attempt_at: self.waits().then_some(delivery.due_at),
            expires_at: delivery.expires_at,
            replay_of: delivery.replay_of,
            settled_at: self.settled_at,
            job: self.job,
        }
    }
}

impl State {
    /// Adds a delivery, or puts one back, and files it where its state belongs.
    pub(super) fn put(&mut self, stored: Stored) {
        let Delivery { id, target, priority, due_at, .. } = &stored.delivery;
        if stored.waits() {
            self.waiting.insert((target.channel.clone(), priority.rank(), *due_at, *id));
        } else if stored.state == DeliveryState::Sending {
            self.in_hand.insert((target.channel.clone(), *id));
        }
        self.deliveries.insert(*id, stored);
    }

    /// Takes a delivery out to be changed.
    pub(super) fn pick(&mut self, id: DeliveryId) -> Option<Stored> {
        let stored = self.deliveries.remove(&id)?;
        let delivery = &stored.delivery;
        let channel = delivery.target.channel.clone();
        if stored.waits() {
            self.waiting.remove(&(channel, delivery.priority.rank(), delivery.due_at, id));
        } else if stored.state == DeliveryState::Sending {
            self.in_hand.remove(&(channel, id));
        }
        Some(stored)
    }

    pub(super) fn begin_attempt(&mut self, id: DeliveryId, number: u32, at: Timestamp) {
        let attempt = AttemptView {
            number,
            at,
            took_ms: None,
            outcome: None,
            code: None,
            detail: None,
            provider_id: None,
        };
        self.attempts.insert((id, number), attempt);
    }

    pub(super) fn backlog(&self) -> Backlog {
        let mut lines: BTreeMap<(ChannelName, &str), BacklogLine> = BTreeMap::new();
        let counted =
            self.deliveries.values().filter(|stored| !stored.state.is_terminal() || stored.is_dead_letter());
        for stored in counted {
            let channel = stored.delivery.target.channel.clone();
            let line = lines.entry((channel.clone(), stored.state.as_str())).or_insert(BacklogLine {
                channel,
                state: stored.state,
                count: 0,
                oldest: Some(stored.created_at),
            });
            line.count += 1;
        }
        Backlog { deliveries: lines.into_values().collect(), dead_letters: self.letters.len() as u64 }
    }
}
