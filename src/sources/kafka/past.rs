//! What lies in topics: partitions are taken by hand, from the first record of a moment on, and read up to where
//! they ended at the beginning.
//!
//! librdkafka reads for a consumer group only, so there is one of a name that nobody has; it is never joined, nothing is
//! committed, and brokers keep nothing of it. Of a transaction that was taken back nothing is seen. Each
//! partition waits in a queue of its own, so that they can be read side by side without one filling the memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use rdkafka::consumer::stream_consumer::StreamPartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio::time::{Instant, sleep_until};

use super::probe::{Heard, metadata, partitions};
use super::trouble::{self, Trouble};
use super::{KafkaSettings, record_of};
use crate::domain::Timestamp;
use crate::sources::SourceError;
use crate::sources::past::{Lying, PAGE, Past};

/// How long the brokers may take to say what there is, and may be silent later.
const PATIENCE: Duration = Duration::from_secs(15);
/// What waits of all partitions together in librdkafka, KiB, more or less.
const READ_AHEAD: usize = 32 << 10;
/// Most payload bytes of a page, give or take the last record.
const BYTES: usize = 1 << 20;

/// What lies in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    partition: i32,
    /// The first offset of the moment that is asked for.
    first: i64,
    /// The offset after the last record that is there.
    end: i64,
}

/// What lies in `topics` since a moment, a past for each partition that has anything. Must be called inside a tokio
/// runtime.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answers, [`SourceError::Refused`] if the operator has to act.
pub async fn past(
    settings: &KafkaSettings,
    topics: &[&str],
    since: Timestamp,
) -> Result<Vec<Box<dyn Past>>, SourceError> {
    let mut pasts: Vec<Box<dyn Past>> = Vec::new();
    for topic in topics {
        let (config, topic): (_, Arc<str>) = (looking(settings), (*topic).into());
        let asked = Arc::clone(&topic);
        // librdkafka's questions block.
        let asked = tokio::task::spawn_blocking(move || stretches(&config, &asked, since)).await;
        let asked = asked.map_err(|error| SourceError::Lost(format!("nobody was asked: {error}")))?;
        pasts.extend(opened(looking(settings), &topic, &asked?, since)?);
    }
    Ok(pasts)
}

/// Logged in as the source is, and a member of nothing.
fn looking(settings: &KafkaSettings) -> ClientConfig {
    let mut config = settings.client_config();
    config
        .set("group.id", format!("foghorn-look-{:016x}", fastrand::u64(..)))
        .set("statistics.interval.ms", "0")
        // A queue that was full is filled again soon: nobody waits for anything else.
        .set("fetch.queue.backoff.ms", "20")
        .set("enable.partition.eof", "true");
    // With these a consumer would be a member after all, or be held to be another one.
    for key in ["group.instance.id", "group.protocol", "group.remote.assignor"] {
        config.remove(key);
    }
    config
}

fn stretches(config: &ClientConfig, topic: &str, since: Timestamp) -> Result<Vec<Stretch>, SourceError> {
    let consumer: BaseConsumer<Heard> =
        config.create_with_context(Heard::default()).map_err(|error| trouble::refusal(&error))?;
    let metadata = metadata(&consumer, topic, Instant::now() + PATIENCE)?;
    let count = partitions(&metadata, topic)?;
    let judged = |error: &KafkaError| judged(error, topic, &consumer);
    let of = |moment: Timestamp| {
        let mut moments = TopicPartitionList::new();
        for partition in 0..i32::try_from(count).unwrap_or(i32::MAX) {
            moments.add_partition_offset(topic, partition, Offset::Offset(moment.as_millisecond()))?;
        }
        consumer.offsets_for_times(moments, PATIENCE)
    };
    let first = of(since).map_err(|error| judged(&error))?;
    let oldest = of(Timestamp::UNIX_EPOCH).map_err(|error| judged(&error))?;
    let mut found = Vec::new();
    for first in first.elements() {
        first.error().map_err(|error| judged(&error))?;
        let partition = first.partition();
        let oldest = oldest.find_partition(topic, partition).map_or(Offset::Invalid, |found| found.offset());
        let ends = consumer.fetch_watermarks(topic, partition, PATIENCE).map_err(|error| judged(&error))?;
        let first = match (first.offset(), oldest) {
            (Offset::Offset(offset), _) => offset.max(ends.0),
            // The broker knows of times, and of nothing so new.
            (_, Offset::Offset(_)) => continue,
            // It knows of none: whoever looks at the records sees how old they are.
            _ => ends.0,
        };
        found.extend((first < ends.1).then_some(Stretch { partition, first, end: ends.1 }));
    }
    Ok(found)
}

/// What a question came to that was not answered.
fn judged(error: &KafkaError, topic: &str, consumer: &BaseConsumer<Heard>) -> SourceError {
    match trouble::judge(error, topic, consumer.context().reason().as_deref()) {
        Trouble::Over(over) => over,
        _ => SourceError::Lost(format!("the brokers do not say what is in topic \"{topic}\": {error}")),
    }
}

fn opened(
    mut config: ClientConfig,
    topic: &Arc<str>,
    stretches: &[Stretch],
    since: Timestamp,
) -> Result<Vec<Box<dyn Past>>, SourceError> {
    let each = (READ_AHEAD / stretches.len().max(1)).max(1 << 10);
    config.set("queued.max.messages.kbytes", each.to_string());
    let consumer: StreamConsumer<Heard> =
        config.create_with_context(Heard::default()).map_err(|error| trouble::refusal(&error))?;
    let consumer = Arc::new(consumer);
    let (mut list, mut pasts) = (TopicPartitionList::new(), Vec::<Box<dyn Past>>::new());
    for stretch in stretches {
        let start = Offset::Offset(stretch.first);
        list.add_partition_offset(topic, stretch.partition, start)
            .map_err(|error| trouble::refusal(&error))?;
        // Before anything is read, so that nothing gets into the queue that all have in common.
        let queue = consumer.split_partition_queue(topic, stretch.partition);
        let queue = queue.ok_or_else(|| {
            SourceError::Lost(format!("partition {} of topic \"{topic}\" is gone", stretch.partition))
        })?;
        pasts.push(Box::new(PartitionPast {
            consumer: Arc::clone(&consumer),
            queue,
            topic: Arc::clone(topic),
            stretch: *stretch,
            since,
        }));
    }
    consumer.assign(&list).map_err(|error| trouble::refusal(&error))?;
    Ok(pasts)
}

/// What lies in one partition.
struct PartitionPast {
    /// Whom all partitions of the topic have in common.
    consumer: Arc<StreamConsumer<Heard>>,
    queue: StreamPartitionQueue<Heard>,
    topic: Arc<str>,
    /// What was not looked at yet.
    stretch: Stretch,
    since: Timestamp,
}

/// What came of waiting for a partition.
enum Waited {
    Page(Vec<Lying>),
    AtTheEnd,
    For(KafkaError),
}

impl PartitionPast {
    /// Notes how far `message` is; nothing of one that is not of the past.
    fn look_at(&self, message: &BorrowedMessage<'_>, page: &mut Vec<Lying>) {
        let since = message.timestamp().to_millis().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        // Clocks of producers differ, so older ones may lie behind newer ones.
        let is_old = since.is_some_and(|since| since < self.since);
        if message.offset() < self.stretch.end && !is_old {
            let (_, _, record) = record_of(&self.topic, message);
            page.push(Lying { since, record });
        }
    }

    /// What lies ready.
    async fn wait(&self) -> (Waited, i64) {
        let mut next = self.stretch.first;
        let mut page = Vec::new();
        let mut bytes = 0;
        let mut stream = self.queue.stream();
        let mut message = stream.next().await;
        loop {
            match message {
                Some(Ok(message)) => {
                    bytes += message.payload_len();
                    next = message.offset() + 1;
                    self.look_at(&message, &mut page);
                }
                Some(Err(KafkaError::PartitionEOF(_))) | None => {
                    let waited = if page.is_empty() { Waited::AtTheEnd } else { Waited::Page(page) };
                    return (waited, self.stretch.end);
                }
                Some(Err(error)) if page.is_empty() => return (Waited::For(error), next),
                // It comes again, or passes.
                Some(Err(_)) => return (Waited::Page(page), next),
            }
            if next >= self.stretch.end || page.len() >= PAGE || bytes >= BYTES {
                return (Waited::Page(page), next);
            }
            message = match stream.next().now_or_never() {
                Some(message) => message,
                None => return (Waited::Page(page), next),
            };
        }
    }

    /// What goes wrong and does not pass.
    fn fails(&self, error: &KafkaError) -> Result<(), SourceError> {
        match trouble::judge(error, &self.topic, self.consumer.context().reason().as_deref()) {
            Trouble::Over(over) => Err(over),
            Trouble::Unreadable(why) => Err(SourceError::Refused(why)),
            Trouble::Passing | Trouble::Unreachable => Ok(()),
        }
    }

    fn silence(&self) -> SourceError {
        let reason = self.consumer.context().reason();
        let because = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let Stretch { partition, first, .. } = self.stretch;
        SourceError::Lost(format!(
            "nothing came of topic \"{}\" for {} s, partition {partition} from offset {first} on{because}",
            self.topic,
            PATIENCE.as_secs()
        ))
    }
}

#[async_trait]
impl Past for PartitionPast {
    async fn next(&mut self) -> Result<Option<Vec<Lying>>, SourceError> {
        let mut until = Instant::now() + PATIENCE;
        while self.stretch.first < self.stretch.end {
            let waited = tokio::select! {
                biased;
                waited = self.wait() => waited,
                said = self.consumer.recv() => match said {
                    Err(error) => (Waited::For(error), self.stretch.first),
                    Ok(_) => continue,
                },
                () = sleep_until(until) => return Err(self.silence()),
            };
            match waited {
                (Waited::AtTheEnd, end) => self.stretch.first = end,
                (Waited::For(error), _) => self.fails(&error)?,
                (Waited::Page(page), next) => {
                    self.stretch.first = next;
                    until = Instant::now() + PATIENCE;
                    if !page.is_empty() {
                        return Ok(Some(page));
                    }
                }
            }
        }
        Ok(None)
    }
}
