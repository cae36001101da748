//! The codes of the HTTP API: each from a request on a real socket, with its status and its page.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use foghorn::catalogue::{Code, Effect, Origin};
use foghorn::config::{AuthMode, RateLimit};
use foghorn::domain::Timestamp;
use foghorn::domain::delivery::Lease;
use foghorn::domain::idempotency::{Claim, Key, KeyChange};
use foghorn::domain::ids::SessionId;
use foghorn::domain::session::{Grounds, Session, SessionChange};
use foghorn::domain::token::{ConfiguredToken, Scope};
use foghorn::http::digest;
use foghorn::http::limits::Limits;
use foghorn::store::Store;
use foghorn::store::batch::{AccessChange, Batch};
use foghorn::store::memory::MemoryStore;

use super::codes_of;
use crate::support::absent_store::AbsentStore;
use crate::support::http::{Answer, Server};
use crate::support::whole::Whole;

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
        Code::NotTheSender => post("/hooks/locked", JSON, "{}"),
        Code::NotFound => get("/nothing/here"),
        Code::LinkUnknown => get("/i/1-ada-zzzz-aaaaaaaaaaaaaaaa"),
        Code::Method => get(events).replacen("GET", "PUT", 1),
        Code::CrossOrigin => post(events, &format!("{JSON}Origin: https://evil.example\r\n"), "{}"),
        Code::ForeignHost => get("/").replace("localhost", "evil.example"),
        Code::BadRequest => get("/").replace("Host: localhost\r\n", "Host: localhost\r\nHost: localhost\r\n"),
        Code::InvalidBody => post("/api/v1/dead-letters/retry", JSON, "{}"),
        Code::OwnedByFile => get("/api/v1/users/owned").replacen("GET", "DELETE", 1),
        Code::Outdated => get("/api/v1/users/other").replacen("GET", "DELETE", 1),
        Code::AlreadyThere => post("/api/v1/users", JSON, r#"{"name":"there","document":{}}"#),
        Code::TemplateUnfit => {
            post("/api/v1/templates/incident/render", JSON, r#"{"variables":{"labels":5}}"#)
        }
        Code::ChangeRefused => post("/api/v1/users", JSON, r#"{"name":"bad","document":{}}"#),
        // The store of this server is away, and nobody installed what /metrics needs.
        Code::Unavailable => get("/api/v1/incidents"),
        Code::Internal => get("/metrics"),
        _ => return None,
    })
}

/// A server that asks for tokens, and lets each in once.
async fn locked() -> Server {
    let once = NonZeroU32::new(1).unwrap();
    let limits = Limits { rate: Some(RateLimit { per_second: once, burst: once }), ..Limits::default() };
    let token = |name: &str, scope: Scope| ConfiguredToken {
        name: name.to_owned(),
        digest: digest(&format!("fh_{name}")),
        scopes: [scope].into_iter().collect(),
    };
    let tokens = vec![token("reader", Scope::Read), token("writer", Scope::EventsWrite)];
    let store = MemoryStore::default();
    let now = Timestamp::UNIX_EPOCH;
    let mut batch = Batch::empty(store.lease(&"test".into(), now).await.unwrap(), now, Default::default());
    batch.access.push(AccessChange::Session(SessionChange::Began(Session {
        id: SessionId::new(now, 1),
        digest: digest("signed-in"),
        who: "writer".to_owned(),
        grounds: Grounds::Configured("writer".to_owned(), tokens[1].digest),
        scopes: tokens[1].scopes,
        created_at: now,
        expires_at: Timestamp::MAX,
    })));
    store.commit(&batch).await.unwrap();
    Server::guarded(Arc::new(store), limits, AuthMode::Token, tokens, Arc::default()).await
}

/// A Foghorn that knows two keys: one is in use, and one was used for something else.
async fn busy() -> Whole {
    let whole = Whole::over(Arc::new(MemoryStore::default())).await;
    let now = whole.universe.clock.now();
    let claim = |key: &str, fingerprint: String| Claim {
        key: Key { caller: "ip:127.0.0.1".to_owned(), key: key.to_owned() },
        by: "somebody".to_owned(),
        fingerprint,
        at: now,
        expires_at: now + Duration::from_secs(60),
        stale_before: now - Duration::from_secs(60),
    };
    let asked = digest("POST /api/v1/events\n{}");
    let asked = asked.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let claims = [claim("runs", asked), claim("reused", "another".to_owned())];
    let changes = claims.map(|claim| AccessChange::Key(KeyChange::Claimed(claim)));
    let lease = Lease { node: "test".into(), epoch: 1 };
    let mut batch = Batch::empty(lease, now, Default::default());
    batch.access = changes.to_vec();
    whole.store().commit(&batch).await.unwrap();
    whole
}

/// The answer that has this code.
async fn answered(code: Code, servers: &(Server, Server, Whole)) -> Answer {
    let (absent, locked, busy) = servers;
    let with = |header: &str| get("/api/v1/routes").replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
    let answer = match code {
        Code::NoToken => locked.say(with("Authorization: Bearer fh_nobody")).await,
        Code::SignInRefused => locked.say(get("/auth/oidc/callback?code=c&state=s")).await,
        Code::ProviderAway => locked.say(get("/auth/oidc/login")).await,
        Code::NotOwnPage => {
            locked.say(post("/api/v1/silences", "Cookie: __Host-foghorn=signed-in\r\n", "{}")).await
        }
        Code::ScopeMissing => locked.say(with("Authorization: Bearer fh_writer")).await,
        Code::TooOften => {
            locked.say(with("Authorization: Bearer fh_reader")).await;
            locked.say(with("Authorization: Bearer fh_reader")).await
        }
        Code::KeyRuns => busy.post(&format!("{JSON}Idempotency-Key: runs\r\n"), b"{}").await,
        Code::KeyReused => busy.post(&format!("{JSON}Idempotency-Key: reused\r\n"), b"{}").await,
        Code::ActionRefused => {
            busy.accepted("an incident", br#"{"title":"disk full"}"#).await;
            let act =
                async |what: &str| busy.ask("POST", &format!("/api/v1/incidents/1/{what}"), JSON, "{}").await;
            assert_eq!(act("resolve").await.status, 200);
            Some(act("acknowledge").await)
        }
        _ => absent.say(trigger(code).unwrap_or_else(|| panic!("nothing triggers {code}"))).await,
    };
    answer.unwrap_or_else(|| panic!("no answer that is {code}"))
}

#[tokio::test]
async fn every_code_of_the_api_is_triggered_and_its_type_is_a_page() {
    let limits = Limits { body_time: Duration::from_millis(200), ..Limits::default() };
    let servers = (Server::start(Arc::new(AbsentStore), limits).await, locked().await, busy().await);
    let server = &servers.0;
    for code in codes_of(Origin::Request) {
        let answer = answered(code, &servers).await;
        let problem = answer.problem();
        assert_eq!(problem["code"], code.as_str(), "{problem}");
        assert_eq!(code.effect(), Effect::Answers(answer.status), "{problem}");
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
