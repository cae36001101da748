//! Redis streams, by consumer group; and, in another mode, a table whose news Redis tells (`hybrid`).
//!
//! One source is one consumer of one stream. It promises:
//!
//! - **Nothing is acknowledged that is not stored**: `XACK` follows [`Source::acknowledge`](super::Source::acknowledge), in batches,
//!   and is said again after a reconnect if it was not heard.
//! - **A message is what its entry id says**, whoever hands it out and how often: what comes again while it is
//!   in hand is not given again, and what comes again later the store knows.
//! - **Nothing is left behind.** What was handed to us and not acknowledged, in this life or the one before,
//!   is read first; what another consumer left alone for `claim_idle` is taken over (`XAUTOCLAIM`). What we
//!   hold for long stays ours.
//! - **What is gone is told and not waited for**: an entry that was trimmed while it was pending is
//!   [`Polled::Missing`](super::Polled::Missing), and acknowledged.
//! - **A group begins at `start` once.** If it is gone later, it begins at the beginning.
//!
//! A task talks to Redis and connects again with waits that grow (`sources/sessions.rs`).

mod config;
mod hybrid;
mod past;
mod probe;
mod session;
mod table;
mod trouble;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;

pub use self::config::{Mode, RedisSettings};
use self::hybrid::Hybrid;
pub use self::past::past_of_streams;
pub use self::probe::probe;
use self::session::{Held, Reading, Session};
pub use self::table::{TableSettings, past_of_table};
use super::SourceError;
use super::handover::Handover;
use super::sessions::{SessionSource, Sessions};

/// One stream of one Redis.
struct RedisStream {
    reading: Reading,
    held: Held,
}

/// A consumer of `stream`, called `node` unless the settings name it. Connects in the background; must be
/// called inside a tokio runtime.
///
/// # Errors
/// [`SourceError::Refused`] if there can be no such client.
pub fn open_stream(
    settings: &Arc<RedisSettings>,
    stream: &str,
    node: &str,
) -> Result<SessionSource, SourceError> {
    let consumer = if settings.consumer.is_empty() { node } else { &settings.consumer };
    let reading = Reading {
        client: settings.client()?,
        settings: Arc::clone(settings),
        stream: stream.into(),
        consumer: consumer.into(),
    };
    let held = Held::nothing(settings);
    Ok(SessionSource::start(RedisStream { reading, held }))
}

/// Reads the table of the hybrid. Connects in the background; must be called inside a tokio runtime.
///
/// # Errors
/// [`SourceError::Refused`] if there can be no such client.
pub fn open_hybrid(settings: &Arc<RedisSettings>) -> Result<SessionSource, SourceError> {
    Hybrid::of(settings).map(SessionSource::start)
}

#[async_trait]
impl Sessions for RedisStream {
    fn address(&self) -> String {
        self.reading.settings.address()
    }

    async fn session(&mut self, handover: &Handover) -> Result<(), SourceError> {
        let session = Session::open(&self.reading, &mut self.held, handover).await?;
        handover.up();
        session.run().await
    }
}
