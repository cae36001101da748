//! What an outbox kept can be looked at, by programs and in a browser, and does nothing there.

use std::sync::Arc;

use foghorn::channels::outbox::Outbox;
use foghorn::domain::fault::Outcome;
use foghorn::domain::notification::NotificationKind;
use foghorn::http::limits::Limits;
use foghorn::store::memory::MemoryStore;
use serde_json::Value;

use crate::support::http::{Answer, Server};
use crate::support::jobs::{channel, direct, facts, incident, surroundings};

/// An API over an outbox with three messages: two mails and a text.
async fn filled() -> Server {
    let around = surroundings();
    let mail = channel("email", "outbox", "", &around);
    let sms = channel("sms", "outbox", "", &around);
    let page = incident("ada@example.com", facts(NotificationKind::Opened));
    assert!(matches!(mail.send(&page).await, Outcome::Sent(_)));
    assert!(matches!(
        sms.send(&incident("+15550100", facts(NotificationKind::Opened))).await,
        Outcome::Sent(_)
    ));
    let hostile =
        direct("ada@example.com", "<script>alert(1)</script>", "\"></iframe><script>alert(2)</script>");
    assert!(matches!(mail.send(&hostile).await, Outcome::Sent(_)));
    let outbox: Arc<Outbox> = Arc::clone(&around.outbox);
    Server::start_with(Arc::new(MemoryStore::default()), Limits::default(), outbox).await
}

async fn get(server: &Server, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.say(request).await.unwrap_or_else(|| panic!("no answer to {path}"))
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

#[tokio::test]
async fn every_message_is_listed_newest_first_and_shown_whole() {
    let server = filled().await;
    let first = json(&get(&server, "/api/v1/outbox?limit=2").await);
    let seqs = |page: &Value| -> Vec<u64> {
        page["data"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs(&first), [3, 2]);
    assert_eq!(first["data"][1]["type"], "sms");
    assert!(!first.to_string().contains("+15550100"), "recipients are masked: {first}");
    let rest = json(&get(&server, "/api/v1/outbox?limit=2&cursor=2").await);
    assert_eq!((seqs(&rest), &rest["next_cursor"]), (vec![1], &Value::Null));

    let mail = json(&get(&server, "/api/v1/outbox/1").await);
    assert_eq!(mail["subject"], "[Foghorn #1042] CRITICAL checkout-api: 5xx rate above 5%");
    assert!(mail["html"].as_str().unwrap().contains("<h1"), "{mail}");
    assert!(!mail.to_string().contains("ada@example.com"), "recipients are masked");
    assert_eq!(get(&server, "/api/v1/outbox/99").await.status, 404);
}

#[tokio::test]
async fn a_page_shows_a_message_and_runs_nothing_of_it() {
    let server = filled().await;
    let list = get(&server, "/outbox").await;
    assert_eq!(list.status, 200);
    assert!(list.body.contains("5xx rate above 5%") && list.body.contains("href=\"/outbox/1\""));
    let policy = list.headers.iter().find(|(name, _)| name == "content-security-policy");
    assert!(policy.is_some_and(|(_, policy)| policy.starts_with("default-src 'none'")));

    let mail = get(&server, "/outbox/1").await;
    assert!(mail.body.contains("<iframe sandbox ") && mail.body.contains("12.4% of requests failed"));
    let hostile = get(&server, "/outbox/3").await;
    for body in [&list.body, &hostile.body] {
        assert!(!body.contains("<script"), "{body}");
    }
    assert_eq!(hostile.body.matches("</iframe>").count(), 1, "the frame is closed by us alone");
    assert_eq!(get(&server, "/outbox/99").await.status, 404);
}
