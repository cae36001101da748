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
//! - **A broker that is away is weather.** The source connects again by itself, and later each time. What only
//!   the operator can mend ends it: a login or a right that is refused, a queue that is not there.
//!
//! ```text
//! poll, acknowledge, pause ─▶ desk ◀─ link: connect ─▶ lay out ─▶ consume ─▶ answer ─▶ …
//! ```

mod config;
mod deliveries;
mod desk;
mod link;
mod message;
mod probe;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::config::RabbitSettings;
use self::desk::{Desk, Wish};
pub use self::probe::probe;
use super::{Polled, Source, SourceError};

/// One queue of one broker.
pub struct RabbitSource {
    queue: Arc<str>,
    desk: Arc<Desk>,
    /// What becomes of dead letters.
    rejects: bool,
    /// Gone once it is closed.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for RabbitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitSource").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl RabbitSource {
    /// A consumer of `queue`. Connects in the background; must be called inside a tokio runtime.
    pub fn open(settings: &Arc<RabbitSettings>, queue: &str) -> Self {
        let (queue, desk): (Arc<str>, _) = (queue.into(), Arc::new(Desk::default()));
        let task = tokio::spawn(link::keep(Arc::clone(&desk), Arc::clone(settings), Arc::clone(&queue)));
        Self { queue, desk, rejects: settings.reject_to_dlx, task: Mutex::new(Some(task)) }
    }

    fn take_task(&self) -> Option<JoinHandle<()>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl Source for RabbitSource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        self.desk.next().await
    }

    fn acknowledge(&self, ids: &[Arc<str>]) {
        self.desk.stored(ids);
    }

    fn set_aside(&self, ids: &[Arc<str>]) {
        if self.rejects { self.desk.dead(ids) } else { self.desk.stored(ids) }
    }

    fn pause(&self) {
        self.desk.wish(Wish::Pause);
    }

    fn resume(&self) {
        self.desk.wish(Wish::Read);
    }

    async fn close(&self, deadline: Duration) {
        self.desk.wish(Wish::Leave);
        let Some(mut task) = self.take_task() else { return };
        if timeout(deadline, &mut task).await.is_err() {
            task.abort();
            tracing::warn!(queue = %self.queue, "not left in time: the last messages may come again");
        }
        self.desk.over(SourceError::Lost("the source is closed".to_owned()));
    }
}

impl Drop for RabbitSource {
    fn drop(&mut self) {
        if let Some(task) = self.take_task() {
            task.abort();
        }
    }
}
