//! I1, I11: a record that holds several events is taken apart, each part is kept by itself, and the record
//! is settled with the last of them.

use std::sync::{Arc, Mutex};

use foghorn::daemon::Foghorn;
use foghorn::domain::event::Position;
use foghorn::domain::incident::IncidentStatus;
use foghorn::domain::query::{IncidentQuery, LetterQuery};
use foghorn::formats::Format;
use foghorn::messages::IngestKey;
use foghorn::messages::ingest::{IngestMessage, Replay, ReplayOf, Submitted};
use foghorn::sources::{Polled, Record};
use foghorn::store::views::{DeadLetterView, IncidentView};
use foghorn::store::{Paging, Store};
use serde_json::{Value, json};

use crate::support::universe::{Draft, Universe};
use crate::support::watched_store::Moment;

/// What Alertmanager says of these alerts: name, and whether it fires.
fn group(alerts: &[(&str, bool)]) -> Value {
    let alerts = alerts.iter().map(|(name, fires)| {
        json!({
            "status": if *fires { "firing" } else { "resolved" },
            "labels": { "alertname": name, "severity": "high" },
            "annotations": {},
            "startsAt": "2026-11-21T14:00:00Z",
            "endsAt": if *fires { "0001-01-01T00:00:00Z" } else { "2026-11-21T14:05:00Z" },
            "fingerprint": format!("{:016x}", name.as_bytes()[0]),
        })
    });
    json!({ "version": "4", "groupKey": "{}:{}", "alerts": alerts.collect::<Vec<_>>() })
}

async fn universe() -> Universe {
    Universe::draft(Draft { format: Format::Alertmanager, ..Draft::default() }).await
}

async fn incidents(universe: &Universe) -> Vec<IncidentView> {
    let paging = Paging { before: None, limit: 50 };
    let mut found = universe.store.incidents(&IncidentQuery::default(), &paging).await.unwrap().data;
    found.sort_by_key(|incident| incident.title.clone());
    found
}

async fn letters(universe: &Universe) -> Vec<DeadLetterView> {
    let paging = Paging { before: None, limit: 50 };
    universe.store.dead_letters(&LetterQuery::default(), &paging).await.unwrap().data
}

#[tokio::test(start_paused = true)]
async fn each_event_of_a_record_is_one_of_its_own_and_redelivery_changes_nothing() {
    let universe = universe().await;
    universe.topic.push(group(&[("a", true), ("b", true), ("c", true)]).to_string().as_bytes());
    universe.topic.push(group(&[("a", false)]).to_string().as_bytes());
    universe.topic.until_settled(0, 2).await;
    let first = incidents(&universe).await;
    let told: Vec<_> = first.iter().map(|one| (one.title.as_str(), one.status, one.event_count)).collect();
    let open = IncidentStatus::Open;
    assert_eq!(told, [("a", IncidentStatus::Resolved, 2), ("b", open, 1), ("c", open, 1)]);

    let again = group(&[("a", true), ("b", true), ("c", true)]).to_string();
    universe.topic.say(Ok(as_polled(&again)));
    universe.topic.push(group(&[("d", true)]).to_string().as_bytes());
    universe.topic.until_settled(0, 3).await;
    let counts: Vec<_> = incidents(&universe).await.iter().map(|one| one.event_count).collect();
    assert_eq!(counts, [2, 1, 1, 1], "the same record, given again, is known part by part");
}

/// The first record of the topic, given again.
fn as_polled(payload: &str) -> Polled {
    let position = Position::Kafka { topic: "incidents".into(), partition: 0, offset: 0, timestamp_ms: 0 };
    let payload = Some(payload.as_bytes().into());
    let record = Record { position, payload, left_out: 0, headers: Vec::new() };
    Polled::Records(vec![record])
}

#[tokio::test(start_paused = true)]
async fn a_record_is_settled_only_when_all_its_parts_are_on_stable_storage() {
    let universe = universe().await;
    // The second part is written after the others: it cannot be, and becomes a dead letter.
    universe.store.curse("0000000000000062");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (noted, topic) = (Arc::clone(&seen), Arc::clone(&universe.topic));
    universe.store.on_commit(move |moment, _| {
        if moment == Moment::Before {
            noted.lock().unwrap().push(topic.settled(0));
        }
    });
    universe.topic.push(group(&[("a", true), ("b", true), ("c", true)]).to_string().as_bytes());
    universe.topic.until_settled(0, 1).await;
    let seen = seen.lock().unwrap().clone();
    let until_the_letter = seen.iter().take_while(|settled| settled.is_none()).count();
    assert_eq!(incidents(&universe).await.len(), 2);
    let kept = letters(&universe).await;
    assert_eq!((kept.len(), kept[0].position.as_str()), (1, "incidents/0/0@0#2"));
    assert!(until_the_letter >= 2, "settled with one part still on its way: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_no_event_waits_by_itself_and_comes_back_by_itself() {
    let universe = universe().await;
    let mut record = group(&[("a", true), ("b", true), ("c", true)]);
    record["alerts"][1]["status"] = json!("burning");
    universe.topic.push(record.to_string().as_bytes());
    universe.topic.until_settled(0, 1).await;
    assert_eq!(incidents(&universe).await.len(), 2, "its neighbours are stored");
    let kept = letters(&universe).await;
    assert_eq!((kept.len(), kept[0].position.as_str()), (1, "incidents/0/0@0#2"));
    assert!(kept[0].detail.starts_with("/alerts/0/status: "), "{}", kept[0].detail);

    let mut kept = universe.store.dead_letter_bytes(kept[0].id).await.unwrap().unwrap();
    kept.raw = String::from_utf8(kept.raw.to_vec()).unwrap().replace("burning", "firing").into_bytes().into();
    let of = ReplayOf::DeadLetter(letters(&universe).await[0].id);
    let answers = replay(&universe.foghorn, Replay { of, kept }).await;
    assert!(matches!(answers.as_slice(), [Submitted::Accepted(_)]), "{answers:?}");
    let titles: Vec<_> = incidents(&universe).await.into_iter().map(|one| one.title).collect();
    assert_eq!(titles, ["a", "b", "c"]);
}

async fn replay(foghorn: &Foghorn, item: Replay) -> Vec<Submitted> {
    let ingest = foghorn.peers().borrow().ingests[&IngestKey { source: "api".into(), topic: None }].clone();
    let patience = std::time::Duration::from_secs(60);
    ingest.ask(|reply| IngestMessage::Replay { items: vec![item], reply }, patience).await.unwrap()
}
