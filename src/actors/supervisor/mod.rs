//! The root supervisor: starts the fixed tree in order, restarts what dies while its budget lasts,
//! hands out the new peers, and drains from the sources inward.
//!
//! A spent budget degrades the lane of that child until its window is over, not the process; only
//! the single writer is something that nothing works without.

mod drain;
mod renewal;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::{mpsc, watch};

use super::born::{Born, death};
use crate::catalogue::Code;
use crate::domain::restarts::{Restart, RestartBudget};
use crate::domain::suppression::Suppressions;
use crate::domain::way::Paused;
use crate::messages::Peers;
use crate::messages::delivery::DeliveryMessage;
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::IngestMessage;
use crate::messages::post::{Post, tell};
use crate::messages::publisher::PublisherMessage;
use crate::messages::router::RouterMessage;
use crate::messages::supervisor::{Child, Fatality, SupervisorMessage};
use crate::messages::sweeper::SweeperMessage;
use crate::telemetry::actor::{ActorLife, ActorMetrics};
pub use tree::{Plan, Sinking};
use tree::{Tree, kind_of};

/// The root.
#[derive(Debug, Clone, Copy)]
pub struct Supervisor;

/// What the supervisor is given.
#[derive(Debug)]
pub struct SupervisorArguments {
    /// What to start, and how.
    pub plan: Plan,
    /// Where the current peers are shown to those outside the tree.
    pub peers: watch::Sender<Arc<Peers>>,
    /// Ways that are shut from the start.
    pub paused: Paused,
    /// Addresses that providers have spoken against.
    pub suppressed: Arc<Suppressions>,
    /// Where to say that the process must end.
    pub fatal: mpsc::UnboundedSender<Fatality>,
}

/// What the supervisor works with.
pub struct SupervisorState {
    life: ActorLife,
    myself: Post<SupervisorMessage>,
    arguments: SupervisorArguments,
    tree: Tree,
    children: HashMap<ActorId, Child>,
    budgets: BTreeMap<Child, RestartBudget>,
    doors: Doors,
}

/// Whether anything new is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doors {
    Open,
    Shut,
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = SupervisorState;
    type Arguments = Born<SupervisorArguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMessage>,
        Born { life, with: arguments }: Born<SupervisorArguments>,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let mut state = SupervisorState {
            myself: Post::new(myself, life.clone()),
            life,
            arguments,
            tree: Tree::default(),
            children: HashMap::new(),
            budgets: BTreeMap::new(),
            doors: Doors::Open,
        };
        state.tree.peers.paused = std::mem::take(&mut state.arguments.paused);
        state.tree.peers.suppressed = Arc::clone(&state.arguments.suppressed);
        for child in state.arguments.plan.children() {
            state.start(child).await?;
        }
        state.introduce();
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<SupervisorMessage>,
        message: SupervisorMessage,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let life = state.life.clone();
        life.handling(async {
            match message {
                SupervisorMessage::Restart(child) => state.on_restart(child).await,
                SupervisorMessage::Fatal(fatality) => state.on_fatal(fatality),
                SupervisorMessage::Renew { renewal, reply } => {
                    state.on_renew(*renewal).await;
                    drop(reply.send(()));
                }
                SupervisorMessage::Retired(child, life) => state.on_retired(child, life).await,
                SupervisorMessage::Flow(changes) => state.on_flow(&changes),
                SupervisorMessage::Paused { known, found } => state.on_paused(&known, found),
                SupervisorMessage::AddressesChanged => state.on_addresses_changed(),
                SupervisorMessage::Suppressed(found) => state.on_suppressed(found),
                SupervisorMessage::StopIntake(reply) => {
                    state.doors = Doors::Shut;
                    drain::stop_intake(Arc::clone(&state.arguments.peers.borrow()), reply);
                }
                SupervisorMessage::Drain(reply) => {
                    state.doors = Doors::Shut;
                    drain::start(Arc::clone(&state.arguments.peers.borrow()), reply);
                }
            }
        })
        .await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let Some((who, why)) = death(event) else {
            return Ok(());
        };
        if let Some(child) = state.children.remove(&who.get_id()) {
            state.on_death(child, &why);
        }
        Ok(())
    }
}

impl SupervisorState {
    async fn start(&mut self, child: Child) -> Result<(), SpawnErr> {
        let id = self.arguments.plan.spawn(&child, &self.myself, &mut self.tree).await?;
        self.children.insert(id, child);
        Ok(())
    }

    async fn on_restart(&mut self, child: Child) {
        if !self.is_wanted(&child) {
            return;
        }
        match self.start(child.clone()).await {
            Ok(()) => {
                ActorMetrics::of(kind_of(&child)).restarted();
                tracing::info!(actor = %child, "actor restarted");
                self.introduce();
            }
            // A panic before the first message is a spawn error, not a supervision event.
            Err(error) => self.on_death(child, &error.to_string()),
        }
    }

    /// Is there still a place for it?
    fn is_wanted(&self, child: &Child) -> bool {
        let shut_out = self.doors == Doors::Shut && matches!(child, Child::Ingest(_));
        self.arguments.plan.has(child) && !shut_out && !self.children.values().any(|known| known == child)
    }

    fn on_death(&mut self, child: Child, why: &str) {
        // A panic has its own line in the log, with the name of the actor.
        tracing::error!(code = %Code::ActorDied, actor = %child, "actor died");
        let budget = self.budgets.entry(child.clone()).or_insert_with(|| self.arguments.plan.budget.clone());
        let wait = match (budget.died(self.arguments.plan.clock.now()), &child) {
            (Restart::After(wait), _) => wait,
            (Restart::GiveUp(_), Child::Status) => {
                return self.on_fatal(Fatality::BudgetSpent(format!("{child} keeps dying: {why}")));
            }
            (Restart::GiveUp(window), _) => {
                tracing::error!(code = %Code::ActorKeepsDying, actor = %child, wait_s = window.as_secs(), "actor keeps dying; it is left alone for a while");
                window
            }
        };
        self.myself.actor().send_after(wait, move || SupervisorMessage::Restart(child));
    }

    fn on_fatal(&self, fatality: Fatality) {
        tracing::error!(code = %fatality.code(), why = %fatality, "the process cannot go on");
        // If nobody listens any more, the process is ending already.
        drop(self.arguments.fatal.send(fatality));
    }

    /// Tells everybody who is there now.
    fn introduce(&self) {
        let peers = Arc::new(self.tree.peers.clone());
        tell(peers.dlq.as_ref(), DlqMessage::Introduce(Arc::clone(&peers)));
        for pool in peers.pools.values() {
            pool.tell(DeliveryMessage::Introduce(Arc::clone(&peers)));
        }
        tell(peers.router.as_ref(), RouterMessage::Introduce(Arc::clone(&peers)));
        for ingest in peers.ingests.values() {
            ingest.tell(IngestMessage::Introduce(Arc::clone(&peers)));
        }
        for publisher in self.tree.publishers.values() {
            publisher.tell(PublisherMessage::Introduce(Arc::clone(&peers)));
        }
        tell(self.tree.sweeper.as_ref(), SweeperMessage::Introduce(Arc::clone(&peers)));
        self.arguments.peers.send_replace(peers);
    }
}
