//! What is NATS' own about JetStream: consumers that are made or found, subjects, what is held for long, and
//! what goes back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::Config;
use foghorn::sources::nats::{self, NatsSettings};
use foghorn::sources::settings::Start;
use foghorn::sources::{Polled, Record, SessionSource, Source, SourceError};
use futures::StreamExt;

use crate::support::bus::nats::{JetStream, PORT};
use crate::support::bus::{Bus, nats_raw};
use crate::support::inside::Inside;
use crate::support::polling::soon;
use crate::support::program::Program;

fn settings(stream: &JetStream) -> NatsSettings {
    NatsSettings { servers: vec![stream.server()], stream: stream.name.clone(), ..NatsSettings::default() }
}

fn open(settings: NatsSettings) -> SessionSource {
    assert_eq!(settings.objections(), []);
    let reach = settings.reaches().remove(0);
    nats::open(&Arc::new(settings), &reach)
}

async fn records(source: &SessionSource) -> Vec<Record> {
    loop {
        match soon("records", source.poll()).await.expect("polled") {
            Polled::Records(records) => return records,
            Polled::Up | Polled::Lag(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn refusal(source: &SessionSource) -> String {
    match soon("a refusal", source.poll()).await {
        Err(SourceError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_subject_is_read_by_a_consumer_of_its_own() {
    let Some(stream) = JetStream::open().await else { return };
    let subjects = [stream.subject("db.*"), stream.subject("web.>")];
    let source = format!("[sources.bus]\n{}subjects = {subjects:?}\n", stream.source());
    for (subject, key) in [("db.one", "one"), ("web.a.b", "two"), ("mail.x", "three")] {
        let payload = format!(r#"{{"title":"{key}"}}"#);
        stream.send(&stream.subject(subject), HeaderMap::new(), payload.as_bytes()).await;
    }
    let inside = Inside::reading(&source).await;
    inside.until_kept(2).await;
    let mut titles: Vec<String> =
        inside.incidents().await.into_iter().map(|incident| incident.title).collect();
    titles.sort();
    assert_eq!(titles, ["one", "two"]);
    for consumer in [format!("foghorn-{}_db_+", stream.name), format!("foghorn-{}_web_~", stream.name)] {
        let info = stream.consumer(&consumer).await.expect("it was made");
        assert_eq!(info.config.ack_policy, AckPolicy::Explicit);
        inside
            .until("it is settled", async || {
                stream.consumer(&consumer).await.unwrap().ack_floor.stream_sequence > 0
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_for_long_is_not_handed_out_again() {
    let Some(stream) = JetStream::open().await else { return };
    let source = format!("[sources.bus]\n{}", stream.source().replace("\"2s\"", "\"1s\""));
    let inside = Inside::reading(&source).await;
    inside.store.stall(true);
    stream.publish(br#"{"title":"held"}"#).await;
    inside.until("it is in hand", async || inside.store.held_up() == 1).await;
    for lag in 2..5 {
        // Each is told a second after the one before, at the earliest.
        stream.publish(br#"{"title":"another"}"#).await;
        inside.until_lag(lag).await;
    }
    let info = stream.consumer("foghorn").await.unwrap();
    assert_eq!((info.num_ack_pending, info.num_redelivered), (4, 0));
    inside.store.stall(false);
    inside.until_kept(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_looked_at_goes_back_at_the_end() {
    let Some(stream) = JetStream::open().await else { return };
    let first = open(settings(&stream));
    assert_eq!(soon("up", first.poll()).await.expect("polled"), Polled::Up);
    // Somebody waits for records, and goes away before they come.
    while let Ok(told) = tokio::time::timeout(Duration::from_millis(200), first.poll()).await {
        assert!(matches!(told, Ok(Polled::Lag(_))), "{told:?}");
    }
    for _ in 0..5 {
        stream.publish(b"x").await;
    }
    soon("they are pulled", async {
        while stream.unsettled().await.taken < 5 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    first.close(Duration::from_secs(5)).await;
    // Its acknowledgement would be waited for half a minute.
    let second = open(settings(&stream));
    let again = tokio::time::timeout(Duration::from_secs(10), async {
        let mut count = 0;
        while count < 5 {
            count += records(&second).await.len();
        }
    });
    again.await.expect("they are handed out again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_the_server_hears_what_was_no_event() {
    let Some(stream) = JetStream::open().await else { return };
    let watching = async_nats::connect(format!("nats://127.0.0.1:{PORT}")).await.unwrap();
    let advisories = format!("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.{}.>", stream.name);
    let mut heard = watching.subscribe(advisories).await.unwrap();
    watching.flush().await.unwrap();
    for payload in [&br#"{"title":"good"}"#[..], b"{", br#"{"title":"good, too"}"#] {
        stream.publish(payload).await;
    }
    let inside = Inside::reading(&format!("[sources.bus]\n{}", stream.source())).await;
    let told = soon("an advisory", heard.next()).await.expect("the server is there");
    let told: serde_json::Value = serde_json::from_slice(&told.payload).unwrap();
    assert_eq!((&told["stream_seq"], &told["consumer"]), (&2.into(), &"foghorn".into()), "{told}");
    inside.until_kept(2).await;
    inside.until("nothing is left", async || stream.unsettled().await.all() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_made_anew_has_new_messages() {
    let Some(stream) = JetStream::open().await else { return };
    let inside = Inside::reading(&format!("[sources.bus]\n{}", stream.source())).await;
    stream.publish(br#"{"title":"old"}"#).await;
    inside.until_kept(1).await;
    stream.context.delete_stream(&stream.name).await.unwrap();
    let subjects = vec![format!("{}.>", stream.name)];
    let config = Config { name: stream.name.clone(), subjects, ..Config::default() };
    stream.context.create_stream(config).await.unwrap();
    stream.publish(br#"{"title":"new"}"#).await;
    inside.until_kept(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_come_along_and_a_consumer_begins_where_it_is_told_to() {
    let Some(stream) = JetStream::open().await else { return };
    stream.publish(b"before").await;
    let source = open(NatsSettings { start: Start::Latest, ..settings(&stream) });
    assert_eq!(soon("up", source.poll()).await.expect("polled"), Polled::Up);
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", "00-x");
    stream.send(&stream.subject("a"), headers, b"after").await;
    let read = records(&source).await;
    assert_eq!(read[0].payload.as_deref(), Some(b"after".as_slice()));
    assert_eq!(read[0].header("Traceparent"), Some("00-x"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waiting_does_not_mend_is_for_the_operator() {
    let Some(stream) = JetStream::open().await else { return };
    let elsewhere = NatsSettings { stream: "NOWHERE-AT-ALL".to_owned(), ..settings(&stream) };
    let why = refusal(&open(elsewhere)).await;
    assert!(why.contains("there is no stream \"NOWHERE-AT-ALL\""), "{why}");

    let found = NatsSettings { declare: false, consumer: "theirs".to_owned(), ..settings(&stream) };
    let why = refusal(&open(found.clone())).await;
    assert!(why.contains("there is no consumer \"theirs\""), "{why}");
    let lax = pull::Config {
        durable_name: Some("theirs".to_owned()),
        ack_policy: AckPolicy::None,
        ..pull::Config::default()
    };
    stream.stream.create_consumer(lax).await.unwrap();
    let why = refusal(&open(found.clone())).await;
    assert!(why.contains("ack policy explicit"), "{why}");
    stream.stream.delete_consumer("theirs").await.unwrap();
    let strict = pull::Config {
        durable_name: Some("theirs".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    stream.stream.create_consumer(strict).await.unwrap();
    stream.publish(b"x").await;
    assert_eq!(records(&open(found)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_refused_is_for_the_operator() {
    let Some(server) = Program::nats(&["--user", "ada", "--pass", "right"]).await else { return };
    let with = |password: &str| NatsSettings {
        servers: vec![format!("nats://127.0.0.1:{}", server.port)],
        username: "ada".to_owned(),
        password: Some(password.into()),
        stream: "S".to_owned(),
        ..NatsSettings::default()
    };
    let why = refusal(&open(with("wrong"))).await;
    assert!(why.starts_with("NATS refuses the source's user, password or token"), "{why}");
    let why = refusal(&open(with("right"))).await;
    assert!(why.contains("there is no stream \"S\""), "{why}");

    let Some(server) = Program::nats(&["--auth", "right"]).await else { return };
    let with = |token: &str| NatsSettings {
        servers: vec![format!("nats://127.0.0.1:{}", server.port)],
        token: Some(token.into()),
        stream: "S".to_owned(),
        ..NatsSettings::default()
    };
    let why = refusal(&open(with("wrong"))).await;
    assert!(why.starts_with("NATS refuses"), "{why}");
    let why = refusal(&open(with("right"))).await;
    assert!(why.contains("there is no stream \"S\""), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_allowed_to_read_is_for_the_operator() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("nats.conf");
    let users = r#"{ user: ada, password: right, permissions: { publish: { deny: "$JS.API.>" } } }"#;
    std::fs::write(&file, format!("authorization {{ users: [{users}] }}\n")).unwrap();
    let Some(server) = Program::nats(&["-c", file.to_str().unwrap()]).await else { return };
    let source = open(NatsSettings {
        servers: vec![format!("nats://127.0.0.1:{}", server.port)],
        username: "ada".to_owned(),
        password: Some("right".into()),
        stream: "S".to_owned(),
        ..NatsSettings::default()
    });
    let why = refusal(&source).await;
    assert!(why.starts_with("not allowed") && why.contains("JS.API"), "{why}");
}

/// Headers that no client library would write.
const STRANGE: [&[u8]; 4] = [
    b"NATS/1.0\r\ntraceparent: \xff\r\n\r\n",
    b"NATS/1.0\r\na name: x\r\n\r\n",
    b"NATS/1.0\r\nno colon\r\n\r\n",
    b"NATS/1.0 503 No Responders\r\n\r\n",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_the_client_cannot_read_stand_in_nobodys_way() {
    let Some(stream) = JetStream::open().await else { return };
    let subjects = [stream.subject("read.>")];
    let source = format!("[sources.bus]\n{}subjects = {subjects:?}\n", stream.source());
    let subject = stream.subject("read.a");
    let mut expected = BTreeSet::new();
    for (number, block) in STRANGE.iter().enumerate() {
        for (title, block) in
            [(format!("good {number}"), &b"NATS/1.0\r\n\r\n"[..]), (format!("odd {number}"), block)]
        {
            let payload = format!(r#"{{"title":"{title}"}}"#);
            nats_raw::publish_under(PORT, &subject, block, payload.as_bytes()).await;
            expected.insert(title);
        }
        // Not ours to read.
        let elsewhere = stream.subject("elsewhere");
        nats_raw::publish_under(PORT, &elsewhere, block, br#"{"title":"elsewhere"}"#).await;
    }
    let inside = Inside::reading(&source).await;
    inside.until_kept(expected.len()).await;
    inside.until_lag(0).await;
    let titles: BTreeSet<_> = inside.incidents().await.into_iter().map(|incident| incident.title).collect();
    assert_eq!(titles, expected);
    assert_eq!(inside.letters().await, []);
}
