//! The status actor: the single writer of the store, and so the one that persists incident state.
//!
//! Everything that waits to be written forms a batch; while one batch commits, the next one forms
//! (group commit). Only what a commit confirmed is answered (I1). When the store does not answer,
//! the batch is kept and tried again; nothing is answered meanwhile, so credits run out, sources
//! pause and pools stop sending: an outage is weather, not a reason to restart.

mod counting;
mod deciding;
mod forming;
mod lessons;
mod on_trial;
mod publishing;
mod telling;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::born::Born;
use crate::catalogue::Code;
use crate::clock::Clock;
use crate::domain::acceptance::IncidentRules;
use crate::domain::delivery::Lease;
use crate::domain::suppression::AddressChange;
use crate::feed::Feed;
use crate::messages::post::{Post, tell};
use crate::messages::status::StatusMessage;
use crate::messages::supervisor::{Fatality, SupervisorMessage};
use crate::store::batch::{Batch, Committed};
use crate::store::{Store, StoreError};
use crate::telemetry::actor::ActorLife;
use crate::telemetry::health::{Condition, Health};
use counting::StatusMetrics;
use forming::{Forming, Seats};
use on_trial::OnTrial;
use publishing::Publishers;

/// The single writer.
#[derive(Debug, Clone, Copy)]
pub struct Status;

/// What the status actor is given.
#[derive(Clone)]
pub struct StatusArguments {
    /// Where the truth is.
    pub store: Arc<dyn Store>,
    /// Held while a batch commits. Shared by all lives of this actor, so that a new one never
    /// overtakes the last commit of the one before.
    pub gate: Arc<Mutex<()>>,
    /// Who writes.
    pub lease: Lease,
    /// `[incidents]`
    pub rules: IncidentRules,
    /// The time.
    pub clock: Clock,
    /// Where to say how the store is.
    pub health: Health,
    /// Where to tell what was committed.
    pub feed: Feed,
    /// Who ends the process when it must not go on: whoever starts this actor.
    pub supervisor: Option<Post<SupervisorMessage>>,
}

impl std::fmt::Debug for StatusArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusArguments").field("lease", &self.lease).finish_non_exhaustive()
    }
}

/// What the status actor works with.
pub struct StatusState {
    metrics: StatusMetrics,
    life: ActorLife,
    myself: Post<StatusMessage>,
    arguments: StatusArguments,
    seats: Seats,
    on_trial: OnTrial,
    publishers: Publishers,
    /// What waits for the next commit.
    forming: Forming,
    /// What a batch fell into that the store could not write as a whole; written first.
    isolated: VecDeque<(Batch, Forming)>,
    commit: Commit,
    /// Whether outcomes still wait for something to be written along with.
    company: Company,
    turns: u64,
    /// How long to wait before the next try, should the store not answer.
    patience: Duration,
    /// Who wants to know when nothing waits any more.
    flushing: Vec<RpcReplyPort<()>>,
}

/// What is being written.
#[derive(Debug)]
enum Commit {
    Idle,
    /// On its way to the store.
    Running(Arc<Batch>, Forming, Instant),
    /// The store did not answer; waits to be tried again.
    Stalled(Arc<Batch>, Forming),
}

/// Outcomes alone wait a moment for events or claims to share a commit with: each commit costs a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// Nobody waits.
    None,
    /// The timer of this turn runs. Those of earlier turns, whose outcomes were taken along, mean
    /// nothing any more.
    Awaited(u64),
    /// The moment is over.
    Come,
}

/// See [`Company`]. A crash in this moment repeats what was sent in it.
const LINGER: Duration = Duration::from_millis(20);

/// The first wait after the store did not answer.
const FIRST_STALL: Duration = Duration::from_millis(50);
/// The longest: how long a store that is back may go unnoticed.
const LONGEST_STALL: Duration = Duration::from_secs(1);

impl Actor for Status {
    type Msg = StatusMessage;
    type State = StatusState;
    type Arguments = Born<StatusArguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<StatusMessage>,
        Born { life, with: arguments }: Born<StatusArguments>,
    ) -> Result<StatusState, ActorProcessingErr> {
        Ok(StatusState {
            metrics: StatusMetrics::default(),
            myself: Post::new(myself, life.clone()),
            life,
            arguments,
            seats: Seats::default(),
            on_trial: OnTrial::default(),
            publishers: Publishers::default(),
            forming: Forming::default(),
            isolated: VecDeque::new(),
            commit: Commit::Idle,
            company: Company::None,
            turns: 0,
            patience: FIRST_STALL,
            flushing: Vec::new(),
        })
    }

    async fn handle(
        &self,
        _myself: ActorRef<StatusMessage>,
        message: StatusMessage,
        state: &mut StatusState,
    ) -> Result<(), ActorProcessingErr> {
        let life = state.life.clone();
        life.handling(async { state.on_message(message) }).await;
        Ok(())
    }
}

impl StatusState {
    fn on_message(&mut self, message: StatusMessage) {
        match message {
            StatusMessage::Accept { accepts, from } => self.forming.accept(accepts, &from),
            StatusMessage::Act { act, reply } => self.forming.deciding.act(*act, reply),
            StatusMessage::Fire { firings, from } => self.forming.deciding.fire(firings, from),
            StatusMessage::Quarantine { letters, from } => self.forming.quarantine(letters, &from),
            StatusMessage::Attempted { attempted, pool } => self.forming.attempted(attempted, pool),
            StatusMessage::Offer { channel, places, pool } => self.seats.offer(channel, places, pool),
            StatusMessage::Claim { claim, pool } => {
                self.seats.take(&claim.channel, &pool);
                self.forming.claim(claim, pool);
            }
            StatusMessage::Replay { repeats, reply } => self.forming.replay(repeats, reply),
            StatusMessage::Handle { handling, reply } => self.forming.handle(handling, reply),
            StatusMessage::Bulk { change, from } => self.forming.bulk(*change, from),
            StatusMessage::Flow { changes, reply } => self.forming.flow(changes, reply),
            StatusMessage::Lift { id, reply } => {
                self.forming.learn(Vec::new(), vec![AddressChange::Lifted(id)], reply);
            }
            StatusMessage::Receipts { receipts, addresses, reply } => {
                self.forming.learn(receipts, addresses, reply);
            }
            StatusMessage::Access { changes, reply } => self.forming.access(changes, reply),
            StatusMessage::Record { change, reply } => self.forming.record(*change, reply),
            StatusMessage::Turn { turn, publisher } => {
                self.publishers.note(&turn.sink, &publisher);
                self.forming.publishing.turn(*turn, publisher);
            }
            StatusMessage::Exported { ids, from } => self.forming.exported(ids, from),
            StatusMessage::Abandoned(channel) => self.forming.abandon(channel),
            StatusMessage::Rules(rules) => self.arguments.rules = rules,
            StatusMessage::Try { trial, from } => self.forming.try_out(trial, from),
            // Whoever asked may be gone.
            StatusMessage::Presence(reply) => drop(reply.send(())),
            StatusMessage::Committed(result) => self.on_committed(*result),
            StatusMessage::Retry => self.on_retry(),
            StatusMessage::Linger(turn) if self.company == Company::Awaited(turn) => {
                self.company = Company::Come;
            }
            StatusMessage::Linger(_) => {}
            StatusMessage::Flush(reply) => self.flushing.push(reply),
        }
        self.commit_next();
    }

    /// Sends the formed batch on its way, unless one is under way.
    fn commit_next(&mut self) {
        if !matches!(self.commit, Commit::Idle) {
            return;
        }
        if let Some((batch, forming)) = self.isolated.pop_front() {
            return self.run(Arc::new(batch), forming);
        }
        if self.forming.is_empty() {
            self.answer_flushing();
            return;
        }
        if self.forming.is_unhurried() && self.flushing.is_empty() && self.company != Company::Come {
            if self.company == Company::None {
                self.turns += 1;
                let turn = self.turns;
                self.company = Company::Awaited(turn);
                self.myself.actor().send_after(LINGER, move || StatusMessage::Linger(turn));
            }
            return;
        }
        self.company = Company::None;
        let mut forming = std::mem::take(&mut self.forming);
        let StatusArguments { lease, rules, clock, .. } = &self.arguments;
        let mut batch = Batch::empty(lease.clone(), clock.now(), rules.clone());
        forming.write_into(&mut batch, &mut self.seats);
        self.on_trial.settle(&mut batch);
        self.run(Arc::new(batch), forming);
    }

    fn run(&mut self, batch: Arc<Batch>, forming: Forming) {
        let StatusArguments { store, gate, .. } = self.arguments.clone();
        let (writer, committing) = (self.myself.clone(), Arc::clone(&batch));
        tokio::spawn(async move {
            let _gate = gate.lock().await;
            let committed = AssertUnwindSafe(store.commit(&committing)).catch_unwind().await;
            let result =
                committed.unwrap_or_else(|_| Err(StoreError::Corrupt("writing a batch panicked".to_owned())));
            writer.tell(StatusMessage::Committed(Box::new(result)));
        });
        self.commit = Commit::Running(batch, forming, Instant::now());
    }

    fn on_committed(&mut self, result: Result<Committed, StoreError>) {
        let Commit::Running(batch, forming, begun) = std::mem::replace(&mut self.commit, Commit::Idle) else {
            return;
        };
        match result {
            Ok(committed) => {
                self.patience = FIRST_STALL;
                self.metrics.committed(&batch, &committed, begun.elapsed());
                self.arguments.health.store(Condition::Up);
                if !batch.flows.is_empty() {
                    let changes = SupervisorMessage::Flow(batch.flows.clone());
                    tell(self.arguments.supervisor.as_ref(), changes);
                }
                if !batch.addresses.is_empty() {
                    tell(self.arguments.supervisor.as_ref(), SupervisorMessage::AddressesChanged);
                }
                self.arguments.feed.tell(|| telling::facts(&batch, &committed));
                self.publishers.tell(&committed.posted);
                forming.answer(&batch, committed, &mut self.seats);
            }
            Err(error) => self.on_failed(batch, forming, &error),
        }
    }

    /// A batch that the store cannot write for what is in it is taken apart, until the one event that
    /// is at fault stands alone; that one becomes a dead letter. What holds no event is tried again.
    fn take_apart(&mut self, batch: Arc<Batch>, forming: Forming, error: &StoreError) {
        if let Some(condemned) = forming.condemn(&batch, &error.to_string()) {
            self.isolated.push_front(condemned);
        } else if !batch.decides() {
            self.stall(batch, forming, error);
        } else if batch.is_one_deed() {
            // Whoever asked for it is not answered; a timer is found again by the sweeper.
            tracing::error!(%error, "the store cannot write this action or timer");
        } else {
            tracing::error!(%error, "the store cannot write this batch; taking it apart");
            self.isolated.extend(forming.isolate(&batch, &mut self.seats));
        }
    }

    fn on_failed(&mut self, batch: Arc<Batch>, forming: Forming, error: &StoreError) {
        self.metrics.failed();
        let fatality = match error {
            StoreError::Fenced { .. } => Fatality::Fenced(error.to_string()),
            StoreError::Broken(_) => Fatality::StorageBroken(error.to_string()),
            StoreError::Unavailable(_) => return self.stall(batch, forming, error),
            StoreError::Corrupt(_) => return self.take_apart(batch, forming, error),
        };
        self.arguments.health.store(Condition::Down(error.to_string()));
        tell(self.arguments.supervisor.as_ref(), SupervisorMessage::Fatal(fatality));
    }

    /// Keeps the batch and tries it again after a while.
    fn stall(&mut self, batch: Arc<Batch>, forming: Forming, error: &StoreError) {
        let before = self.arguments.health.store(Condition::Down(error.to_string()));
        if !matches!(before, Condition::Down(_)) {
            tracing::error!(code = %Code::StoreAway, %error, "the store does not commit; keeping the batch and trying again");
        }
        self.myself.actor().send_after(self.patience, || StatusMessage::Retry);
        self.patience = (self.patience * 2).min(LONGEST_STALL);
        self.commit = Commit::Stalled(batch, forming);
    }

    fn on_retry(&mut self) {
        if let Commit::Stalled(batch, forming) = std::mem::replace(&mut self.commit, Commit::Idle) {
            self.run(batch, forming);
        }
    }

    fn answer_flushing(&mut self) {
        for reply in self.flushing.drain(..) {
            drop(reply.send(()));
        }
    }
}
