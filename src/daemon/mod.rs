//! The process: the supervisor tree from its parts, started, drained, or left to die.
//!
//! [`Foghorn`] is everything but the outside: tests start it on a store in memory and channels that
//! follow a script, `foghorn serve` on what the configuration names.

pub mod assembly;
pub mod dev;
mod handed_out;
pub mod heartbeat;
pub mod reload;
pub mod serve;
pub mod service_manager;
pub mod signals;
mod socket;
mod stored;
mod tenure;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use handed_out::{in_use, renewal};
use ractor::Actor;
use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::actors::born::Born;
use crate::actors::status::StatusArguments;
use crate::actors::supervisor::{Plan, Sinking, Supervisor, SupervisorArguments};
use crate::actors::sweeper::SweeperArguments;
use crate::channels::Channel;
use crate::channels::sinks::Sink;
use crate::clock::Clock;
use crate::domain::acceptance::IncidentRules;
use crate::domain::names::{ChannelName, NodeName, SinkName};
use crate::domain::rate::Rates;
use crate::domain::record::Tables;
use crate::domain::restarts::RestartBudget;
use crate::domain::retention::Retention;
use crate::domain::retry::RetryPolicy;
use crate::domain::routes::RouteTable;
use crate::domain::token::ConfiguredToken;
use crate::feed::Feed;
use crate::formats::Words;
use crate::messages::in_use::InUse;
use crate::messages::post::Post;
use crate::messages::renewal::Renewal;
use crate::messages::supervisor::{Fatality, SupervisorMessage};
use crate::messages::{IngestKey, Peers};
use crate::render::Letterhead;
use crate::render::sms::SmsStyle;
use crate::sources::http::Hooks;
use crate::sources::{Connect, LetterBoxes};
use crate::store::{Store, StoreError};
use crate::telemetry::actor::ActorLife;
use crate::telemetry::handles::{ChannelMetrics, ConfiguredChannel};
use crate::telemetry::health::{Condition, Health, Phase};
use crate::telemetry::labels::ActorKind;
use tenure::Tenure;

/// What a Foghorn is made of.
#[derive(Clone)]
pub struct Parts {
    /// Which node it is.
    pub node: NodeName,
    /// Where the truth is.
    pub store: Arc<dyn Store>,
    /// `[incidents]`
    pub rules: IncidentRules,
    /// How records are read.
    pub words: Words,
    /// Who hears of what.
    pub routes: RouteTable,
    /// Where what it is made of stands.
    pub tables: Arc<Tables>,
    /// What every message says of this Foghorn.
    pub letterhead: Letterhead,
    /// `[store.retention]`
    pub retention: Retention,
    /// `[tokens]`
    pub tokens: Vec<ConfiguredToken>,
    /// `[channels]`
    pub channels: BTreeMap<ChannelName, ChannelPart>,
    /// `[sources]`, each topic by itself.
    pub sources: BTreeMap<IngestKey, SourcePart>,
    /// Of these, the ones that a sender has an address for.
    pub hooks: Hooks,
    /// `[events_out]`; which of them want what is in `rules`.
    pub sinks: BTreeMap<SinkName, Arc<dyn Sink>>,
    /// Where the dead letters of sources go, too.
    pub letter_boxes: LetterBoxes,
    /// How often an actor may die before its lane is left alone.
    pub budget: RestartBudget,
    /// The time.
    pub clock: Clock,
    /// The notice board.
    pub health: Health,
    /// Where what was committed is told.
    pub feed: Feed,
}

/// One way out.
#[derive(Clone)]
pub struct ChannelPart {
    /// `type = "…"`
    pub kind: String,
    /// Who carries it.
    pub provider: String,
    /// How to send.
    pub channel: Arc<dyn Channel>,
    /// How many attempts at once.
    pub workers: usize,
    /// How fast it may go.
    pub rates: Rates,
    /// When to try again.
    pub retry: RetryPolicy,
    /// How it wants text messages, if that is what it sends.
    pub texts: Option<SmsStyle>,
}

impl ChannelPart {
    fn metrics(&self, name: &ChannelName) -> ChannelMetrics {
        ChannelMetrics::of(&ConfiguredChannel {
            name: name.clone(),
            kind: self.kind.clone(),
            provider: self.provider.clone(),
        })
    }
}

/// One way in.
#[derive(Clone)]
pub struct SourcePart {
    /// `type = "…"`
    pub kind: String,
    /// How to reach it; `None` for requests.
    pub connect: Option<Connect>,
    /// How many records may be in flight.
    pub max_in_flight: usize,
}

/// Why a Foghorn did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store would not give a lease.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tree would not start.
    #[error("the actors did not start: {0}")]
    Tree(String),
}

/// A running supervisor tree.
pub struct Foghorn {
    supervisor: Post<SupervisorMessage>,
    tree: JoinHandle<()>,
    peers: watch::Receiver<Arc<Peers>>,
    in_use: watch::Sender<Arc<InUse>>,
    fatal: mpsc::UnboundedReceiver<Fatality>,
    records: watch::Receiver<u64>,
    health: Health,
    tenure: Tenure,
}

/// Actors may die this often within [`BUDGET_WINDOW`].
pub const MAX_RESTARTS: usize = 20;
/// See [`MAX_RESTARTS`].
pub const BUDGET_WINDOW: Duration = Duration::from_secs(60);

/// The tree, from its root.
async fn grown(
    arguments: SupervisorArguments,
) -> Result<(Post<SupervisorMessage>, JoinHandle<()>), StartError> {
    let life = ActorLife::begin(ActorKind::Supervisor, "supervisor");
    let born = Born { life: life.clone(), with: arguments };
    let spawned = Actor::spawn(None, Supervisor, born).await;
    let (supervisor, tree) = spawned.map_err(|error| StartError::Tree(error.to_string()))?;
    Ok((Post::new(supervisor, life), tree))
}

impl Foghorn {
    /// Starts the tree. Rows that an earlier life held are adopted as the pools start.
    ///
    /// # Errors
    /// The store does not answer, or an actor does not start.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let died = parts.store.died(&parts.node).await?;
        if died {
            tracing::warn!(
                "the last life of this node ended without a word; reading what it may have had in hand one by one"
            );
        }
        let lease = parts.store.lease(&parts.node, parts.clock.now()).await?;
        let tenure = Tenure { store: Arc::clone(&parts.store), lease: lease.clone(), clock: parts.clock };
        let health = parts.health.clone();
        health.store(Condition::Up);
        let (clock, budget) = (parts.clock, parts.budget.clone());
        let paused = parts.store.paused().await?;
        let suppressed = Arc::new(parts.store.suppressions().await?.into_iter().collect());
        let status = StatusArguments {
            store: Arc::clone(&parts.store),
            gate: Arc::new(Mutex::new(())),
            lease,
            rules: parts.rules.clone(),
            clock,
            health: health.clone(),
            feed: parts.feed.clone(),
            supervisor: None,
        };
        let Renewal { words, routes, channels: pools, sources: ingests, letter_boxes, .. } = renewal(&parts);
        let in_use = watch::Sender::new(Arc::new(in_use(&parts, &routes, &words)));
        let (records_out, records) = watch::channel(0);
        let sweeper = SweeperArguments {
            records: records_out,
            store: Arc::clone(&parts.store),
            retention: parts.retention,
            channels: pools.iter().map(|(name, pool)| (name.clone(), pool.metrics.clone())).collect(),
            clock,
            health: health.clone(),
            supervisor: None,
        };
        let caution = died.then(|| Arc::new(Semaphore::new(1)));
        let plan = Plan {
            status,
            pools,
            routes,
            ingests,
            letter_boxes,
            words,
            caution,
            sweeper,
            sinks: parts.sinks.iter().map(|(name, sink)| (name.clone(), Sinking(Arc::clone(sink)))).collect(),
            budget,
            clock,
            health: health.clone(),
        };
        let (peers_out, peers) = watch::channel(Arc::default());
        let (fatal_out, fatal) = mpsc::unbounded_channel();
        let arguments = SupervisorArguments { plan, paused, suppressed, peers: peers_out, fatal: fatal_out };
        let (supervisor, tree) = grown(arguments).await?;
        health.enter(Phase::Running);
        Ok(Self { supervisor, tree, peers, in_use, fatal, records, health, tenure })
    }

    /// Who is there now; changes whenever an actor was restarted.
    pub fn peers(&self) -> watch::Receiver<Arc<Peers>> {
        self.peers.clone()
    }

    /// What it works by; changes with each renewal.
    pub fn in_use(&self) -> watch::Receiver<Arc<InUse>> {
        self.in_use.subscribe()
    }

    /// The last change of the records that the sweeper saw; marked as changed with each look.
    pub fn records_seen(&self) -> watch::Receiver<u64> {
        self.records.clone()
    }

    /// Waits until the process must not go on. Cancel safe.
    pub async fn fatal(&mut self) -> Fatality {
        match self.fatal.recv().await {
            Some(fatality) => fatality,
            // The supervisor itself is gone.
            None => Fatality::BudgetSpent("the root supervisor died".to_owned()),
        }
    }

    /// Works by `parts` from now on, of which the store, the node and the budget stay as they were.
    /// The sources in `reconnect` are left and entered anew; what is in flight ends as it began.
    pub async fn renew(&self, parts: &Parts, reconnect: BTreeSet<IngestKey>) -> Renewed {
        let renewal = Box::new(Renewal { reconnect, ..renewal(parts) });
        let next = Arc::new(in_use(parts, &renewal.routes, &renewal.words));
        let renew = |reply| SupervisorMessage::Renew { renewal, reply };
        let renewed = match self.supervisor.ask(renew, RENEW_PATIENCE).await {
            Some(()) => Renewed::Everywhere,
            None => Renewed::NotConfirmed,
        };
        self.in_use.send_replace(next);
        renewed
    }

    /// Takes nothing more in and goes on delivering, until the process is told to stop.
    pub async fn stop_intake(&self, grace: Duration) -> Drained {
        self.health.enter(Phase::Draining);
        match self.supervisor.ask(SupervisorMessage::StopIntake, grace).await {
            Some(()) => Drained::Completely,
            None => Drained::OutOfTime,
        }
    }

    /// Takes nothing more in, finishes what is in flight and stops, within `grace`.
    pub async fn drain(self, grace: Duration) -> Drained {
        self.health.enter(Phase::Draining);
        let drained = match self.supervisor.ask(SupervisorMessage::Drain, grace).await {
            Some(()) => Drained::Completely,
            None => Drained::OutOfTime,
        };
        self.end().await;
        drained
    }

    /// Stops at once, but in order: nothing that is in flight is to blame.
    pub async fn end(self) {
        let tenure = self.tenure.clone();
        self.stop().await;
        tenure.give_back().await;
    }

    /// Stops at once, as a crash would: what is in flight is adopted at the next start.
    pub async fn stop(self) {
        // The children go with their supervisor, and so nobody is there to start them again.
        self.supervisor.actor().stop(None);
        // An actor that does not stop is ended with the runtime.
        drop(tokio::time::timeout(STOP_PATIENCE, self.tree).await);
    }
}

const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Telling everybody takes no longer, unless the process is in trouble.
const RENEW_PATIENCE: Duration = Duration::from_secs(10);

/// How far a new configuration has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// New work goes the new way.
    Everywhere,
    /// The supervisor has it and did not say in time that it is done.
    NotConfirmed,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is left in flight.
    Completely,
    /// What is left is rows, adopted at the next start.
    OutOfTime,
}
