//! Partitions that come to us, and where they are read from.
//!
//! Where the group has an offset, reading goes on there. Where it has none, reading begins with the
//! oldest record that is kept, unless the *group* is new and is to start with the latest: then the
//! ends of all partitions become its first offsets, there and then. So `start = "latest"` skips what
//! was there before the group was, once; never what came while nobody read, and nothing of a
//! partition that was added later.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer, ConsumerContext, RebalanceProtocol, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::callbacks::Callbacks;
use super::membership::Membership;

/// How long the brokers may take to answer each question.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes partitions.
pub(super) fn take<C: ConsumerContext>(
    membership: &Membership,
    consumer: &impl Consumer<C>,
    list: &TopicPartitionList,
) {
    let (topic, protocol) = (membership.topic(), consumer.rebalance_protocol());
    let done = match protocol {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(list),
    };
    if let Err(error) = done {
        membership.give_up(format!("assigned partitions could not be taken: {error}"));
        return;
    }
    let partitions = numbers(list);
    if membership.took(&partitions, &protocol)
        && let Err(error) = consumer.pause(list)
    {
        tracing::warn!(topic, %error, "new partitions not paused");
    }
    tracing::info!(topic, ?partitions, "partitions assigned");
}

/// Takes partitions of a group that is to start with the latest, if it did not start yet. The
/// brokers are asked beside the runtime.
pub(super) fn take_from_the_end(
    membership: Arc<Membership>,
    consumer: Arc<StreamConsumer<Callbacks>>,
    list: TopicPartitionList,
) {
    let beside = Arc::clone(&membership);
    let asked = std::thread::Builder::new().name("kafka-start".to_owned()).spawn(move || {
        match beginnings(&*consumer, beside.topic(), &list) {
            Ok(list) => take(&beside, &*consumer, &list),
            Err(error) => beside.give_up(format!("where to start is not known: {error}")),
        }
        beside.news.notify_one();
    });
    if let Err(error) = asked {
        membership.give_up(format!("no thread to ask on where to start: {error}"));
    }
}

fn beginnings<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    topic: &str,
    arriving: &TopicPartitionList,
) -> KafkaResult<TopicPartitionList> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let mut all = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        all.add_partition(topic, partition.id());
    }
    let committed = consumer.committed_offsets(all, PATIENCE)?;
    let has_offset = |offset| matches!(offset, Offset::Offset(_));
    if committed.elements().iter().any(|element| has_offset(element.offset())) {
        return Ok(arriving.clone());
    }
    let mut ends = TopicPartitionList::new();
    for partition in numbers(&committed) {
        let (_, end) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
        ends.add_partition_offset(topic, partition, Offset::Offset(end))?;
    }
    consumer.commit(&ends, CommitMode::Sync)?;
    tracing::info!(topic, ends = ?ends, "the group starts with the latest");
    let mut starts = TopicPartitionList::new();
    for partition in numbers(arriving) {
        let end = ends.find_partition(topic, partition).map_or(Offset::Invalid, |end| end.offset());
        starts.add_partition_offset(topic, partition, end)?;
    }
    Ok(starts)
}

/// Which partitions are in a list.
pub(super) fn numbers(list: &TopicPartitionList) -> Vec<i32> {
    let elements = list.elements();
    elements.iter().map(|element| element.partition()).collect()
}
