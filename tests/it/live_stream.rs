//! `GET /api/v1/stream`: what is committed is told, in order, to whoever reads, and nobody who does
//! not read holds anybody up.

use std::time::Duration;

use foghorn::domain::Timestamp;
use foghorn::feed::{EventFact, EventResult, Fact};
use foghorn::http::Stage;
use foghorn::http::limits::Limits;
use foghorn::store::memory::MemoryStore;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{interval, timeout};

use crate::support::events::EventReader;
use crate::support::http::Server;
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn follow(home: &Home, query: &str) -> EventReader {
    EventReader::open(client().get(home.url(&format!("/api/v1/stream{query}")))).await
}

async fn server(limits: Limits) -> Server {
    Server::start(std::sync::Arc::new(MemoryStore::default()), limits).await
}

fn stream_of(server: &Server, query: &str) -> String {
    format!("http://{}/api/v1/stream{query}", server.address)
}

/// Something that happened, with this title.
fn fact(title: &str) -> Fact {
    let bare = EventFact::bare(Timestamp::UNIX_EPOCH, EventResult::Accepted, &"api".into());
    Fact::Event(EventFact { title: Some(title.to_owned()), ..bare })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_told_with_all_that_came_of_it_in_order() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let life = home.start().await;
    let mut all = follow(&home, "").await;
    let mut only = follow(&home, "?topics=deliveries&filter=channel:email%20state:sent").await;
    home.submit("disk").await;

    let names = ["event.accepted", "incident.opened", "delivery.sending", "delivery.sent"];
    let mut told = Vec::new();
    for name in names {
        let message = all.next().await.unwrap();
        assert_eq!(message.event, name, "{message:?}");
        told.push(message);
    }
    assert!(told.is_sorted_by(|a, b| a.id < b.id), "{told:?}");
    let [event, incident, _, sent] = &told[..] else { panic!("four") };
    assert_eq!(event.data["dedup_key"], "disk");
    assert_eq!((&incident.data["number"], &incident.data["policy"]), (&Value::from(1), &Value::from("mail")));
    assert_eq!((&sent.data["channel"], &sent.data["to"]), (&"email".into(), &"a***@example.com".into()));
    assert_eq!((&sent.data["incident_number"], &sent.data["outcome"]), (&1.into(), &"sent".into()));
    assert!(sent.data["took_ms"].is_u64(), "{sent:?}");
    assert_eq!(only.next().await.unwrap(), *sent);

    home.submit("disk").await;
    assert_eq!(all.next().await.unwrap().event, "event.duplicate");
    let metrics = client().get(home.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("\nfoghorn_sse_clients 2\n"), "{metrics}");
    drop(life);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_hears_what_was_missed_and_after_a_restart_that_something_was() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let life = home.start().await;
    let mut reader = follow(&home, "?topics=incidents").await;
    home.submit("one").await;
    let one = reader.next().await.unwrap();
    drop(reader);
    home.submit("two").await;

    let id = one.id.unwrap();
    let again = client().get(home.url("/api/v1/stream?topics=incidents")).header("Last-Event-ID", id);
    let two = EventReader::open(again).await.next().await.unwrap();
    assert_eq!((two.event.as_str(), &two.data["title"]), ("incident.opened", &"two".into()));
    let by_query =
        follow(&home, &format!("?topics=incidents&last_event_id={id}")).await.next().await.unwrap();
    assert_eq!(by_query, two);

    life.kill().await;
    let _second = home.start().await;
    let mut reader = follow(&home, &format!("?topics=incidents&last_event_id={}", two.id.unwrap())).await;
    let reset = reader.next().await.unwrap();
    assert_eq!(reset.event, "reset");
    home.submit("three").await;
    let three = reader.next().await.unwrap();
    assert_eq!(three.data["title"], "three");
    assert!(three.id > reset.id && reset.id > two.id, "ids grow over a restart");
}

#[tokio::test]
async fn a_silent_stream_says_that_it_lives_and_how_far_it_is() {
    let limits = Limits { heartbeat_time: Duration::from_millis(50), ..Limits::default() };
    let server = server(limits).await;
    let mut reader = EventReader::open(client().get(stream_of(&server, "?filter=severity:low"))).await;
    let greeting = reader.any().await.unwrap();
    assert!(greeting.raw.starts_with("retry: 3000\nid: "), "{greeting:?}");
    let ping = reader.any().await.unwrap();
    assert_eq!(ping.raw, format!(": ping\nid: {}", greeting.id.unwrap()));
    // What is passed over counts as heard.
    server.feed.tell(|| vec![fact("unwanted")]);
    while reader.any().await.unwrap().id <= greeting.id {}
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_nobody_and_is_ended() {
    let limits = Limits { stall_time: Duration::from_millis(300), streams: 1, ..Limits::default() };
    let server = server(limits).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut deaf: TcpStream = socket.connect(server.address).await.unwrap();
    deaf.write_all(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    deaf.read_u8().await.unwrap();
    let refused = client().get(stream_of(&server, "")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);

    // More than sockets hold: 64 MiB, told without waiting for anybody.
    let title = "x".repeat(64 << 10);
    for _ in 0..1_000 {
        server.feed.tell(|| vec![fact(&title)]);
        tokio::task::yield_now().await;
    }
    let freed = async {
        let mut tick = interval(Duration::from_millis(20));
        while client().get(stream_of(&server, "")).send().await.unwrap().status() != StatusCode::OK {
            tick.tick().await;
        }
    };
    timeout(Duration::from_secs(30), freed).await.expect("its place is free");
}

#[tokio::test]
async fn a_stream_is_served_while_the_server_drains_and_ends_when_it_stops() {
    let server = server(Limits { drain_time: Duration::from_secs(60), ..Limits::default() }).await;
    let mut reader = EventReader::open(client().get(stream_of(&server, ""))).await;
    server.stage.send_replace(Stage::Draining);
    server.feed.tell(|| vec![fact("the last one")]);
    assert_eq!(reader.next().await.unwrap().data["title"], "the last one");
    server.stage.send_replace(Stage::Stopped);
    assert_eq!(reader.next().await, None);
    timeout(Duration::from_secs(10), server.done).await.expect("no stream holds it up").unwrap();
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_what_can() {
    let server = server(Limits::default()).await;
    for (query, told) in [
        ("?topics=incident", "is none of events, incidents, deliveries"),
        ("?filter=severty:high", "Did you mean \"severity\"?"),
        ("?filter=state:gone", "retrying"),
        ("?last_event_id=x", "is not an id that the stream gave out"),
        ("?topic=events", "did you mean \"topics\"?"),
    ] {
        let answer = client().get(stream_of(&server, query)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(told), "{query}: {problem}");
    }
}
