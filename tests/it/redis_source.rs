//! What is Redis' own about streams: entries that others left, entries that are gone, groups that are
//! made, and the fields of an entry.

use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::event::Position;
use foghorn::sources::redis::{self, RedisSettings};
use foghorn::sources::settings::Start;
use foghorn::sources::{Polled, Record, SessionSource, Source, SourceError};
use foghorn::telemetry::health::Condition;

use crate::support::bus::hybrid::Hybrid;
use crate::support::bus::redis::RedisStream;
use crate::support::bus::{Bus, reading};
use crate::support::inside::Inside;
use crate::support::polling::soon;
use crate::support::program::Program;

fn settings(stream: &RedisStream) -> RedisSettings {
    RedisSettings {
        url: stream.url(),
        streams: vec![stream.name.clone()],
        claim_idle: Duration::from_secs(1),
        ..RedisSettings::default()
    }
}

fn open(stream: &RedisStream, settings: RedisSettings, node: &str) -> SessionSource {
    assert_eq!(settings.objections(), []);
    redis::open_stream(&Arc::new(settings), &stream.name, node).expect("a source")
}

/// The next records; panics if something is told that nobody expects.
async fn records(source: &SessionSource) -> Vec<Record> {
    loop {
        match soon("records", source.poll()).await.expect("polled") {
            Polled::Records(records) => return records,
            Polled::Up | Polled::Lag(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn texts(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| String::from_utf8(record.payload.as_deref().unwrap().to_vec()).unwrap();
    records.iter().map(text).collect()
}

/// How a source ends that was never up.
async fn refusal(source: &SessionSource) -> String {
    loop {
        match soon("a refusal", source.poll()).await {
            Err(SourceError::Refused(why)) => return why,
            Ok(Polled::Lag(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Has this consumer take everything and do nothing about it.
async fn taken_by(stream: &RedisStream, consumer: &str) {
    stream.ask(&["XGROUP", "CREATE", &stream.name, "foghorn", "0", "MKSTREAM"]).await;
    stream
        .ask(&["XREADGROUP", "GROUP", "foghorn", consumer, "COUNT", "10", "STREAMS", &stream.name, ">"])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_gone_while_it_was_pending_is_told_and_not_waited_for() {
    let Some(stream) = RedisStream::open().await else { return };
    let gone = stream.add(&[("payload", b"a")]).await;
    stream.add(&[("payload", b"b")]).await;
    taken_by(&stream, "harbour").await;
    stream.ask(&["XDEL", &stream.name, &gone]).await;
    let source = open(&stream, settings(&stream), "harbour");
    let (mut missing, mut read) = (Vec::new(), Vec::new());
    while missing.is_empty() || read.is_empty() {
        match soon("both", source.poll()).await.expect("polled") {
            Polled::Missing { ids, .. } => missing.extend(ids),
            Polled::Records(records) => read.extend(records),
            Polled::Up | Polled::Lag(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(missing, [Arc::from(gone.as_str())] as [Arc<str>; 1]);
    assert_eq!(texts(&read), ["b"]);
    let Position::Message { id, .. } = &read[0].position else { panic!() };
    source.acknowledge(std::slice::from_ref(id));
    source.close(Duration::from_secs(5)).await;
    assert_eq!(stream.unsettled().await.all(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_consumer_left_alone_is_taken_over_and_what_is_in_hand_is_not() {
    let Some(stream) = RedisStream::open().await else { return };
    stream.add(&[("payload", b"a")]).await;
    taken_by(&stream, "gone").await;
    let first = open(&stream, settings(&stream), "harbour");
    assert_eq!(texts(&records(&first).await), ["a"]);
    // It is in hand for longer than anybody may leave it alone.
    let second = open(&stream, settings(&stream), "quay");
    let taken = tokio::time::timeout(Duration::from_secs(4), records(&second)).await;
    assert!(taken.is_err(), "{taken:?}");
    drop(first);
    assert_eq!(texts(&records(&second).await), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_field_is_the_record_and_the_others_are_its_headers() {
    let Some(stream) = RedisStream::open().await else { return };
    stream.add(&[("traceparent", b"00-x"), ("data", b"D"), ("payload", b"P")]).await;
    stream.add(&[("title", b"disk full"), ("severity", b"high")]).await;
    stream.add(&[("raw", b"\xff\0")]).await;
    let source = open(&stream, settings(&stream), "harbour");
    let read = records(&source).await;
    assert_eq!(texts(&read[..2]), ["P", r#"{"severity":"high","title":"disk full"}"#]);
    assert_eq!(read[0].header("TraceParent"), Some("00-x"));
    drop(source);
    let own = RedisSettings { field: "raw".to_owned(), group: "other".to_owned(), ..settings(&stream) };
    let read = records(&open(&stream, own, "harbour")).await;
    assert_eq!(read[2].payload.as_deref(), Some(b"\xff\0".as_slice()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_begins_where_it_is_told_to_and_only_once() {
    let Some(stream) = RedisStream::open().await else { return };
    stream.add(&[("payload", b"before")]).await;
    let latest = RedisSettings { start: Start::Latest, ..settings(&stream) };
    let source = open(&stream, latest.clone(), "harbour");
    assert_eq!(soon("up", source.poll()).await.expect("polled"), Polled::Up);
    stream.add(&[("payload", b"after")]).await;
    assert_eq!(texts(&records(&source).await), ["after"]);
    // A group that was there and is not any more: nothing that came meanwhile may be skipped.
    stream.ask(&["XGROUP", "DESTROY", &stream.name, "foghorn"]).await;
    stream.add(&[("payload", b"later")]).await;
    assert_eq!(texts(&records(&source).await), ["before", "later"], "what is in hand is not given again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_stream_is_read_by_itself() {
    let (Some(one), Some(two)) = (RedisStream::open().await, RedisStream::open().await) else { return };
    let source = format!(
        "[sources.bus]\ntype = 'redis'\nurl = '{}'\nstreams = ['{}', '{}']\n",
        one.url(),
        one.name,
        two.name
    );
    let inside = Inside::reading(&source).await;
    one.publish(br#"{"title":"one"}"#).await;
    two.publish(br#"{"title":"two"}"#).await;
    inside.until_kept(2).await;
    inside
        .until("both are settled", async || one.unsettled().await.all() + two.unsettled().await.all() == 0)
        .await;
    let positions: Vec<String> = inside.events().await.into_iter().map(|event| event.position).collect();
    for stream in [&one, &two] {
        assert!(
            positions.iter().any(|position| position.starts_with(&format!("{}/", stream.name))),
            "{positions:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waiting_does_not_mend_is_for_the_operator() {
    let Some(stream) = RedisStream::open().await else { return };
    stream.ask(&["SET", &stream.name, "a text"]).await;
    let why = refusal(&open(&stream, settings(&stream), "harbour")).await;
    assert!(why.contains("no stream"), "{why}");

    let Some(server) = Program::redis("right").await else { return };
    let url = format!("redis://127.0.0.1:{}", server.port);
    let with = |password: Option<&str>| RedisSettings {
        url: url.clone(),
        password: password.map(Into::into),
        ..settings(&stream)
    };
    for password in [None, Some("wrong")] {
        let why = refusal(&open(&stream, with(password), "harbour")).await;
        assert!(why.starts_with("Redis refuses the source's user or password"), "{why}");
    }
    let client = ::redis::Client::open(format!("redis://:right@127.0.0.1:{}", server.port)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut user = ::redis::cmd("ACL");
    user.arg(&["SETUSER", "ada", "on", ">right", "~*", "+@connection", "+xgroup", "+xinfo"]);
    user.exec_async(&mut connection).await.unwrap();
    let reader = RedisSettings { username: "ada".to_owned(), ..with(Some("right")) };
    let source = open(&stream, reader, "harbour");
    assert_eq!(soon("up", source.poll()).await.expect("polled"), Polled::Up);
    let why = refusal(&source).await;
    assert!(why.starts_with("not allowed") && why.contains("XREADGROUP"), "{why}");

    let source = open(&stream, with(Some("right")), "harbour");
    assert_eq!(soon("up", source.poll()).await.expect("polled"), Polled::Up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_of_the_hybrid_is_quick_and_without_one_the_table_is_looked_at() {
    let Some(bus) = Hybrid::open().await else { return };
    let rarely = format!("[sources.bus]\n{}", bus.looking_every("1h"));
    let inside = Inside::reading(&rarely).await;
    inside.until("it is up", async || inside.condition() == Condition::Up).await;
    bus.insert(br#"{"title":"nobody was told"}"#).await;
    bus.publish(br#"{"title":"somebody was told"}"#).await;
    inside.until_kept(2).await;
    inside.crash().await;

    bus.hints.cut();
    let inside = Inside::reading(&reading(&bus, 64)).await;
    inside.until("it is slower", async || matches!(inside.condition(), Condition::Degraded(_))).await;
    bus.publish(br#"{"title":"nobody heard"}"#).await;
    inside.until("the row is done", async || bus.unsettled().await.all() == 0).await;
    bus.hints.restore();
    inside.until("it is up", async || inside.condition() == Condition::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_as_the_hybrid_was_told_is_for_the_operator() {
    let Some(bus) = Hybrid::open().await else { return };
    for (change, words) in [
        ("name = 'nowhere'", "nowhere"),
        ("status = 'none'", "no column \"none\""),
        ("id = 'ID'", "no column \"ID\""),
    ] {
        let key = change.split(" =").next().unwrap();
        let source: String = bus
            .looking_every("1h")
            .replace(&format!(", {key} = \"{}\"", bus.name), "")
            .replace(" }", &format!(", {change} }}"));
        let inside = Inside::reading(&format!("[sources.bus]\n{source}")).await;
        inside
            .until(words, async || matches!(inside.condition(), Condition::Down(why) if why.contains(words)))
            .await;
    }
}
