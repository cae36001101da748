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

use std::sync::Arc;

use async_trait::async_trait;

pub use self::config::PubSubSettings;
use self::link::Link;
pub use self::probe::probe;
use super::SourceError;
use super::handover::Handover;
use super::sessions::{SessionSource, Sessions};

/// One subscription of one project.
struct PubSubSubscription {
    settings: Arc<PubSubSettings>,
    subscription: Arc<str>,
}

/// Reads `subscription`. Connects in the background; must be called inside a tokio runtime.
pub fn open(settings: &Arc<PubSubSettings>, subscription: &str) -> SessionSource {
    SessionSource::start(PubSubSubscription {
        settings: Arc::clone(settings),
        subscription: subscription.into(),
    })
}

#[async_trait]
impl Sessions for PubSubSubscription {
    fn address(&self) -> String {
        self.settings.shown()
    }

    async fn session(&mut self, handover: &Handover) -> Result<(), SourceError> {
        let link = Link::open(&self.settings, &self.subscription).await?;
        handover.up();
        link.serve(handover).await
    }
}
