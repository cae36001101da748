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
use crate::messages::status::StatusMessage;

/// No stage waits longer; the caller's own patience is usually shorter.
const LONGEST_STAGE: Duration = Duration::from_secs(60);

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
