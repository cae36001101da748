//! The batch that forms, who waits for which part of it, and which pool has room.

use std::collections::HashMap;
use std::sync::Arc;

use ractor::{ActorId, RpcReplyPort};

use crate::domain::acceptance::{Accept, Grants};
use crate::domain::bulk::{Bulk, BulkChange};
use crate::domain::delivery::Job;
use crate::domain::ids::{DeadLetterId, DeliveryId, SuppressionId};
use crate::domain::malformed::Malformation;
use crate::domain::names::ChannelName;
use crate::domain::receipt::Receipt;
use crate::domain::suppression::{AddressChange, Suppression};
use crate::domain::way::FlowChange;
use crate::messages::delivery::DeliveryMessage;
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::{IngestMessage, Settled, SettledAs, TrialNews};
use crate::messages::post::Post;
use crate::messages::status::BulkReply;
use crate::store::batch::{Attempted, Batch, Claim, Committed, Lesson, Quarantined, Trial};

type Pool = Post<DeliveryMessage>;
type Ingest = Post<IngestMessage>;

/// Which pool serves a channel, and how many new deliveries it has room for.
#[derive(Debug, Default)]
pub(super) struct Seats(HashMap<ChannelName, Seat>);

#[derive(Debug)]
struct Seat {
    pool: Pool,
    places: usize,
}

impl Seats {
    /// `pool` serves `channel` from now on. What was offered by one before it is void.
    pub(super) fn take(&mut self, channel: &ChannelName, pool: &Pool) {
        let known = self.0.get(channel).map(|seat| seat.pool.id());
        if known != Some(pool.id()) {
            self.0.insert(channel.clone(), Seat { pool: pool.clone(), places: 0 });
        }
    }

    /// `pool` has room for `places` more.
    pub(super) fn offer(&mut self, channel: ChannelName, places: usize, pool: Pool) {
        self.take(&channel, &pool);
        if let Some(seat) = self.0.get_mut(&channel) {
            seat.places += places;
        }
    }
}

/// What waits for one commit, beside the rows themselves.
#[derive(Debug, Default)]
pub(super) struct Forming {
    accepts: Vec<Accept>,
    accepts_from: Vec<(usize, Ingest)>,
    letters: Vec<Quarantined>,
    letters_from: Vec<(usize, Ingest)>,
    attempted: Vec<Attempted>,
    attempted_by: Vec<Pool>,
    claims: Vec<Claim>,
    claims_by: Vec<Pool>,
    replays: Vec<DeliveryId>,
    replays_for: Vec<(usize, RpcReplyPort<Vec<Option<DeliveryId>>>)>,
    bulks: Vec<BulkChange>,
    bulks_for: Vec<BulkReply>,
    abandoned: Vec<ChannelName>,
    flows: Vec<FlowChange>,
    flows_for: Vec<RpcReplyPort<()>>,
    addresses: Vec<AddressChange>,
    receipts: Vec<Receipt>,
    learned_for: Vec<RpcReplyPort<()>>,
    trials: Vec<Trial>,
    trials_for: Vec<Ingest>,
    /// Whose places the batch may use up.
    granted: Vec<(ChannelName, ActorId, usize)>,
}

impl Forming {
    pub(super) fn is_empty(&self) -> bool {
        self.accepts.is_empty()
            && self.letters.is_empty()
            && self.attempted.is_empty()
            && self.claims.is_empty()
            && self.replays.is_empty()
            && self.bulks.is_empty()
            && self.trials.is_empty()
            && self.flows.is_empty()
            && self.addresses.is_empty()
            && self.learned_for.is_empty()
            && self.abandoned.is_empty()
    }

    /// Nothing but outcomes: nobody waits for these to be written.
    pub(super) fn is_unhurried(&self) -> bool {
        self.accepts.is_empty()
            && self.letters.is_empty()
            && self.claims.is_empty()
            && self.replays.is_empty()
            && self.bulks.is_empty()
            && self.trials.is_empty()
            && self.flows.is_empty()
            && self.learned_for.is_empty()
            && self.abandoned.is_empty()
    }

    pub(super) fn accept(&mut self, accepts: Vec<Accept>, from: &Ingest) {
        self.accepts_from.push((accepts.len(), from.clone()));
        self.accepts.extend(accepts);
    }

    pub(super) fn quarantine(&mut self, letters: Vec<Quarantined>, from: &Ingest) {
        self.letters_from.push((letters.len(), from.clone()));
        self.letters.extend(letters);
    }

    pub(super) fn attempted(&mut self, attempted: Attempted, pool: Pool) {
        self.addresses.extend(learned(&attempted));
        self.attempted.push(attempted);
        self.attempted_by.push(pool);
    }

    pub(super) fn claim(&mut self, claim: Claim, pool: Pool) {
        self.claims.push(claim);
        self.claims_by.push(pool);
    }

    pub(super) fn replay(&mut self, ids: Vec<DeliveryId>, reply: RpcReplyPort<Vec<Option<DeliveryId>>>) {
        self.replays_for.push((ids.len(), reply));
        self.replays.extend(ids);
    }

    pub(super) fn bulk(&mut self, change: BulkChange, from: BulkReply) {
        self.bulks.push(change);
        self.bulks_for.push(from);
    }

    pub(super) fn flow(&mut self, changes: Vec<FlowChange>, reply: RpcReplyPort<()>) {
        self.flows.extend(changes);
        self.flows_for.push(reply);
    }

    /// What was learned of deliveries and addresses otherwise than by an attempt.
    pub(super) fn learn(
        &mut self,
        receipts: Vec<Receipt>,
        addresses: Vec<AddressChange>,
        reply: RpcReplyPort<()>,
    ) {
        self.receipts.extend(receipts);
        self.addresses.extend(addresses);
        self.learned_for.push(reply);
    }

    pub(super) fn abandon(&mut self, channel: ChannelName) {
        self.abandoned.push(channel);
    }

    pub(super) fn try_out(&mut self, trial: Trial, from: Ingest) {
        self.trials.push(trial);
        self.trials_for.push(from);
    }

    /// Moves the rows into `batch`, with all the places that pools have offered, if there is
    /// anything that could use them.
    pub(super) fn write_into(&mut self, batch: &mut Batch, seats: &mut Seats) {
        batch.accepts = std::mem::take(&mut self.accepts);
        batch.quarantined = std::mem::take(&mut self.letters);
        batch.attempted = std::mem::take(&mut self.attempted);
        batch.claims = std::mem::take(&mut self.claims);
        batch.replays = std::mem::take(&mut self.replays);
        batch.bulks = std::mem::take(&mut self.bulks);
        batch.trials = std::mem::take(&mut self.trials);
        batch.abandoned = std::mem::take(&mut self.abandoned);
        batch.flows = std::mem::take(&mut self.flows);
        batch.addresses = std::mem::take(&mut self.addresses);
        batch.receipts = std::mem::take(&mut self.receipts);
        if batch.accepts.is_empty() {
            return;
        }
        for (channel, seat) in &mut seats.0 {
            let places = std::mem::take(&mut seat.places);
            if places > 0 {
                self.granted.push((channel.clone(), seat.pool.id(), places));
                batch.grants.insert(channel.clone(), places);
            }
        }
    }

    /// The same work with each event by itself, so that one that the store cannot write does not hold
    /// the others (I5). Places that were granted go back to their pools.
    pub(super) fn isolate(self, batch: &Batch, seats: &mut Seats) -> Vec<(Batch, Self)> {
        for (channel, pool, places) in &self.granted {
            if let Some(seat) = seats.0.get_mut(channel).filter(|seat| seat.pool.id() == *pool) {
                seat.places += places;
            }
        }
        let empty = || Batch::empty(batch.lease.clone(), batch.now, batch.rules.clone());
        let mut parts = Vec::with_capacity(batch.accepts.len() + 1);
        let mut accepts = batch.accepts.iter();
        for (count, from) in &self.accepts_from {
            for accept in accepts.by_ref().take(*count) {
                let alone = Self { accepts_from: vec![(1, from.clone())], ..Self::default() };
                parts.push((Batch { accepts: vec![accept.clone()], ..empty() }, alone));
            }
        }
        let rest = Batch { accepts: Vec::new(), grants: Grants::new(), ..batch.clone() };
        if !rest.is_empty() {
            parts.push((rest, Self { accepts_from: Vec::new(), granted: Vec::new(), ..self }));
        }
        parts
    }

    /// The one event of this batch as a dead letter, if the batch is nothing else.
    pub(super) fn condemn(&self, batch: &Batch, why: &str) -> Option<(Batch, Self)> {
        let ([accept], [(1, from)]) = (batch.accepts.as_slice(), self.accepts_from.as_slice()) else {
            return None;
        };
        let nothing_else = Batch { accepts: Vec::new(), ..batch.clone() }.is_empty();
        if !nothing_else {
            return None;
        }
        let event = &accept.event;
        let letter = Quarantined {
            id: DeadLetterId::new(batch.now, fastrand::u128(..)),
            source: event.source.clone(),
            position: event.position.clone(),
            reason: Malformation::Poison,
            detail: why.to_owned(),
            raw: Arc::clone(&event.raw),
        };
        let condemned = Self { letters_from: vec![(1, from.clone())], ..Self::default() };
        let batch = Batch { accepts: Vec::new(), quarantined: vec![letter], ..batch.clone() };
        Some((batch, condemned))
    }

    /// Tells everybody what the commit did for them.
    pub(super) fn answer(self, batch: &Batch, committed: Committed, seats: &mut Seats) {
        let Committed {
            accepted,
            started,
            waiting,
            urgent,
            replayed,
            bulks,
            claimed,
            tried,
            repeated_by_jobs,
            ..
        } = committed;
        let mut settled = batch.accepts.iter().zip(accepted).map(|(accept, accepted)| Settled {
            position: accept.event.position.clone(),
            as_what: SettledAs::Event(accepted),
        });
        for (count, from) in self.accepts_from {
            from.tell(IngestMessage::Settled(settled.by_ref().take(count).collect()));
        }
        let mut letters = batch.quarantined.iter().map(|letter| Settled {
            position: letter.position.clone(),
            as_what: SettledAs::DeadLetter(letter.detail.clone()),
        });
        for (count, from) in self.letters_from {
            from.tell(IngestMessage::Settled(letters.by_ref().take(count).collect()));
        }
        answer_recorded(&batch.attempted, &self.attempted_by);
        for channel in batch.attempted.iter().filter_map(|attempted| attempted.moved_to.as_ref()) {
            if let Some(seat) = seats.0.get(channel) {
                seat.pool.tell(DeliveryMessage::Waiting);
            }
        }
        hand_out(started, &self.granted, seats);
        for (pool, claimed) in self.claims_by.iter().zip(claimed) {
            pool.tell(DeliveryMessage::Claimed(claimed));
        }
        for ((trial, from), ends) in batch.trials.iter().zip(self.trials_for).zip(tried) {
            let position = trial.position.clone();
            from.tell(IngestMessage::Trial(TrialNews::Begun { position, ends }));
        }
        for reply in self.flows_for.into_iter().chain(self.learned_for) {
            drop(reply.send(()));
        }
        let anything_replayed = repeated_by_jobs.0 > 0 || replayed.iter().any(Option::is_some);
        answer_bulks(bulks, self.bulks_for);
        let mut replayed = replayed.into_iter();
        for (count, reply) in self.replays_for {
            drop(reply.send(replayed.by_ref().take(count).collect()));
        }
        for (channel, seat) in &seats.0 {
            if urgent.contains(channel) {
                seat.pool.tell(DeliveryMessage::Urgent);
            } else if anything_replayed || waiting.iter().any(|(waits, _)| waits == channel) {
                seat.pool.tell(DeliveryMessage::Waiting);
            }
        }
    }
}

/// What an attempt says about its address, as a row.
fn learned(attempted: &Attempted) -> Option<AddressChange> {
    let target = &attempted.about.as_ref()?.target;
    let (channel, address) = (target.channel.clone(), target.address.clone());
    match attempted.lesson {
        Lesson::Nothing => None,
        Lesson::Reached => Some(AddressChange::Reached(channel, address)),
        Lesson::Marked(mark) => Some(AddressChange::Marked(Suppression {
            id: SuppressionId::new(attempted.at, fastrand::u128(..)),
            channel,
            address,
            recipient: Arc::clone(&target.recipient),
            mark,
            strikes: 1,
            code: attempted.code.clone(),
            detail: attempted.detail.clone(),
            delivery: attempted.id,
            since: attempted.at,
            last_at: attempted.at,
        })),
    }
}

fn answer_bulks(bulks: Vec<Option<Bulk>>, by: Vec<BulkReply>) {
    for (bulk, from) in bulks.into_iter().zip(by) {
        match from {
            BulkReply::Asker(reply) => drop(reply.send(bulk)),
            BulkReply::Driver(dlq) => dlq.tell(DlqMessage::Stepped),
        }
    }
}

fn answer_recorded(attempted: &[Attempted], by: &[Pool]) {
    let mut recorded: HashMap<ActorId, (&Pool, Vec<DeliveryId>)> = HashMap::new();
    for (attempted, pool) in attempted.iter().zip(by) {
        recorded.entry(pool.id()).or_insert_with(|| (pool, Vec::new())).1.push(attempted.id);
    }
    for (pool, ids) in recorded.into_values() {
        pool.tell(DeliveryMessage::Recorded(ids));
    }
}

/// Gives each pool what was started for it, and back the places that were not used. A pool that
/// was replaced meanwhile gets nothing: its successor adopts those rows.
fn hand_out(started: Vec<Job>, granted: &[(ChannelName, ActorId, usize)], seats: &mut Seats) {
    let mut by_channel: HashMap<ChannelName, Vec<Job>> = HashMap::new();
    for job in started {
        by_channel.entry(job.target.channel.clone()).or_default().push(job);
    }
    for (channel, pool, places) in granted {
        let used = by_channel.get(channel).map_or(0, Vec::len).min(*places);
        match seats.0.get_mut(channel) {
            Some(seat) if seat.pool.id() == *pool => seat.places += places - used,
            _ => drop(by_channel.remove(channel)),
        }
    }
    for (channel, jobs) in by_channel {
        if let Some(seat) = seats.0.get(&channel) {
            seat.pool.tell(DeliveryMessage::Deliver(jobs));
        }
    }
}
