//! The router: plans who hears of each event, and passes it on to be accepted.
//!
//! Holds nothing: what it has in its mailbox when it dies is still held by the ingest actors, who
//! say it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::born::Born;
use crate::domain::acceptance::Accept;
use crate::domain::event::Event;
use crate::domain::ids::DeadLetterId;
use crate::domain::malformed::Malformation;
use crate::domain::routes::RouteTable;
use crate::domain::suppression::Suppressions;
use crate::messages::Peers;
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::IngestMessage;
use crate::messages::post::{Post, tell};
use crate::messages::router::RouterMessage;
use crate::messages::status::StatusMessage;
use crate::store::batch::Quarantined;
use crate::telemetry::actor::ActorLife;

/// Plans who hears.
#[derive(Debug, Clone, Copy)]
pub struct Router;

/// What the router works with.
pub struct RouterState {
    life: ActorLife,
    table: Arc<RouteTable>,
    peers: Arc<Peers>,
}

impl Actor for Router {
    type Msg = RouterMessage;
    type State = RouterState;
    type Arguments = Born<Arc<RouteTable>>;

    async fn pre_start(
        &self,
        _myself: ActorRef<RouterMessage>,
        Born { life, with: table }: Born<Arc<RouteTable>>,
    ) -> Result<RouterState, ActorProcessingErr> {
        Ok(RouterState { life, table, peers: Arc::default() })
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
            raw: Arc::clone(&event.raw),
        })
    };
    match catch_unwind(AssertUnwindSafe(|| table.plan(event, known))) {
        Ok(Ok(plan)) => Ok(Accept { event: Arc::clone(event), plan: Arc::new(plan) }),
        Ok(Err(unroutable)) => Err(letter(Malformation::Unroutable, unroutable.to_string())),
        Err(_) => Err(letter(Malformation::Poison, "planning this event panicked".to_owned())),
    }
}
