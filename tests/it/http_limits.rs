//! The bounds of the HTTP server (S12), each reached on a real socket; and what every error looks like.

use std::sync::Arc;
use std::time::Duration;

use foghorn::http::Stage;
use foghorn::http::limits::Limits;
use foghorn::telemetry::health::Condition;

use crate::support::absent_store::AbsentStore;
use crate::support::http::{PATIENCE, Server};

const SHORT: Duration = Duration::from_millis(200);

async fn server(limits: Limits) -> Server {
    Server::start(Arc::new(AbsentStore), limits).await
}

fn post(body: &str) -> String {
    format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_let_go() {
    let server = server(Limits { header_time: SHORT, ..Limits::default() }).await;
    for said in ["", "GET /livez HT", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let mut client = server.connect().await;
        client.say(said).await;
        client.assert_closed().await;
    }
    server.assert_well("half a header").await;
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_while_and_then_let_go() {
    let server = server(Limits { header_time: SHORT, ..Limits::default() }).await;
    let mut client = server.connect().await;
    for _ in 0..2 {
        client.say("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(client.hear().await.map(|answer| answer.status), Some(200));
    }
    client.assert_closed().await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let server = server(Limits { body_time: SHORT, ..Limits::default() }).await;
    let mut client = server.connect().await;
    client
        .say("POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        .await;
    let answer = client.hear().await.expect("it is told");
    assert_eq!(answer.status, 408);
    assert_eq!(answer.problem()["code"], "FH0705");
    client.assert_closed().await;
    server.assert_well("half a body").await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413_and_says_the_limit() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let server = server(limits).await;
    let announced = post(&"x".repeat(1001));
    let chunk = format!("3E8\r\n{}\r\n", "x".repeat(1000));
    let in_chunks = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
    );
    let waiting = "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
        Content-Length: 104857600\r\nExpect: 100-continue\r\n\r\n";
    for request in [announced.as_str(), &in_chunks, waiting] {
        let answer = server.say(request).await.expect("it is told");
        assert_eq!(answer.status, 413);
        let problem = answer.problem();
        assert_eq!(problem["code"], "FH0703");
        assert_eq!(problem["detail"], "a body may have 1000 bytes");
    }
    let just_fits = server.say(post(&"1".repeat(1000))).await.expect("it is told");
    assert_eq!(just_fits.problem()["code"], "FH0713", "it was read, and there is no intake");
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let server = server(Limits { bodies_bytes: 10, ..Limits::default() }).await;
    let answer = server.say(post("{\"title\":\"longer than ten\"}")).await.expect("it is told");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.problem()["detail"], "too many requests are being read at once");
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_a_place_is_given_back() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let server = server(limits).await;
    let get = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        client.say(get).await;
        assert_eq!(client.hear().await.map(|answer| answer.status), Some(200));
        held.push(client);
    }
    let mut third = server.connect().await;
    let answer = third.hear().await.expect("it is told without asking");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    third.assert_closed().await;

    let mut leaver = held.pop().expect("there are two");
    leaver.say("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert_eq!(leaver.hear().await.map(|answer| answer.status), Some(200));
    leaver.assert_closed().await;
    // The end of a connection is seen a moment later by the one who counts.
    let served = async { while server.say(get).await.map(|answer| answer.status) != Some(200) {} };
    tokio::time::timeout(PATIENCE, served).await.expect("the place is given back");
}

#[tokio::test]
async fn every_error_is_a_problem_with_the_id_of_its_request() {
    let server = server(Limits::default()).await;
    let table = [
        ("GET /nothing/here", "", 404, "FH0707"),
        ("GET /api/v1/incidents/x", "", 404, "FH0707"),
        ("GET /api/v1/deliveries/evt_1", "", 404, "FH0707"),
        ("GET /docs/errors/FH9999", "", 404, "FH0707"),
        ("DELETE /api/v1/deliveries/1", "", 405, "FH0708"),
        ("POST /api/v1/events", "Content-Type: text/plain\r\n", 415, "FH0704"),
        ("GET /api/v1/incidents?statsu=open", "", 400, "FH0706"),
        ("GET /api/v1/incidents?limit=0", "", 400, "FH0706"),
        ("GET /api/v1/incidents?cursor=x", "", 400, "FH0706"),
        ("GET /api/v1/deliveries?state=gone", "", 400, "FH0706"),
        ("GET /api/v1/dead-letters?kind=event&channel=email", "", 400, "FH0706"),
        ("GET /readyz?verbos", "", 400, "FH0706"),
        ("GET /api/v1/incidents", "", 503, "FH0713"),
        ("GET /metrics", "", 500, "FH0799"),
    ];
    for (line, headers, status, code) in table {
        let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine-1\r\n{headers}\r\n");
        let answer = server.say(request).await.unwrap_or_else(|| panic!("no answer to {line}"));
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.problem()["code"], code, "{line}");
        assert_eq!(answer.header("x-request-id"), Some("mine-1"), "{line}");
        assert!(!answer.body.contains("hunter2"), "what the store says stays in the log");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{line}");
    }
    let answer = server.say("PUT /api/v1/events/replay HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(answer.and_then(|answer| answer.header("allow").map(str::to_owned)).as_deref(), Some("POST"));
}

#[tokio::test]
async fn events_are_not_kept_waiting_for_a_store_that_is_away() {
    let server = server(Limits::default()).await;
    server.health.store(Condition::Down("connection refused".to_owned()));
    let answer = server.say(post("{\"title\":\"x\"}")).await.expect("it is told");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.problem()["detail"], "the store is away");
}

#[tokio::test]
async fn the_type_of_a_problem_is_a_page() {
    let server = server(Limits::default()).await;
    let answer = server.say("GET /docs/errors/FH0703 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = answer.expect("it is there");
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("FH0703  The request is too large\n"), "{}", answer.body);
}

#[tokio::test]
async fn readiness_follows_the_store_and_says_why_only_here() {
    let server = server(Limits::default()).await;
    let answer =
        server.say("GET /readyz?verbose HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n").await.expect("it answers");
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.starts_with("[+] config ok (a81f3c)\n[+] phase running\n[-] store down: "),
        "{}",
        answer.body
    );
    assert!(answer.body.ends_with("readyz check failed\n"));
    let answer = server.say("GET /healthz HTTP/1.1\r\nHost: foghorn\r\n\r\n").await.expect("it answers");
    assert_eq!((answer.status, answer.body.as_str()), (503, "readyz check failed\n"));
    let answer = server.say("GET /startupz HTTP/1.0\r\n\r\n").await.expect("it answers");
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_server_that_drains_says_so_and_one_that_stopped_is_gone() {
    let server = server(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.say("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(idle.hear().await.map(|answer| answer.status), Some(200));

    server.stage.send_replace(Stage::Draining);
    let answer = server.say(post("{\"title\":\"late\"}")).await.expect("it is told");
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert_eq!(answer.problem()["detail"], "shutting down");
    server.assert_well("the drain began").await;

    server.stage.send_replace(Stage::Stopped);
    idle.assert_closed().await;
    server.done.await.expect("the server ends");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}
