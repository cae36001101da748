//! The codes of the HTTP API: each from a request on a real socket, with its status and its page.

use std::sync::Arc;
use std::time::Duration;

use foghorn::catalogue::{Code, Effect, Origin};
use foghorn::http::limits::Limits;

use super::codes_of;
use crate::support::absent_store::AbsentStore;
use crate::support::http::Server;

const JSON: &str = "Content-Type: application/json\r\n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// The request that is refused so; `None` if nobody knows one.
fn trigger(code: Code) -> Option<String> {
    let events = "/api/v1/events";
    Some(match code {
        Code::ReloadRefused => post("/api/v1/admin/reload", JSON, "{}"),
        Code::NotJson => post(events, JSON, "[{"),
        Code::InvalidEvent => post(events, JSON, "[]"),
        Code::TooLarge => post(events, JSON, &format!("[1{}]", ",1".repeat(501))),
        Code::ContentType => post(events, "Content-Type: text/plain\r\n", "x"),
        Code::TooSlow => post(events, JSON, "{}").replace("Content-Length: 2", "Content-Length: 3"),
        Code::Query => get("/api/v1/incidents?limit=0"),
        Code::Unsigned => post("/callbacks/sms", JSON, "{}"),
        Code::NotFound => get("/nothing/here"),
        Code::Method => get(events).replacen("GET", "PUT", 1),
        Code::CrossOrigin => post(events, &format!("{JSON}Origin: https://evil.example\r\n"), "{}"),
        Code::ForeignHost => get("/").replace("localhost", "evil.example"),
        Code::BadRequest => get("/").replace("Host: localhost\r\n", "Host: localhost\r\nHost: localhost\r\n"),
        Code::InvalidBody => post("/api/v1/dead-letters/retry", JSON, "{}"),
        // The store of this server is away, and nobody installed what /metrics needs.
        Code::Unavailable => get("/api/v1/incidents"),
        Code::Internal => get("/metrics"),
        _ => return None,
    })
}

#[tokio::test]
async fn every_code_of_the_api_is_triggered_and_its_type_is_a_page() {
    let limits = Limits { body_time: Duration::from_millis(200), ..Limits::default() };
    let server = Server::start(Arc::new(AbsentStore), limits).await;
    for code in codes_of(Origin::Request) {
        let request = trigger(code).unwrap_or_else(|| panic!("nothing triggers {code}"));
        let answer = server.say(&request).await.unwrap_or_else(|| panic!("no answer to {request}"));
        let problem = answer.problem();
        assert_eq!(problem["code"], code.as_str(), "{request}: {problem}");
        assert_eq!(code.effect(), Effect::Answers(answer.status), "{request}: {problem}");
        assert_eq!(problem["title"], code.title());

        let page = problem["type"].as_str().and_then(|url| url.strip_prefix("https://fog.example"));
        let page = server.say(get(page.expect("a page of this server"))).await.expect("it is there");
        assert_eq!((page.status, page.body), (200, code.page()));
        assert_eq!(page.headers.iter().filter(|(_, value)| value.starts_with("text/plain")).count(), 1);
    }
}

#[tokio::test]
async fn the_pages_have_a_list_and_know_every_code_in_any_spelling() {
    let server = Server::start(Arc::new(AbsentStore), Limits::default()).await;
    let list = server.say(get("/docs/errors")).await.expect("it is there");
    assert_eq!((list.status, list.body), (200, Code::list()));
    for code in Code::all() {
        let path = format!("/docs/errors/{}", code.as_str().to_lowercase());
        let page = server.say(get(&path)).await.expect("it is there");
        assert_eq!((page.status, page.body), (200, code.page()));
    }
    let page = server.say(get("/docs/errors/FH9999")).await.expect("it is told");
    assert_eq!(page.problem()["code"], Code::NotFound.as_str());
}
