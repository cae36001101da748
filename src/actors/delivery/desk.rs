//! What a pool has in hand, and what it does next. No actor code: messages go out through
//! [`tell`], and every decision is the domain's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorId, RpcReplyPort};
use tokio::task::JoinHandle;

use super::pool::PoolArguments;
use crate::domain::Timestamp;
use crate::domain::delivery::{DeliveryState, Job};
use crate::domain::fault::{Fault, Outcome, Transient};
use crate::domain::ids::DeliveryId;
use crate::domain::in_flight::InFlight;
use crate::domain::lane::{Change, Lane, Sign, Start};
use crate::domain::retry::{OnUnknown, Standing, Verdict, judge};
use crate::messages::Peers;
use crate::messages::delivery::{DeliveryMessage, WorkerMessage};
use crate::messages::dlq::DlqMessage;
use crate::messages::post::{Post, tell};
use crate::messages::status::StatusMessage;
use crate::store::batch::{Adopt, Attempted, Claim, Claimed, Next};
use crate::telemetry::actor::ActorLife;
use crate::telemetry::health::Condition;

/// How many deliveries a pool holds for each worker: enough that workers never wait for the store
/// at full rate, few enough that memory stays small. A channel that must not send twice holds only
/// what it is sending.
const IN_HAND_PER_WORKER: usize = 16;

/// The state of a pool.
pub struct Desk {
    pub(super) arguments: PoolArguments,
    pub(super) life: ActorLife,
    pub(super) myself: Post<DeliveryMessage>,
    peers: Arc<Peers>,
    places: Vec<Place>,
    idle: Vec<usize>,
    queue: VecDeque<Job>,
    in_flight: InFlight<DeliveryId, usize, Job, Attempted>,
    lane: Lane,
    supply: Supply,
    /// Places that new deliveries may take without asking.
    offered: usize,
    /// When the next waiting row is due, as far as known.
    next_due: Option<Timestamp>,
    alarm: Option<(Timestamp, JoinHandle<()>)>,
    drained: Option<RpcReplyPort<()>>,
}

#[derive(Debug)]
enum Place {
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
            places: (0..arguments.workers).map(|_| Place::Vacant).collect(),
            idle: Vec::with_capacity(arguments.workers),
            life,
            myself,
            arguments,
            peers: Arc::default(),
            queue: VecDeque::new(),
            in_flight: InFlight::default(),
            lane: Lane::default(),
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
        self.places
            .iter()
            .position(|place| matches!(place, Place::Staffed(known) if known.id() == worker))
    }

    pub(super) fn on_deliver(&mut self, jobs: Vec<Job>) {
        self.life.credits_taken(jobs.len());
        self.offered = self.offered.saturating_sub(jobs.len());
        self.queue.extend(jobs);
    }

    pub(super) fn on_due(&mut self) {
        self.next_due = Some(self.now());
    }

    pub(super) fn on_claimed(&mut self, claimed: Claimed) {
        if let Supply::Asked(_) = self.supply {
            self.supply = Supply::Ready;
        }
        self.next_due = claimed.next_due;
        self.life.credits_taken(claimed.jobs.len());
        self.arguments
            .metrics
            .ended(DeliveryState::Expired, claimed.expired);
        self.arguments
            .metrics
            .ended(DeliveryState::Canceled, claimed.canceled);
        self.queue.extend(claimed.jobs);
    }

    pub(super) fn on_attempted(&mut self, worker: usize, id: DeliveryId, outcome: &Outcome, took: Duration) {
        self.idle.push(worker);
        if let Some(job) = self.in_flight.release(&id) {
            self.conclude(&job, outcome, took);
        }
    }

    pub(super) fn on_worker_died(&mut self, place: usize, why: &str) {
        self.places[place] = Place::Vacant;
        self.idle.retain(|idle| *idle != place);
        if let Some((_, job)) = self.in_flight.orphaned_by(&place) {
            self.conclude(&job, &Outcome::Crashed(why.to_owned()), Duration::ZERO);
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
        if (before.status, before.dlq) != (after.status, after.dlq) {
            for attempted in self.in_flight.unconfirmed() {
                self.report(attempted.clone());
            }
        }
        if before.status != after.status && self.supply != Supply::Closed {
            self.offered = 0;
            let adopt = match self.arguments.retry.on_unknown {
                OnUnknown::Retry => Adopt::Retry,
                OnUnknown::Hold => Adopt::Hold,
            };
            self.claim(self.capacity().saturating_sub(self.in_hand()).max(1), adopt);
        }
    }

    pub(super) fn on_drain(&mut self, reply: RpcReplyPort<()>) {
        self.supply = Supply::Closed;
        self.drained = Some(reply);
        let now = self.now();
        while let Some(job) = self.queue.pop_front() {
            let returned = written(&job, now, RETURNED, Next::Held { due_at: now });
            self.keep_and_report(returned);
        }
    }

    /// Starts what can be started and asks for more.
    pub(super) fn go_on(&mut self) {
        self.start_queued();
        self.refill();
        if self.supply == Supply::Closed
            && self.in_flight.is_empty()
            && let Some(reply) = self.drained.take()
        {
            drop(reply.send(()));
        }
    }

    fn start_queued(&mut self) {
        let now = self.now();
        while !self.queue.is_empty() && !self.idle.is_empty() {
            match self.lane.may_start(now) {
                Start::Freely | Start::OneProbe => {}
                Start::NotBefore(at) => return self.wake_at(at),
                Start::AfterProbe => return,
            }
            let Some(job) = self.queue.pop_front() else { return };
            if job.expires_at <= now {
                self.keep_and_report(written(&job, now, EXPIRED, Next::Expired));
                continue;
            }
            let Some(place) = self.idle.pop() else {
                return self.queue.push_front(job);
            };
            let Place::Staffed(worker) = &self.places[place] else {
                continue;
            };
            self.lane.started(now);
            self.in_flight.claim(job.id, place, job.clone());
            worker.tell(WorkerMessage::Attempt(job));
        }
    }

    /// Asks for waiting rows if some are due, and offers room to new deliveries if none are.
    fn refill(&mut self) {
        if self.supply != Supply::Ready {
            return;
        }
        let now = self.now();
        let room = self.capacity().saturating_sub(self.in_hand() + self.offered);
        match self.next_due {
            Some(due) if due <= now => {
                let wanted = if self.lane.may_start(now) == Start::Freely {
                    room
                } else {
                    room.min(1)
                };
                let enough = if self.queue.is_empty() {
                    1
                } else {
                    self.capacity() / 4
                };
                let held = self.lane.may_start(now) != Start::Freely && !self.queue.is_empty();
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

    /// Keeps a quarter back, so that a claim always has room.
    fn offer(&mut self) {
        let most = self.capacity() - self.capacity() / 4;
        let places = most.saturating_sub(self.in_hand() + self.offered);
        if places >= (most / 4).max(1) {
            self.offered += places;
            let channel = self.arguments.name.clone();
            let message = StatusMessage::Offer {
                channel,
                places,
                pool: self.myself.clone(),
            };
            tell(self.peers.status.as_ref(), message);
        }
    }

    fn claim(&mut self, limit: usize, adopt: Adopt) {
        let holding = match adopt {
            Adopt::Nothing => Vec::new(),
            Adopt::Retry | Adopt::Hold => self
                .queue
                .iter()
                .map(|job| job.id)
                .chain(self.in_flight.keys().copied())
                .collect(),
        };
        self.supply = Supply::Asked(limit);
        let claim = Claim {
            channel: self.arguments.name.clone(),
            limit,
            adopt,
            holding,
        };
        tell(
            self.peers.status.as_ref(),
            StatusMessage::Claim {
                claim,
                pool: self.myself.clone(),
            },
        );
    }

    fn conclude(&mut self, job: &Job, outcome: &Outcome, took: Duration) {
        let now = self.now();
        let crashes = job.crashes + u32::from(matches!(outcome, Outcome::Crashed(_)));
        let standing = Standing {
            attempts: job.counted,
            crashes,
            expires_at: job.expires_at,
        };
        let verdict = judge(&self.arguments.retry, standing, outcome, now, fastrand::f64());
        self.arguments.metrics.attempted(outcome, took);
        self.watch_lane(outcome, &verdict, now);
        let crashed = crashes > job.crashes;
        let next = match verdict {
            Verdict::Done => Next::Sent,
            Verdict::Retry { at } => Next::Retrying { due_at: at, crashed },
            Verdict::Hold { until, .. } => Next::Held { due_at: until },
            Verdict::Park(reason) => Next::Dead(reason),
            Verdict::Expire => Next::Expired,
        };
        if let Next::Retrying { due_at, .. } | Next::Held { due_at } = next {
            self.next_due = Some(self.next_due.map_or(due_at, |known| known.min(due_at)));
        }
        let mut attempted = written(job, now, outcome.label(), next);
        attempted.took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        match outcome {
            Outcome::Sent(receipt) => {
                if job.counted == 1 {
                    let since = Duration::try_from(now.duration_since(job.created_at)).unwrap_or_default();
                    self.arguments.metrics.latency(since);
                }
                attempted.detail.clone_from(&receipt.answer);
                attempted.provider_id.clone_from(&receipt.provider_id);
            }
            Outcome::Failed(failure) => {
                attempted.code.clone_from(&failure.code);
                attempted.detail.clone_from(&failure.detail);
            }
            Outcome::Crashed(why) => attempted.detail.clone_from(why),
        }
        self.keep_and_report(attempted);
    }

    fn watch_lane(&mut self, outcome: &Outcome, verdict: &Verdict, now: Timestamp) {
        let name = &self.arguments.name;
        match self.lane.ended(sign(outcome, verdict), now) {
            Change::None => {}
            Change::Held => {
                let why = match outcome {
                    Outcome::Failed(failure) => format!("{}: {}", failure.code, failure.detail),
                    Outcome::Sent(_) | Outcome::Crashed(_) => String::new(),
                };
                tracing::warn!(channel = %name, fault = outcome.label(), why, "channel is held");
                self.arguments.metrics.up(false);
                self.arguments.health.channel(name, Condition::Down(why));
            }
            Change::Reopened => {
                tracing::info!(channel = %name, "channel works again");
                self.arguments.metrics.up(true);
                self.arguments.health.channel(name, Condition::Up);
            }
        }
    }

    fn keep_and_report(&mut self, attempted: Attempted) {
        let end = match attempted.next {
            Next::Sent => Some(DeliveryState::Sent),
            Next::Dead(_) => Some(DeliveryState::Dead),
            Next::Expired => Some(DeliveryState::Expired),
            Next::Retrying { .. } | Next::Held { .. } => None,
        };
        if let Some(end) = end {
            self.arguments.metrics.ended(end, 1);
        }
        self.report(attempted.clone());
        self.in_flight.report(attempted.id, attempted);
    }

    fn report(&self, attempted: Attempted) {
        let (channel, pool) = (self.arguments.name.clone(), self.myself.clone());
        if let Next::Dead(_) = attempted.next {
            tell(
                self.peers.dlq.as_ref(),
                DlqMessage::Park {
                    channel,
                    attempted,
                    pool,
                },
            );
        } else {
            tell(
                self.peers.status.as_ref(),
                StatusMessage::Attempted {
                    channel,
                    attempted,
                    pool,
                },
            );
        }
    }

    fn wake_at(&mut self, at: Timestamp) {
        if self
            .alarm
            .as_ref()
            .is_some_and(|(set, timer)| *set <= at && !timer.is_finished())
        {
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
        let asked = if let Supply::Asked(limit) = self.supply {
            limit
        } else {
            0
        };
        self.queue.len() + self.in_flight.len() + asked
    }

    fn capacity(&self) -> usize {
        match self.arguments.retry.on_unknown {
            OnUnknown::Retry => self.arguments.workers * IN_HAND_PER_WORKER,
            OnUnknown::Hold => self.arguments.workers,
        }
    }

    fn now(&self) -> Timestamp {
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

/// The outcome of an attempt that was given back unused when the pool drained.
pub const RETURNED: &str = "returned";
/// The outcome of an attempt that came too late to be made.
pub const EXPIRED: &str = "expired";

fn written(job: &Job, at: Timestamp, outcome: &'static str, next: Next) -> Attempted {
    Attempted {
        id: job.id,
        attempt: job.attempt,
        at,
        took_ms: 0,
        outcome,
        code: String::new(),
        detail: String::new(),
        provider_id: None,
        next,
    }
}

/// What an attempt says about the channel as a whole.
fn sign(outcome: &Outcome, verdict: &Verdict) -> Sign {
    let failure = match outcome {
        Outcome::Sent(_) => return Sign::Well,
        Outcome::Crashed(_) => return Sign::Nothing,
        Outcome::Failed(failure) => failure,
    };
    match (failure.fault, verdict) {
        (Fault::Permanent(_) | Fault::Transient(Transient::Deferred), _) => Sign::Well,
        (Fault::Transient(_), _) => Sign::Unwell,
        (Fault::Unknown, _) => Sign::Nothing,
        (fault, Verdict::Hold { until, .. }) if fault.concerns_the_channel() => Sign::WaitUntil(*until),
        (Fault::Throttled { .. } | Fault::Misconfigured, _) => Sign::Well,
    }
}
