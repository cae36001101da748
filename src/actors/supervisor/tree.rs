//! The fixed tree: what the children are, in the order they start, and how each is started.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{ActorId, SpawnErr};
use tokio::sync::Semaphore;

use crate::actors::born::bear;
use crate::actors::delivery::{DeliveryPool, PoolArguments};
use crate::actors::dlq::{Dlq, DlqArguments};
use crate::actors::ingest::{Ingest, IngestArguments};
use crate::actors::publisher::{Publisher, PublisherArguments};
use crate::actors::router::{Router, RouterArguments};
use crate::actors::status::{Status, StatusArguments};
use crate::actors::sweeper::{Sweeper, SweeperArguments};
use crate::channels::sinks::Sink;
use crate::clock::Clock;
use crate::domain::names::{ChannelName, SinkName};
use crate::domain::restarts::RestartBudget;
use crate::domain::routes::RouteTable;
use crate::formats::Words;
use crate::messages::delivery::Equipment;
use crate::messages::ingest::Intake;
use crate::messages::post::Post;
use crate::messages::publisher::PublisherMessage;
use crate::messages::supervisor::{Child, SupervisorMessage};
use crate::messages::sweeper::SweeperMessage;
use crate::messages::{IngestKey, Peers};
use crate::sources::LetterBoxes;
use crate::telemetry::health::Health;
use crate::telemetry::labels::ActorKind;

/// What to start, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The single writer.
    pub status: StatusArguments,
    /// One for each channel.
    pub pools: BTreeMap<ChannelName, Equipment>,
    /// Who hears of what.
    pub routes: Arc<RouteTable>,
    /// One for each topic, and one for each HTTP source.
    pub ingests: BTreeMap<IngestKey, Intake>,
    /// Where the dead letters of sources go, too.
    pub letter_boxes: LetterBoxes,
    /// How records are read.
    pub words: Arc<Words>,
    /// The turn of the one record that is tried at a time, if the last life ended without a word.
    pub caution: Option<Arc<Semaphore>>,
    /// The one that looks for forgotten rows.
    pub sweeper: SweeperArguments,
    /// `[events_out]`: a publisher for each.
    pub sinks: BTreeMap<SinkName, Sinking>,
    /// How often each actor may die.
    pub budget: RestartBudget,
    /// The time.
    pub clock: Clock,
    /// The notice board.
    pub health: Health,
}

/// How a sink is reached.
#[derive(Clone)]
pub struct Sinking(pub Arc<dyn Sink>);

impl std::fmt::Debug for Sinking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sinking")
    }
}

/// Who is there.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) peers: Peers,
    pub(super) sweeper: Option<Post<SweeperMessage>>,
    pub(super) publishers: BTreeMap<SinkName, Post<PublisherMessage>>,
}

impl Plan {
    /// From what everybody needs to what lets work in.
    pub(super) fn children(&self) -> Vec<Child> {
        [Child::Status, Child::Dlq]
            .into_iter()
            .chain(self.pools.keys().cloned().map(Child::Pool))
            .chain([Child::Router])
            .chain(self.ingests.keys().cloned().map(Child::Ingest))
            .chain([Child::Sweeper])
            .chain(self.sinks.keys().cloned().map(Child::Publisher))
            .collect()
    }

    fn pool(&self, name: &ChannelName) -> Option<PoolArguments> {
        Some(PoolArguments {
            name: name.clone(),
            equipment: self.pools.get(name)?.clone(),
            budget: self.budget.clone(),
            clock: self.clock,
            health: self.health.clone(),
        })
    }

    fn ingest(&self, key: &IngestKey) -> Option<IngestArguments> {
        Some(IngestArguments {
            key: key.clone(),
            intake: self.ingests.get(key)?.clone(),
            caution: self.caution.clone(),
            words: Arc::clone(&self.words),
            clock: self.clock,
            health: self.health.clone(),
            feed: self.status.feed.clone(),
        })
    }

    fn publisher(&self, name: &SinkName) -> Option<PublisherArguments> {
        let Sinking(sink) = self.sinks.get(name)?.clone();
        let store = Arc::clone(&self.status.store);
        Some(PublisherArguments { name: name.clone(), sink, store, clock: self.clock })
    }

    fn dlq(&self) -> DlqArguments {
        DlqArguments {
            store: Arc::clone(&self.status.store),
            letter_boxes: self.letter_boxes.clone(),
            clock: self.clock,
        }
    }

    /// Is there a place for it?
    pub(super) fn has(&self, child: &Child) -> bool {
        match child {
            Child::Pool(name) => self.pools.contains_key(name),
            Child::Ingest(key) => self.ingests.contains_key(key),
            Child::Publisher(name) => self.sinks.contains_key(name),
            Child::Status | Child::Dlq | Child::Router | Child::Sweeper => true,
        }
    }

    /// Starts `child` in its place.
    pub(super) async fn spawn(
        &self,
        child: &Child,
        supervisor: &Post<SupervisorMessage>,
        tree: &mut Tree,
    ) -> Result<ActorId, SpawnErr> {
        let (parent, kind, log_name) = (supervisor.actor().get_cell(), kind_of(child), child.to_string());
        let peers = &mut tree.peers;
        let id = match child {
            Child::Status => {
                let with = StatusArguments { supervisor: Some(supervisor.clone()), ..self.status.clone() };
                peers.status.insert(bear(Status, kind, log_name, with, parent).await?).id()
            }
            Child::Dlq => peers.dlq.insert(bear(Dlq, kind, log_name, self.dlq(), parent).await?).id(),
            Child::Router => {
                let with = RouterArguments { table: Arc::clone(&self.routes), clock: self.status.clock };
                peers.router.insert(bear(Router, kind, log_name, with, parent).await?).id()
            }
            Child::Pool(name) => {
                let with = self.pool(name).ok_or_else(|| unplanned(child))?;
                let pool = bear(DeliveryPool, kind, log_name, with, parent).await?;
                let id = pool.id();
                peers.pools.insert(name.clone(), pool);
                id
            }
            Child::Ingest(key) => {
                let with = self.ingest(key).ok_or_else(|| unplanned(child))?;
                let ingest = bear(Ingest, kind, log_name, with, parent).await?;
                let id = ingest.id();
                peers.ingests.insert(key.clone(), ingest);
                id
            }
            Child::Sweeper => {
                let with = SweeperArguments { supervisor: Some(supervisor.clone()), ..self.sweeper.clone() };
                tree.sweeper.insert(bear(Sweeper, kind, log_name, with, parent).await?).id()
            }
            Child::Publisher(name) => {
                let with = self.publisher(name).ok_or_else(|| unplanned(child))?;
                let publisher = bear(Publisher, kind, log_name, with, parent).await?;
                let id = publisher.id();
                tree.publishers.insert(name.clone(), publisher);
                id
            }
        };
        Ok(id)
    }
}

impl Tree {
    /// Stops this life of a child; a later one in its place is left alone.
    pub(super) fn dismiss(&mut self, child: &Child, life: ActorId) {
        match child {
            Child::Pool(name) => {
                let pool = self.peers.pools.get(name).filter(|pool| pool.id() == life).cloned();
                if let Some(pool) = pool {
                    self.peers.pools.remove(name);
                    pool.actor().stop(None);
                }
            }
            Child::Ingest(key) => {
                let ingest = self.peers.ingests.get(key).filter(|ingest| ingest.id() == life).cloned();
                if let Some(ingest) = ingest {
                    self.peers.ingests.remove(key);
                    ingest.actor().stop(None);
                }
            }
            Child::Status | Child::Dlq | Child::Router | Child::Sweeper | Child::Publisher(_) => {}
        }
    }
}

/// The kind that a child is counted as.
pub(super) fn kind_of(child: &Child) -> ActorKind {
    match child {
        Child::Status => ActorKind::Status,
        Child::Dlq => ActorKind::Dlq,
        Child::Router => ActorKind::Router,
        Child::Pool(_) => ActorKind::Pool,
        Child::Ingest(_) => ActorKind::Ingest,
        Child::Sweeper => ActorKind::Sweeper,
        Child::Publisher(_) => ActorKind::Publisher,
    }
}

fn unplanned(child: &Child) -> SpawnErr {
    SpawnErr::StartupFailed(format!("{child} is not part of the tree").into())
}
