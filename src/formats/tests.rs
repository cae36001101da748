//! Bad inputs as tables: each row is a record and the code it must be refused with, or what must
//! become of it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Reading, Words, batch, native, read, strict_json};
use crate::domain::Timestamp;
use crate::domain::event::{Body, EventStatus, IncidentEvent, NotificationRequest, Priority, RequestText};
use crate::domain::malformed::{Malformation, Malformed};
use crate::domain::severity::{Severity, SeverityAliases};

const NOW: &str = "2026-11-21T14:02:08Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn words() -> Words {
    let aliases = BTreeMap::from([("P1".to_owned(), Severity::Critical)]);
    Words { aliases: SeverityAliases(aliases), ..Words::default() }
}

fn incident(record: impl AsRef<[u8]>) -> IncidentEvent {
    match native::parse(record.as_ref(), &words(), at(NOW)) {
        Ok(parsed) => match parsed.body {
            Body::Incident(event) => event,
            Body::Notification(_) => panic!("a notification"),
        },
        Err(malformed) => panic!("{malformed}"),
    }
}

fn notification(record: &str) -> NotificationRequest {
    match native::parse(record.as_bytes(), &words(), at(NOW)).map(|parsed| parsed.body) {
        Ok(Body::Notification(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn refused(record: impl AsRef<[u8]>) -> Malformed {
    native::parse(record.as_ref(), &words(), at(NOW)).expect_err("refused")
}

/// Reason, pointer and code of the first problem.
fn first(malformed: &Malformed) -> (Malformation, &str, &str) {
    let problem = &malformed.problems[0];
    (malformed.reason, &problem.pointer, problem.code)
}

fn with_headers(payload: Option<&str>, headers: &[(&str, &'static str)]) -> Result<Reading, Malformed> {
    let header = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    };
    read(payload.map(str::as_bytes), &header, &words(), at(NOW))
}

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
fn what_is_no_json_is_refused_as_such() {
    let table: [(&[u8], &str); 16] = [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"{\"title\":\"x\"", "not_json"),
        (b"{\"title\":\"x\"} {}", "not_json"),
        (b"\xef\xbb\xbf{\"title\":\"x\"}", "not_json"),
        (b"{\0\"\0t\0", "not_json"),
        (b"\0{\0\"\0t", "not_json"),
        (b"\xff\xfe{\0", "not_json"),
        (b"{\"\xff\":1}", "not_json"),
        (b"{\"title\":\"\xc3\x28\"}", "not_json"),
        (b"{\"title\":\"\\ud800\"}", "not_json"),
        (b"{\"title\":\"a\0b\"}", "not_json"),
        (b"\0\0\0\0\x2a{\"title\":\"x\"}", "not_json"),
        (b"Obj\x01\x04\x14avro.codec", "not_json"),
        (b"\x0a\x05hello\x12\x03abc", "not_json"),
        (b"{\"title\":\"x\",\"vars\":1e400}", "not_json"),
    ];
    for (record, code) in table {
        let malformed = refused(record);
        assert_eq!(first(&malformed), (Malformation::Parse, "", code), "{record:?}");
    }
}

#[test]
fn json_that_is_no_event_is_refused_with_the_place() {
    let table = [
        ("null", "", "wrong_type"),
        ("[]", "", "wrong_type"),
        (r#"[{"title":"x"}]"#, "", "wrong_type"),
        (r#""x""#, "", "wrong_type"),
        ("42", "", "wrong_type"),
        ("{}", "/title", "missing"),
        (r#"{"title":null}"#, "/title", "missing"),
        (r#"{"title":5}"#, "/title", "wrong_type"),
        (r#"{"title":"x","severity":{}}"#, "/severity", "wrong_type"),
        (r#"{"title":"x","labels":{"a":1.0}}"#, "/labels/a", "wrong_type"),
        (r#"{"title":"x","labels":[]}"#, "/labels", "wrong_type"),
        (r#"{"title":"x","labels":{" ":"v"}}"#, "/labels", "empty"),
        (r#"{"title":"x","links":["https://a"]}"#, "/links/0", "wrong_type"),
        (r#"{"title":"x","links":[{"text":"a"}]}"#, "/links/0/url", "missing"),
        (r#"{"title":"x","links":[{"url":"javascript:alert(1)"}]}"#, "/links/0/url", "not_allowed"),
        (r#"{"title":"x","links":[{"url":"file:///etc/passwd"}]}"#, "/links/0/url", "not_allowed"),
        (r#"{"title":"x","links":[{"url":"http://u:p@h/"}]}"#, "/links/0/url", "not_allowed"),
        (r#"{"title":"x","event_id":9007199254740993}"#, "/event_id", "wrong_type"),
        (r#"{"title":"x","event_id":""}"#, "/event_id", "empty"),
        (r#"{"title":"x","event_id":"   "}"#, "/event_id", "empty"),
        (r#"{"title":"x","dedup_key":"a\nb"}"#, "/dedup_key", "control_character"),
        (r#"{"title":"x","severity":"high "}"#, "/severity", "not_allowed"),
        (r#"{"title":"x","severity":"urgent"}"#, "/severity", "not_allowed"),
        (r#"{"title":"x","status":"gone"}"#, "/status", "not_allowed"),
        (r#"{"title":"x","kind":"page"}"#, "/kind", "not_allowed"),
        (r#"{"title":"x","kind":1}"#, "/kind", "wrong_type"),
        (r#"{"title":"x","severity":"low","severity":"critical"}"#, "/severity", "duplicate_key"),
        (r#"{"title":"x","labels":{"a":"1","\u0061":"2"}}"#, "/labels/a", "duplicate_key"),
        (r#"{"title":"a\u0000b"}"#, "/title", "control_character"),
        (r#"{"title":"x","event_id":"a\u0000b"}"#, "/event_id", "control_character"),
        (r#"{"title":"x","labels":{"a":"\u0000"}}"#, "/labels/a", "control_character"),
        (r#"{"title":"x","severty":"high"}"#, "/severty", "unknown_field"),
        (r#"{"title":"x","a/b~c":1}"#, "/a~1b~0c", "unknown_field"),
    ];
    for (record, pointer, code) in table {
        let malformed = refused(record);
        assert_eq!(first(&malformed), (Malformation::Schema, pointer, code), "{record}");
    }
}

#[test]
fn a_nul_in_a_key_is_refused() {
    let malformed = refused(r#"{"title":"x","labels":{"a\u0000":"v"}}"#);
    assert!(malformed.problems.iter().any(|problem| problem.code == "control_character"));
}

#[test]
fn every_problem_is_told_not_only_the_first() {
    let malformed = refused(
        r#"{"titel":"x","severity":"hihg","labels":{"a":1,"b":{}},"links":[{"url":"ftp://x"}],"occurred_at":"soon"}"#,
    );
    let mut found: Vec<_> = malformed.problems.iter().map(|p| (p.pointer.as_str(), p.code)).collect();
    found.sort_unstable();
    let all = [
        ("/labels/a", "wrong_type"),
        ("/labels/b", "wrong_type"),
        ("/links/0/url", "not_allowed"),
        ("/occurred_at", "not_allowed"),
        ("/severity", "not_allowed"),
        ("/titel", "unknown_field"),
        ("/title", "missing"),
    ];
    assert_eq!(found, all);
}

#[test]
fn a_likely_slip_gets_a_suggestion() {
    let hint = |record: &str| refused(record).problems[0].hint.clone().unwrap_or_default();
    assert_eq!(hint(r#"{"title":"x","severty":"high"}"#), "did you mean \"severity\"?");
    assert_eq!(hint(r#"{"title":"x","severity":"critcal"}"#), "did you mean \"critical\"?");
    assert_eq!(hint(r#"{"title":"x","severity":"high "}"#), "did you mean \"high\"?");
    let all = "one of critical, high, medium, low, info, P1";
    assert_eq!(hint(r#"{"title":"x","severity":"zzz"}"#), all);
}

#[test]
fn bounds_hold_to_the_byte() {
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"title":"x","vars":{open}{close}}}"#)
    };
    let title = |length: usize| format!(r#"{{"title":"{}"}}"#, "ö".repeat(length));
    let keys = |count: usize| {
        let entries: Vec<_> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
        format!("{{{}}}", entries.join(","))
    };
    let sized = |bytes: usize| {
        let frame = r#"{"title":"x"}"#;
        format!("{frame}{}", " ".repeat(bytes - frame.len()))
    };
    assert!(matches!(first(&refused(deep(64))), (Malformation::Schema, "/vars", "unknown_field")));
    for depth in [65, 127, 128, 100_000] {
        assert_eq!(first(&refused(deep(depth))).0, Malformation::TooLarge, "{depth}");
        assert_eq!(first(&refused(deep(depth))).2, "too_deep", "{depth}");
    }
    assert_eq!(incident(title(1_024)).title.chars().count(), 1_024);
    assert_eq!(first(&refused(title(1_025))), (Malformation::Schema, "/title", "too_long"));
    assert_eq!(first(&refused(keys(1_024))).2, "missing");
    assert_eq!(first(&refused(keys(1_025))), (Malformation::TooLarge, "", "too_many_keys"));
    assert_eq!(incident(sized(1 << 20)).title, "x");
    assert_eq!(first(&refused(sized((1 << 20) + 1))), (Malformation::TooLarge, "", "too_large"));
    let long_text = format!(r#"{{"title":"x","description":"{}"}}"#, "d".repeat((64 << 10) + 1));
    assert_eq!(first(&refused(long_text)).2, "too_long");
    let long_key = format!(r#"{{"title":"x","{}":1}}"#, "k".repeat((64 << 10) + 1));
    assert_eq!(first(&refused(long_key)).2, "too_long");
    let long_id = format!(r#"{{"title":"x","event_id":"{}"}}"#, "i".repeat(10_000));
    assert_eq!(first(&refused(long_id)), (Malformation::Schema, "/event_id", "too_long"));
}

#[test]
fn a_record_full_of_mistakes_makes_a_short_list() {
    let entries: Vec<_> = (0..1_000).map(|n| format!("\"k{n}\":1")).collect();
    let malformed = refused(format!("{{{}}}", entries.join(",")));
    assert_eq!(malformed.problems.len(), 50);
}

#[test]
fn numbers_keep_their_digits_or_are_refused() {
    let with = |number: &str| {
        format!(
            r#"{{"kind":"notification","to":"ada","via":"email","template":"t","vars":{{"n":{number}}}}}"#
        )
    };
    for number in
        ["0", "-0", "1.0", "18446744073709551615", "-9223372036854775808", "9007199254740993", "0.1"]
    {
        match notification(&with(number)).text {
            RequestText::Template { vars, .. } if number != "-0" => assert_eq!(vars["n"].to_string(), number),
            RequestText::Template { .. } => {}
            RequestText::Plain { .. } => panic!("a template was asked for"),
        }
    }
    for number in ["18446744073709551616", "-9223372036854775809", "1e300"] {
        assert_eq!(first(&refused(with(number))).1, "/vars/n", "{number}");
    }
    assert_eq!(first(&refused(with("1e400"))).2, "not_json");
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

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = native::parse(&raw, &words(), at(NOW));
        let _ = batch::split(&raw, &words().bounds);
    }

    #[test]
    fn no_field_value_makes_the_reader_panic(
        field in "title|severity|status|service|dedup_key|description|occurred_at|event_id|kind|to|via|subject|body|send_at|template",
        value in any::<String>(),
        kind in "incident|notification",
    ) {
        let record = serde_json::json!({ "kind": kind, field: value, "labels": { &value: &value },
            "links": [{ "text": &value, "url": &value }], "vars": { &value: [&value] } });
        let raw = record.to_string();
        let _ = native::parse(raw.as_bytes(), &words(), at(NOW));
        let _ = with_headers(Some(&raw), &[("content-type", "application/cloudevents+json")]);
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads(value in "[a-z\"\\\\{}\\[\\]:, 0-9.é-]{0,40}") {
        let ours = strict_json::parse(value.as_bytes(), &words().bounds);
        if let Ok(ours) = ours {
            prop_assert_eq!(ours.into_value(), serde_json::from_str::<serde_json::Value>(&value).expect("also JSON"));
        }
    }
}
