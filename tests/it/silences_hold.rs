//! A silence: incidents open, and nobody is told while it lasts.

use foghorn::domain::Timestamp;
use foghorn::domain::pattern::Pattern;
use foghorn::domain::routes::{Field, RouteTable};
use foghorn::domain::silence::Silence;
use foghorn::store::Store;
use serde_json::Value;

use crate::support::process::{Draft as Config, Home};
use crate::support::smtp_sink::SmtpSink;
use crate::support::universe::{Draft, Universe, routes};

/// When a universe begins.
const EPOCH: i64 = 1_795_269_600;

/// The database is worked on from one hour to another, counted from the beginning.
fn worked_on(from: i64, until: i64) -> RouteTable {
    let at = |hour: i64| Timestamp::from_second(EPOCH + hour * 3600).unwrap();
    let silence = Silence {
        name: "upgrade".into(),
        matches: [(Field::Service, vec![Pattern::new("db-*")])].into(),
        from: Some(at(from)),
        until: at(until),
        comment: String::new(),
        by: String::new(),
    };
    RouteTable { silences: vec![silence], ..routes() }
}

fn push(universe: &Universe, service: &str, status: &str) {
    let record = format!(
        r#"{{"title":"{service}","dedup_key":"{service}","service":"{service}","severity":"critical","status":"{status}"}}"#
    );
    universe.topic.push(record.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn what_is_silenced_opens_and_nobody_hears_of_it_or_of_its_end() {
    let universe = Universe::draft(Draft { routes: worked_on(-1, 1), ..Draft::default() }).await;
    push(&universe, "db-1", "open");
    push(&universe, "web", "open");
    push(&universe, "db-1", "resolved");
    universe.topic.until_settled(0, 3).await;
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].incident_number, Some(2), "{ended:?}");
    let timeline = universe.store.timeline(1).await.unwrap();
    let opened = &timeline[0].detail;
    assert!(opened.contains("0 deliveries") && opened.contains("silence upgrade"), "{opened}");
    let incident = universe.store.incident(1).await.unwrap().unwrap();
    assert!(incident.resolved_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn before_and_after_it_everybody_hears() {
    for (from, until) in [(1, 2), (-2, -1)] {
        let universe = Universe::draft(Draft { routes: worked_on(from, until), ..Draft::default() }).await;
        push(&universe, "db-1", "open");
        universe.until_ended(1).await;
    }
}

/// One that holds, one that will, one that did.
const SILENCES: &str = r#"[silences.upgrade]
match = { service = "db-*" }
until = "2999-01-01T00:00:00Z"
comment = "a new version"
by = "ada"
[silences.some-day]
match = { severity = ["low", "info"] }
from = 2998-01-01T00:00:00Z
until = 2999-01-01
[silences.long-ago]
match = { service = "*" }
until = "2001-01-01T00:00:00Z"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silences_are_listed_with_where_they_stand_and_a_route_test_names_them() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Config { more: SILENCES.to_owned(), ..Config::mailing_to(sink.port) }).await;
    let life = home.start().await;
    let listed = home.list("/api/v1/silences?").await;
    let phases: Vec<_> = listed.iter().map(|one| (one["name"].as_str(), one["phase"].as_str())).collect();
    let expected = [("long-ago", "over"), ("some-day", "pending"), ("upgrade", "active")];
    let mut sorted = phases.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected.map(|(name, phase)| (Some(name), Some(phase))));
    let shown = home.run(&["silence", "list"]).await;
    for part in ["upgrade", "active", "service=db-*", "ada", "a new version", "severity=low|info"] {
        assert!(shown.output.contains(part), "{part}: {shown:?}");
    }

    let asked = home.run(&["route", "test", "service=db-1", "severity=critical", "--json"]).await;
    let answer: Value = serde_json::from_str(&asked.output).unwrap();
    assert_eq!(answer["silence"]["silence"], "upgrade", "{answer}");
    assert_eq!(answer["withheld"][0]["why"], "silenced", "{answer}");
    let later = ["route", "test", "service=db-1", "severity=critical", "--at", "2999-06-01T00:00:00Z"];
    let later = home.run(&later).await;
    assert!(later.output.contains("now      email        ada"), "{later:?}");
    life.kill().await;
}
