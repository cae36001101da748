//! Direct notifications.

use super::{NOW, at, first, notification, refused, words};
use crate::domain::event::{Priority, RequestText};
use crate::domain::malformed::Malformation;
use crate::formats::native;

#[test]
fn a_direct_notification_reads_as_written() {
    let request = notification(
        r#"{"kind":"notification","to":["ada","team:payments","ada"],"via":"email","subject":"Hello","body":"Line\nline",
            "priority":"HIGH","send_at":"2026-11-22T08:00:00Z","expires_at":"2026-11-22T09:00:00Z"}"#,
    );
    assert_eq!(request.to, ["ada", "team:payments"]);
    assert_eq!(request.via[0].as_str(), "email");
    assert_eq!(request.priority, Priority::High);
    let body = "Line\nline".to_owned();
    let subject = "Hello".to_owned();
    assert_eq!(request.text, RequestText::Plain { subject, body });
    assert_eq!(request.send_at, Some(at("2026-11-22T08:00:00Z")));
    let keyed = r#"{"kind":"notification","to":"ada","via":["sms"],"template":"welcome","vars":{"name":"Ada"},"idempotency_key":"k-1"}"#;
    let parsed = native::parse(keyed.as_bytes(), &words(), at(NOW)).expect("a notification");
    assert_eq!(parsed.producer_id.as_deref(), Some("k-1"));
}

#[test]
fn a_direct_notification_that_cannot_go_out_is_refused() {
    let base = r#""kind":"notification","to":"ada","via":"email","subject":"s","body":"b""#;
    let table = [
        (format!(r#"{{{base},"title":"x"}}"#), "/title", "unknown_field"),
        (format!(r#"{{{base},"template":"t"}}"#), "/subject", "not_allowed"),
        (format!(r#"{{{base},"vars":{{}}}}"#), "/vars", "not_allowed"),
        (format!(r#"{{{base},"priority":"soon"}}"#), "/priority", "not_allowed"),
        (format!(r#"{{{base},"event_id":"a","idempotency_key":"b"}}"#), "/event_id", "not_allowed"),
        (
            format!(r#"{{{base},"send_at":"2026-11-22T09:00:00Z","expires_at":"2026-11-22T09:00:00Z"}}"#),
            "/expires_at",
            "not_allowed",
        ),
        (r#"{"kind":"notification","via":"email","subject":"s","body":"b"}"#.into(), "/to", "missing"),
        (r#"{"kind":"notification","to":"ada","subject":"s","body":"b"}"#.into(), "/via", "missing"),
        (r#"{"kind":"notification","to":"ada","via":"email","body":"b"}"#.into(), "/subject", "missing"),
        (
            r#"{"kind":"notification","to":[1],"via":"email","subject":"s","body":"b"}"#.into(),
            "/to",
            "wrong_type",
        ),
    ];
    for (record, pointer, code) in table {
        let malformed = refused(&record);
        assert_eq!(first(&malformed), (Malformation::Schema, pointer, code), "{record}");
    }
    let nobody = r#"{"kind":"notification","to":[],"via":"email","subject":"s","body":"b"}"#;
    assert_eq!(first(&refused(nobody)), (Malformation::Unroutable, "/to", "empty"));
    let everybody: Vec<_> = (0..10_001).map(|n| format!("u{n}")).collect();
    let record = serde_json::json!({ "kind": "notification", "to": everybody, "via": "email", "subject": "s", "body": "b" });
    assert_eq!(first(&refused(record.to_string())).2, "too_long");
}
