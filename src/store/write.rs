//! The one write path: what a [`Batch`] does, said once for every store.
//!
//! A store supplies a [`Ledger`]: an open transaction that can answer some questions and write some
//! tables, each with one statement for the whole batch. [`write()`] asks and writes in the order of
//! the batch's fields, and every decision in between is taken here or in the domain. So the stores
//! cannot disagree about meaning, only about SQL.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use super::access::Access;
use super::addresses::Addresses;
use super::batch::{Attempted, Batch, Claimed, Committed, Next, Quarantined};
use super::bulk::{Bulks, drive};
use super::bundling::Bundles;
use super::claim::claim;
use super::deciding::{acts, firings};
use super::flow::Flows;
use super::groups::{Groups, members};
use super::handling::{Handlings, handle};
use super::in_doubt::{InDoubt, find};
use super::intake::{Seen, Sifted, sift};
use super::late::{Tombstones, look_up};
use super::outgoing::{self, Posts};
use super::receipts::Receipts;
use super::records::{Configured, keep};
use super::repeating::{Replay, count, replay};
use super::trial::{Trials, try_out};
use crate::domain::Timestamp;
use crate::domain::acceptance::{Grants, Known, Rows, decide};
use crate::domain::dedup::DedupKey;
use crate::domain::delivery::{DeliveryState, Job, Lease, Target};
use crate::domain::event::{Priority, RequestText};
use crate::domain::ids::{DeliveryId, NotificationId};
use crate::domain::incident::Incident;
use crate::domain::names::ChannelName;
use crate::domain::notification::NotificationKind;
use crate::domain::timer::{Timer, TimerKind};

/// An open transaction. Every method is at most a few statements, however long its list is.
#[async_trait]
pub(super) trait Ledger: Send {
    /// What `batch` is decided on. Until the end of this transaction no other life of the node can
    /// begin, and if the batch accepts events, no other node can accept any.
    async fn standing(&mut self, batch: &Batch) -> Result<Standing, StoreError>;

    /// Which of these deliveries `lease` has in hand, at that very attempt.
    async fn in_hand(
        &mut self,
        lease: &Lease,
        attempts: &[(DeliveryId, u32)],
    ) -> Result<HashSet<DeliveryId>, StoreError>;

    /// Ends attempts. One that is not the current attempt of a delivery in the hands of `lease`
    /// changes nothing; one that would wait although its call makes no sense any more is canceled.
    async fn end(&mut self, lease: &Lease, now: Timestamp, endings: &[Ending<'_>]) -> Result<(), StoreError>;

    /// Who was called in the present episode of these incidents: each channel and address once.
    async fn told(&mut self, incidents: &[&Incident]) -> Result<Vec<(u64, Target)>, StoreError>;

    /// Cancels the waiting calls of `rows.over` and whatever waits of `rows.deleted`, then writes the
    /// other rows.
    async fn insert(&mut self, lease: &Lease, now: Timestamp, rows: &Rows) -> Result<(), StoreError>;

    /// Keeps records that are no events, each position once.
    async fn quarantine(&mut self, now: Timestamp, letters: &[&Quarantined]) -> Result<(), StoreError>;

    /// Repeats dead deliveries, each once, and says which were repeated.
    async fn replay(
        &mut self,
        now: Timestamp,
        replays: &[Replay],
    ) -> Result<HashMap<DeliveryId, ChannelName>, StoreError>;

    /// Gives up what the node, in whatever life, has in hand on `channel` without being in
    /// `holding`: those attempts end as unknown.
    async fn adopt(
        &mut self,
        lease: &Lease,
        now: Timestamp,
        channel: &ChannelName,
        orphaned: Orphaned,
        holding: &[DeliveryId],
    ) -> Result<(), StoreError>;

    /// What waits on `channel` and is due: by lane, then by time.
    async fn due(
        &mut self,
        channel: &ChannelName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError>;

    /// These incidents.
    async fn incidents(&mut self, numbers: &[u64]) -> Result<Vec<Incident>, StoreError>;

    /// Those of these timers that are armed.
    async fn timers(&mut self, wanted: &[(u64, TimerKind)]) -> Result<Vec<Timer>, StoreError>;

    /// Takes candidates in hand, each with a new attempt on record, or ends them.
    async fn take(&mut self, lease: &Lease, now: Timestamp, taken: &[Taken]) -> Result<(), StoreError>;

    /// When the next waiting delivery of `channel` is due.
    async fn next_due(&mut self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError>;
}

/// What a batch is decided on, asked for in one go: each question costs a round trip, and a quiet
/// system asks for each event by itself.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The present life of the node.
    pub(super) epoch: Option<i64>,
    /// Which of the batch's events are known.
    pub(super) seen: Vec<Seen>,
    /// The newest incident of each of [`super::intake::dedup_keys`], with the key that was asked for.
    pub(super) newest: Vec<(DedupKey, Incident)>,
    /// The highest incident number.
    pub(super) last_number: u64,
}

/// How an attempt ended, as columns.
#[derive(Debug)]
pub(super) struct Ending<'a> {
    pub(super) attempted: &'a Attempted,
    pub(super) state: DeliveryState,
    /// `None` leaves it as it is.
    pub(super) due_at: Option<Timestamp>,
    /// 1 if the attempt does not count.
    pub(super) held: u32,
    /// 1 if the worker died.
    pub(super) crashes: u32,
    pub(super) dead_reason: Option<&'static str>,
}

impl<'a> Ending<'a> {
    pub(super) fn of(attempted: &'a Attempted) -> Self {
        let (state, due_at) = match attempted.next {
            Next::Sent => (DeliveryState::Sent, None),
            Next::Retrying { due_at, .. } | Next::Held { due_at } => (DeliveryState::Retrying, Some(due_at)),
            Next::Dead(_) => (DeliveryState::Dead, None),
            Next::Expired => (DeliveryState::Expired, None),
        };
        Self {
            attempted,
            state,
            due_at,
            held: u32::from(matches!(attempted.next, Next::Held { .. })),
            crashes: u32::from(matches!(attempted.next, Next::Retrying { crashed: true, .. })),
            dead_reason: match attempted.next {
                Next::Dead(reason) => Some(reason.as_str()),
                _ => None,
            },
        }
    }
}

/// Why each notification of a batch is told: its deliveries carry it too.
pub(super) type Kinds = HashMap<NotificationId, NotificationKind>;

/// The [`Kinds`] of these rows.
pub(super) fn kinds(rows: &Rows) -> Kinds {
    rows.notifications.iter().map(|n| (n.id, n.kind)).collect()
}

/// A delivery that may be taken in hand.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: DeliveryId,
    pub(super) incident: Option<u64>,
    pub(super) kind: NotificationKind,
    pub(super) target: Target,
    pub(super) priority: Priority,
    pub(super) attempts: u32,
    pub(super) held: u32,
    pub(super) crashes: u32,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// Somebody wants it sent although its incident is over.
    pub(super) even_if_over: bool,
    /// How long it waits for others to the same address.
    pub(super) bundle: Option<Duration>,
    /// The words of a direct notification.
    pub(super) text: Option<RequestText>,
}

/// What becomes of a delivery whose attempt nobody works on any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Orphaned {
    pub(super) state: DeliveryState,
    pub(super) dead_reason: Option<&'static str>,
}

/// The outcome of an attempt whose end nobody saw.
pub(super) const UNKNOWN: &str = "unknown";

/// What becomes of a candidate.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) id: DeliveryId,
    /// `Sending`, `Expired` or `Canceled`.
    pub(super) state: DeliveryState,
    /// How many attempts it has now.
    pub(super) attempts: u32,
}

/// What a transaction did, before it is committed.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) committed: Committed,
    /// Found to be in hand, but this batch asks nothing of their channel.
    pub(super) unheard: Vec<Job>,
}

/// Does what `batch` says, in an open transaction.
pub(super) async fn write<L>(ledger: &mut L, batch: &Batch, in_doubt: &InDoubt) -> Result<Written, StoreError>
where
    L: Ledger
        + Tombstones
        + Groups
        + Bundles
        + Trials
        + Flows
        + Addresses
        + Receipts
        + Bulks
        + Handlings
        + Access
        + Configured
        + Posts,
{
    let Lease { node, epoch } = &batch.lease;
    let standing = ledger.standing(batch).await?;
    if standing.epoch != Some(*epoch) {
        return Err(StoreError::Fenced { node: node.clone(), epoch: *epoch });
    }
    let mut written = Written::default();
    let committed = &mut written.committed;
    committed.claimed.resize_with(batch.claims.len(), Claimed::default);
    find(ledger, batch, in_doubt.jobs(), committed, &mut written.unheard).await?;
    let mut ending = HashSet::new();
    if !batch.attempted.is_empty() {
        ending = outgoing::ending(ledger, batch).await?;
        let endings: Vec<Ending<'_>> = batch.attempted.iter().map(Ending::of).collect();
        ledger.end(&batch.lease, batch.now, &endings).await?;
    }
    let mut grants = batch.grants.clone();
    if !batch.accepts.is_empty() {
        accept(ledger, batch, standing, &mut grants, committed).await?;
    }
    if !batch.acts.is_empty() {
        acts(ledger, batch, &mut grants, committed).await?;
    }
    if !batch.firings.is_empty() {
        firings(ledger, batch, &mut grants, committed).await?;
    }
    outgoing::post(ledger, batch, ending, committed).await?;
    if !batch.quarantined.is_empty() {
        let letters: Vec<&Quarantined> = batch.quarantined.iter().collect();
        ledger.quarantine(batch.now, &letters).await?;
    }
    if !batch.replays.is_empty() {
        replay(ledger, batch, committed).await?;
    }
    handle(ledger, batch, committed).await?;
    drive(ledger, batch, committed).await?;
    for place in 0..batch.claims.len() {
        claim(ledger, batch, place, committed).await?;
    }
    learn(ledger, batch, committed).await?;
    committed.tried = try_out(ledger, batch).await?;
    outgoing::turns(ledger, batch, committed).await?;
    Ok(written)
}

/// Writes down what was learned and is decided upon by nobody here.
async fn learn<L>(ledger: &mut L, batch: &Batch, committed: &mut Committed) -> Result<(), StoreError>
where
    L: Ledger + Flows + Addresses + Receipts + Handlings + Access + Configured + Posts,
{
    if !batch.flows.is_empty() {
        ledger.flow(batch.now, &batch.flows).await?;
    }
    if !batch.addresses.is_empty() {
        ledger.addresses(&batch.addresses).await?;
    }
    if !batch.receipts.is_empty() {
        ledger.receipts(&batch.receipts).await?;
    }
    keep(ledger, batch, committed).await?;
    for channel in &batch.abandoned {
        ledger.expire(batch.now, channel).await?;
    }
    if !batch.access.is_empty() {
        ledger.access(&batch.access).await?;
    }
    if !batch.exported.is_empty() {
        ledger.exported(batch.now, &batch.exported).await?;
    }
    Ok(())
}

async fn accept<L: Ledger + Tombstones + Groups>(
    ledger: &mut L,
    batch: &Batch,
    standing: Standing,
    grants: &mut Grants,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let mut entropy = || fastrand::u128(..);
    let Standing { seen, newest, last_number, .. } = standing;
    let sifted = sift(&batch.accepts, seen, batch.now, &mut entropy);
    let mut rows = Rows::default();
    if !sifted.fresh.is_empty() {
        let mut known = known(ledger, batch, &sifted, newest).await?;
        known.last_number = last_number;
        look_up(ledger, batch.now, &sifted.fresh, &mut known).await?;
        rows = decide(&sifted.fresh, known, grants, &batch.rules, batch.now, &mut entropy);
        ledger.insert(&batch.lease, batch.now, &rows).await?;
        if !rows.members.is_empty() {
            ledger.put_members(&rows.members).await?;
        }
        if !rows.tombstones.is_empty() {
            ledger.bury(batch.now, &rows.tombstones).await?;
        }
    }
    if !sifted.conflicts.is_empty() {
        let conflicts: Vec<&Quarantined> = sifted.conflicts.iter().collect();
        ledger.quarantine(batch.now, &conflicts).await?;
    }
    committed.accepted = sifted.accepted(&rows.events);
    waiting(&rows, batch.now, committed);
    committed.started.append(&mut rows.started);
    committed.rows = rows;
    Ok(())
}

/// Counts what waits for a pool.
pub(super) fn waiting(rows: &Rows, now: Timestamp, committed: &mut Committed) {
    for new in rows.deliveries.iter().filter(|new| new.state == DeliveryState::Pending) {
        count(&mut committed.waiting, &new.delivery.target.channel);
        if new.delivery.priority == Priority::Critical && new.delivery.due_at <= now {
            committed.urgent.insert(new.delivery.target.channel.clone());
        }
    }
}

async fn known<L: Ledger + Groups>(
    ledger: &mut L,
    batch: &Batch,
    sifted: &Sifted,
    newest: Vec<(DedupKey, Incident)>,
) -> Result<Known, StoreError> {
    let mut known = Known::default();
    // What was deleted is not there for those who come later.
    for (asked, incident) in newest.into_iter().filter(|(_, incident)| incident.deleted_at.is_none()) {
        known.newest.insert(asked, incident.number);
        known.incidents.insert(incident.number, incident);
    }
    known.members = members(ledger, &sifted.fresh, &known).await?;
    let news = sifted.news(&known, &batch.rules.policies);
    if !news.is_empty() {
        let told = ledger.told(&news).await?;
        for (number, target) in told {
            known.told.entry(number).or_default().push(target);
        }
    }
    Ok(known)
}
