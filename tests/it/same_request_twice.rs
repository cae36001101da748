//! A request with an `Idempotency-Key` is done once, however often and by how many it is sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use foghorn::store::memory::MemoryStore;
use futures::future::join_all;
use serde_json::Value;

use crate::support::http::Answer;
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;
use crate::support::whole::{JSON, Whole};

const EVENTS: &str = "/api/v1/events";

async fn whole() -> Whole {
    Whole::over(Arc::new(MemoryStore::default())).await
}

fn keyed(key: &str) -> String {
    format!("{JSON}Idempotency-Key: {key}\r\n")
}

/// An event that is another one each time it is taken in.
fn event(title: &str) -> String {
    serde_json::json!({ "title": title, "severity": "low" }).to_string()
}

fn id(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["events"][0]["event_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_are_one() {
    let whole = whole().await;
    let (headers, body) = (keyed("fifty"), event("once"));
    let posts = (0..50).map(|_| whole.ask("POST", EVENTS, &headers, &body));
    let answers = join_all(posts).await;
    for answer in &answers {
        assert!([202, 409].contains(&answer.status), "{answer:?}");
        assert!(answer.status == 202 || answer.header("retry-after") == Some("1"), "{answer:?}");
    }
    let first = answers.iter().filter(|answer| answer.status == 202);
    let done = first.filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!(done, 1, "one did it");
    let last = whole.ask("POST", EVENTS, &headers, &body).await;
    assert_eq!((last.status, last.header("idempotency-replayed")), (202, Some("true")));
    let ids: BTreeSet<String> =
        answers.iter().filter(|answer| answer.status == 202).map(id).chain([id(&last)]).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(whole.incidents().await.len(), 1);
    // It counts: without a key, the same is another event.
    assert!(!ids.contains(&id(&whole.ask("POST", EVENTS, JSON, &body).await)));
    whole.end().await;
}

#[tokio::test]
async fn the_first_answer_is_given_again_an_error_too() {
    let whole = whole().await;
    let refused = whole.ask("POST", EVENTS, &keyed("bad"), "{\"titel\":1}").await;
    let again = whole.ask("POST", EVENTS, &keyed("bad"), "{\"titel\":1}").await;
    assert_eq!((refused.status, again.status), (422, 422));
    assert_eq!(refused.body, again.body, "with the id of the request that was refused");
    assert_eq!(again.header("content-type"), Some("application/problem+json"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(refused.header("idempotency-replayed"), None);
    whole.end().await;
}

#[tokio::test]
async fn another_request_with_the_key_is_refused() {
    let whole = whole().await;
    assert_eq!(whole.ask("POST", EVENTS, &keyed("k"), &event("a")).await.status, 202);
    let others =
        [(EVENTS, event("b")), ("/api/v1/events?x=1", event("a")), ("/api/v1/routes/test", event("a"))];
    for (path, body) in others {
        let answer = whole.ask("POST", path, &keyed("k"), &body).await;
        assert_eq!(answer.problem()["code"], "FH0718", "{path}");
    }
    assert_eq!(whole.incidents().await.len(), 1);
    whole.end().await;
}

#[tokio::test]
async fn a_failure_of_ours_may_be_tried_again() {
    let whole = whole().await;
    whole.universe.health.enter(foghorn::telemetry::health::Phase::Draining);
    assert_eq!(whole.ask("POST", EVENTS, &keyed("later"), &event("a")).await.status, 503);
    whole.universe.health.enter(foghorn::telemetry::health::Phase::Running);
    let done = whole.ask("POST", EVENTS, &keyed("later"), &event("a")).await;
    assert_eq!((done.status, done.header("idempotency-replayed")), (202, None));
    whole.end().await;
}

#[tokio::test]
async fn a_key_that_is_none_and_a_secret_that_is_told_once() {
    let whole = whole().await;
    let long = "x".repeat(256);
    for bad in [long.as_str(), "", "é"] {
        let answer = whole.ask("POST", EVENTS, &keyed(bad), &event("a")).await;
        assert_eq!(answer.problem()["code"], "FH0711", "{bad:?}");
    }
    let two = format!("{}Idempotency-Key: b\r\n", keyed("a"));
    assert_eq!(whole.ask("POST", EVENTS, &two, &event("a")).await.status, 400);
    assert_eq!(whole.ask("POST", EVENTS, &keyed(&long[1..]), &event("a")).await.status, 202);
    let token = "{\"name\":\"ci\",\"scopes\":[\"read\"]}";
    assert_eq!(whole.ask("POST", "/api/v1/tokens", &keyed("t"), token).await.status, 400);
    let made = whole.ask("POST", "/api/v1/tokens", JSON, token).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.header("location").unwrap().starts_with("/api/v1/tokens/tok_"));
    let listed = whole.ask("GET", "/api/v1/tokens", "", "").await;
    assert!(!listed.body.contains("fh_") && !listed.body.contains("secret"), "{listed:?}");
    whole.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_outlives_the_process() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let posted = async || {
        let request = home.http().post(home.url(EVENTS)).header("Idempotency-Key", "over a restart");
        let answer =
            request.json(&serde_json::json!({ "title": "once", "severity": "low" })).send().await.unwrap();
        let replayed = answer.headers().contains_key("idempotency-replayed");
        (answer.status().as_u16(), replayed, answer.text().await.unwrap())
    };
    let (status, replayed, first) = posted().await;
    assert_eq!((status, replayed), (202, false), "{first}");
    life.kill().await;
    let life = home.start().await;
    assert_eq!(posted().await, (202, true, first));
    assert_eq!(home.list("/api/v1/incidents?").await.len(), 1);
    life.kill().await;
}
