//! What the API shows of a store, and how the command line's exit codes follow from it.

use std::sync::Arc;

use clap::Parser;
use foghorn::cli::client::run;
use foghorn::cli::{Cli, Command, Exit};
use foghorn::domain::Timestamp;
use foghorn::domain::acceptance::{Accept, IncidentRules};
use foghorn::domain::dedup::Keyspace;
use foghorn::domain::delivery::{DeadReason, Target};
use foghorn::domain::event::{Body, Event, EventStatus, IncidentEvent, Position};
use foghorn::domain::ids::{DeadLetterId, DeliveryId, EventId};
use foghorn::domain::malformed::Malformation;
use foghorn::domain::routes::{Plan, PlannedDelivery, StepPlan};
use foghorn::domain::severity::Severity;
use foghorn::http::limits::Limits;
use foghorn::store::Store;
use foghorn::store::batch::{Attempted, Batch, Lesson, Next, Quarantined};
use foghorn::store::memory::MemoryStore;
use serde_json::Value;

use crate::support::http::{Answer, Server};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn accept(key: &str, number: u128) -> Accept {
    let id = EventId::new(at(1_000), number);
    let body = IncidentEvent {
        title: format!("{key} is wrong"),
        severity: Severity::Critical,
        status: EventStatus::Open,
        service: Some("checkout".to_owned()),
        dedup_key: key.to_owned(),
        keyspace: Keyspace::Shared,
        description: None,
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        links: Vec::new(),
        occurred_at: None,
        expires_at: None,
    };
    let target =
        Target { recipient: "ada".into(), channel: "email".into(), address: "ada@example.com".into() };
    let planned = PlannedDelivery { target, due_at: at(1_000), expires_at: at(90_000), bundle: None };
    Accept {
        event: Arc::new(Event {
            came_back: 0,
            id,
            source: "api".into(),
            position: Position::Request(id),
            producer_id: None,
            traceparent: None,
            received_at: at(1_000),
            body: Body::Incident(body),
            raw: b"{}".as_slice().into(),
        }),
        plan: Arc::new(Plan::Routed {
            group: None,
            route: "all".into(),
            step: StepPlan {
                policy: "page".into(),
                position: Default::default(),
                deliveries: vec![planned],
                withheld: Vec::new(),
                silenced_until: None,
            },
        }),
    }
}

/// Three incidents, each with a delivery, of which the first is dead; and one record in quarantine.
async fn three_incidents() -> (Server, DeliveryId, DeadLetterId) {
    let store = MemoryStore::default();
    let lease = store.lease(&"here".into(), at(1_000)).await.expect("a lease");
    let mut batch = Batch::empty(lease, at(1_000), IncidentRules::default());
    batch.accepts = vec![accept("db", 1), accept("disk", 2), accept("dns", 3)];
    batch.grants.insert("email".into(), 1);
    let letter = DeadLetterId::new(at(1_000), 1);
    batch.quarantined.push(Quarantined {
        came_back: 0,
        id: letter,
        source: "kafka".into(),
        position: Position::Request(EventId::new(at(1_000), 9)),
        reason: Malformation::Parse,
        detail: "not readable as JSON".to_owned(),
        raw: b"\x1b[2Jnot json".as_slice().into(),
    });
    let started = store.commit(&batch).await.expect("it is kept").started;
    let [job] = started.as_slice() else { panic!("one place, one job: {started:?}") };

    let mut batch = Batch::empty(batch.lease, at(1_001), IncidentRules::default());
    batch.attempted.push(Attempted {
        id: job.id,
        attempt: 1,
        at: at(1_001),
        took_ms: 120,
        outcome: "permanent",
        code: "550".to_owned(),
        detail: "no such user".to_owned(),
        provider_id: None,
        next: Next::Dead(DeadReason::Rejected),
        moved_to: None,
        lesson: Lesson::Nothing,
        about: None,
    });
    store.commit(&batch).await.expect("it is kept");
    (Server::start(Arc::new(store), Limits::default()).await, job.id, letter)
}

async fn get(server: &Server, path: &str) -> (Answer, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = server.say(request).await.unwrap_or_else(|| panic!("no answer to {path}"));
    let body = serde_json::from_str(&answer.body).expect("it is JSON");
    (answer, body)
}

#[tokio::test]
async fn a_list_is_read_to_its_end_by_following_its_links() {
    let (server, ..) = three_incidents().await;
    let mut path = "/api/v1/incidents?status=open&limit=2".to_owned();
    let mut numbers = Vec::new();
    loop {
        let (answer, body) = get(&server, &path).await;
        assert_eq!(answer.status, 200);
        let data = body["data"].as_array().expect("a list");
        numbers.extend(data.iter().map(|incident| incident["number"].as_u64().expect("a number")));
        let Some(link) = answer.header("link") else {
            assert_eq!(body["next_cursor"], Value::Null);
            break;
        };
        path = link.split(['<', '>']).nth(1).expect("a path in the link").to_owned();
    }
    assert_eq!(numbers, [3, 2, 1]);
    let (_, none) = get(&server, "/api/v1/incidents?status=resolved").await;
    assert_eq!(none["data"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn an_incident_has_its_facts_and_its_history() {
    let (server, ..) = three_incidents().await;
    let (_, incident) = get(&server, "/api/v1/incidents/1").await;
    assert_eq!(incident["title"], "db is wrong");
    assert_eq!(incident["severity"], "critical");
    assert_eq!(incident["labels"]["env"], "prod");
    assert_eq!(incident["deliveries"]["dead"], 1);
    let (_, timeline) = get(&server, "/api/v1/incidents/1/timeline").await;
    assert_eq!(timeline["data"][0]["kind"], "opened");
    let (answer, problem) = get(&server, "/api/v1/incidents/4/timeline").await;
    assert_eq!((answer.status, problem["code"].as_str()), (404, Some("FH0707")));
}

/// The links of every message lead here.
#[tokio::test]
async fn an_incident_has_a_page_for_people() {
    let (server, ..) = three_incidents().await;
    let said = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n");
        let server = &server;
        async move { server.say(request).await.expect("an answer") }
    };
    let page = said("/incidents/1").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for part in ["db is wrong", "CRITICAL, open, checkout", "a***@example.com", "opened", "dead (rejected)"] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(!page.body.contains("ada@example.com"), "recipients are masked");
    assert_eq!(said("/incidents/4").await.status, 404);
}

#[tokio::test]
async fn a_delivery_has_every_attempt_and_no_address() {
    let (server, dead, _) = three_incidents().await;
    let (_, list) = get(&server, "/api/v1/deliveries?state=dead&channel=email&incident=1").await;
    assert_eq!(list["data"][0]["id"], dead.to_string());
    assert_eq!(list["data"][0]["attempt_count"], 1);
    for path in [format!("/api/v1/deliveries/{dead}"), format!("/api/v1/dead-letters/{dead}")] {
        let (answer, delivery) = get(&server, &path).await;
        assert_eq!(delivery["state"], "dead");
        assert_eq!(delivery["attempts"][0]["code"], "550");
        assert!(!answer.body.contains("ada@example.com"), "{}", answer.body);
    }
    let (_, waiting) = get(&server, "/api/v1/deliveries?state=pending").await;
    let waiting = waiting["data"][0]["id"].as_str().expect("two wait").to_owned();
    let (answer, _) = get(&server, &format!("/api/v1/dead-letters/{waiting}")).await;
    assert_eq!(answer.status, 404, "it is not dead");
}

#[tokio::test]
async fn dead_letters_are_deliveries_or_records() {
    let (server, dead, letter) = three_incidents().await;
    let (_, deliveries) = get(&server, "/api/v1/dead-letters").await;
    assert_eq!(deliveries["data"][0]["id"], dead.to_string());
    let (_, records) = get(&server, "/api/v1/dead-letters?kind=event").await;
    assert_eq!(records["data"][0]["id"], letter.to_string());
    assert_eq!(records["data"][0].get("payload"), None);
    let (_, record) = get(&server, &format!("/api/v1/dead-letters/{letter}")).await;
    assert_eq!(record["payload"], "\u{1b}[2Jnot json");
}

#[tokio::test]
async fn readiness_tells_what_the_store_is() {
    let (server, ..) = three_incidents().await;
    let answer = server.say("GET /readyz?verbose HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = answer.expect("it answers");
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("[+] store ok (memory, "), "{}", answer.body);
    assert!(answer.body.ends_with("readyz check passed\n"), "{}", answer.body);
}

#[tokio::test]
async fn scripts_can_tell_how_a_command_ended() {
    let (server, dead, letter) = three_incidents().await;
    let url = format!("http://{}", server.address);
    let gone = "http://127.0.0.1:1".to_owned();
    let table = [
        ("health", &url, Exit::Done),
        ("health --ready", &url, Exit::Done),
        ("health", &gone, Exit::Unreachable),
        ("version --json", &gone, Exit::Done),
        ("incident list --json", &url, Exit::Done),
        ("incident list --all", &url, Exit::Done),
        ("incident list --status gone", &url, Exit::Usage),
        ("incident show #1", &url, Exit::Done),
        ("incident show 4", &url, Exit::NotFound),
        ("delivery list --incident 1 --quiet", &url, Exit::Done),
        (&format!("delivery show {dead}"), &url, Exit::Done),
        ("dlq list", &url, Exit::Done),
        ("dlq list --kind event", &url, Exit::Done),
        (&format!("dlq show {letter}"), &url, Exit::Done),
        (&format!("dlq show {dead} --json"), &url, Exit::Done),
        // No DLQ actor is behind this server.
        ("dlq retry --all --yes", &url, Exit::Unreachable),
        ("dlq retry evt_1", &url, Exit::Usage),
    ];
    for (words, url, expected) in table {
        let cli = Cli::try_parse_from(format!("foghorn {words}").split(' ')).expect(words);
        let Command::Client(command) = cli.command else { panic!("{words} asks a server") };
        assert_eq!(run(command, Some(url.to_owned()), &cli.pass).await, expected, "{words}");
    }
}
