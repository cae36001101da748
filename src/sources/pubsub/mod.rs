//! Subscriptions of Google Pub/Sub, by streaming pull.
//!
//! One source is one stream of one subscription. It promises:
//!
//! - **Nothing is acknowledged that is not on stable storage.** A message is leased to us; the lease is
//!   extended until the message is settled, and handed back when the source closes.
//! - **A message keeps its name**: the id that Pub/Sub gave it, and the moment. A message that comes again while
//!   it is in hand is answered each time that it came.
//! - **Order is kept** where the publisher asked for it by an ordering key: messages are handed on as the stream
//!   gives them.
//! - **The service holds back by itself**: it sends no more than `max_in_flight` ahead of an answer. While paused
//!   nothing is taken from the stream.
//! - **A service that is away is weather.** The stream mends itself; whether the service answers is asked every few
//!   seconds while no message says so. What only the operator can mend ends the source.
//!
//! How many messages wait is not told by the protocol, so there is no lag.

mod config;
mod link;
mod message;
mod probe;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::config::PubSubSettings;
pub use self::probe::probe;
use super::handover::Handover;
use super::{Polled, Source, SourceError};

/// One subscription of one project.
pub struct PubSubSource {
    subscription: Arc<str>,
    handover: Arc<Handover>,
    /// Gone once it is closed.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for PubSubSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubSource").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

impl PubSubSource {
    /// A reader of `subscription`. Connects in the background; must be called inside a tokio runtime.
    pub fn open(settings: &Arc<PubSubSettings>, subscription: &str) -> Self {
        let (subscription, handover): (Arc<str>, _) = (subscription.into(), Arc::new(Handover::default()));
        let keeping = link::keep(Arc::clone(&handover), Arc::clone(settings), Arc::clone(&subscription));
        Self { subscription, handover, task: Mutex::new(Some(tokio::spawn(keeping))) }
    }

    fn take_task(&self) -> Option<JoinHandle<()>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl Source for PubSubSource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        self.handover.poll().await
    }

    fn acknowledge(&self, ids: &[Arc<str>]) {
        self.handover.acknowledge(ids);
    }

    fn pause(&self) {
        self.handover.pause();
    }

    fn resume(&self) {
        self.handover.resume();
    }

    async fn close(&self, deadline: Duration) {
        self.handover.close();
        let Some(mut task) = self.take_task() else { return };
        if timeout(deadline, &mut task).await.is_err() {
            task.abort();
            tracing::warn!(subscription = %self.subscription, "not left in time: the last messages may come again");
        }
        self.handover.end(SourceError::Lost("the source is closed".to_owned()));
    }
}

impl Drop for PubSubSource {
    fn drop(&mut self) {
        if let Some(task) = self.take_task() {
            task.abort();
        }
    }
}
