//! What lies on a bus is looked at where it lies: a rehearsal sees all of it since a moment, and whoever reads the bus
//! reads on from where it was.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use foghorn::clock::Clock;
use foghorn::domain::Timestamp;
use foghorn::sources::kafka::{self, EmbeddedBroker, KafkaSettings};
use foghorn::sources::past::{Past, SideBySide};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::support::bus::hybrid::Hybrid;
use crate::support::bus::nats::JetStream;
use crate::support::bus::redis::RedisStream;
use crate::support::bus::{Bus, reading};
use crate::support::process::{Draft, Home, Said, said};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tansu::{Tansu, Writer};

const TOPIC: &str = "incidents";

/// The configuration of `home`, where grace hears of databases too.
fn new(home: &Home) -> String {
    let more = "[users.grace]\nemail = \"grace@example.com\"\n[[routes]]\nname = \"databases\"\n\
                match = { service = \"db\" }\npolicy = \"both\"\n[policies.both]\n\
                steps = [{ after = \"0s\", notify = [\"user:ada\", \"user:grace\"], via = [\"email\"] }]\n";
    let text = fs::read_to_string(home.file("config.toml")).unwrap();
    let path = home.file("new.toml");
    fs::write(&path, text.replacen("[[routes]]", &format!("{more}[[routes]]"), 1)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn event(key: &str, status: &str) -> Vec<u8> {
    let event =
        json!({ "title": format!("about {key}"), "dedup_key": key, "service": "db", "status": status });
    event.to_string().into_bytes()
}

fn ago(hours: i64) -> Timestamp {
    Clock::system().now() - jiff::SignedDuration::from_hours(hours)
}

fn lines(told: &Said) -> Vec<Value> {
    told.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the group that the source reads for has committed.
fn committed(broker: &str) -> Vec<Offset> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker).set("group.id", "foghorn").create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..2 {
        list.add_partition(TOPIC, partition);
    }
    let offsets = consumer.committed_offsets(list, Duration::from_secs(10)).unwrap();
    offsets.elements().iter().map(|element| element.offset()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_looked_at_beside_its_reader_in_the_order_of_its_records() {
    let Some(broker) = Tansu::start_alone().await else { return };
    let writer = Writer::to(&broker.address(), &[]);
    writer.create(TOPIC, 2).await;
    writer.write_as_of((TOPIC, 0), ago(24 * 9), &event("old", "open"), &[]).await;
    let disk = ago(48);
    writer.write_as_of((TOPIC, 0), disk, &event("disk", "open"), &[]).await;
    writer.write_as_of((TOPIC, 0), ago(12), &event("disk", "open"), &[]).await;
    // Between the two, in another partition: so the second one opens an incident again.
    writer.write_as_of((TOPIC, 1), ago(24), &event("disk", "resolved"), &[]).await;
    let envelope = [("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/shop"), ("ce_type", "t")];
    let headers = [&envelope[..], &[("content-type", "application/json")]].concat();
    let cloud = br#"{"order":7}"#;
    writer.write_as_of((TOPIC, 1), ago(6), cloud, &[&headers[..], &[("ce_subject", "web")]].concat()).await;

    let smtp = SmtpSink::start().await;
    let source = format!(
        "[sources.bus]\ntype = \"kafka\"\nbrokers = [\"{}\"]\ntopics = [\"{TOPIC}\"]\nformat = \"auto\"\n",
        broker.address()
    );
    let home = Home::of(Draft { more: source, ..Draft::mailing_to(smtp.port) }).await;
    let life = home.start().await;
    let events = async || home.list("/api/v1/events?").await.len();
    home.until("all are read", async || events().await == 5).await;
    home.until("and committed", async || {
        committed(&broker.address()) == [Offset::Offset(3), Offset::Offset(2)]
    })
    .await;
    assert_eq!(home.run(&["source", "pause", "bus"]).await.exit, 0);
    writer.write(TOPIC, 0, &event("wait", "open")).await;
    writer.write(TOPIC, 1, b"no event").await;

    let new = new(&home);
    let look = ["simulate", "--config", &new, "--from", "topic:bus", "--json"];
    let told = home.run(&look).await;
    assert_eq!(told.exit, 0, "{told:?}");
    let told = lines(&told);
    let summary = &told.last().unwrap()["summary"];
    let counts = ["records", "openings", "different"].map(|key| summary[key].as_u64());
    assert_eq!(counts, [Some(6), Some(4), Some(3)], "{told:#?}");
    let keys: Vec<_> = told.iter().filter_map(|one| one["after"]["dedup_key"].as_str()).collect();
    assert_eq!(keys, ["disk", "disk", "wait"], "{told:#?}");
    let at: Timestamp = told[0]["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.as_millisecond(), disk.as_millisecond(), "asked about when it came");

    let brief =
        home.run(&["simulate", "--config", &new, "--from", "topic:bus/incidents", "--since", "8h"]).await;
    assert!(brief.output.contains("3 records read, 2 would open an incident"), "{brief:?}");
    let long = home.run(&["simulate", "--config", &new, "--from", "topic:bus", "--since", "10d"]).await;
    assert!(long.output.contains("7 records read"), "{long:?}");

    assert_eq!(committed(&broker.address()), [Offset::Offset(3), Offset::Offset(2)], "nothing moved");
    assert_eq!(home.run(&["source", "resume", "bus"]).await.exit, 0);
    home.until("what waits is read", async || events().await == 6).await;
    let all = [Offset::Offset(4), Offset::Offset(3)];
    home.until("each once", async || committed(&broker.address()) == all).await;
    life.kill().await;

    // Nobody is in the group any more who would be asked first.
    writer.write(TOPIC, 0, &event("later", "open")).await;
    let old = home.file("config.toml");
    let alone = ["simulate", "--config", &new, "--against", old.to_str().unwrap(), "--from", "topic:bus"];
    let told = said(&alone, Stdio::piped()).await;
    assert!(told.output.contains("7 records read"), "{told:?}");
    assert_eq!(committed(&broker.address()), all, "nothing moved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_knows_of_no_times_is_looked_at_from_the_beginning_to_the_end() {
    let broker = EmbeddedBroker::start(&[(TOPIC, 3), ("empty", 1)]).unwrap();
    for number in 0..100 {
        let key = number.to_string();
        broker.produce(TOPIC, &key, &event(&key, "open")).await.unwrap();
    }
    // A record is fetched at a time, so what comes before the end is seen by whoever does not know where that was.
    let slowly = "properties = { 'queued.min.messages' = '1', 'fetch.message.max.bytes' = '1000' }";
    let settings = format!("brokers = ['{}']\ntopics = ['{TOPIC}', 'empty']\n{slowly}", broker.address());
    let settings: KafkaSettings = toml::from_str(&settings).unwrap();
    let look = async |since: Timestamp| {
        let pasts = kafka::past(&settings, &[TOPIC, "empty"], since).await.unwrap();
        for number in 0..30 {
            broker.produce(TOPIC, &number.to_string(), b"{}").await.unwrap();
        }
        let (mut past, mut seen) = (SideBySide::of(pasts), Vec::new());
        while let Some(page) = past.next().await.unwrap() {
            seen.extend(page.into_iter().map(|lying| lying.since.unwrap()));
        }
        seen
    };
    let seen = look(ago(1)).await;
    assert_eq!(seen.len(), 100, "what comes meanwhile is not of it");
    assert!(seen.is_sorted(), "the oldest first, over all partitions");
    assert_eq!(look(ago(-1)).await, []);
}

/// A bus is looked at twice before anybody reads it, and then read.
async fn a_look_leaves_everything_where_it_is<B: Bus>() {
    let Some(bus) = B::open().await else { return };
    for key in ["a", "b", "c"] {
        bus.publish(&event(key, "open")).await;
    }
    bus.publish(&event("a", "resolved")).await;
    let before = bus.unsettled().await;
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft { more: reading(&bus, 100), ..Draft::mailing_to(smtp.port) }).await;
    let (old, new) = (home.file("config.toml"), new(&home));
    let look = ["simulate", "--config", &new, "--against", old.to_str().unwrap(), "--from", "topic:bus"];
    for _ in 0..2 {
        let told = said(&look, Stdio::piped()).await;
        assert_eq!(told.exit, 0, "{told:?}");
        let sum =
            "4 records read, 3 would open an incident, 3 heard of differently: 3 messages before, 6 after";
        assert!(told.output.contains(sum), "{told:?}");
        assert_eq!(bus.unsettled().await, before, "nothing was taken");
    }
    let none = said(&[&look[..], &["--since", "1ms"]].concat(), Stdio::piped()).await;
    assert!(none.exit == 0 && none.output.contains("0 records read"), "{none:?}");

    let life = home.start().await;
    home.until("all of it is read", async || home.list("/api/v1/events?").await.len() == 4).await;
    home.until("and acknowledged", async || bus.unsettled().await.all() == 0).await;
    let again = said(&look, Stdio::piped()).await;
    assert!(again.exit == 0 && again.output.contains("4 records read"), "beside its reader: {again:?}");
    bus.publish(&event("d", "open")).await;
    home.until("and what comes later", async || home.list("/api/v1/events?").await.len() == 5).await;
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_redis_is_looked_at() {
    a_look_leaves_everything_where_it_is::<RedisStream>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_nats_is_looked_at() {
    a_look_leaves_everything_where_it_is::<JetStream>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_a_hybrid_is_looked_at() {
    a_look_leaves_everything_where_it_is::<Hybrid>().await;
}

/// `[sources.bus]` of this text, looked at.
async fn looked_at(source: &str, from: &str) -> Said {
    let home = Home::of(Draft { more: source.to_owned(), ..Draft::mailing_to(1) }).await;
    let config = home.file("config.toml");
    let config = config.to_str().unwrap();
    said(&["simulate", "--config", config, "--against", config, "--from", from], Stdio::piped()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_shows_messages_only_to_those_who_take_them_is_refused() {
    let rabbit = "[sources.bus]\ntype = \"rabbitmq\"\nurl = \"amqp://127.0.0.1\"\nqueues = [\"q\"]\n";
    let pubsub = "[sources.bus]\ntype = \"pubsub\"\nproject = \"p\"\nsubscriptions = [\"sub\"]\n\
                  endpoint = \"http://127.0.0.1:1\"\n";
    let kafka = "[sources.bus]\ntype = \"kafka\"\nbrokers = [\"127.0.0.1:1\"]\ntopics = [\"t\"]\n";
    for (source, from, words) in [
        (rabbit, "topic:bus", "ask the store with --from store:bus, or name a file"),
        (pubsub, "topic:bus", "shows a message only to whoever takes it"),
        ("", "topic:api", "which keeps no requests"),
        ("", "topic:shop", "there is no source \"shop\"; there are: api"),
        (kafka, "topic:bus/u", "reads no topic \"u\"; it has t"),
    ] {
        let told = looked_at(source, from).await;
        assert_eq!(told.exit, 2, "{from}: {told:?}");
        assert!(told.errors.contains("FH0818") && told.errors.contains(words), "{words}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_work_queue_of_nats_is_none_to_be_looked_at() {
    use async_nats::jetstream::stream::{Config, RetentionPolicy};
    let Some(bus) = JetStream::open().await else { return };
    let name = format!("{}-work", bus.name);
    let retention = RetentionPolicy::WorkQueue;
    let config = Config { name: name.clone(), subjects: vec![name.clone()], retention, ..Config::default() };
    bus.context.create_stream(config).await.unwrap();
    let source =
        format!("[sources.bus]\ntype = \"nats\"\nservers = [\"{}\"]\nstream = \"{name}\"\n", bus.server());
    let told = looked_at(&source, "topic:bus").await;
    bus.context.delete_stream(&name).await.unwrap();
    assert!(told.exit == 2 && told.errors.contains("is a work queue"), "{told:?}");
}
