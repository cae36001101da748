//! What a pool has in hand, and what it does next. No actor code: messages go out through
//! [`tell`], and every decision is the domain's.

use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorId, RpcReplyPort};
use tokio::task::JoinHandle;

use super::pace::Pace;
use super::pool::PoolArguments;
use super::queue::{Admitted, Queue};
use super::verdict::{Judged, RETURNED, conclude, end_of, written};
use crate::domain::Timestamp;
use crate::domain::delivery::{DeliveryState, Job};
use crate::domain::fault::Outcome;
use crate::domain::ids::DeliveryId;
use crate::domain::in_flight::InFlight;
use crate::domain::lane::{Lane, Sign, Start};
use crate::domain::retry::OnUnknown;
use crate::domain::way::{Flow, Way};
use crate::messages::Peers;
use crate::messages::delivery::{DeliveryMessage, WorkerMessage};
use crate::messages::dlq::DlqMessage;
use crate::messages::post::{Post, tell};
use crate::messages::status::StatusMessage;
use crate::store::batch::{Adopt, Attempted, Claim, Claimed, Next};
use crate::telemetry::actor::ActorLife;

/// How many deliveries a pool holds for each worker: enough that workers never wait for the store
/// at full rate, few enough that memory stays small. A channel that must not send twice holds only
/// what it is sending.
const IN_HAND_PER_WORKER: usize = 128;

/// The state of a pool.
pub struct Desk {
    pub(super) arguments: PoolArguments,
    pub(super) life: ActorLife,
    pub(super) myself: Post<DeliveryMessage>,
    pub(super) peers: Arc<Peers>,
    pub(super) places: Vec<Place>,
    pub(super) idle: Vec<usize>,
    pub(super) queue: Queue,
    pub(super) pace: Pace,
    /// A critical page waits in the store: it is not to wait for room.
    urgent: bool,
    pub(super) in_flight: InFlight<DeliveryId, usize, Job, Attempted>,
    pub(super) lane: Lane,
    flow: Flow,
    supply: Supply,
    /// Places that new deliveries may take without asking.
    offered: usize,
    /// When the next waiting row is due, as far as known.
    next_due: Option<Timestamp>,
    alarm: Option<(Timestamp, JoinHandle<()>)>,
    drained: Option<RpcReplyPort<()>>,
}

/// A place for a worker.
#[derive(Debug)]
pub(super) enum Place {
    Vacant,
    Staffed(Post<WorkerMessage>),
}

/// Where the next deliveries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Supply {
    /// Nobody to ask yet.
    Unconnected,
    /// Asked for this many waiting rows; the answer is on its way.
    Asked(usize),
    /// Nothing asked.
    Ready,
    /// No more.
    Closed,
}

impl Desk {
    pub(super) fn new(myself: Post<DeliveryMessage>, life: ActorLife, arguments: PoolArguments) -> Self {
        Self {
            places: (0..arguments.equipment.workers).map(|_| Place::Vacant).collect(),
            idle: Vec::with_capacity(arguments.equipment.workers),
            pace: Pace::new(arguments.equipment.rates, arguments.clock),
            life,
            myself,
            arguments,
            peers: Arc::default(),
            queue: Queue::default(),
            urgent: false,
            in_flight: InFlight::default(),
            lane: Lane::default(),
            flow: Flow::default(),
            supply: Supply::Unconnected,
            offered: 0,
            next_due: None,
            alarm: None,
            drained: None,
        }
    }

    pub(super) fn staff(&mut self, place: usize, worker: Post<WorkerMessage>) {
        self.places[place] = Place::Staffed(worker);
        self.idle.push(place);
    }

    pub(super) fn place_of(&self, worker: ActorId) -> Option<usize> {
        self.places.iter().position(|place| matches!(place, Place::Staffed(known) if known.id() == worker))
    }

    pub(super) fn on_deliver(&mut self, jobs: Vec<Job>) {
        self.life.credits_taken(jobs.len());
        self.offered = self.offered.saturating_sub(jobs.len());
        self.queue.extend(jobs);
    }

    pub(super) fn on_due(&mut self) {
        self.next_due = Some(self.now());
    }

    /// A critical page waits in the store. Whoever is first in a claim is most urgent.
    pub(super) fn on_urgent(&mut self) {
        self.urgent = true;
    }

    pub(super) fn on_claimed(&mut self, claimed: Claimed) {
        if let Supply::Asked(_) = self.supply {
            self.supply = Supply::Ready;
        }
        self.next_due = claimed.next_due;
        self.life.credits_taken(claimed.jobs.iter().flat_map(Job::ids).count());
        self.arguments.equipment.metrics.ended(DeliveryState::Expired, claimed.expired);
        self.arguments.equipment.metrics.ended(DeliveryState::Canceled, claimed.canceled);
        self.queue.extend(claimed.jobs);
    }

    pub(super) fn on_attempted(&mut self, worker: usize, id: DeliveryId, outcome: &Outcome, took: Duration) {
        self.rest(worker);
        if let Some(job) = self.in_flight.release(&id) {
            self.conclude(&job, outcome, took);
            self.conclude_rest(worker, outcome, took);
        }
    }

    pub(super) fn on_worker_died(&mut self, place: usize, why: &str) {
        self.places[place] = Place::Vacant;
        self.idle.retain(|idle| *idle != place);
        if let Some((_, job)) = self.in_flight.orphaned_by(&place) {
            let outcome = Outcome::Crashed(why.to_owned());
            self.conclude(&job, &outcome, Duration::ZERO);
            self.conclude_rest(place, &outcome, Duration::ZERO);
        }
    }

    pub(super) fn on_recorded(&mut self, ids: &[DeliveryId]) {
        let recorded = ids.iter().filter(|id| self.in_flight.forget(id)).count();
        self.life.credits_returned(recorded);
    }

    /// A new status actor knows of no offer and no claim, and its predecessor may have written rows
    /// that it never handed over: everything is said again.
    pub(super) fn on_introduce(&mut self, peers: Arc<Peers>) {
        let (before, after) = (self.peers.lives(), peers.lives());
        self.peers = peers;
        let flow = Way::Channel(self.arguments.name.clone()).flow(&self.peers.paused);
        if std::mem::replace(&mut self.flow, flow) != flow {
            tracing::info!(channel = %self.arguments.name, ?flow, "channel flows differently");
            self.next_due = Some(self.now());
        }
        if (before.status, before.dlq) != (after.status, after.dlq) {
            for attempted in self.in_flight.unconfirmed() {
                self.report(attempted.clone());
            }
        }
        if before.status != after.status && self.supply != Supply::Closed {
            self.offered = 0;
            let adopt = match self.arguments.equipment.retry.on_unknown {
                OnUnknown::Retry => Adopt::Retry,
                OnUnknown::Hold => Adopt::Hold,
            };
            self.claim(self.capacity().saturating_sub(self.in_hand()).max(1), adopt);
        }
    }

    pub(super) fn on_drain(&mut self, reply: RpcReplyPort<()>) {
        self.supply = Supply::Closed;
        self.drained = Some(reply);
        self.give_back();
    }

    /// What is in hand and not begun waits in the store again.
    fn give_back(&mut self) {
        let now = self.now();
        while let Some(job) = self.queue.pop(Admitted::All) {
            self.return_each(job, now);
        }
    }

    /// What `job` stands for waits in the store again.
    pub(super) fn return_each(&mut self, job: Job, now: Timestamp) {
        for job in job.each() {
            self.keep_and_report(written(&job, now, RETURNED, Next::Held { due_at: now }));
        }
    }

    /// Starts what can be started and asks for more.
    pub(super) fn go_on(&mut self) {
        match self.flow {
            Flow::Running => {
                self.start_queued();
                self.refill();
            }
            Flow::Paused => self.give_back(),
        }
        if self.supply == Supply::Closed
            && self.in_flight.is_empty()
            && let Some(reply) = self.drained.take()
        {
            drop(reply.send(()));
        }
    }

    /// Asks for waiting rows if some are due, and offers room to new deliveries if none are.
    fn refill(&mut self) {
        if self.supply != Supply::Ready {
            return;
        }
        if std::mem::take(&mut self.urgent) {
            return self.claim(self.arguments.equipment.workers, Adopt::Nothing);
        }
        let now = self.now();
        let room = self.capacity().saturating_sub(self.in_hand() + self.offered);
        match self.next_due {
            Some(due) if due <= now => {
                let flows = self.lane.may_start(now) == Start::Freely || self.stand_in().is_some();
                let wanted = if flows { room } else { room.min(1) };
                let enough = if self.queue.is_empty() { 1 } else { self.capacity() / 4 };
                let held = !flows && !self.queue.is_empty();
                if wanted >= enough.max(1) && !held {
                    self.claim(wanted, Adopt::Nothing);
                }
            }
            due => {
                if let Some(due) = due {
                    self.wake_at(due);
                }
                self.offer();
            }
        }
    }

    /// Keeps a quarter back, and one place at least, so that a claim always has room.
    fn offer(&mut self) {
        let most = self.capacity() - (self.capacity() / 4).max(1);
        let places = most.saturating_sub(self.in_hand() + self.offered);
        if places >= (most / 4).max(1) {
            self.offered += places;
            let channel = self.arguments.name.clone();
            let message = StatusMessage::Offer { channel, places, pool: self.myself.clone() };
            tell(self.peers.status.as_ref(), message);
        }
    }

    pub(super) fn claim(&mut self, limit: usize, adopt: Adopt) {
        let holding = match adopt {
            Adopt::Nothing => Vec::new(),
            Adopt::Retry | Adopt::Hold => {
                self.queue.iter().flat_map(Job::ids).chain(self.in_flight.keys().copied()).collect()
            }
        };
        self.supply = Supply::Asked(limit);
        let claim = Claim { channel: self.arguments.name.clone(), limit, adopt, holding };
        tell(self.peers.status.as_ref(), StatusMessage::Claim { claim, pool: self.myself.clone() });
    }

    /// An attempt ended: what it means for its delivery, and for the channel.
    fn conclude(&mut self, job: &Job, outcome: &Outcome, took: Duration) {
        self.arguments.equipment.metrics.attempted(outcome, took);
        let (attempted, sign) = self.judged(job, outcome, took);
        let change = self.lane.ended(sign, self.now());
        self.say_how_it_is(change, &attempted);
        self.keep_and_report(attempted);
    }

    /// The same message was also for these.
    fn conclude_rest(&mut self, worker: usize, outcome: &Outcome, took: Duration) {
        while let Some((_, job)) = self.in_flight.orphaned_by(&worker) {
            let (attempted, _) = self.judged(&job, outcome, took);
            self.keep_and_report(attempted);
        }
    }

    fn judged(&mut self, job: &Job, outcome: &Outcome, took: Duration) -> (Attempted, Sign) {
        let now = self.now();
        let Judged { mut attempted, sign } =
            conclude(&self.arguments.equipment.retry, job, outcome, took, now, fastrand::f64());
        if matches!(outcome, Outcome::Sent(_)) && job.counted == 1 {
            let since = Duration::try_from(now.duration_since(job.created_at)).unwrap_or_default();
            self.arguments.equipment.metrics.latency(since);
        }
        if let Next::Retrying { due_at, .. } | Next::Held { due_at } = attempted.next {
            self.due_at(due_at);
        }
        self.say_what_was_learned(&mut attempted);
        self.fail_over(job, outcome, now, &mut attempted);
        (attempted, sign)
    }

    pub(super) fn keep_and_report(&mut self, attempted: Attempted) {
        if let Some(end) = end_of(attempted.next) {
            self.arguments.equipment.metrics.ended(end, 1);
        }
        self.report(attempted.clone());
        self.in_flight.report(attempted.id, attempted);
    }

    pub(super) fn report(&self, attempted: Attempted) {
        let (channel, pool) = (self.arguments.name.clone(), self.myself.clone());
        if let Next::Dead(_) = attempted.next {
            let attempted = Box::new(attempted);
            tell(self.peers.dlq.as_ref(), DlqMessage::Park { channel, attempted, pool });
        } else {
            tell(self.peers.status.as_ref(), StatusMessage::Attempted { attempted, pool });
        }
    }

    /// A row is due then.
    pub(super) fn due_at(&mut self, at: Timestamp) {
        self.next_due = Some(self.next_due.map_or(at, |known| known.min(at)));
    }

    pub(super) fn wake_at(&mut self, at: Timestamp) {
        // One whose time has come has rung, or is about to, and rings for nothing later.
        let now = self.now();
        let rings =
            |(set, timer): &(Timestamp, JoinHandle<()>)| now < *set && *set <= at && !timer.is_finished();
        if self.alarm.as_ref().is_some_and(rings) {
            return;
        }
        let (wait, myself) = (self.arguments.clock.until(at), self.myself.clone());
        let timer = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            myself.tell(DeliveryMessage::Due);
        });
        if let Some((_, earlier)) = self.alarm.replace((at, timer)) {
            earlier.abort();
        }
    }

    fn in_hand(&self) -> usize {
        let asked = if let Supply::Asked(limit) = self.supply { limit } else { 0 };
        self.queue.len() + self.in_flight.len() + asked
    }

    fn capacity(&self) -> usize {
        match self.arguments.equipment.retry.on_unknown {
            OnUnknown::Retry => self.arguments.equipment.workers * IN_HAND_PER_WORKER,
            OnUnknown::Hold => self.arguments.equipment.workers,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.arguments.clock.now()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some((_, timer)) = self.alarm.take() {
            timer.abort();
        }
    }
}
