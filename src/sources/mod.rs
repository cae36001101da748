//! Ways in. A source yields records and takes back the positions that are on stable storage; it
//! knows nothing of actors, formats or the store.

mod called;
mod handover;
pub mod http;
pub mod kafka;
pub mod memory;
pub mod nats;
pub mod past;
pub mod pubsub;
pub mod rabbitmq;
pub mod redis;
mod sessions;
pub mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::sessions::SessionSource;

use crate::domain::event::Position;
use crate::domain::letter::Letter;
use crate::domain::names::SourceName;

/// Most records of one poll.
pub const MOST_RECORDS: usize = 1_024;

/// One record as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it lies.
    pub position: Position,
    /// Its bytes; `None` for a tombstone.
    pub payload: Option<Arc<[u8]>>,
    /// How many bytes more it has, which are left where it lies.
    pub left_out: usize,
    /// Header names and values, values not always text.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The header of this name, if it is there once and is text. Names compare without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
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
    /// The record that was to come next is not kept any more; reading goes on with the oldest one.
    Gone(Gone),
    /// These messages were handed out once and never acknowledged, and the bus does not keep them any more: nobody
    /// will ever read them.
    Missing {
        /// Their queue or stream.
        stream: Arc<str>,
        /// What they were called.
        ids: Vec<Arc<str>>,
    },
    /// So many records wait behind the newest of all assigned partitions. Told when it changes.
    Lag(u64),
    /// It is up, and gave something that cannot be taken apart into records: why, in words.
    Unreadable(String),
    /// It is up, and slower than it should be: why, in words.
    Degraded(String),
    /// It is up again, or up for the first time.
    Up,
    /// It cannot be reached; it keeps trying by itself.
    Down(String),
}

/// A partition whose next record is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
    /// The offset that was to come next.
    pub wanted: i64,
    /// The offset that comes instead, if it is known yet.
    pub oldest: Option<i64>,
}

impl Gone {
    /// How many records nobody will ever read, as far as is known. Offsets that never were records
    /// count too.
    pub fn records(&self) -> u64 {
        self.oldest.map_or(0, |oldest| u64::try_from(oldest - self.wanted).unwrap_or(0))
    }

    /// The log is shorter than it was: it was made anew, or cut off.
    pub fn starts_again(&self) -> bool {
        self.oldest.is_some_and(|oldest| oldest < self.wanted)
    }
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

/// Builds a source anew.
pub type Connect = Arc<dyn Fn() -> Result<Arc<dyn Source>, SourceError> + Send + Sync>;

/// Where the dead letters of a source go, too.
#[async_trait]
pub trait LetterBox: fmt::Debug + Send + Sync + 'static {
    /// Puts one in. It is there when this is `Ok`; should it not be heard, it may be there twice.
    ///
    /// # Errors
    /// Why not, in words.
    async fn put(&self, letter: &Letter) -> Result<(), String>;
}

/// The letter boxes of the sources that have one.
pub type LetterBoxes = BTreeMap<SourceName, Arc<dyn LetterBox>>;

/// One topic of one broker: a log that is read up to an offset, or a queue whose messages are acknowledged
/// one by one. A message that is not acknowledged yet may be given again, with the same id.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Waits for the next news. Cancel safe: dropping the future loses nothing.
    async fn poll(&self) -> Result<Polled, SourceError>;

    /// Everything before `offset` of the partition is on stable storage. A bus that hands out messages has
    /// no offsets.
    fn settle(&self, _topic: &str, _partition: i32, _offset: i64) {}

    /// These messages ([`Position::Message`]) are on stable storage. A log has none.
    fn acknowledge(&self, _ids: &[Arc<str>]) {}

    /// These messages are on stable storage as dead letters. A bus may have a place of its own for such.
    fn set_aside(&self, ids: &[Arc<str>]) {
        self.acknowledge(ids);
    }

    /// All in-flight records of the revoked partitions are settled, or given up.
    fn revoked(&self) {}

    /// No more records until [`Source::resume`]; polling goes on, so that membership is kept.
    fn pause(&self);

    /// Records again.
    fn resume(&self);

    /// Commits what is settled and leaves. Takes no longer than `deadline`.
    async fn close(&self, deadline: Duration);
}
