//! What a life has of its node, and how it gives it back.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::delivery::Lease;
use crate::store::Store;

/// What a life has of its node, to be given back when it ends in order.
#[derive(Clone)]
pub(super) struct Tenure {
    pub(super) store: Arc<dyn Store>,
    pub(super) lease: Lease,
    pub(super) clock: Clock,
}

impl Tenure {
    pub(super) async fn give_back(self) {
        let release = self.store.release(&self.lease, self.clock.now());
        match tokio::time::timeout(RELEASE_PATIENCE, release).await {
            Ok(Ok(())) => {}
            // As after a crash, the next life reads with care for a while.
            Ok(Err(error)) => tracing::warn!(%error, "the store was not told that this life ends in order"),
            Err(_) => tracing::warn!("the store was not told in time that this life ends in order"),
        }
    }
}

/// A store that does not answer does not hold up the end for longer.
const RELEASE_PATIENCE: Duration = Duration::from_secs(2);
