//! What the headers say.

use super::{at, first, with_headers};
use crate::domain::event::Body;
use crate::domain::malformed::{Malformation, Malformed};
use crate::formats::Reading;

#[test]
fn a_tombstone_is_no_event_and_our_own_dead_letter_is_a_loop() {
    let reason = |read: Result<Reading, Malformed>| read.expect_err("refused").reason;
    assert_eq!(reason(with_headers(None, &[])), Malformation::Schema);
    let ours = [("Foghorn-Dead-Letter", "dle_1")];
    assert_eq!(reason(with_headers(Some(r#"{"title":"x"}"#), &ours)), Malformation::Loop);
    assert_eq!(reason(with_headers(None, &ours)), Malformation::Loop);
}

#[test]
fn a_trace_parent_is_kept_if_it_is_one() {
    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let kept = |text: &'static str| {
        with_headers(Some(r#"{"title":"x"}"#), &[("traceparent", text)])
            .expect("an event")
            .traceparent
            .is_some()
    };
    assert!(kept(GOOD));
    assert!(kept("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later"));
    for bad in [
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\0later",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
    ] {
        assert!(!kept(bad), "{bad}");
    }
}

#[test]
fn a_binary_cloud_event_lends_its_identity_and_time() {
    let envelope = [
        ("ce_specversion", "1.0"),
        ("ce_type", "alert"),
        ("ce_source", "/probe"),
        ("ce_id", "7"),
        ("ce_time", "2026-11-21T14:00:00Z"),
        ("content-type", "application/json"),
    ];
    let reading = with_headers(Some(r#"{"title":"x"}"#), &envelope).expect("an event");
    assert_eq!(reading.producer_id.as_deref(), Some("/probe#7"));
    match reading.body {
        Body::Incident(event) => assert_eq!(event.occurred_at, Some(at("2026-11-21T14:00:00Z"))),
        Body::Notification(_) => panic!("an incident was sent"),
    }
    let own = with_headers(Some(r#"{"title":"x","event_id":"own"}"#), &envelope).expect("an event");
    assert_eq!(own.producer_id.as_deref(), Some("own"));

    let later = [("ce_specversion", "99"), ("ce_source", "/probe"), ("ce_id", "7")];
    let malformed = with_headers(Some(r#"{"title":"x"}"#), &later).expect_err("refused");
    assert_eq!(first(&malformed).2, "not_allowed");
    let nameless = with_headers(Some(r#"{"title":"x"}"#), &[("ce-specversion", "1.0")]).expect_err("refused");
    assert_eq!(nameless.problems.len(), 2);
}

#[test]
fn a_structured_cloud_event_is_unwrapped() {
    let structured = [("Content-Type", "Application/CloudEvents+json; charset=utf-8")];
    let whole = r#"{"specversion":"1.0","type":"alert","source":"/probe","id":"7","time":"2026-11-21T14:00:00Z",
        "extension":1,"data":{"title":"x","service":"s"}}"#;
    let reading = with_headers(Some(whole), &structured).expect("an event");
    assert_eq!(reading.producer_id.as_deref(), Some("/probe#7"));

    // Taken in again it has no headers any more, and is known by what it is.
    let again = with_headers(Some(whole), &[]).expect("an event");
    assert_eq!(again.producer_id, reading.producer_id);
    assert_eq!(again.body, reading.body);

    let broken = r#"{"specversion":"9","type":"alert","source":"/probe","data":{"titel":"x"}}"#;
    let malformed = with_headers(Some(broken), &structured).expect_err("refused");
    let mut found: Vec<_> = malformed.problems.iter().map(|p| (p.pointer.as_str(), p.code)).collect();
    found.sort_unstable();
    let all = [
        ("/data/titel", "unknown_field"),
        ("/data/title", "missing"),
        ("/id", "missing"),
        ("/specversion", "not_allowed"),
    ];
    assert_eq!(found, all);
    let batch = [("content-type", "application/cloudevents-batch+json")];
    assert_eq!(first(&with_headers(Some("[]"), &batch).expect_err("refused")).2, "not_allowed");
}
