//! The sweeper: the guarantee behind every timer. It finds due rows that nobody armed, whatever the
//! reason, and wakes the pool that should look; it counts what waits, and has what is too old taken away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::watch;
use tokio::time::Instant;

use super::born::Born;
use crate::clock::Clock;
use crate::domain::delivery::DeliveryState;
use crate::domain::names::ChannelName;
use crate::domain::retention::Retention;
use crate::domain::suppression::Suppressions;
use crate::messages::Peers;
use crate::messages::delivery::DeliveryMessage;
use crate::messages::post::{Post, tell};
use crate::messages::router::RouterMessage;
use crate::messages::status::StatusMessage;
use crate::messages::supervisor::SupervisorMessage;
use crate::messages::sweeper::SweeperMessage;
use crate::store::Store;
use crate::store::batch::AccessChange;
use crate::store::views::IncidentCount;
use crate::telemetry::actor::ActorLife;
use crate::telemetry::handles::{ChannelMetrics, DeadLetterMetrics};
use crate::telemetry::health::Health;
use crate::telemetry::incidents::IncidentMetrics;
use crate::telemetry::labels::DeadLetterKind;

/// Looks for forgotten rows.
#[derive(Debug, Clone, Copy)]
pub struct Sweeper;

/// What the sweeper is given.
#[derive(Clone)]
pub struct SweeperArguments {
    /// Where the rows are.
    pub store: Arc<dyn Store>,
    /// Which channels have rows, with their series.
    pub channels: BTreeMap<ChannelName, ChannelMetrics>,
    /// The time.
    pub clock: Clock,
    /// `[store.retention]`
    pub retention: Retention,
    /// Where to say which change of the records is the last one.
    pub records: watch::Sender<u64>,
    /// Where to say how much is tried again.
    pub health: Health,
    /// Who opens and shuts ways: whoever starts this actor.
    pub supervisor: Option<Post<SupervisorMessage>>,
}

impl std::fmt::Debug for SweeperArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SweeperArguments").field("channels", &self.channels.keys()).finish_non_exhaustive()
    }
}

/// What the sweeper works with.
pub struct SweeperState {
    life: ActorLife,
    arguments: SweeperArguments,
    peers: Arc<Peers>,
    myself: Post<SweeperMessage>,
    /// Timers that were handed over, and since when.
    firing: Option<Instant>,
}

/// A forgotten row waits this long at most.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// So many timers are fired in one commit.
const FIRED_TOGETHER: usize = 1_000;
/// Who does not answer for so long has lost what it was told.
const FIRED_IN_TIME: Duration = Duration::from_secs(30);
/// What is too old stays so much longer at most.
pub const PURGE_EVERY: Duration = Duration::from_secs(600);
/// So many lines go in one commit; more than anybody writes meanwhile.
const PURGED_TOGETHER: usize = 10_000;
/// Counting reads an index of everything that waits, so it is rarer.
pub const COUNT_EVERY: Duration = Duration::from_secs(15);

impl Actor for Sweeper {
    type Msg = SweeperMessage;
    type State = SweeperState;
    type Arguments = Born<SweeperArguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<SweeperMessage>,
        Born { life, with: arguments }: Born<SweeperArguments>,
    ) -> Result<SweeperState, ActorProcessingErr> {
        myself.send_interval(SWEEP_EVERY, || SweeperMessage::Sweep);
        myself.send_interval(COUNT_EVERY, || SweeperMessage::Count);
        myself.send_interval(PURGE_EVERY, || SweeperMessage::Purge);
        let myself = Post::new(myself, life.clone());
        Ok(SweeperState { life, arguments, peers: Arc::default(), myself, firing: None })
    }

    async fn handle(
        &self,
        _myself: ActorRef<SweeperMessage>,
        message: SweeperMessage,
        state: &mut SweeperState,
    ) -> Result<(), ActorProcessingErr> {
        let life = state.life.clone();
        life.handling(async {
            match message {
                SweeperMessage::Sweep => state.on_sweep().await,
                SweeperMessage::Timers => state.look_at_timers().await,
                SweeperMessage::Fired => {
                    state.firing = None;
                    state.look_at_timers().await;
                }
                SweeperMessage::Addresses => state.look_at_addresses().await,
                SweeperMessage::Count => {
                    state.look_at_addresses().await;
                    state.on_count().await;
                }
                SweeperMessage::Purge => state.on_purge(),
                SweeperMessage::Channels(channels) => state.arguments.channels = channels,
                SweeperMessage::Introduce(peers) => {
                    if state.peers.lives() != peers.lives() {
                        state.firing = None;
                    }
                    state.peers = peers;
                    state.on_count().await;
                }
            }
        })
        .await;
        Ok(())
    }
}

impl SweeperState {
    /// A store that does not answer is the status actor's business: here it only means no news.
    async fn on_sweep(&mut self) {
        self.look_at_timers().await;
        let SweeperArguments { store, channels, clock, .. } = &self.arguments;
        self.look_at_pauses().await;
        self.look_at_records().await;
        for channel in channels.keys() {
            if let Ok(Some(due)) = store.next_due(channel).await
                && due <= clock.now()
            {
                tell(self.peers.pools.get(channel), DeliveryMessage::Due);
            }
        }
    }

    /// Hands over the timers that are due, and looks again when they are fired, so that there are
    /// never more on the way than one commit takes. One that is due before the next sweep is looked
    /// at in its time.
    async fn look_at_timers(&mut self) {
        if self.firing.is_some_and(|since| since.elapsed() < FIRED_IN_TIME) {
            return;
        }
        let SweeperArguments { store, clock, .. } = &self.arguments;
        let now = clock.now();
        let Ok(due) = store.due_timers(now, FIRED_TOGETHER).await else { return };
        if let (false, Some(router)) = (due.is_empty(), &self.peers.router) {
            self.firing = Some(Instant::now());
            return router.tell(RouterMessage::Fire { due, from: self.myself.clone() });
        }
        if let Ok(Some(next)) = store.next_timer().await
            && let Ok(wait) = Duration::try_from(next.duration_since(now))
            && wait < SWEEP_EVERY
        {
            self.myself.actor().send_after(wait, || SweeperMessage::Timers);
        }
    }

    /// Another node may have shut a way, or somebody who told this one just before it died.
    async fn look_at_pauses(&self) {
        let known = &self.peers.paused;
        if let Ok(found) = self.arguments.store.paused().await
            && found != *known
        {
            let known = known.clone();
            tell(self.arguments.supervisor.as_ref(), SupervisorMessage::Paused { known, found });
        }
    }

    /// Another node may have changed them. Who works by them compares.
    async fn look_at_records(&self) {
        if let Ok(revision) = self.arguments.store.records_revision().await {
            self.arguments.records.send_replace(revision);
        }
    }

    /// This node has learned something, or another one.
    async fn look_at_addresses(&self) {
        if let Ok(found) = self.arguments.store.suppressions().await {
            let found: Suppressions = found.into_iter().collect();
            if found != *self.peers.suppressed {
                let found = SupervisorMessage::Suppressed(Arc::new(found));
                tell(self.arguments.supervisor.as_ref(), found);
            }
        }
    }

    /// Has the writer take away what is too old. Every node says so, and the first one has done it.
    fn on_purge(&self) {
        let SweeperArguments { retention, clock, .. } = &self.arguments;
        let change = AccessChange::Purge(retention.purge(clock.now(), PURGED_TOGETHER));
        tell(self.peers.status.as_ref(), StatusMessage::Access { changes: vec![change], reply: None });
    }

    async fn on_count(&self) {
        if let Ok(counts) = self.arguments.store.incident_counts().await {
            IncidentMetrics::of_process().now(|status, severity| {
                let of_both = |line: &&IncidentCount| (line.status, line.severity) == (status, severity);
                counts.iter().filter(of_both).map(|line| line.count).sum()
            });
        }
        let Ok(backlog) = self.arguments.store.backlog().await else {
            return;
        };
        let now = self.arguments.clock.now();
        let mut dead = 0;
        for (channel, metrics) in &self.arguments.channels {
            let lines = || backlog.deliveries.iter().filter(|line| line.channel == *channel);
            for state in ChannelMetrics::WAITING {
                metrics
                    .waiting(state, lines().filter(|line| line.state == state).map(|line| line.count).sum());
            }
            let oldest =
                lines().filter(|line| !line.state.is_terminal()).filter_map(|line| line.oldest).min();
            let age = oldest.map(|oldest| Duration::try_from(now.duration_since(oldest)).unwrap_or_default());
            metrics.oldest_pending(age.unwrap_or_default());
            dead +=
                lines().filter(|line| line.state == DeliveryState::Dead).map(|line| line.count).sum::<u64>();
        }
        // Rows of channels that are configured no more wait for them to come back, but not for ever.
        let waiting = backlog.deliveries.iter().filter(|line| !line.state.is_terminal());
        for line in waiting.filter(|line| !self.arguments.channels.contains_key(&line.channel)) {
            tell(self.peers.status.as_ref(), StatusMessage::Abandoned(line.channel.clone()));
        }
        let retrying = backlog.deliveries.iter().filter(|line| line.state == DeliveryState::Retrying);
        self.arguments.health.retrying(retrying.map(|line| line.count).sum());
        let letters = DeadLetterMetrics::of_process();
        letters.now(DeadLetterKind::Delivery, dead);
        letters.now(DeadLetterKind::Event, backlog.dead_letters);
    }
}
