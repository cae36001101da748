//! What looks bad and is an event, or has a good event in it: it is stored, and the next one too, on
//! every database.

use std::sync::Arc;

use foghorn::domain::query::LetterQuery;
use foghorn::store::{Paging, Store};
use serde_json::json;

use crate::support::databases::on_each_database;
use crate::support::records::{direct, nested, sized, with};
use crate::support::whole::{JSON, Whole};

on_each_database! {
    odd_events_are_events
    an_id_is_taken_once_for_the_same_bytes_only
    a_batch_is_taken_item_by_item
}

async fn odd_events_are_events(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let spread: String = (0..512).map(|number| char::from_u32(0x1_0000 + number * 97).unwrap()).collect();
    let many = vec!["ada"; 100];
    let words = r#""subject":"=?utf-8?q?=0d=0aBcc:evil@example.com?=","body":".\n..\n\r\n.\r\nQUIT\r.\r""#;
    let rows = [
        ("as large as can be", sized(1 << 20)),
        ("as deep as can be", nested(64)),
        ("as long as can be", with(&format!(r#""event_id":"{spread}","dedup_key":"{spread}""#))),
        ("a leap second", with(r#""occurred_at":"2016-12-31T23:59:60Z""#)),
        ("the end of time", with(r#""occurred_at":"9999-12-30T22:00:00Z""#)),
        ("three days ago", with(r#""occurred_at":"2026-11-18T14:02:08Z""#)),
        ("a severity in capitals", with(r#""severity":"HIGH""#)),
        ("a hundred times ada", direct(&format!(r#""to":{},{words}"#, json!(many)))),
        ("at the end of time", direct(&format!(r#""to":"ada",{words},"send_at":"9999-12-30T22:00:00Z""#))),
        ("long ago", direct(&format!(r#""to":"ada",{words},"expires_at":"1970-01-01T00:00:00Z""#))),
    ];
    for (name, body) in rows {
        whole.accepted(name, body.as_bytes()).await;
        whole.assert_well(name).await;
    }
    whole.end().await;
}

async fn an_id_is_taken_once_for_the_same_bytes_only(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let ids = [
        "../../etc/passwd",
        "'; DROP TABLE event;--",
        "%00",
        "\\x00",
        "🔥",
        "é",
        "e\u{301}",
        " padded ",
        "I",
        "ı",
    ];
    for (place, id) in ids.into_iter().enumerate() {
        let event =
            json!({ "title": format!("number {place}"), "event_id": id, "dedup_key": id }).to_string();
        let first = whole.accepted(id, event.as_bytes()).await;
        assert_eq!(first["result"], "opened", "{id}");
        let number = first["incident_number"].as_u64().unwrap();
        assert_eq!(whole.store().incident(number).await.unwrap().expect("it is stored").dedup_key, id);
        let second = whole.accepted(id, event.as_bytes()).await;
        assert_eq!(
            (&second["result"], &second["event_id"]),
            (&json!("duplicate"), &first["event_id"]),
            "{id}"
        );
        let other = json!({ "title": "another", "event_id": id }).to_string();
        let refused = whole.post(JSON, other.as_bytes()).await.expect("an answer");
        assert_eq!(
            (refused.status, &refused.problem()["errors"][0]["code"]),
            (422, &json!("id_conflict")),
            "{id}"
        );
        whole.assert_well(&format!("id {place}")).await;
    }
    let letters = whole
        .store()
        .dead_letters(&LetterQuery::default(), &Paging { before: None, limit: 200 })
        .await
        .unwrap()
        .data;
    assert!(letters.iter().all(|letter| letter.reason == "id_conflict"), "{letters:?}");
    assert_eq!(letters.len(), ids.len());
    whole.end().await;
}

async fn a_batch_is_taken_item_by_item(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let batch = format!(
        r#"[{{"title":"first"}},{{"title":"x","titel":"y"}},{deep},null,{{"title":"\ud800"}},{{"title":"a\u0000"}},
            {{"kind":"notification","to":["nobody","a@localhost:x"],"via":["fax","email"],"subject":"s","body":"b"}},
            {{"title":"last"}}]"#
    );
    let answer = whole.post(JSON, batch.as_bytes()).await.expect("an answer");
    assert_eq!(answer.status, 202, "{answer:?}");
    let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let told = |item: &serde_json::Value| match item["result"].as_str().unwrap() {
        "rejected" => item["errors"][0]["code"].as_str().unwrap().to_owned(),
        result => result.to_owned(),
    };
    let told: Vec<_> = answer["events"].as_array().unwrap().iter().map(told).collect();
    let expected = [
        "opened",
        "unknown_field",
        "too_deep",
        "wrong_type",
        "not_json",
        "control_character",
        "dead_letter",
        "opened",
    ];
    assert_eq!(told, expected);
    assert_eq!(answer["accepted"], 2);
    let full = json!(vec![json!({ "title": "one of many" }); 500]).to_string();
    let answer = whole.post(JSON, full.as_bytes()).await.expect("an answer");
    assert_eq!(answer.status, 202);
    whole.assert_well("a full batch").await;
    let many = whole.incidents().await.into_iter().find(|incident| incident.title == "one of many");
    assert_eq!(many.expect("it is stored").event_count, 500);
    whole.end().await;
}
