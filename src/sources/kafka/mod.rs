//! Kafka-protocol topics, through librdkafka.
//!
//! One source is one consumer of one topic. It promises:
//!
//! - **Nothing is committed that was not settled.** librdkafka commits and stores nothing by
//!   itself. [`Source::settle`] stores an offset; what is stored goes to the broker every half
//!   second, when partitions are handed back, and at the end.
//! - **Nothing is committed for a partition that is not ours.** A settled offset must belong to a
//!   record yielded in the current assignment, else it is dropped: the record comes again, and
//!   changes nothing.
//! - **A revocation waits for what is in flight**, ten seconds at most: intake stops,
//!   [`Polled::Revoking`] is told, records settle, [`Source::revoked`] is called, offsets are
//!   committed, and only then the partitions go.
//! - **Nothing that a broker still has is skipped.** `start` decides where a group begins that never
//!   read; a position that the broker does not have any more goes to the oldest record it has, and
//!   is told as [`Polled::Gone`].
//! - **Polling goes on while paused**, so that the group keeps us.
//!
//! Everything happens inside [`Source::poll`]; there is no task, and no thread but librdkafka's own and
//! the short-lived ones that ask where to start and that close.

mod arrival;
mod callbacks;
mod config;
mod embedded;
mod letters;
mod membership;
mod past;
mod probe;
mod reset;
mod span;
mod statistics;
mod trouble;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer, MessageStream, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::callbacks::Callbacks;
pub use self::config::{Commit, KafkaSettings, Mechanism, Objection, Sasl, Start, Tls};
pub use self::embedded::EmbeddedBroker;
pub use self::letters::KafkaLetters;
use self::membership::Membership;
pub use self::past::past;
pub use self::probe::{Cluster, probe};
use self::trouble::Trouble;
use super::{MOST_RECORDS, Polled, Record, Source, SourceError};
use crate::domain::event::Position;

/// Most payload bytes of one poll, give or take the last record.
const BYTES: usize = 4 << 20;

/// Most bytes taken of one record. A batch of 1 MiB may unpack to 1 GiB, and no event is that large:
/// this is for people who want to see what it was.
const RECORD_BYTES: usize = 16 << 20;

/// One topic of one Kafka-protocol cluster.
pub struct KafkaSource {
    topic: Arc<str>,
    membership: Arc<Membership>,
    /// Gone once it is closed.
    consumer: Mutex<Option<Arc<StreamConsumer<Callbacks>>>>,
}

impl fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSource").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl KafkaSource {
    /// A consumer of `topic`. Connects in the background; must be called inside a tokio runtime.
    pub fn open(settings: &KafkaSettings, topic: &str) -> Result<Self, SourceError> {
        let topic: Arc<str> = topic.into();
        let membership = Arc::new(Membership::new(Arc::clone(&topic)));
        let consumer: StreamConsumer<Callbacks> = settings
            .client_config()
            .create_with_context(Callbacks { membership: Arc::clone(&membership), start: settings.start })
            .map_err(|error| trouble::refusal(&error))?;
        consumer.subscribe(&[&*topic]).map_err(|error| trouble::refusal(&error))?;
        Ok(Self { topic, membership, consumer: Mutex::new(Some(Arc::new(consumer))) })
    }

    fn consumer(&self) -> Option<Arc<StreamConsumer<Callbacks>>> {
        let consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        consumer.clone()
    }

    fn take_consumer(&self) -> Option<Arc<StreamConsumer<Callbacks>>> {
        let mut consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        consumer.take()
    }

    /// Takes what lies ready behind `first`, so that a burst is one wake-up.
    fn gather(&self, first: BorrowedMessage<'_>, stream: &mut MessageStream<'_, Callbacks>) {
        let mut bytes = first.payload_len();
        let mut batch = vec![record_of(&self.topic, &first)];
        drop(first);
        let mut trouble = None;
        while batch.len() < MOST_RECORDS && bytes < BYTES {
            match stream.next().now_or_never().flatten() {
                Some(Ok(message)) => {
                    bytes += message.payload_len();
                    batch.push(record_of(&self.topic, &message));
                }
                Some(Err(error)) => {
                    trouble = Some(error);
                    break;
                }
                None => break,
            }
        }
        self.membership.yielded(batch);
        if let Some(error) = trouble {
            self.note(&error);
        }
    }

    /// Notes what an error means, to be told by the next poll.
    fn note(&self, error: &KafkaError) {
        let reason = self.membership.reason();
        match trouble::judge(error, &self.topic, reason.as_deref()) {
            Trouble::Passing => tracing::debug!(topic = %self.topic, %error, "passing trouble"),
            Trouble::Unreachable => {
                let reason = reason.unwrap_or_else(|| "no broker answers".to_owned());
                self.membership.disconnected(reason);
            }
            Trouble::Unreadable(why) => self.membership.unreadable(why),
            Trouble::Over(over) => self.membership.end(over),
        }
    }
}

/// Where a message lies, and what it says.
fn record_of(topic: &Arc<str>, message: &BorrowedMessage<'_>) -> (i32, i64, Record) {
    let headers = message.headers().map(|headers| {
        let pairs = headers.iter().map(|header| {
            let value = header.value.unwrap_or_default();
            (header.key.to_owned(), value.to_vec())
        });
        pairs.collect()
    });
    let (partition, offset) = (message.partition(), message.offset());
    let position = Position::Kafka {
        topic: Arc::clone(topic),
        partition,
        offset,
        timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
    };
    let record = Record {
        position,
        payload: message.payload().map(|payload| payload[..payload.len().min(RECORD_BYTES)].into()),
        left_out: message.payload_len().saturating_sub(RECORD_BYTES),
        headers: headers.unwrap_or_default(),
    };
    (partition, offset, record)
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        let Some(consumer) = self.consumer() else {
            return Err(SourceError::Lost("the source is closed".to_owned()));
        };
        let mut stream = consumer.stream();
        loop {
            self.membership.leave_if_due(&*consumer);
            self.membership.commit_if_due(&*consumer);
            self.membership.go_back(&*consumer);
            if let Some(list) = self.membership.take_arriving() {
                arrival::take_from_the_end(Arc::clone(&self.membership), Arc::clone(&consumer), list);
            }
            if let Some(tiding) = self.membership.tiding() {
                return tiding;
            }
            tokio::select! {
                biased;
                message = stream.next() => match message {
                    Some(Ok(message)) => self.gather(message, &mut stream),
                    Some(Err(error)) => self.note(&error),
                    None => return Err(SourceError::Lost("the consumer ended".to_owned())),
                },
                () = self.membership.news.notified() => {}
                () = until(self.membership.next_deadline()) => {}
            }
        }
    }

    fn settle(&self, topic: &str, partition: i32, offset: i64) {
        if let Some(consumer) = self.consumer().filter(|_| topic == &*self.topic) {
            self.membership.settle(&*consumer, partition, offset);
        }
    }

    fn revoked(&self) {
        if let Some(consumer) = self.consumer() {
            self.membership.leave(&*consumer);
        }
    }

    fn pause(&self) {
        if let Some(consumer) = self.consumer() {
            self.membership.pause(&*consumer);
        }
    }

    fn resume(&self) {
        if let Some(consumer) = self.consumer() {
            self.membership.resume(&*consumer);
        }
    }

    async fn close(&self, deadline: Duration) {
        let until = Instant::now() + deadline;
        let Some(consumer) = self.take_consumer() else {
            return;
        };
        self.membership.close();
        self.membership.leave(&*consumer);
        let gone = bury(consumer, Some(Arc::clone(&self.membership)));
        if tokio::time::timeout_at(until, gone).await.is_err() {
            tracing::warn!(topic = %self.topic, "not left in time: the last records may come again");
        }
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.membership.close();
        if let Some(consumer) = self.take_consumer() {
            drop(bury(consumer, None));
        }
    }
}

/// Commits for the last time if asked to, and drops a consumer, both beside the runtime: they wait
/// for the broker. The receiver ends when it is gone.
fn bury(consumer: Arc<StreamConsumer<Callbacks>>, commit: Option<Arc<Membership>>) -> oneshot::Receiver<()> {
    let (done, gone) = oneshot::channel();
    let buried = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || {
        if let Some(membership) = commit {
            commit_and_wait(membership.topic(), &consumer);
        }
        drop(consumer);
        // Nobody may be waiting, which is fine.
        let _ = done.send(());
    });
    if let Err(error) = buried {
        tracing::warn!(%error, "no thread to close a consumer on");
    }
    gone
}

/// Sends what is stored to the broker and waits until it has it. Blocks, without a bound if the
/// broker is away.
fn commit_and_wait(topic: &str, consumer: &StreamConsumer<Callbacks>) {
    match consumer.commit_consumer_state(CommitMode::Sync) {
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
        Err(error) => {
            tracing::warn!(topic, %error, "the last offsets were not committed: their records come again");
        }
    }
}
