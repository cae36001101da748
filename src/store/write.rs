//! The one write path: what a [`Batch`] does, said once for every store.
//!
//! A store supplies a [`Ledger`]: an open transaction that can answer some questions and write some
//! tables, each with one statement for the whole batch. [`write()`] asks and writes in the order of
//! the batch's fields, and every decision in between is taken here or in the domain. So the stores
//! cannot disagree about meaning, only about SQL.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::StoreError;
use super::addresses::Addresses;
use super::batch::{Attempted, Batch, Claimed, Committed, Next, Quarantined};
use super::bulk::{Bulks, drive};
use super::claim::claim;
use super::flow::Flows;
use super::intake::{Seen, Sifted, sift};
use super::receipts::Receipts;
use super::trial::{Trials, try_out};
use crate::domain::Timestamp;
use crate::domain::acceptance::{Known, Rows, decide};
use crate::domain::bulk::Resolved;
use crate::domain::delivery::{DeliveryState, Job, Lease, Target};
use crate::domain::event::{Priority, RequestText};
use crate::domain::ids::{DeliveryId, JobId, NotificationId};
use crate::domain::incident::Incident;
use crate::domain::names::ChannelName;
use crate::domain::notification::NotificationKind;

/// An open transaction. Every method is at most a few statements, however long its list is.
#[async_trait]
pub(super) trait Ledger: Send {
    /// What `batch` is decided on. Until the end of this transaction no other life of the node can
    /// begin, and if the batch accepts events, no other node can accept any.
    async fn standing(&mut self, batch: &Batch) -> Result<Standing, StoreError>;

    /// Which of these deliveries `lease` has in hand, at that very attempt.
    async fn in_hand(&mut self, lease: &Lease, jobs: &[Job]) -> Result<HashSet<DeliveryId>, StoreError>;

    /// Ends attempts. One that is not the current attempt of a delivery in the hands of `lease`
    /// changes nothing; one that would wait although its call makes no sense any more is canceled.
    async fn end(&mut self, lease: &Lease, now: Timestamp, endings: &[Ending<'_>]) -> Result<(), StoreError>;

    /// Who was called in the present episode of these incidents: each channel and address once.
    async fn told(&mut self, incidents: &[&Incident]) -> Result<Vec<(u64, Target)>, StoreError>;

    /// Cancels the waiting calls of `rows.over`, then writes the other rows.
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
    /// The newest incident of each of [`super::intake::dedup_keys`].
    pub(super) newest: Vec<Incident>,
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
    fn of(attempted: &'a Attempted) -> Self {
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

/// A wish to repeat a dead delivery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Replay {
    /// The dead one.
    pub(super) dead: DeliveryId,
    /// The id of the new one.
    pub(super) child: DeliveryId,
    /// The bulk job that repeats it.
    pub(super) job: Option<JobId>,
    /// Whether it is sent although its incident is over.
    pub(super) resolved: Resolved,
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

/// Jobs whose commit was not heard of: they are on stable storage, or they are not.
///
/// If they are, nobody else will do them in this life of the node. So they are looked for at the
/// next transaction that works, and handed out by the first that has an ear for their channel.
#[derive(Debug, Default)]
pub(super) struct InDoubt(Mutex<Vec<Job>>);

impl InDoubt {
    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be told before the commit is asked for.
    pub(super) fn committing(&self, written: &Written) {
        let claimed = written.committed.claimed.iter().flat_map(|claimed| &claimed.jobs);
        let jobs = written.committed.started.iter().chain(claimed).chain(&written.unheard);
        *self.lock() = jobs.cloned().collect();
    }

    /// To be told when the commit is heard of.
    pub(super) fn committed(&self, written: Written) -> Committed {
        *self.lock() = written.unheard;
        written.committed
    }
}

/// What a transaction did, before it is committed.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) committed: Committed,
    /// Found to be in hand, but this batch asks nothing of their channel.
    unheard: Vec<Job>,
}

/// Does what `batch` says, in an open transaction.
pub(super) async fn write<L: Ledger + Trials + Flows + Addresses + Receipts + Bulks>(
    ledger: &mut L,
    batch: &Batch,
    in_doubt: &InDoubt,
) -> Result<Written, StoreError> {
    let Lease { node, epoch } = &batch.lease;
    let standing = ledger.standing(batch).await?;
    if standing.epoch != Some(*epoch) {
        return Err(StoreError::Fenced { node: node.clone(), epoch: *epoch });
    }
    let mut written = Written::default();
    let committed = &mut written.committed;
    committed.claimed.resize_with(batch.claims.len(), Claimed::default);
    let doubtful = in_doubt.lock().clone();
    if !doubtful.is_empty() {
        let found = ledger.in_hand(&batch.lease, &doubtful).await?;
        for job in doubtful.into_iter().filter(|job| found.contains(&job.id)) {
            let channel = &job.target.channel;
            match batch.claims.iter().position(|claim| claim.channel == *channel) {
                Some(place) => committed.claimed[place].jobs.push(job),
                None if batch.grants.contains_key(channel) => committed.started.push(job),
                None => written.unheard.push(job),
            }
        }
    }
    if !batch.attempted.is_empty() {
        let endings: Vec<Ending<'_>> = batch.attempted.iter().map(Ending::of).collect();
        ledger.end(&batch.lease, batch.now, &endings).await?;
    }
    if !batch.accepts.is_empty() {
        accept(ledger, batch, standing, committed).await?;
    }
    if !batch.quarantined.is_empty() {
        let letters: Vec<&Quarantined> = batch.quarantined.iter().collect();
        ledger.quarantine(batch.now, &letters).await?;
    }
    if !batch.replays.is_empty() {
        replay(ledger, batch, committed).await?;
    }
    drive(ledger, batch, committed).await?;
    for place in 0..batch.claims.len() {
        claim(ledger, batch, place, committed).await?;
    }
    if !batch.flows.is_empty() {
        ledger.flow(batch.now, &batch.flows).await?;
    }
    if !batch.addresses.is_empty() {
        ledger.addresses(&batch.addresses).await?;
    }
    if !batch.receipts.is_empty() {
        ledger.receipts(&batch.receipts).await?;
    }
    for channel in &batch.abandoned {
        ledger.expire(batch.now, channel).await?;
    }
    committed.tried = try_out(ledger, batch).await?;
    Ok(written)
}

async fn accept<L: Ledger>(
    ledger: &mut L,
    batch: &Batch,
    standing: Standing,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let mut entropy = || fastrand::u128(..);
    let Standing { seen, newest, last_number, .. } = standing;
    let sifted = sift(&batch.accepts, seen, batch.now, &mut entropy);
    let mut rows = Rows::default();
    if !sifted.fresh.is_empty() {
        let known = Known { last_number, ..known(ledger, &sifted, newest).await? };
        let mut grants = batch.grants.clone();
        rows = decide(&sifted.fresh, known, &mut grants, &batch.rules, batch.now, &mut entropy);
        ledger.insert(&batch.lease, batch.now, &rows).await?;
    }
    if !sifted.conflicts.is_empty() {
        let conflicts: Vec<&Quarantined> = sifted.conflicts.iter().collect();
        ledger.quarantine(batch.now, &conflicts).await?;
    }
    committed.accepted = sifted.accepted(&rows.events);
    let waiting = rows.deliveries.iter().filter(|new| new.state == DeliveryState::Pending);
    for new in waiting {
        count(&mut committed.waiting, &new.delivery.target.channel);
        if new.delivery.priority == Priority::Critical && new.delivery.due_at <= batch.now {
            committed.urgent.insert(new.delivery.target.channel.clone());
        }
    }
    committed.started.append(&mut rows.started);
    committed.rows = rows;
    Ok(())
}

async fn known<L: Ledger>(
    ledger: &mut L,
    sifted: &Sifted,
    newest: Vec<Incident>,
) -> Result<Known, StoreError> {
    let incidents = newest.into_iter().map(|i| (i.dedup_key.clone(), i)).collect();
    let ending = sifted.ending(&incidents);
    let mut told: HashMap<u64, Vec<Target>> = HashMap::new();
    if !ending.is_empty() {
        for (number, target) in ledger.told(&ending).await? {
            told.entry(number).or_default().push(target);
        }
    }
    Ok(Known { incidents, told, ..Known::default() })
}

async fn replay<L: Ledger + Bulks>(
    ledger: &mut L,
    batch: &Batch,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let mut once = HashSet::new();
    let wishes: Vec<Option<Replay>> = batch
        .replays
        .iter()
        .map(|dead| {
            let child = DeliveryId::new(batch.now, fastrand::u128(..));
            once.insert(*dead).then_some(Replay { dead: *dead, child, job: None, resolved: Resolved::Skip })
        })
        .collect();
    let replays: Vec<Replay> = wishes.iter().flatten().copied().collect();
    let repeated = repeat(ledger, batch.now, &replays, committed).await?;
    for wish in wishes {
        let child = wish.map(|wish| wish.child);
        committed.replayed.push(child.filter(|child| repeated.contains(child)));
    }
    Ok(())
}

/// Repeats these, each once: then they are no dead letters any more. Says which are new.
pub(super) async fn repeat<L: Ledger + Bulks>(
    ledger: &mut L,
    now: Timestamp,
    replays: &[Replay],
    committed: &mut Committed,
) -> Result<HashSet<DeliveryId>, StoreError> {
    let repeated = ledger.replay(now, replays).await?;
    let settled = replays.iter().filter(|replay| repeated.contains_key(&replay.child));
    let settled: Vec<DeliveryId> = settled.map(|replay| replay.dead).collect();
    ledger.settle(now, &settled).await?;
    for channel in repeated.values() {
        count(&mut committed.waiting, channel);
    }
    Ok(repeated.into_keys().collect())
}

fn count(waiting: &mut Vec<(ChannelName, usize)>, channel: &ChannelName) {
    match waiting.iter_mut().find(|(name, _)| name == channel) {
        Some((_, count)) => *count += 1,
        None => waiting.push((channel.clone(), 1)),
    }
}
