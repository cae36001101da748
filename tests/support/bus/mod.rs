//! Buses as the laws of `tests/it/source_contract` see them: somebody publishes, and the bus says what it
//! still waits for. Each value is a queue of its own on a real server; what it made there goes with it.

pub(crate) mod amqp_raw;
pub(crate) mod amqp_tap;
pub(crate) mod hybrid;
pub(crate) mod nats;
pub(crate) mod nats_raw;
pub(crate) mod pubsub;
pub(crate) mod rabbitmq;
pub(crate) mod redis;

use async_trait::async_trait;

use super::bad_records::Row;
use super::front::Front;

/// What a bus has that is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsettled {
    /// Handed out to nobody yet.
    pub(crate) waiting: usize,
    /// Handed out.
    pub(crate) taken: usize,
}

impl Unsettled {
    pub(crate) fn all(self) -> usize {
        self.waiting + self.taken
    }
}

/// A queue on a bus.
#[async_trait]
pub(crate) trait Bus: Sized + Send + Sync + 'static {
    /// Does it number its messages, so that numbers can be missing?
    const NUMBERS: bool = true;

    /// Are two messages with the same bytes two, even when the numbers begin again between them?
    const TELLS_TWINS: bool = true;

    /// Is a message handed out while an older one of the same number is in hand?
    const HANDS_OUT_NAMESAKES: bool = true;

    /// Does it know what it handed out?
    const HANDS_OUT: bool = true;

    /// A queue that nobody has heard of. `None` if there is no server; that is said.
    async fn open() -> Option<Self>;

    /// What `[sources.bus]` says to read from it by way of the front; all but `max_in_flight`.
    fn source(&self) -> String;

    /// The way that Foghorn takes to it. Whoever publishes takes another one.
    fn front(&self) -> &Front;

    /// Once the bus has it.
    async fn publish(&self, payload: &[u8]);

    /// Why it cannot carry this, if so.
    fn cannot(row: &Row) -> Option<&'static str>;

    /// Once the bus has it.
    async fn put(&self, row: &Row);

    /// Takes away what was published as the nth, from 1.
    async fn lose(&self, nth: usize);

    /// The queue goes, and one of the same name comes; where messages are numbered, their numbers begin again.
    async fn make_anew(&self);

    /// What Foghorn has not acknowledged.
    async fn unsettled(&self) -> Unsettled;
}

/// `[sources.bus]`, with so much room.
pub(crate) fn reading<B: Bus>(bus: &B, max_in_flight: usize) -> String {
    format!("[sources.bus]\n{}max_in_flight = {max_in_flight}\n", bus.source())
}

/// A name that nobody else has.
pub(crate) fn name_of_its_own() -> String {
    format!("foghorn-test-{:016x}", fastrand::u64(..))
}
