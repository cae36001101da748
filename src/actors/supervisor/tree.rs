//! The fixed tree: what the children are, in the order they start, and how each is started.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{ActorId, SpawnErr};

use crate::actors::born::bear;
use crate::actors::delivery::{DeliveryPool, PoolArguments};
use crate::actors::dlq::Dlq;
use crate::actors::ingest::{Ingest, IngestArguments};
use crate::actors::router::Router;
use crate::actors::status::{Status, StatusArguments};
use crate::actors::sweeper::{Sweeper, SweeperArguments};
use crate::domain::names::ChannelName;
use crate::domain::routes::RouteTable;
use crate::messages::post::Post;
use crate::messages::supervisor::{Child, SupervisorMessage};
use crate::messages::sweeper::SweeperMessage;
use crate::messages::{IngestKey, Peers};
use crate::telemetry::labels::ActorKind;

/// What to start, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The single writer.
    pub status: StatusArguments,
    /// One for each channel.
    pub pools: BTreeMap<ChannelName, PoolArguments>,
    /// Who hears of what.
    pub routes: Arc<RouteTable>,
    /// One for each topic, and one for each HTTP source.
    pub ingests: BTreeMap<IngestKey, IngestArguments>,
    /// The one that looks for forgotten rows.
    pub sweeper: SweeperArguments,
}

/// Who is there.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) peers: Peers,
    pub(super) sweeper: Option<Post<SweeperMessage>>,
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
            .collect()
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
            Child::Dlq => peers.dlq.insert(bear(Dlq, kind, log_name, (), parent).await?).id(),
            Child::Router => {
                let with = Arc::clone(&self.routes);
                peers.router.insert(bear(Router, kind, log_name, with, parent).await?).id()
            }
            Child::Pool(name) => {
                let with = self.pools.get(name).cloned().ok_or_else(|| unplanned(child))?;
                let pool = bear(DeliveryPool, kind, log_name, with, parent).await?;
                let id = pool.id();
                peers.pools.insert(name.clone(), pool);
                id
            }
            Child::Ingest(key) => {
                let with = self.ingests.get(key).cloned().ok_or_else(|| unplanned(child))?;
                let ingest = bear(Ingest, kind, log_name, with, parent).await?;
                let id = ingest.id();
                peers.ingests.insert(key.clone(), ingest);
                id
            }
            Child::Sweeper => {
                let with = self.sweeper.clone();
                tree.sweeper.insert(bear(Sweeper, kind, log_name, with, parent).await?).id()
            }
        };
        Ok(id)
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
    }
}

fn unplanned(child: &Child) -> SpawnErr {
    SpawnErr::StartupFailed(format!("{child} is not part of the tree").into())
}
