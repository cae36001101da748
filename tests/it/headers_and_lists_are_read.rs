//! I1, I11: what a mapper needs of the headers of a record is kept with it, each item of its list is an event by
//! itself, and what a rule lets go is settled without a trace in the store.

use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::query::{IncidentQuery, LetterQuery};
use foghorn::domain::severity::SeverityAliases;
use foghorn::feed::{Fact, Heard};
use foghorn::formats::Format;
use foghorn::formats::mapper::Mapper;
use foghorn::messages::IngestKey;
use foghorn::messages::ingest::{IngestMessage, Replay, ReplayOf, Submitted};
use foghorn::store::views::DeadLetterView;
use foghorn::store::{Paging, Store};

use crate::support::universe::{Draft, Universe};

const MAPPER: &str = r#"
headers    = ["X-Kind", "X-Delivery"]
each       = "/body/alerts"
event_type = "/headers/x-kind"
dedup_key  = "/body/alerts/0/name"
[[rules]]
on         = "alerts"
when       = { "/body/alerts/0/level" = "debug" }
kind       = "ignored"
[[rules]]
on         = "alerts"
title      = "{{ body.site }}: {{ body.alerts[0].name }}"
[[rules]]
name       = "greeting"
on         = "ping"
kind       = "ignored"
"#;

const ALERTS: &[u8] =
    br#"{"site":"ams","alerts":[{"name":"A"},{"nmae":"B"},{"name":"C","level":"debug"},{"name":"D"}]}"#;

async fn universe() -> Universe {
    let written = MAPPER.parse().unwrap();
    let mapper = Mapper::compile("site", &written, &SeverityAliases::default()).unwrap();
    Universe::draft(Draft { format: Format::Json(Arc::new(mapper)), ..Draft::default() }).await
}

async fn titles(universe: &Universe) -> Vec<String> {
    let paging = Paging { before: None, limit: 50 };
    let found = universe.store.incidents(&IncidentQuery::default(), &paging).await.unwrap().data;
    let mut titles: Vec<_> = found.into_iter().map(|incident| incident.title).collect();
    titles.sort();
    titles
}

async fn letters(universe: &Universe) -> Vec<DeadLetterView> {
    let paging = Paging { before: None, limit: 50 };
    universe.store.dead_letters(&LetterQuery::default(), &paging).await.unwrap().data
}

#[tokio::test(start_paused = true)]
async fn a_bad_item_waits_with_the_headers_of_its_record_and_comes_back_without_them() {
    let universe = universe().await;
    universe.topic.push_to(0, Some(ALERTS), &[("X-KIND", b"alerts"), ("authorization", b"hunter2")]);
    universe.topic.until_settled(0, 1).await;
    assert_eq!(titles(&universe).await, ["ams: A", "ams: D"], "its neighbours are stored");
    let kept = letters(&universe).await;
    assert_eq!((kept.len(), kept[0].position.as_str()), (1, "incidents/0/0@0#2"));

    let of = ReplayOf::DeadLetter(kept[0].id);
    let mut kept = universe.store.dead_letter_bytes(kept[0].id).await.unwrap().unwrap();
    let bytes = String::from_utf8(kept.raw.to_vec()).unwrap();
    assert_eq!(bytes, r#"{"headers":{"x-kind":"alerts"},"body":{"site":"ams","alerts":[{"nmae":"B"}]}}"#);
    kept.raw = bytes.replace("nmae", "name").into_bytes().into();
    let answers = replay(&universe, Replay { of, kept }).await;
    assert!(matches!(answers.as_slice(), [Submitted::Accepted(_)]), "{answers:?}");
    assert_eq!(titles(&universe).await, ["ams: A", "ams: B", "ams: D"]);
}

async fn replay(universe: &Universe, item: Replay) -> Vec<Submitted> {
    let key = IngestKey { source: "api".into(), topic: None };
    let ingest = universe.foghorn.peers().borrow().ingests[&key].clone();
    let patience = Duration::from_secs(60);
    ingest.ask(|reply| IngestMessage::Replay { items: vec![item], reply }, patience).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_let_go_is_settled_told_and_kept_nowhere() {
    let universe = universe().await;
    let mut watch = universe.feed.watch(None);
    universe.topic.push_to(0, Some(b"{}"), &[("x-kind", b"ping")]);
    universe.topic.until_settled(0, 1).await;
    let Heard::Facts(facts) = watch.next().await else { panic!("nothing was missed") };
    let [told] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(told.fact.name(), "event.ignored");
    let Fact::Event(fact) = &told.fact else { panic!("{told:?}") };
    assert_eq!(fact.detail.as_deref(), Some("rule \"greeting\" lets it go"));
    assert_eq!((titles(&universe).await.len(), letters(&universe).await.len()), (0, 0));

    // One item of a record, the last of which settles it, and a record that nobody thought of.
    universe.topic.push_to(0, Some(ALERTS), &[("x-kind", b"alerts")]);
    universe.topic.push_to(0, Some(b"{}"), &[("x-kind", b"refund")]);
    universe.topic.until_settled(0, 3).await;
    assert_eq!(titles(&universe).await, ["ams: A", "ams: D"]);
    let kept = letters(&universe).await;
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(
        kept.iter().any(|letter| letter.detail.contains("wants ping, found text \"refund\"")),
        "{kept:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_there_twice_or_is_no_text_is_not_there() {
    let universe = universe().await;
    universe.topic.push_to(0, Some(b"{}"), &[("x-kind", b"ping"), ("X-Kind", b"alerts")]);
    universe.topic.push_to(0, Some(b"{}"), &[("x-kind", b"\xff")]);
    universe.topic.push_to(0, Some(b"{\"alerts\":"), &[("x-kind", b"alerts")]);
    universe.topic.until_settled(0, 3).await;
    let mut kept = letters(&universe).await;
    kept.sort_by_key(|letter| letter.position.clone());
    let reasons: Vec<_> = kept.iter().map(|letter| letter.reason.to_string()).collect();
    assert_eq!(reasons, ["schema", "schema", "parse"]);
    let bytes = universe.store.dead_letter_bytes(kept[2].id).await.unwrap().unwrap().raw;
    assert_eq!(&bytes[..], b"{\"alerts\":", "as it came");
}
