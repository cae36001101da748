//! The sweeper: the guarantee behind every timer. It finds due rows that nobody armed, whatever the
//! reason, and wakes the pool that should look; and it counts what waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::born::Born;
use crate::clock::Clock;
use crate::domain::delivery::DeliveryState;
use crate::domain::names::ChannelName;
use crate::domain::suppression::Suppressions;
use crate::messages::Peers;
use crate::messages::delivery::DeliveryMessage;
use crate::messages::post::{Post, tell};
use crate::messages::status::StatusMessage;
use crate::messages::supervisor::SupervisorMessage;
use crate::messages::sweeper::SweeperMessage;
use crate::store::Store;
use crate::store::views::IncidentCount;
use crate::telemetry::actor::ActorLife;
use crate::telemetry::handles::{ChannelMetrics, DeadLetterMetrics, IncidentMetrics};
use crate::telemetry::health::Health;
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
}

/// A forgotten row waits this long at most.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
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
        Ok(SweeperState { life, arguments, peers: Arc::default() })
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
                SweeperMessage::Addresses => state.look_at_addresses().await,
                SweeperMessage::Count => {
                    state.look_at_addresses().await;
                    state.on_count().await;
                }
                SweeperMessage::Channels(channels) => state.arguments.channels = channels,
                SweeperMessage::Introduce(peers) => {
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
    async fn on_sweep(&self) {
        let SweeperArguments { store, channels, clock, .. } = &self.arguments;
        self.look_at_pauses().await;
        for channel in channels.keys() {
            if let Ok(Some(due)) = store.next_due(channel).await
                && due <= clock.now()
            {
                tell(self.peers.pools.get(channel), DeliveryMessage::Due);
            }
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
