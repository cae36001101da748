//! Queues of RabbitMQ, or of any broker that speaks AMQP 0-9-1.
//!
//! One source is one consumer of one queue, on a connection of its own. It promises:
//!
//! - **Nothing is acknowledged that is not on stable storage.** An answer goes out when the source is told, and
//!   only on the channel that the message came on. With a channel all tags are forgotten; a message that comes
//!   again is answered by its newest one.
//! - **A message keeps its name.** It is called by its `message_id`, or by the id of its CloudEvents envelope, and
//!   by its bytes. One that has neither is called something new whenever it comes: after a connection broke it
//!   may count twice, and is never lost (ADR 38).
//! - **The broker holds back by itself**: it hands out no more than `max_in_flight` ahead of an answer. While
//!   paused there is no consumer, and what was read ahead waits.
//! - **A dead letter goes round no more than three times**, should the queue's place for such lead back to it: then it
//!   is kept here alone.
//! - **A broker that is away is weather.** The source connects again by itself, and later each time. What only
//!   the operator can mend ends it: a login or a right that is refused, a queue that is not there.
//!
//! A task talks to the broker (`sources/sessions.rs`): connect ─▶ lay out ─▶ consume ─▶ answer ─▶ …

mod config;
mod deliveries;
mod link;
mod message;
mod probe;

use std::sync::Arc;

use async_trait::async_trait;

pub use self::config::RabbitSettings;
use self::link::Link;
pub use self::probe::probe;
use super::SourceError;
use super::handover::Handover;
use super::sessions::{SessionSource, Sessions};
use crate::amqp::Trouble;

/// One queue of one broker.
struct RabbitQueue {
    settings: Arc<RabbitSettings>,
    queue: Arc<str>,
}

/// A consumer of `queue`. Connects in the background; must be called inside a tokio runtime.
pub fn open(settings: &Arc<RabbitSettings>, queue: &str) -> SessionSource {
    SessionSource::start(RabbitQueue { settings: Arc::clone(settings), queue: queue.into() })
}

#[async_trait]
impl Sessions for RabbitQueue {
    fn address(&self) -> String {
        self.settings.access().shown()
    }

    async fn session(&mut self, handover: &Handover) -> Result<(), SourceError> {
        let opened = Link::open(&self.settings, &self.queue).await;
        let mut link = opened.map_err(|trouble| match trouble {
            Trouble::Away(why) => SourceError::Lost(why),
            Trouble::Refused(why) => SourceError::Refused(why),
        })?;
        handover.up();
        let served = link.serve(handover).await;
        // It comes again, with the tag that it is answered by.
        handover.left_over();
        // Whatever the broker said: whether it is for the operator shows when it is asked again.
        served.map_err(|(Trouble::Away(why) | Trouble::Refused(why))| SourceError::Lost(why))
    }
}
