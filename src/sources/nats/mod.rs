//! NATS JetStream, by durable consumers that are pulled from.
//!
//! One source is one consumer of one stream. It promises:
//!
//! - **Nothing is acknowledged that is not stored**: `ack` follows [`Source::acknowledge`](super::Source::acknowledge), one by one.
//! - **A message is what its sequence and its moment say**, whoever hands it out and how often: what comes again
//!   while it is in hand is not given again and is answered by its newest delivery; what comes again later the
//!   store knows.
//! - **What is held is prolonged** (`in progress`), so that nobody else is handed it while a store is slow. What
//!   was pulled and not looked at goes back with a short delay (`nak`) when the source closes.
//! - **Nothing is given up**: `term` is never said. What is no event is kept as a dead letter and acknowledged.
//! - **A message that the client cannot read is read all the same** (`unreadable.rs`): headers are whatever somebody
//!   wrote.
//! - **A consumer begins at `start` once.** If it is gone later, it begins at the beginning.
//!
//! A task talks to NATS and connects again with waits that grow (`sources/sessions.rs`).

mod config;
mod past;
mod probe;
mod session;
mod trouble;
mod unreadable;

use std::sync::Arc;

use async_trait::async_trait;

pub use self::config::{NatsSettings, Reach};
pub use self::past::past;
pub use self::probe::probe;
use self::session::{Held, Reading, Session};
use super::SourceError;
use super::handover::Handover;
use super::sessions::{SessionSource, Sessions};

/// One consumer of one stream.
struct NatsConsumer {
    reading: Reading,
    held: Held,
}

/// Reads what `reach` says. Connects in the background; must be called inside a tokio runtime.
pub fn open(settings: &Arc<NatsSettings>, reach: &Reach) -> SessionSource {
    let reading = Reading {
        settings: Arc::clone(settings),
        stream: settings.stream.as_str().into(),
        reach: reach.clone(),
    };
    let held = Held::nothing(settings);
    SessionSource::start(NatsConsumer { reading, held })
}

#[async_trait]
impl Sessions for NatsConsumer {
    fn address(&self) -> String {
        self.reading.settings.address()
    }

    async fn session(&mut self, handover: &Handover) -> Result<(), SourceError> {
        let session = Session::open(&self.reading, &mut self.held, handover).await?;
        handover.up();
        session.run().await
    }
}
