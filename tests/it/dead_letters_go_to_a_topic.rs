//! What could not become an event goes to a topic, too: at least once, with its bytes and where it came
//! from; and when somebody reads that topic as a source, it does not go round for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use foghorn::sources::kafka::EmbeddedBroker;
use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::Headers;
use serde_json::Value;
use tokio::time::timeout;

use crate::support::process::{Draft, Home, reading_from};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tansu::Writer;

const TOPIC: &str = "incidents";
const LETTERS: &str = "incidents.dlq";
const BROKEN: &[u8] = b"{\"title\":\xff";

async fn home(broker: &str, topics: &str) -> Home {
    let smtp = SmtpSink::start().await;
    let mut draft = Draft::mailing_to(smtp.port);
    draft.more = reading_from(broker, TOPIC).replace(&format!("[\"{TOPIC}\"]"), topics);
    draft.more.push_str(&format!("dead_letter_topic = '{LETTERS}'\n"));
    Home::of(draft).await
}

/// The first records of the topic of dead letters: their headers and bytes.
async fn letters(broker: &str, count: usize) -> Vec<(BTreeMap<String, String>, Vec<u8>)> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("group.id", "somebody")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[LETTERS]).unwrap();
    let mut found = Vec::new();
    while found.len() < count {
        let record = timeout(Duration::from_secs(30), consumer.recv()).await.unwrap().unwrap();
        let headers = record.headers().unwrap().iter();
        let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
        let headers = headers.map(|header| (header.key.to_owned(), text(header.value))).collect();
        found.push((headers, record.payload().unwrap().to_vec()));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_in_its_topic_with_where_it_came_from_even_after_a_kill() {
    let broker = EmbeddedBroker::start(&[(TOPIC, 1), (LETTERS, 1)]).unwrap();
    let home = home(broker.address(), &format!("['{TOPIC}']")).await;
    let life = home.start().await;
    let writer = Writer::to(broker.address(), &[]);
    writer.write(TOPIC, 0, br#"{"title":"fine","dedup_key":"fine"}"#).await;
    writer.write(TOPIC, 0, BROKEN).await;
    home.until("it is kept", async || home.list("/api/v1/dead-letters?kind=event").await.len() == 1).await;
    life.kill().await;
    let _second = home.start().await;
    let (headers, raw) = letters(broker.address(), 1).await.remove(0);
    let kept = home.list("/api/v1/dead-letters?kind=event").await.remove(0);
    assert_eq!(raw, BROKEN);
    let wanted = [
        ("foghorn-dead-letter-id", kept["id"].as_str().unwrap()),
        ("foghorn-source", "kafka"),
        ("foghorn-reason", "parse"),
        ("foghorn-topic", TOPIC),
        ("foghorn-partition", "0"),
        ("foghorn-offset", "1"),
        ("foghorn-rounds", "0"),
    ];
    for (name, value) in wanted {
        assert_eq!(headers.get(name).map(String::as_str), Some(value), "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_its_own_source_does_not_go_round_for_ever() {
    let broker = EmbeddedBroker::start(&[(TOPIC, 1), (LETTERS, 1)]).unwrap();
    let home = home(broker.address(), &format!("['{TOPIC}', '{LETTERS}']")).await;
    let _life = home.start().await;
    let writer = Writer::to(broker.address(), &[]);
    let nobody = br#"{"kind":"notification","to":"eve","via":"email","subject":"s","body":"b"}"#;
    writer.write(TOPIC, 0, nobody).await;
    let reasons = async || {
        let letters = home.list("/api/v1/dead-letters?kind=event").await;
        letters.iter().map(|letter| letter["reason"].clone()).collect::<Vec<Value>>()
    };
    home.until("it is caught", async || reasons().await.contains(&"loop".into())).await;
    let first = reasons().await;
    assert_eq!(first[0], "loop", "the newest");
    assert!(first[1..].iter().all(|reason| reason == "unroutable") && first.len() >= 5, "{first:?}");
    // A record that is fine shows that everything before it was read.
    writer.write(LETTERS, 0, br#"{"title":"after","dedup_key":"after"}"#).await;
    home.until("it is read", async || !home.list("/api/v1/incidents?").await.is_empty()).await;
    assert_eq!(reasons().await, first, "what goes round is kept here alone");
}
