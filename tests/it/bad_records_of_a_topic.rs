//! What no producer should put on a topic, each between two good records: it is kept as a dead letter
//! byte for byte with the right reason, its offset is settled, and the next good record is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use foghorn::domain::event::Position;
use foghorn::domain::incident::IncidentStatus;
use foghorn::domain::query::{IncidentQuery, LetterQuery};
use foghorn::sources::{Polled, Record};
use foghorn::store::views::{DeadLetterView, IncidentView};
use foghorn::store::{Paging, Store};
use serde_json::json;

use crate::support::bad_records::{Row, bad_records, odd_records};
use crate::support::databases::on_each_database;
use crate::support::whole::Whole;

on_each_database! {
    what_is_no_event_is_kept_as_it_came_and_stepped_over
    what_looks_bad_and_is_an_event_is_stored
    one_bad_record_in_two_spoils_none
    a_thousand_events_are_one_incident
    a_thousand_incidents_are_all_stored
    offsets_with_gaps_are_stepped_over
    a_topic_that_was_made_anew_has_new_records
    events_out_of_order_make_one_incident
    an_id_belongs_to_its_source
    an_id_used_for_something_else_is_a_dead_letter
}

async fn what_is_no_event_is_kept_as_it_came_and_stepped_over(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    push_good(&whole, "the start").await;
    let mut expected = BTreeMap::new();
    for (row, reason) in bad_records() {
        let offset = push(&whole, &row);
        push_good(&whole, row.name).await;
        expected.insert(offset, (row.name, row.payload.unwrap_or_default(), reason));
    }
    let letters = letters(&whole).await;
    assert_eq!(letters.len(), expected.len());
    for (offset, (name, payload, reason)) in &expected {
        let at = format!("incidents/0/{offset}@0");
        let letter = letters.iter().find(|letter| letter.position == at).unwrap_or_else(|| panic!("{name}"));
        let bytes = usize::try_from(letter.bytes).unwrap();
        assert_eq!((letter.reason.as_str(), bytes), (*reason, payload.len()), "{name}: {}", letter.detail);
        let kept = whole.store().dead_letter(letter.id).await.unwrap().and_then(|letter| letter.payload);
        assert_eq!(kept.unwrap_or_default(), String::from_utf8_lossy(payload), "{name}");
    }
    assert_eq!(whole.incidents().await.len(), expected.len() + 1);
    whole.end().await;
}

async fn what_looks_bad_and_is_an_event_is_stored(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let mut titles: BTreeMap<&str, u64> = BTreeMap::new();
    for (row, title) in odd_records() {
        push(&whole, &row);
        push_good(&whole, row.name).await;
        *titles.entry(title).or_default() += 1;
    }
    let dead = letters(&whole).await;
    assert!(dead.is_empty(), "{dead:#?}");
    let stored = whole.incidents().await;
    for (title, count) in titles {
        assert_eq!(named(&stored, title).event_count, count, "{title}");
    }
    whole.end().await;
}

async fn one_bad_record_in_two_spoils_none(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    for number in 0..500 {
        whole.universe.topic.push(format!("{{{number}").as_bytes());
        whole.universe.push(&format!("good {number}"));
    }
    whole.until_settled(0, 1_000, "500 good and 500 bad ones").await;
    assert_eq!(whole.store().backlog().await.unwrap().dead_letters, 500);
    assert_eq!(whole.incidents().await.len(), 500);
    whole.end().await;
}

async fn a_thousand_events_are_one_incident(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    for _ in 0..1_000 {
        whole.universe.push("hot");
    }
    whole.until_settled(0, 1_000, "1,000 events of one key").await;
    let incidents = whole.incidents().await;
    assert_eq!((incidents.len(), incidents[0].event_count), (1, 1_000));
    assert_eq!(whole.universe.deliveries().await.len(), 1);
    whole.end().await;
}

async fn a_thousand_incidents_are_all_stored(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    for number in 0..1_000 {
        whole.universe.push(&format!("incident {number}"));
    }
    whole.until_settled(0, 1_000, "1,000 incidents").await;
    let incidents = whole.incidents().await;
    assert!(incidents.iter().map(|incident| incident.number).eq((1..=1_000).rev()));
    whole.end().await;
}

async fn offsets_with_gaps_are_stepped_over(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let records = [5, 9, 40].map(|offset| record(1, offset, 7, &format!("at {offset}")));
    whole.universe.topic.say(Ok(Polled::Records(records.to_vec())));
    whole.until_settled(1, 41, "offsets with gaps").await;
    assert_eq!(whole.incidents().await.len(), 3);
    whole.end().await;
}

/// Offsets start again; the records' own timestamps tell them apart, whatever they say.
async fn a_topic_that_was_made_anew_has_new_records(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    for timestamp_ms in [-1, 0, 1_795_269_600_000, i64::MAX, -1] {
        let same_offset = record(1, 0, timestamp_ms, &format!("made at {timestamp_ms}"));
        whole.universe.topic.say(Ok(Polled::Records(vec![same_offset])));
    }
    whole.universe.topic.say(Ok(Polled::Records(vec![record(1, 1, 0, "after it")])));
    whole.until_settled(1, 2, "the same offset again").await;
    let incidents = whole.incidents().await;
    assert_eq!(incidents.len(), 5);
    assert!(incidents.iter().all(|incident| incident.event_count == 1), "{incidents:#?}");
    whole.end().await;
}

async fn events_out_of_order_make_one_incident(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    for (status, then) in [
        ("resolved", None),
        ("acknowledged", None),
        ("open", Some(IncidentStatus::Open)),
        ("acknowledged", Some(IncidentStatus::Acknowledged)),
        ("open", Some(IncidentStatus::Acknowledged)),
        ("resolved", Some(IncidentStatus::Resolved)),
        ("acknowledged", Some(IncidentStatus::Resolved)),
    ] {
        let event = json!({ "title": "x", "dedup_key": "k", "status": status }).to_string();
        let offset = whole.universe.topic.push(event.as_bytes());
        whole.until_settled(0, offset + 1, status).await;
        let incidents = whole.incidents().await;
        assert_eq!(incidents.first().map(|incident| incident.status), then, "after {status} at {offset}");
        assert!(incidents.len() < 2);
    }
    assert!(letters(&whole).await.is_empty());
    push_good(&whole, "all of it").await;
    whole.end().await;
}

async fn an_id_belongs_to_its_source(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let event = json!({ "title": "x", "event_id": "one" }).to_string();
    whole.universe.topic.push(event.as_bytes());
    whole.until_settled(0, 1, "the topic's").await;
    assert_eq!(whole.accepted("the API's", event.as_bytes()).await["result"], "updated");
    assert_eq!(whole.accepted("the API's again", event.as_bytes()).await["result"], "duplicate");
    assert_eq!(whole.incidents().await[0].event_count, 2);
    whole.end().await;
}

async fn an_id_used_for_something_else_is_a_dead_letter(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let event = |title: &str| json!({ "title": title, "event_id": "one" }).to_string();
    // The second and third in one batch or not, together with the first or not: all the same.
    for title in ["first", "second", "first", "third"] {
        whole.universe.topic.push(event(title).as_bytes());
    }
    push_good(&whole, "an id used again").await;
    let mut kept: Vec<_> = letters(&whole).await.into_iter().map(|l| (l.reason, l.position)).collect();
    kept.sort();
    let at = |offset: u8| ("id_conflict".to_owned(), format!("incidents/0/{offset}@0"));
    assert_eq!(kept, [at(1), at(3)]);
    assert_eq!(named(&whole.incidents().await, "first").event_count, 1);
    whole.end().await;
}

fn push(whole: &Whole, row: &Row) -> i64 {
    let headers: Vec<_> = row.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    whole.universe.topic.push_to(0, row.payload.as_deref(), &headers)
}

/// A good record is stored once everything before it is settled.
async fn push_good(whole: &Whole, after: &str) {
    let title = format!("good after {after}");
    let offset = whole.universe.push(&title);
    whole.until_settled(0, offset + 1, &title).await;
    let newest = whole
        .store()
        .incidents(&IncidentQuery::default(), &Paging { before: None, limit: 1 })
        .await
        .unwrap()
        .data;
    assert_eq!(newest[0].title, title);
}

async fn letters(whole: &Whole) -> Vec<DeadLetterView> {
    whole
        .store()
        .dead_letters(&LetterQuery::default(), &Paging { before: None, limit: 200 })
        .await
        .unwrap()
        .data
}

fn named<'a>(incidents: &'a [IncidentView], title: &str) -> &'a IncidentView {
    incidents.iter().find(|incident| incident.title == title).unwrap_or_else(|| panic!("no {title}"))
}

fn record(partition: i32, offset: i64, timestamp_ms: i64, title: &str) -> Record {
    let position = Position::Kafka { topic: "incidents".into(), partition, offset, timestamp_ms };
    let payload = json!({ "title": title }).to_string();
    Record { position, payload: Some(payload.into_bytes().into()), left_out: 0, headers: Vec::new() }
}
