//! The Kafka source against a broker that speaks the protocol, in this process.
//!
//! Joining a group takes seconds, so each test walks a whole history.

use std::collections::BTreeMap;
use std::time::Duration;

use foghorn::domain::event::Position;
use foghorn::sources::kafka::{EmbeddedBroker, KafkaSource, Start};
use foghorn::sources::{Polled, Source, SourceError};

use crate::support::polling::{assert_silent, open, records, soon, text, told};

const TOPIC: &str = "incidents";

fn broker(partitions: i32) -> EmbeddedBroker {
    EmbeddedBroker::start(&[(TOPIC, partitions)]).expect("a broker")
}

fn reader(broker: &EmbeddedBroker) -> KafkaSource {
    open(broker.address(), TOPIC, Start::Earliest)
}

async fn produce(broker: &EmbeddedBroker, payloads: impl Iterator<Item = u32>) {
    for payload in payloads {
        let payload = payload.to_string();
        broker.produce(TOPIC, &payload, payload.as_bytes()).await.expect("produced");
    }
}

fn numbered(range: std::ops::Range<u32>) -> Vec<(String, i64)> {
    range.map(|n| (n.to_string(), i64::from(n))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_come_in_order_and_only_what_was_settled_stays_away() {
    let broker = broker(1);
    produce(&broker, 0..10).await;
    broker
        .produce_with_headers(TOPIC, None, &[("traceparent", b"00-a"), ("raw", &[0xff])])
        .await
        .expect("produced");

    let first = reader(&broker);
    assert_eq!(soon("up", told(&first)).await.expect("polled"), Polled::Up);
    let mut read = records(&first, 11).await;
    assert_eq!(read.pop(), Some((String::new(), 10)), "the tombstone is a record too");
    assert_eq!(read, numbered(0..10));

    // While paused nothing comes, and what is settled is committed all the same.
    first.pause();
    produce(&broker, 11..13).await;
    first.settle(TOPIC, 0, 4);
    assert_silent(&first).await;
    first.resume();
    assert_eq!(records(&first, 2).await, numbered(11..13));
    // Settled by somebody who is wrong, or for a topic that is not ours: no effect.
    first.settle(TOPIC, 0, 500);
    first.settle(TOPIC, 7, 1);
    first.settle("other", 0, 9);
    first.close(Duration::from_secs(5)).await;
    assert!(matches!(first.poll().await, Err(SourceError::Lost(_))));

    // Four were settled, so the next reader begins with the fifth.
    let second = reader(&broker);
    let again = records(&second, 9).await;
    assert_eq!(again[0], ("4".to_owned(), 4));
    // Dropped without a word: what was settled and not yet committed comes again.
    second.settle(TOPIC, 0, 13);
    second.close(Duration::from_secs(5)).await;

    let third = reader(&broker);
    produce(&broker, 13..14).await;
    assert_eq!(records(&third, 1).await, numbered(13..14));
}

/// Whether the broker is there. On a busy machine its absence may cost the partition first; then what was
/// not settled comes again.
async fn how_it_is(source: &KafkaSource, next: &mut u32) -> Polled {
    loop {
        match soon("how it is", told(source)).await.expect("polled") {
            Polled::Revoking(_) => {
                source.revoked();
                *next = 0;
            }
            told => return told,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_away_is_told_and_its_return_too() {
    let broker = broker(1);
    produce(&broker, 0..1).await;
    let source = reader(&broker);
    assert_eq!(records(&source, 1).await, numbered(0..1));

    broker.take_down().expect("down");
    let mut next = 1;
    let down = how_it_is(&source, &mut next).await;
    assert!(matches!(down, Polled::Down(_)), "{down:?}");

    broker.bring_up().expect("up");
    produce(&broker, 1..3).await;
    assert_eq!(how_it_is(&source, &mut next).await, Polled::Up);
    let expected = numbered(next..3);
    assert_eq!(records(&source, expected.len()).await, expected);
    source.settle(TOPIC, 0, 3);
    assert_eq!(assert_silent(&source).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_missing_is_for_the_operator() {
    let broker = EmbeddedBroker::start(&[("other", 1)]).expect("a broker");
    let source = reader(&broker);
    loop {
        match soon("refusal", source.poll()).await {
            Ok(Polled::Up) => {}
            Err(SourceError::Refused(text)) => {
                assert!(text.contains("there is no topic \"incidents\""), "{text}");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Which payloads were read, and up to where each partition was.
#[derive(Default)]
struct Seen {
    payloads: Vec<u32>,
    ends: BTreeMap<i32, i64>,
}

impl Seen {
    fn note(&mut self, told: Result<Polled, SourceError>) {
        match told.expect("polled") {
            Polled::Records(records) => {
                for record in &records {
                    let payload = text(record).0.parse().expect("a number");
                    self.payloads.push(payload);
                    if let Position::Kafka { partition, offset, .. } = record.position {
                        self.ends.insert(partition, offset + 1);
                    }
                }
            }
            Polled::Up | Polled::Lag(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A group refuses a commit that comes while it begins anew, as Kafka's protocol allows, and what was
/// not committed is read again (the store knows it by its position). The embedded broker begins anew
/// by itself when the second member answers its leader late, so a refusal calls for another try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_partition_is_handed_over_settled_and_nothing_is_read_twice() {
    for _ in 0..5 {
        if handed_over().await == 0 {
            return;
        }
    }
    panic!("what was settled was read again, five times of five");
}

/// One handover, and how many records of the partition that moved were read again.
async fn handed_over() -> usize {
    let broker = broker(2);
    produce(&broker, 0..20).await;
    let first = reader(&broker);
    let mut before = Seen::default();
    while before.payloads.len() < 20 {
        before.note(soon("records", first.poll()).await);
    }

    // A second member joins; the first is told, settles what it holds, and lets go.
    let second = reader(&broker);
    let revoked = loop {
        tokio::select! {
            told = soon("revocation", first.poll()) => match told.expect("polled") {
                Polled::Revoking(partitions) => break partitions,
                Polled::Lag(_) => {}
                other => panic!("{other:?}"),
            },
            told = second.poll() => {
                let told = told.expect("polled");
                assert!(matches!(told, Polled::Up | Polled::Lag(_)), "{told:?}");
            }
        }
    };
    assert_eq!(revoked.len(), 1, "only what moves is revoked");
    let moved = revoked[0].1;
    first.settle(TOPIC, moved, before.ends[&moved]);
    first.revoked();
    // Too late, and ignored: it is no longer ours.
    first.settle(TOPIC, moved, 1);

    produce(&broker, 20..40).await;
    let (mut stayed, mut went) = (Seen::default(), Seen::default());
    let fresh = |seen: &Seen| seen.payloads.iter().filter(|payload| **payload >= 20).count();
    while fresh(&stayed) + fresh(&went) < 20 {
        tokio::select! {
            told = soon("records", first.poll()) => stayed.note(told),
            told = soon("records", second.poll()) => went.note(told),
        }
    }
    assert_eq!(went.ends.into_keys().collect::<Vec<_>>(), [moved]);
    assert!(!stayed.ends.contains_key(&moved));
    let mut after = [stayed.payloads, went.payloads].concat();
    after.sort_unstable();
    let again = after.iter().take_while(|payload| **payload < 20).count();
    assert_eq!(after[again..], (20..40).collect::<Vec<_>>());
    // From the last commit on, which is from the beginning: all of the partition, or nothing.
    assert!([0, usize::try_from(before.ends[&moved]).expect("a count")].contains(&again), "{after:?}");
    again
}
