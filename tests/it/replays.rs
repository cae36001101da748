//! What came in is taken in again: as a new event, by the routes of today.

use std::sync::Arc;

use foghorn::store::memory::MemoryStore;
use serde_json::{Value, json};

use crate::support::whole::{JSON, Whole};

async fn said(whole: &Whole, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = whole.ask(method, path, JSON, &body.to_string()).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[tokio::test]
async fn an_event_is_taken_in_again_as_a_new_one_whatever_its_id() {
    let whole = Whole::over(Arc::new(MemoryStore::default())).await;
    let event = br#"{"title":"disk","dedup_key":"disk","event_id":"mine"}"#;
    let first = whole.accepted("first", event).await["event_id"].clone();
    let (status, body) = said(&whole, "POST", "/api/v1/events/replay", &json!({"ids": [first, first]})).await;
    assert_eq!((status, &body["replayed"]), (202, &json!(1)), "{body}");
    assert_eq!(
        (&body["events"][0]["of"], &body["events"][0]["result"]),
        (&first, &json!("updated")),
        "{body}"
    );
    assert_eq!(whole.incidents().await[0].event_count, 2);
    let again = body["events"][0]["event_id"].as_str().unwrap().to_owned();
    let (_, shown) = said(&whole, "GET", &format!("/api/v1/events/{again}"), &json!(null)).await;
    assert_eq!(shown["payload"], String::from_utf8_lossy(event).into_owned());
    assert_eq!((&shown["decision"], &shown["incident_number"]), (&json!("routed"), &json!(1)));
    assert!(shown["position"].as_str().unwrap().starts_with("replay:evt_"), "{shown}");
    let (_, listed) = said(&whole, "GET", "/api/v1/events?filter=incident:1+DISK", &json!(null)).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "{listed}");
    whole.end().await;
}

#[tokio::test]
async fn an_event_that_is_not_there_is_told_and_the_others_are_taken_in() {
    let whole = Whole::over(Arc::new(MemoryStore::default())).await;
    let first = whole.accepted("first", br#"{"title":"disk"}"#).await["event_id"].clone();
    let ids = json!({"ids": ["evt_00000000000000000000000000", first]});
    let (_, body) = said(&whole, "POST", "/api/v1/events/replay", &ids).await;
    assert_eq!((&body["replayed"], &body["events"][0]["result"]), (&json!(1), &json!("not_found")), "{body}");
    for bad in
        [json!({"ids": []}), json!({}), json!({"ids": ["del_1"]}), json!({"ids": vec![first; 1], "x": 1})]
    {
        assert_eq!(said(&whole, "POST", "/api/v1/events/replay", &bad).await.0, 422, "{bad}");
    }
    whole.end().await;
}

#[tokio::test]
async fn a_record_that_was_refused_becomes_an_event_once() {
    let whole = Whole::over(Arc::new(MemoryStore::default())).await;
    // It reaches nobody, so it is kept as a dead letter; with the same bytes it will again.
    let lost = br#"{"kind":"notification","to":"nobody","via":"email","subject":"s","body":"b"}"#;
    whole.post(JSON, lost).await.unwrap();
    whole.universe.topic.push(b"{");
    whole.until_settled(0, 1, "the broken record").await;
    let (_, letters) = said(&whole, "GET", "/api/v1/dead-letters?filter=kind:event", &json!(null)).await;
    let ids: Vec<&Value> = letters["data"].as_array().unwrap().iter().map(|letter| &letter["id"]).collect();
    assert_eq!(ids.len(), 2, "{letters}");
    let (status, body) = said(&whole, "POST", "/api/v1/dead-letters/retry", &json!({"ids": ids})).await;
    assert_eq!((status, &body["retried"], &body["skipped"]), (202, &json!(0), &json!(2)), "{body}");
    let results: Vec<&Value> =
        body["events"].as_array().unwrap().iter().map(|again| &again["result"]).collect();
    assert_eq!(results, ["rejected", "rejected"], "{body}");
    whole.assert_well("retried records").await;
    whole.end().await;
}

#[tokio::test]
async fn a_filter_is_refused_with_its_column() {
    let whole = Whole::over(Arc::new(MemoryStore::default())).await;
    for list in ["incidents", "deliveries", "dead-letters", "events"] {
        let path = format!("/api/v1/{list}?filter=age%3E1m+colour:red");
        let (status, problem) = said(&whole, "GET", &path, &json!(null)).await;
        assert_eq!(status, 400, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("filter, column 8: "), "{detail}");
    }
    whole.end().await;
}
