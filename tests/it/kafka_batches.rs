//! Batches that cost more than they seem to, each between two good records: what can be read is kept
//! as a dead letter, to the last byte unless it is absurd, what cannot is told, and no partition stands still in silence.

use std::fs;

use foghorn::sources::kafka::EmbeddedBroker;

use crate::support::database::Database;
use crate::support::load::tell;
use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;
use crate::support::tansu::{Tansu, Writer};

const TOPIC: &str = "incidents";
const MIB: usize = 1 << 20;
/// The most that is kept of a record.
const KEPT: usize = 16 * MIB;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_records_are_dead_letters_in_a_file() {
    large_records(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_records_are_dead_letters_in_postgres() {
    if services::require("postgres") {
        let database = Database::create().await;
        large_records(Some(database.url.clone())).await;
    }
}

/// Larger than what a consumer asks for, and small batches that are large once unpacked.
async fn large_records(store: Option<String>) {
    let Some(broker) = Tansu::start_alone().await else {
        return;
    };
    let address = broker.address();
    Writer::to(&address, &[]).create(TOPIC, 1).await;
    let sink = SmtpSink::start().await;
    let more = reading_from(&address, TOPIC);
    let home = Home::of(Draft { store, more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    for (number, (codec, size)) in
        [("none", 10 * MIB), ("gzip", 64 * MIB), ("zstd", 64 * MIB), ("lz4", 16 * MIB)]
            .into_iter()
            .enumerate()
    {
        let writer = writer(&address, codec);
        let key = format!("before {codec}");
        writer.write(TOPIC, 0, event(&key).to_string().as_bytes()).await;
        home.until_kept(&key).await;
        writer.write(TOPIC, 0, &vec![b' '; size]).await;
        home.until(&format!("{codec} is a dead letter"), async || {
            home.list("/api/v1/dead-letters?kind=event").await.len() > number
        })
        .await;
        let letters = home.list("/api/v1/dead-letters?kind=event").await;
        let kept = size.min(KEPT);
        assert_eq!((&letters[0]["reason"], &letters[0]["bytes"]), (&"too_large".into(), &kept.into()));
        if kept < size {
            let detail = letters[0]["detail"].as_str().unwrap();
            assert!(
                detail.contains(&format!("the record has {size} bytes; the first {kept} are kept")),
                "{detail}"
            );
        }
        let key = format!("after {codec}");
        writer.write(TOPIC, 0, event(&key).to_string().as_bytes()).await;
        home.until_kept(&key).await;
    }
    tell(&format!("a record of 64 MiB: at most {} MiB of memory", life.peak_mib()));
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_unpacks_to_too_much_is_told_and_held() {
    const LIMIT: &str = "\"receive.message.max.bytes\" = \"9000000\", ";
    let broker = EmbeddedBroker::start(&[(TOPIC, 2)]).unwrap();
    let sink = SmtpSink::start().await;
    let free = reading_from(broker.address(), TOPIC);
    let more = free.replace("properties = { ", &format!("properties = {{ {LIMIT}"));
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let writer = writer(broker.address(), "zstd");
    let write = async |partition, key: &str| {
        writer.write(TOPIC, partition, event(key).to_string().as_bytes()).await;
    };
    let life = home.start().await;
    write(0, "before").await;
    home.until_kept("before").await;
    writer.write(TOPIC, 0, &vec![b' '; 64 * MIB]).await;
    write(0, "behind").await;
    home.until_reported("source/kafka degraded: a batch of topic \"incidents\" cannot be unpacked").await;
    for key in ["beside", "beside it again"] {
        write(1, key).await;
        home.until_kept(key).await;
    }
    assert!(!home.has_incident("behind").await);
    let peak = life.peak_mib();
    assert!(peak < 256, "{peak} MiB");
    life.kill().await;

    let config = home.file("config.toml");
    fs::write(&config, fs::read_to_string(&config).unwrap().replace(LIMIT, "")).unwrap();
    let life = home.start().await;
    home.until_kept("behind").await;
    home.until_reported("source/kafka ok").await;
    assert_eq!(home.list("/api/v1/dead-letters?kind=event").await.len(), 1);
    life.kill().await;
}

fn writer(broker: &str, codec: &str) -> Writer {
    let large = ("message.max.bytes", "200000000");
    Writer::to(broker, &[large, ("compression.type", codec)])
}
