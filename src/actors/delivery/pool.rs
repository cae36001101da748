//! The pool of one channel, as an actor: the shell around [`Desk`].

use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

use super::desk::Desk;
use super::worker::{Worker, WorkerArguments};
use crate::actors::born::{Born, bear, death};
use crate::clock::Clock;
use crate::domain::names::ChannelName;
use crate::domain::restarts::{Restart, RestartBudget};
use crate::messages::delivery::{DeliveryMessage, Equipment, WorkerMessage};
use crate::messages::post::Post;
use crate::telemetry::actor::ActorMetrics;
use crate::telemetry::health::{Condition, Health};
use crate::telemetry::labels::ActorKind;

/// The pool of one channel.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryPool;

/// What a pool is given.
#[derive(Clone)]
pub struct PoolArguments {
    /// `[channels.NAME]`
    pub name: ChannelName,
    /// How to send; another one after a reload.
    pub equipment: Equipment,
    /// How often workers may die.
    pub budget: RestartBudget,
    /// The time.
    pub clock: Clock,
    /// Where to say how the channel is.
    pub health: Health,
}

impl std::fmt::Debug for PoolArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PoolArguments").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Actor for DeliveryPool {
    type Msg = DeliveryMessage;
    type State = Desk;
    type Arguments = Born<PoolArguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<DeliveryMessage>,
        Born { life, with: arguments }: Born<PoolArguments>,
    ) -> Result<Desk, ActorProcessingErr> {
        let mut desk = Desk::new(Post::new(myself, life.clone()), life, arguments);
        // It takes deliveries until a provider says otherwise.
        desk.arguments.equipment.metrics.up(true);
        for place in 0..desk.arguments.equipment.workers {
            let worker = hire(&desk, place).await?;
            desk.staff(place, worker);
        }
        Ok(desk)
    }

    async fn handle(
        &self,
        _myself: ActorRef<DeliveryMessage>,
        message: DeliveryMessage,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        let life = desk.life.clone();
        life.handling(async {
            match message {
                DeliveryMessage::Deliver(jobs) => desk.on_deliver(jobs),
                DeliveryMessage::Waiting | DeliveryMessage::Due => desk.on_due(),
                DeliveryMessage::Urgent => {
                    desk.on_due();
                    desk.on_urgent();
                }
                DeliveryMessage::Claimed(claimed) => desk.on_claimed(claimed),
                DeliveryMessage::Attempted { worker, id, outcome, took } => {
                    desk.on_attempted(worker, id, &outcome, took);
                }
                DeliveryMessage::Recorded(ids) => desk.on_recorded(&ids),
                DeliveryMessage::Introduce(peers) => desk.on_introduce(peers),
                DeliveryMessage::Drain(reply) => desk.on_drain(reply),
                DeliveryMessage::Renew(equipment) => {
                    for place in desk.renew(equipment) {
                        replace(desk, place).await;
                    }
                }
                DeliveryMessage::Replace(place) => replace(desk, place).await,
            }
            desk.go_on();
        })
        .await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<DeliveryMessage>,
        event: SupervisionEvent,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        let Some((who, why)) = death(event) else {
            return Ok(());
        };
        if let Some(place) = desk.place_of(who.get_id()) {
            bury(desk, place, &why);
            desk.go_on();
        }
        Ok(())
    }
}

/// Puts a new worker in this place.
async fn replace(desk: &mut Desk, place: usize) {
    if !desk.is_vacant(place) {
        return;
    }
    match hire(desk, place).await {
        Ok(worker) => desk.staff(place, worker),
        Err(error) => bury(desk, place, &error.to_string()),
    }
}

/// Starts a worker for this place.
async fn hire(desk: &Desk, place: usize) -> Result<Post<WorkerMessage>, SpawnErr> {
    let pool = desk.myself.clone();
    let supervisor = pool.actor().get_cell();
    let name = format!("delivery/{}/{place}", desk.arguments.name);
    bear(Worker, ActorKind::Worker, name, WorkerArguments { place, pool }, supervisor).await
}

/// A worker is dead: what it held gets its verdict, and the place a new worker while the budget
/// lasts. Once it is spent the place stays empty for a window: the lane is slower, not dead.
fn bury(desk: &mut Desk, place: usize, why: &str) {
    let name = desk.arguments.name.clone();
    ActorMetrics::of(ActorKind::Worker).restarted();
    // Why is in the log already: a panic is one line, with the name of the worker.
    tracing::warn!(channel = %name, worker = place, "worker died");
    desk.on_worker_died(place, why);
    let now = desk.arguments.clock.now();
    let wait = match desk.arguments.budget.died(now) {
        Restart::After(wait) => wait,
        Restart::GiveUp(window) => {
            let why = format!("workers keep dying: {why}");
            desk.arguments.health.channel(&name, Condition::Degraded(why));
            window
        }
    };
    desk.myself.actor().send_after(wait, move || DeliveryMessage::Replace(place));
}
