//! What no producer should say stands in nobody's way, and what only looks bad is an event.

use std::collections::BTreeMap;

use foghorn::domain::incident::IncidentStatus;
use foghorn::store::Store;
use serde_json::json;

use super::{event, until_settled};
use crate::support::bad_records::{bad_records, odd_records};
use crate::support::bus::{Bus, reading};
use crate::support::inside::Inside;

super::laws!(
    what_is_no_event_is_kept_as_it_came_and_stepped_over,
    what_looks_bad_and_is_an_event_is_stored,
    one_bad_record_in_two_spoils_none,
    a_thousand_events_are_one_incident_and_a_thousand_incidents_are_all_stored,
    events_out_of_order_make_one_incident,
    an_id_belongs_to_its_source,
    an_id_used_for_something_else_is_a_dead_letter,
);

/// Bytes and reason of each dead letter, in no order that says anything.
async fn letters(inside: &Inside) -> Vec<(Vec<u8>, String)> {
    let mut kept = Vec::new();
    for letter in inside.letters().await {
        let bytes = inside.store.dead_letter_bytes(letter.id).await.unwrap().expect("it is kept");
        kept.push((bytes.raw.to_vec(), letter.reason));
    }
    kept.sort();
    kept
}

async fn what_is_no_event_is_kept_as_it_came_and_stepped_over<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    bus.publish(&event("good before all")).await;
    let mut expected = Vec::new();
    for (row, reason) in bad_records() {
        if B::cannot(&row).is_some() {
            continue;
        }
        bus.put(&row).await;
        bus.publish(&event(&format!("good after {}", row.name))).await;
        expected.push((row.payload.unwrap_or_default(), reason.to_owned()));
    }
    inside.until_kept(expected.len() + 1).await;
    until_settled(&inside, &bus).await;
    expected.sort();
    let kept = letters(&inside).await;
    let told = |all: &[(Vec<u8>, String)]| -> Vec<(usize, String)> {
        all.iter().map(|(bytes, reason)| (bytes.len(), reason.clone())).collect()
    };
    assert_eq!(told(&kept), told(&expected));
    assert!(kept == expected, "each as it came");
}

async fn what_looks_bad_and_is_an_event_is_stored<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    let (mut titles, mut count) = (BTreeMap::new(), 0);
    for (row, title) in odd_records() {
        if B::cannot(&row).is_some() {
            continue;
        }
        bus.put(&row).await;
        bus.publish(&event(&format!("good after {}", row.name))).await;
        *titles.entry(title.to_owned()).or_default() += 1;
        count += 2;
    }
    inside.until_kept(count).await;
    until_settled(&inside, &bus).await;
    assert_eq!(inside.letters().await, []);
    let stored = inside.incidents().await.into_iter();
    let odd = stored.filter(|incident| !incident.title.starts_with("good after"));
    assert_eq!(
        odd.map(|incident| (incident.title, incident.event_count)).collect::<BTreeMap<_, u64>>(),
        titles
    );
}

async fn one_bad_record_in_two_spoils_none<B: Bus>(bus: B) {
    const EACH: usize = 250;
    let inside = Inside::reading(&reading(&bus, 64)).await;
    for number in 0..EACH {
        bus.publish(format!("{{{number}").as_bytes()).await;
        bus.publish(&event(&format!("good {number}"))).await;
    }
    inside.until_kept(EACH).await;
    until_settled(&inside, &bus).await;
    assert_eq!((inside.incidents().await.len(), inside.letters().await.len()), (EACH, EACH));
}

async fn a_thousand_events_are_one_incident_and_a_thousand_incidents_are_all_stored<B: Bus>(bus: B) {
    const EACH: usize = 1_000;
    let inside = Inside::reading(&reading(&bus, 64)).await;
    for number in 0..EACH {
        bus.publish(&event("hot")).await;
        bus.publish(&event(&format!("incident {number}"))).await;
    }
    inside.until_kept(2 * EACH).await;
    until_settled(&inside, &bus).await;
    let incidents = inside.incidents().await;
    assert_eq!(incidents.len(), EACH + 1);
    for incident in incidents {
        let expected = if incident.title == "hot" { EACH as u64 } else { 1 };
        assert_eq!(incident.event_count, expected, "{}", incident.title);
    }
}

async fn events_out_of_order_make_one_incident<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    for (status, then) in [
        ("resolved", None),
        ("acknowledged", None),
        ("open", Some(IncidentStatus::Open)),
        ("acknowledged", Some(IncidentStatus::Acknowledged)),
        ("open", Some(IncidentStatus::Acknowledged)),
        ("resolved", Some(IncidentStatus::Resolved)),
        ("acknowledged", Some(IncidentStatus::Resolved)),
    ] {
        bus.publish(json!({ "title": "x", "dedup_key": "k", "status": status }).to_string().as_bytes()).await;
        until_settled(&inside, &bus).await;
        let incidents = inside.incidents().await;
        assert_eq!(incidents.iter().map(|incident| incident.status).next(), then, "after {status}");
        assert!(incidents.len() < 2);
    }
    assert_eq!((inside.events().await.len(), inside.letters().await.len()), (7, 0));
}

async fn an_id_belongs_to_its_source<B: Bus>(bus: B) {
    let Some(other) = B::open().await else { return };
    let two = reading(&bus, 64) + &reading(&other, 64).replace("[sources.bus]", "[sources.other]");
    let inside = Inside::reading(&two).await;
    let said = json!({ "title": "x", "event_id": "one" }).to_string();
    for _ in 0..2 {
        bus.publish(said.as_bytes()).await;
        other.publish(said.as_bytes()).await;
    }
    until_settled(&inside, &bus).await;
    until_settled(&inside, &other).await;
    inside.until_kept(2).await;
    assert_eq!(inside.letters().await, []);
}

async fn an_id_used_for_something_else_is_a_dead_letter<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    let said = |title: &str| json!({ "title": title, "event_id": "one" }).to_string().into_bytes();
    for title in ["first", "second", "first", "third"] {
        bus.publish(&said(title)).await;
    }
    bus.publish(&event("good after an id used again")).await;
    inside.until_kept(2).await;
    until_settled(&inside, &bus).await;
    let conflict = |title| (said(title), "id_conflict".to_owned());
    assert_eq!(letters(&inside).await, [conflict("second"), conflict("third")]);
}
