//! What becomes of a good record.

use super::{NOW, at, first, incident, refused, words};
use crate::domain::event::EventStatus;
use crate::domain::malformed::Malformation;
use crate::domain::severity::Severity;
use crate::formats::native;

#[test]
fn the_documented_event_reads_as_written() {
    let event = incident(
        r#"{
        "title": "5xx rate above 5%", "severity": "critical", "status": "open",
        "service": "checkout-api", "dedup_key": "checkout-5xx",
        "description": "12.4% of requests failed in the last 5 minutes",
        "labels": { "env": "prod", "region": "eu-west-1" },
        "links": [ { "text": "Graph", "url": "https://grafana.example.com/d/abc" } ],
        "occurred_at": "2026-11-21T14:02:08Z" }"#,
    );
    assert_eq!(event.title, "5xx rate above 5%");
    assert_eq!(event.severity, Severity::Critical);
    assert_eq!(event.status, EventStatus::Open);
    assert_eq!(event.service.as_deref(), Some("checkout-api"));
    assert_eq!(event.dedup_key, "checkout-5xx");
    assert_eq!(event.labels["region"], "eu-west-1");
    assert_eq!(event.links[0].url, "https://grafana.example.com/d/abc");
    assert_eq!(event.occurred_at, Some(at(NOW)));
}

#[test]
fn only_a_title_is_required() {
    let event = incident(r#"{"title":"x"}"#);
    assert_eq!((event.severity, event.status), (Severity::Medium, EventStatus::Open));
    assert_eq!(event.dedup_key, "auto::x");
}

#[test]
fn null_says_the_same_as_leaving_out() {
    let event = incident(r#"{"title":"x","severity":null,"labels":null,"links":null,"kind":null}"#);
    assert_eq!(event, incident(r#"{"title":"x"}"#));
}

#[test]
fn times_have_a_zone_and_a_past() {
    let event = |time: &str| format!(r#"{{"title":"x","occurred_at":"{time}"}}"#);
    let good = [
        ("2026-11-21T14:02:08Z", "2026-11-21T14:02:08Z"),
        ("2026-11-21t14:02:08.123456789z", "2026-11-21T14:02:08.123456789Z"),
        ("2026-11-21T15:02:08+01:00", "2026-11-21T14:02:08Z"),
        ("2026-11-18T14:02:08Z", "2026-11-18T14:02:08Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        // Within the clock skew it stands, past it it is now.
        ("2026-11-21T14:07:08Z", "2026-11-21T14:07:08Z"),
        ("2026-11-21T14:07:09Z", NOW),
        ("2026-11-21T15:02:08Z", NOW),
        ("9999-12-30T00:00:00Z", NOW),
    ];
    for (time, expected) in good {
        assert_eq!(incident(event(time)).occurred_at, Some(at(expected)), "{time}");
    }
    let bad = [
        "2026-11-21T14:02:08",
        "2026-11-21",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "-000001-01-01T00:00:00Z",
        "99999-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T14:02:08Z[Europe/Berlin]",
        "20261121T140208Z",
        "1763733728",
        "now",
        "",
        "ÄÄÄÄÄÄÄÄÄÄÄÄÄ+01:00",
    ];
    for time in bad {
        assert_eq!(first(&refused(event(time))).1, "/occurred_at", "{time}");
    }
    for number in ["100000000000000000000", "-1", "0", "1763733728"] {
        let record = format!(r#"{{"title":"x","occurred_at":{number}}}"#);
        assert_eq!(first(&refused(record)).1, "/occurred_at", "{number}");
    }
}

#[test]
fn words_compare_without_case_and_aliases_count() {
    for (word, severity) in [("HIGH", Severity::High), ("p1", Severity::Critical), ("Info", Severity::Info)] {
        assert_eq!(incident(format!(r#"{{"title":"x","severity":"{word}"}}"#)).severity, severity);
    }
    for (word, status) in
        [("FIRING", EventStatus::Open), ("ok", EventStatus::Resolved), ("ack", EventStatus::Acknowledged)]
    {
        assert_eq!(incident(format!(r#"{{"title":"x","status":"{word}"}}"#)).status, status);
    }
    // A dotless i is another letter.
    assert_eq!(first(&refused(r#"{"title":"x","severity":"crıtıcal"}"#)).1, "/severity");
}

#[test]
fn an_id_is_whatever_the_producer_says_bit_by_bit() {
    for id in ["../../etc/passwd", "'; DROP TABLE events;--", "%00", "🔥", "é", "e\u{301}", " padded "] {
        let record = serde_json::json!({ "title": "x", "event_id": id, "dedup_key": id }).to_string();
        let parsed = native::parse(record.as_bytes(), &words(), at(NOW)).expect("an event");
        assert_eq!(parsed.producer_id.as_deref(), Some(id));
    }
}

#[test]
fn a_title_is_what_a_reader_sees_of_it() {
    let title = |text: &str| incident(serde_json::json!({ "title": text }).to_string()).title;
    assert_eq!(title("  disk\tfull \r\n"), "disk full");
    assert_eq!(title("\u{1b}[31mred\u{1b}[0m"), "red");
    assert_eq!(title("a\u{202e}b"), "ab");
    assert_eq!(title("<script>alert(1)</script> {{7*7}}"), "<script>alert(1)</script> {{7*7}}");
    assert_eq!(title("z\u{0300}\u{0301}\u{0302}"), "z\u{0300}\u{0301}\u{0302}");
    for text in ["", "   ", "\u{200b}", "\u{1b}[31m", "\u{202e}"] {
        let record = serde_json::json!({ "title": text }).to_string();
        assert_eq!(first(&refused(record)), (Malformation::Schema, "/title", "empty"), "{text:?}");
    }
}

#[test]
fn a_key_that_is_not_given_is_made_of_service_and_title() {
    let key = |service: &str, title: &str| {
        incident(serde_json::json!({ "service": service, "title": title }).to_string()).dedup_key
    };
    assert_eq!(key("checkout", "5xx"), "auto:checkout:5xx");
    assert_ne!(key("a:b", "c"), key("a", "b:c"));
    assert_ne!(key("a%3A", "c"), key("a:", "c"));
    let (one, two) =
        (key("s", &format!("{}1", "x".repeat(1_000))), key("s", &format!("{}2", "x".repeat(1_000))));
    assert_ne!(one, two);
    assert_eq!((one.chars().count(), one == key("s", &format!("{}1", "x".repeat(1_000)))), (512, true));
    let emoji = key("s", &"🔥".repeat(1_024));
    assert_eq!(emoji.chars().count(), 512);
}
