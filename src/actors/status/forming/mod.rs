//! The batch that forms, who waits for which part of it, and which pool has room.

mod isolating;

use std::collections::HashMap;

use ractor::{ActorId, RpcReplyPort};

use super::deciding::Deciding;
use super::lessons::learned;
use super::publishing::Publishing;
use crate::domain::acceptance::Accept;
use crate::domain::bulk::{Bulk, BulkChange};
use crate::domain::delivery::{Job, Repeat};
use crate::domain::handling::{Handled, Handling};
use crate::domain::ids::{DeadLetterId, DeliveryId};
use crate::domain::names::ChannelName;
use crate::domain::receipt::Receipt;
use crate::domain::record::RecordChange;
use crate::domain::suppression::AddressChange;
use crate::domain::way::FlowChange;
use crate::messages::delivery::DeliveryMessage;
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::{IngestMessage, Settled, SettledAs, TrialNews};
use crate::messages::post::Post;
use crate::messages::status::BulkReply;
use crate::store::batch::{Accepted, AccessChange, Attempted, Batch, Claim, Committed, Quarantined, Trial};

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
    replays: Vec<Repeat>,
    replays_for: Vec<(usize, RpcReplyPort<Vec<Option<DeliveryId>>>)>,
    handlings: Vec<Handling>,
    handlings_for: Vec<RpcReplyPort<Handled>>,
    bulks: Vec<BulkChange>,
    bulks_for: Vec<BulkReply>,
    abandoned: Vec<ChannelName>,
    exported: Vec<DeadLetterId>,
    exported_by: Vec<Post<DlqMessage>>,
    flows: Vec<FlowChange>,
    flows_for: Vec<RpcReplyPort<()>>,
    addresses: Vec<AddressChange>,
    receipts: Vec<Receipt>,
    access: Vec<AccessChange>,
    learned_for: Vec<RpcReplyPort<()>>,
    records: Vec<RecordChange>,
    records_for: Vec<RpcReplyPort<bool>>,
    trials: Vec<Trial>,
    trials_for: Vec<Ingest>,
    pub(super) deciding: Deciding,
    pub(super) publishing: Publishing,
    /// Whose places the batch may use up.
    granted: Vec<(ChannelName, ActorId, usize)>,
}

impl Forming {
    pub(super) fn is_empty(&self) -> bool {
        self.is_unhurried()
            && self.attempted.is_empty()
            && self.addresses.is_empty()
            && self.access.is_empty()
    }

    /// Nothing but outcomes: nobody waits for these to be written.
    pub(super) fn is_unhurried(&self) -> bool {
        self.accepts.is_empty()
            && self.letters.is_empty()
            && self.claims.is_empty()
            && self.replays.is_empty()
            && self.handlings.is_empty()
            && self.bulks.is_empty()
            && self.trials.is_empty()
            && self.flows.is_empty()
            && self.learned_for.is_empty()
            && self.records.is_empty()
            && self.abandoned.is_empty()
            && self.exported.is_empty()
            && self.deciding.is_empty()
            && self.publishing.is_empty()
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

    pub(super) fn replay(&mut self, repeats: Vec<Repeat>, reply: RpcReplyPort<Vec<Option<DeliveryId>>>) {
        self.replays_for.push((repeats.len(), reply));
        self.replays.extend(repeats);
    }

    pub(super) fn handle(&mut self, handling: Handling, reply: RpcReplyPort<Handled>) {
        self.handlings.push(handling);
        self.handlings_for.push(reply);
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

    /// What nobody waits for may wait, as outcomes do.
    pub(super) fn access(&mut self, changes: Vec<AccessChange>, reply: Option<RpcReplyPort<()>>) {
        self.access.extend(changes);
        self.learned_for.extend(reply);
    }

    pub(super) fn record(&mut self, change: RecordChange, reply: RpcReplyPort<bool>) {
        self.records.push(change);
        self.records_for.push(reply);
    }

    pub(super) fn abandon(&mut self, channel: ChannelName) {
        self.abandoned.push(channel);
    }

    pub(super) fn exported(&mut self, ids: Vec<DeadLetterId>, from: Post<DlqMessage>) {
        self.exported.extend(ids);
        self.exported_by.push(from);
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
        batch.handlings = std::mem::take(&mut self.handlings);
        batch.bulks = std::mem::take(&mut self.bulks);
        batch.trials = std::mem::take(&mut self.trials);
        batch.abandoned = std::mem::take(&mut self.abandoned);
        batch.exported = std::mem::take(&mut self.exported);
        batch.flows = std::mem::take(&mut self.flows);
        batch.addresses = std::mem::take(&mut self.addresses);
        batch.receipts = std::mem::take(&mut self.receipts);
        batch.access = std::mem::take(&mut self.access);
        batch.records = std::mem::take(&mut self.records);
        batch.turns = self.publishing.take();
        self.deciding.write_into(batch);
        if !batch.decides() {
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

    /// Tells everybody what the commit did for them.
    pub(super) fn answer(mut self, batch: &Batch, mut committed: Committed, seats: &mut Seats) {
        self.answer_sources(batch, std::mem::take(&mut committed.accepted));
        self.answer_askers(&mut committed);
        self.deciding.answer(std::mem::take(&mut committed.acted));
        self.publishing.answer(std::mem::take(&mut committed.parcels));
        answer_recorded(&batch.attempted, &self.attempted_by);
        for channel in batch.attempted.iter().filter_map(|attempted| attempted.moved_to.as_ref()) {
            if let Some(seat) = seats.0.get(channel) {
                seat.pool.tell(DeliveryMessage::Waiting);
            }
        }
        let Committed { started, waiting, urgent, replayed, claimed, tried, repeated_by_jobs, .. } =
            committed;
        hand_out(started, &self.granted, seats);
        for (pool, claimed) in self.claims_by.iter().zip(claimed) {
            pool.tell(DeliveryMessage::Claimed(claimed));
        }
        for ((trial, from), ends) in batch.trials.iter().zip(self.trials_for).zip(tried) {
            let position = trial.position.clone();
            from.tell(IngestMessage::Trial(TrialNews::Begun { position, ends }));
        }
        let anything_replayed = repeated_by_jobs.0 > 0 || replayed.iter().any(Option::is_some);
        let mut replayed = replayed.into_iter();
        let mut some = |count| replayed.by_ref().take(count).collect();
        self.replays_for.into_iter().for_each(|(count, reply)| drop(reply.send(some(count))));
        for (channel, seat) in &seats.0 {
            if urgent.contains(channel) {
                seat.pool.tell(DeliveryMessage::Urgent);
            } else if anything_replayed || waiting.iter().any(|(waits, _)| waits == channel) {
                seat.pool.tell(DeliveryMessage::Waiting);
            }
        }
    }

    /// Tells sources what became of what they brought.
    fn answer_sources(&mut self, batch: &Batch, accepted: Vec<Accepted>) {
        let mut settled = batch.accepts.iter().zip(accepted).map(|(accept, accepted)| Settled {
            position: accept.event.position.clone(),
            as_what: SettledAs::Event(accepted),
        });
        for (count, from) in std::mem::take(&mut self.accepts_from) {
            from.tell(IngestMessage::Settled(settled.by_ref().take(count).collect()));
        }
        let mut letters = batch.quarantined.iter().map(|letter| Settled {
            position: letter.position.clone(),
            as_what: SettledAs::DeadLetter(letter.detail.clone()),
        });
        for (count, from) in std::mem::take(&mut self.letters_from) {
            from.tell(IngestMessage::Settled(letters.by_ref().take(count).collect()));
        }
    }

    /// Answers those who wait for one thing alone. Whoever asked may be gone.
    fn answer_askers(&mut self, committed: &mut Committed) {
        let told = std::mem::take(&mut self.flows_for).into_iter();
        for reply in told.chain(std::mem::take(&mut self.learned_for)) {
            drop(reply.send(()));
        }
        let records = std::mem::take(&mut committed.records);
        for (reply, done) in std::mem::take(&mut self.records_for).into_iter().zip(records) {
            drop(reply.send(done));
        }
        let handled = std::mem::take(&mut committed.handled);
        for (reply, handled) in std::mem::take(&mut self.handlings_for).into_iter().zip(handled) {
            drop(reply.send(handled));
        }
        let bulks = std::mem::take(&mut committed.bulks);
        answer_bulks(bulks, std::mem::take(&mut self.bulks_for));
        self.exported_by.iter().for_each(|dlq| dlq.tell(DlqMessage::Noted));
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
