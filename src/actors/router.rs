//! The router: plans who hears of each event, and passes it on to be accepted.
//!
//! Holds nothing: what it has in its mailbox when it dies is still held by the ingest actors, who
//! say it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::born::Born;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, Firing};
use crate::domain::event::Event;
use crate::domain::ids::DeadLetterId;
use crate::domain::incident::Incident;
use crate::domain::malformed::Malformation;
use crate::domain::routes::{Plan, RouteTable};
use crate::domain::suppression::Suppressions;
use crate::domain::timer::{Timer, TimerKind};
use crate::domain::withheld::in_words;
use crate::messages::Peers;
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::IngestMessage;
use crate::messages::post::{Post, tell};
use crate::messages::router::RouterMessage;
use crate::messages::status::StatusMessage;
use crate::messages::sweeper::SweeperMessage;
use crate::store::batch::Quarantined;
use crate::telemetry::actor::ActorLife;

/// Plans who hears.
#[derive(Debug, Clone, Copy)]
pub struct Router;

/// What the router is given.
#[derive(Debug, Clone)]
pub struct RouterArguments {
    /// What it plans by.
    pub table: Arc<RouteTable>,
    /// The time.
    pub clock: Clock,
}

/// What the router works with.
pub struct RouterState {
    life: ActorLife,
    table: Arc<RouteTable>,
    clock: Clock,
    peers: Arc<Peers>,
}

impl Actor for Router {
    type Msg = RouterMessage;
    type State = RouterState;
    type Arguments = Born<RouterArguments>;

    async fn pre_start(
        &self,
        _myself: ActorRef<RouterMessage>,
        Born { life, with: RouterArguments { table, clock } }: Born<RouterArguments>,
    ) -> Result<RouterState, ActorProcessingErr> {
        Ok(RouterState { life, table, clock, peers: Arc::default() })
    }

    async fn handle(
        &self,
        _myself: ActorRef<RouterMessage>,
        message: RouterMessage,
        state: &mut RouterState,
    ) -> Result<(), ActorProcessingErr> {
        let life = state.life.clone();
        life.handling(async {
            match message {
                RouterMessage::Route { events, from } => state.on_route(&events, &from),
                RouterMessage::Fire { due, from } => state.on_fire(due, from),
                RouterMessage::Routes(table) => state.table = table,
                RouterMessage::Introduce(peers) => state.peers = peers,
            }
        })
        .await;
        Ok(())
    }
}

impl RouterState {
    fn on_route(&self, events: &[Arc<Event>], from: &Post<IngestMessage>) {
        let mut accepts = Vec::with_capacity(events.len());
        let mut letters = Vec::new();
        for event in events {
            match planned(&self.table, event, &self.peers.suppressed) {
                Ok(accept) => accepts.push(accept),
                Err(letter) => letters.push(*letter),
            }
        }
        if !accepts.is_empty() {
            let from = from.clone();
            tell(self.peers.status.as_ref(), StatusMessage::Accept { accepts, from });
        }
        if !letters.is_empty() {
            let from = from.clone();
            tell(self.peers.dlq.as_ref(), DlqMessage::Quarantine { letters, from });
        }
    }

    fn on_fire(&self, due: Vec<(Timer, Incident)>, from: Post<SweeperMessage>) {
        let now = self.clock.now();
        let firing = |(timer, incident)| to_fire(&self.table, timer, &incident, now, &self.peers.suppressed);
        let firings = due.into_iter().filter_map(firing).collect();
        tell(self.peers.status.as_ref(), StatusMessage::Fire { firings, from });
    }
}

/// A timer with the plan of its step, if it is for one. What makes planning panic is left out: its
/// timer stays armed, and stops nobody else's.
fn to_fire(
    table: &RouteTable,
    timer: Timer,
    incident: &Incident,
    now: Timestamp,
    known: &Suppressions,
) -> Option<Firing> {
    let plan = match timer.kind {
        TimerKind::Step => {
            let planned = catch_unwind(AssertUnwindSafe(|| table.plan_step(incident, now, known)));
            if planned.is_err() {
                tracing::error!(incident = incident.number, "planning the next step panicked");
            }
            planned.ok()?.map(Arc::new)
        }
        TimerKind::AckTimeout | TimerKind::Snooze | TimerKind::AutoResolve | TimerKind::Expiry => None,
    };
    Some(Firing { timer, plan })
}

/// An event with its plan, or the dead letter it becomes. An event that makes planning panic is
/// poison and must not take the router along each time it is said again (I5).
fn planned(table: &RouteTable, event: &Arc<Event>, known: &Suppressions) -> Result<Accept, Box<Quarantined>> {
    let letter = |reason, detail| {
        Box::new(Quarantined {
            id: DeadLetterId::new(event.received_at, fastrand::u128(..)),
            source: event.source.clone(),
            position: event.position.clone(),
            reason,
            detail,
            came_back: event.came_back,
            raw: Arc::clone(&event.raw),
        })
    };
    match catch_unwind(AssertUnwindSafe(|| table.plan(event, known))) {
        Ok(Ok(plan)) => {
            told_nobody(event, &plan);
            Ok(Accept { event: Arc::clone(event), plan: Arc::new(plan) })
        }
        Ok(Err(unroutable)) => Err(letter(Malformation::Unroutable, unroutable.to_string())),
        Err(_) => Err(letter(Malformation::Poison, "planning this event panicked".to_owned())),
    }
}

/// A direct notification that nobody wants to hear is no dead letter, and has no timeline either.
fn told_nobody(event: &Event, plan: &Plan) {
    if let Plan::Direct { deliveries, withheld, .. } = plan
        && deliveries.is_empty()
    {
        tracing::info!(event = %event.id, why = %in_words(withheld), "nobody wants to hear it");
    }
}
