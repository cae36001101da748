//! Where reading begins and goes on: `start` decides for a group that never read, and for nothing
//! else. What a broker still has is read; what it does not have any more is told, with how much.

use std::time::Duration;

use foghorn::sources::kafka::{EmbeddedBroker, KafkaSource, Start};
use foghorn::sources::{Gone, Polled, Source};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::support::polling::{assert_silent, open, records, soon};

const TOPIC: &str = "incidents";
const SOON: Duration = Duration::from_secs(10);

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::start(&[(TOPIC, 1)]).expect("a broker")
}

async fn produce(broker: &EmbeddedBroker, payloads: impl IntoIterator<Item = &str>) {
    for payload in payloads {
        broker.produce(TOPIC, "key", payload.as_bytes()).await.expect("produced");
    }
}

/// The group, seen from outside.
struct Group(BaseConsumer);

impl Group {
    fn at(broker: &str) -> Self {
        Self(
            ClientConfig::new().set("bootstrap.servers", broker).set("group.id", "foghorn").create().unwrap(),
        )
    }

    fn partition(number: i32, offset: Offset) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(TOPIC, number, offset).unwrap();
        list
    }

    fn commit(&self, offset: i64) {
        let list = Self::partition(0, Offset::Offset(offset));
        self.0.commit(&list, CommitMode::Sync).unwrap();
    }

    fn committed(&self, partition: i32) -> Option<i64> {
        let committed = self.0.committed_offsets(Self::partition(partition, Offset::Invalid), SOON).unwrap();
        match committed.find_partition(TOPIC, partition).unwrap().offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    /// Polls `source` until the group has this offset.
    async fn until_committed(&self, source: &KafkaSource, offset: i64) {
        let has_it = async {
            while self.committed(0) != Some(offset) {
                let told = tokio::time::timeout(Duration::from_millis(100), source.poll()).await;
                assert!(matches!(told, Err(_) | Ok(Ok(Polled::Up | Polled::Lag(_)))), "{told:?}");
            }
        };
        soon("the offset", has_it).await;
    }
}

async fn gone(source: &KafkaSource) -> Gone {
    loop {
        match soon("what is gone", source.poll()).await.expect("polled") {
            Polled::Gone(gone) => return gone,
            Polled::Up | Polled::Lag(_) => {}
            Polled::Records(records) => panic!("{} records came before it was told", records.len()),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_starts_with_the_latest_misses_nothing_after_its_start() {
    let broker = broker();
    let group = Group::at(broker.address());
    produce(&broker, ["old", "older"]).await;
    let first = open(broker.address(), TOPIC, Start::Latest);
    group.until_committed(&first, 2).await;
    produce(&broker, ["a"]).await;
    assert_eq!(records(&first, 1).await, [("a".to_owned(), 2)]);
    // Gone without having settled anything; what came is there for the next one. The embedded broker
    // takes nobody in while somebody leaves, so it is waited for.
    first.close(SOON).await;
    produce(&broker, ["b"]).await;
    let second = open(broker.address(), TOPIC, Start::Latest);
    assert_eq!(records(&second, 2).await, [("a".to_owned(), 2), ("b".to_owned(), 3)]);
    second.settle(TOPIC, 0, 4);
    second.close(SOON).await;

    let third = open(broker.address(), TOPIC, Start::Latest);
    produce(&broker, ["c"]).await;
    assert_eq!(records(&third, 1).await, [("c".to_owned(), 4)]);
    assert_silent(&third).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_took_is_told_and_the_rest_is_read() {
    // The embedded broker keeps 5 MiB of a partition.
    const KEPT: usize = 5;
    let large = "x".repeat(900 << 10);
    for start in [Start::Earliest, Start::Latest] {
        let broker = broker();
        let group = Group::at(broker.address());
        group.commit(1);
        produce(&broker, (0..20).map(|_| large.as_str())).await;
        let source = open(broker.address(), TOPIC, start);
        let gone = gone(&source).await;
        let oldest = 20 - i64::try_from(KEPT).unwrap();
        assert_eq!((gone.partition, gone.wanted, gone.oldest), (0, 1, Some(oldest)), "{start:?}");
        assert_eq!((gone.records(), gone.starts_again()), (14, false));
        let rest = records(&source, KEPT).await;
        assert!(rest.iter().map(|(_, offset)| *offset).eq(oldest..20), "{start:?}");
        source.settle(TOPIC, 0, 20);
        group.until_committed(&source, 20).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_made_anew_is_read_from_its_start_and_settled() {
    for start in [Start::Earliest, Start::Latest] {
        let broker = broker();
        let group = Group::at(broker.address());
        produce(&broker, ["a", "b"]).await;
        group.commit(500);
        let source = open(broker.address(), TOPIC, start);
        let gone = gone(&source).await;
        assert_eq!((gone.wanted, gone.oldest), (500, Some(0)), "{start:?}");
        assert_eq!((gone.records(), gone.starts_again()), (0, true));
        // Before anything is settled: 500 must not come to lie inside the log again.
        let again = records(&source, 2).await;
        assert_eq!(again, [("a".to_owned(), 0), ("b".to_owned(), 1)]);
        group.until_committed(&source, 0).await;
        source.settle(TOPIC, 0, 2);
        group.until_committed(&source, 2).await;
    }
}
