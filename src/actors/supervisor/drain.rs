//! Stopping in order: first nothing more comes in, then what is in flight is finished, then
//! everything is written down. What does not finish in time stays a row and is adopted at the next
//! start.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ractor::RpcReplyPort;

use crate::messages::Peers;
use crate::messages::delivery::DeliveryMessage;
use crate::messages::ingest::IngestMessage;
use crate::messages::post::Post;
use crate::messages::status::StatusMessage;
use crate::messages::supervisor::{Child, SupervisorMessage};

/// No stage waits longer; the caller's own patience is usually shorter.
const LONGEST_STAGE: Duration = Duration::from_secs(60);

/// Shuts the ways in beside the supervisor; the ways out stay open.
pub(super) fn stop_intake(peers: Arc<Peers>, reply: RpcReplyPort<()>) {
    tokio::spawn(async move {
        join_all(peers.ingests.values().map(|ingest| ingest.ask(IngestMessage::Drain, LONGEST_STAGE))).await;
        drop(reply.send(()));
    });
}

/// Lets this life of a child finish what it has, and then says so.
pub(super) fn retire(child: Child, peers: &Peers, supervisor: Post<SupervisorMessage>) {
    match &child {
        Child::Pool(name) => {
            if let Some(pool) = peers.pools.get(name).cloned() {
                tokio::spawn(async move {
                    // If it does not finish in time, what is left is adopted by whoever sends next.
                    let _ = pool.ask(DeliveryMessage::Drain, LONGEST_STAGE).await;
                    supervisor.tell(SupervisorMessage::Retired(child, pool.id()));
                });
            }
        }
        Child::Ingest(key) => {
            if let Some(ingest) = peers.ingests.get(key).cloned() {
                tokio::spawn(async move {
                    let _ = ingest.ask(IngestMessage::Drain, LONGEST_STAGE).await;
                    supervisor.tell(SupervisorMessage::Retired(child, ingest.id()));
                });
            }
        }
        Child::Status | Child::Dlq | Child::Router | Child::Sweeper | Child::Publisher(_) => {}
    }
}

/// Drains beside the supervisor, which must stay able to restart what dies meanwhile.
pub(super) fn start(peers: Arc<Peers>, reply: RpcReplyPort<()>) {
    tokio::spawn(async move {
        join_all(peers.ingests.values().map(|ingest| ingest.ask(IngestMessage::Drain, LONGEST_STAGE))).await;
        join_all(peers.pools.values().map(|pool| pool.ask(DeliveryMessage::Drain, LONGEST_STAGE))).await;
        if let Some(status) = &peers.status {
            // A dead actor has nothing left to finish.
            let _ = status.ask(StatusMessage::Flush, LONGEST_STAGE).await;
        }
        drop(reply.send(()));
    });
}
