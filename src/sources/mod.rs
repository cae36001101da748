//! Ways in. A source yields records and takes back the positions that are on stable storage; it
//! knows nothing of actors, formats or the store.

pub mod kafka;
pub mod memory;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::event::Position;

/// Most records of one poll.
pub const MOST_RECORDS: usize = 1_024;

/// One record as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it lies.
    pub position: Position,
    /// Its bytes; `None` for a tombstone.
    pub payload: Option<Arc<[u8]>>,
    /// Header names and values, values not always text.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The first header of this name, if it is text. Names compare without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

/// What a source has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// At least one record, and at most [`MOST_RECORDS`].
    Records(Vec<Record>),
    /// These partitions are no longer ours: what is in flight from them must not be committed
    /// after the source was told [`Source::revoked`].
    Revoking(Vec<(Arc<str>, i32)>),
    /// It is up again, or up for the first time.
    Up,
    /// It cannot be reached; it keeps trying by itself.
    Down(String),
}

/// Why a source cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// Build it anew after a while.
    #[error("{0}")]
    Lost(String),
    /// The operator has to do something: no such topic, not allowed, wrong password.
    #[error("{0}")]
    Refused(String),
}

/// One topic of one broker.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Waits for the next news. Cancel safe: dropping the future loses nothing.
    async fn poll(&self) -> Result<Polled, SourceError>;

    /// Everything before `offset` of the partition is on stable storage.
    fn settle(&self, topic: &str, partition: i32, offset: i64);

    /// All in-flight records of the revoked partitions are settled, or given up.
    fn revoked(&self);

    /// No more records until [`Source::resume`]; polling goes on, so that membership is kept.
    fn pause(&self);

    /// Records again.
    fn resume(&self);

    /// Records behind the newest of all assigned partitions, if known.
    fn lag(&self) -> Option<u64>;

    /// Commits what is settled and leaves. Takes no longer than `deadline`.
    async fn close(&self, deadline: Duration);
}
