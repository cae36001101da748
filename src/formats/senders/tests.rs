use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::domain::dedup::Keyspace;
use crate::domain::event::{Body, Bounds, EventStatus, IncidentEvent};
use crate::domain::malformed::{Malformation, Malformed};
use crate::domain::severity::Severity;
use crate::formats::{Format, Parts, Reading, Words, parts, read};

/// 2026-11-21T14:10:00Z
const NOW: i64 = 1_795_270_200;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("in range")
}

type Lines<'l> = &'l [(&'l str, &'static str)];

fn reading_of(format: &Format, raw: &[u8], headers: Lines<'_>) -> Result<Vec<Reading>, Malformed> {
    let header =
        |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let words = Words::default();
    match parts(format, raw, &header, &Bounds::default())? {
        Parts::Whole => {
            Ok(vec![read(format, Some(raw), &header, &words, now()).map(crate::formats::tests::event)?])
        }
        // A part says everything by itself: without the headers of the whole.
        Parts::Each(parts) => parts
            .iter()
            .map(|part| read(format, Some(part), &|_| None, &words, now()).map(crate::formats::tests::event))
            .collect(),
    }
}

fn incident(reading: Reading) -> IncidentEvent {
    match reading.body {
        Body::Incident(event) => event,
        Body::Notification(_) => panic!("no event"),
    }
}

fn one(format: &Format, record: &Value) -> IncidentEvent {
    let mut all = reading_of(format, record.to_string().as_bytes(), &[]).expect("an event");
    assert_eq!(all.len(), 1);
    incident(all.remove(0))
}

fn alert(name: &str) -> Value {
    json!({
        "status": "firing",
        "labels": { "alertname": name, "severity": "critical", "job": "api", "instance": "a:1" },
        "annotations": { "summary": format!("{name} is wrong"), "description": "two\nlines",
            "runbook_url": "https://runbooks.example.com/x" },
        "startsAt": "2026-11-21T14:02:08.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
        "fingerprint": "65adb7b41dd2c7c3",
    })
}

fn webhook() -> Value {
    json!({
        "receiver": "foghorn", "status": "firing", "alerts": [alert("A")], "notification_reason": "first notification",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "routeLabels": {},
        "externalURL": "http://alertmanager.example.com", "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0,
    })
}

fn api_alert() -> Value {
    json!({ "labels": { "alertname": "A", "severity": "page" }, "annotations": { "summary": "s" },
        "startsAt": "2026-11-21T14:02:08Z", "endsAt": "2026-11-21T14:14:00Z", "generatorURL": "http://p/graph" })
}

fn trigger() -> Value {
    json!({
        "routing_key": "0123456789abcdef0123456789abcdef", "event_action": "trigger", "dedup_key": "srv01/HTTP",
        "payload": { "summary": "HTTP is down", "source": "srv01", "severity": "error", "component": "nginx",
            "timestamp": "2026-11-21T14:02:08Z", "custom_details": { "load": 3, "note": "hot" } },
        "links": [{ "href": "https://example.com/a", "text": "A" }, { "href": "javascript:alert(1)" }],
        "images": [{ "src": "https://example.com/i.png" }], "client": "Monitor", "client_url": "https://m.example.com",
    })
}

fn opsgenie() -> Value {
    json!({ "message": "Disk full", "alias": "k", "description": "d", "responders": [{ "name": "x", "type": "team" }],
        "tags": ["a", "b"], "details": { "host": "h" }, "entity": "db", "priority": "P1", "source": "s" })
}

fn grafana() -> Value {
    let mut record = webhook();
    record["version"] = json!("1");
    record["orgId"] = json!(1);
    record["title"] = json!("[FIRING:1] A");
    record["alerts"][0]["values"] = json!({ "B": 1.5 });
    record["alerts"][0]["valueString"] = json!("[ var='B' value=1.5 ]");
    record["alerts"][0]["dashboardURL"] = json!("https://grafana.example.com/d/1");
    record
}

fn cloud_event() -> Value {
    json!({ "specversion": "1.0", "id": "1", "source": "/disks", "type": "com.example.full", "subject": "sda",
        "time": "2026-11-21T14:02:08Z", "severity": "high", "data": { "message": "sda is full", "free": 0 } })
}

#[test]
fn what_each_sender_says_is_an_event_with_the_same_words() {
    let event = one(&Format::Alertmanager, &webhook());
    assert_eq!((event.title.as_str(), event.severity), ("A is wrong", Severity::Critical));
    assert_eq!((event.dedup_key.as_str(), event.service.as_deref()), ("65adb7b41dd2c7c3", Some("api")));
    assert_eq!(event.description.as_deref(), Some("two\nlines"));
    let links: Vec<&str> = event.links.iter().map(|link| link.text.as_str()).collect();
    assert_eq!(links, ["Runbook", "Source", "Alertmanager"]);
    assert_eq!(event.occurred_at, Some("2026-11-21T14:02:08.123Z".parse().expect("a moment")));

    let event = one(&Format::Grafana, &grafana());
    assert_eq!(event.links[1].url, "http://prometheus.example.com/graph?g0.expr=up");
    assert!(event.links.iter().any(|link| link.text == "Dashboard"), "{:?}", event.links);

    let event = one(&Format::PagerDuty, &trigger());
    assert_eq!((event.title.as_str(), event.severity), ("HTTP is down", Severity::High));
    assert_eq!((event.dedup_key.as_str(), event.service.as_deref()), ("srv01/HTTP", Some("nginx")));
    assert_eq!((event.labels["load"].as_str(), event.labels["note"].as_str()), ("3", "hot"));
    let links: Vec<&str> = event.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(links, ["https://example.com/a", "https://example.com/i.png", "https://m.example.com"]);

    let event = one(&Format::Opsgenie, &opsgenie());
    assert_eq!(
        (event.title.as_str(), event.severity, event.dedup_key.as_str()),
        ("Disk full", Severity::Critical, "k")
    );
    assert_eq!((event.labels["tags"].as_str(), event.service.as_deref()), ("a,b", Some("db")));

    let event = one(&Format::CloudEvents, &cloud_event());
    assert_eq!((event.title.as_str(), event.severity), ("sda is full", Severity::High));
    assert_eq!((event.dedup_key.as_str(), event.labels["free"].as_str()), ("/disks#sda", "0"));
}

#[test]
fn what_pagerdutys_first_version_says_is_about_the_same_key_of_the_same_source() {
    let first = json!({ "service_key": "k", "event_type": "trigger", "incident_key": "srv01/HTTP",
        "description": "HTTP is down", "client": "Monitor", "client_url": "https://m.example.com",
        "details": { "load": 3 }, "event_action": "", "payload": null,
        "contexts": [{ "type": "link", "href": "https://example.com/a", "text": "A" },
            { "type": "image", "src": "https://example.com/i.png" }] });
    for format in [Format::PagerDuty, Format::Auto] {
        let event = one(&format, &first);
        assert_eq!((event.title.as_str(), event.severity), ("HTTP is down", Severity::Medium));
        assert_eq!(event.labels["load"], "3");
        let links: Vec<&str> = event.links.iter().map(|link| link.text.as_str()).collect();
        assert_eq!(links, ["A", "https://example.com/i.png", "Monitor"]);
        let second = one(&format, &trigger());
        assert_eq!((event.dedup_key, event.keyspace), (second.dedup_key, Keyspace::Source));
        assert_eq!(second.keyspace, Keyspace::Source);
    }
    let over = json!({ "service_key": "k", "event_type": "resolve", "incident_key": "srv01/HTTP" });
    assert_eq!(one(&Format::PagerDuty, &over).status, EventStatus::Resolved);
    assert_eq!(one(&Format::Opsgenie, &opsgenie()).keyspace, Keyspace::Source);
    for (format, record) in [(Format::Alertmanager, webhook()), (Format::CloudEvents, cloud_event())] {
        assert_eq!(one(&format, &record).keyspace, Keyspace::Shared, "{format:?}");
    }
}

#[test]
fn an_alert_of_prometheus_lasts_as_long_as_it_says() {
    let says = |ends_at: Option<&str>| {
        let mut alert = api_alert();
        alert["endsAt"] = json!(ends_at);
        one(&Format::AlertmanagerApi, &json!([alert]))
    };
    let later = says(Some("2026-11-21T14:14:00Z"));
    assert_eq!(
        (later.status, later.severity),
        (EventStatus::Open, Severity::Medium),
        "an unknown word is none"
    );
    assert_eq!(later.expires_at, Some("2026-11-21T14:14:00Z".parse().expect("a moment")));
    for nothing in [None, Some("0001-01-01T00:00:00Z")] {
        let held = says(nothing).expires_at.expect("it lasts for a while");
        assert_eq!(held.as_second() - NOW, 300);
    }
    for past in ["2026-11-21T14:10:00Z", "2026-11-21T14:09:59.999Z"] {
        let over = says(Some(past));
        assert_eq!((over.status, over.expires_at), (EventStatus::Resolved, None), "{past}");
        assert_eq!(over.occurred_at, Some(past.parse().expect("a moment")));
    }
}

/// Computed by Prometheus: `model.LabelSet{"alertname": "A", "severity": "page"}.Fingerprint()`.
#[test]
fn the_same_alert_has_the_same_key_whichever_way_it_comes() {
    let direct = one(&Format::AlertmanagerApi, &json!([api_alert()]));
    let mut by_webhook = webhook();
    by_webhook["alerts"][0]["labels"] = json!({ "severity": "page", "alertname": "A", "empty": "" });
    by_webhook["alerts"][0].as_object_mut().expect("an object").remove("fingerprint");
    assert_eq!(one(&Format::Alertmanager, &by_webhook).dedup_key, direct.dedup_key);
    assert_eq!(direct.dedup_key.len(), 16);
}

#[test]
fn a_senders_clock_may_be_ahead_and_its_event_is_not_from_the_future() {
    for (starts_at, taken_for) in [
        ("2026-11-21T14:14:59Z", "2026-11-21T14:14:59Z"),
        ("2026-11-21T14:15:01Z", "2026-11-21T14:10:00Z"),
        ("2099-01-01T00:00:00Z", "2026-11-21T14:10:00Z"),
    ] {
        let mut record = webhook();
        record["alerts"][0]["startsAt"] = json!(starts_at);
        let mut pager = trigger();
        pager["payload"]["timestamp"] = json!(starts_at);
        let mut envelope = cloud_event();
        envelope["time"] = json!(starts_at);
        let wanted = Some(taken_for.parse().expect("a moment"));
        for (format, record) in
            [(Format::Alertmanager, record), (Format::PagerDuty, pager), (Format::CloudEvents, envelope)]
        {
            assert_eq!(one(&format, &record).occurred_at, wanted, "{format:?}: {starts_at}");
        }
    }
}

#[test]
fn each_part_of_a_record_says_everything_by_itself() {
    let mut record = webhook();
    record["alerts"] = json!([alert("A"), alert("B"), alert("C")]);
    let titles = |format, record: &Value| {
        let all = reading_of(&format, record.to_string().as_bytes(), &[]).expect("events");
        all.into_iter().map(|reading| incident(reading).title).collect::<Vec<_>>()
    };
    assert_eq!(titles(Format::Alertmanager, &record), ["A is wrong", "B is wrong", "C is wrong"]);
    assert_eq!(titles(Format::Auto, &record), ["A is wrong", "B is wrong", "C is wrong"]);
    let list = json!([api_alert(), api_alert()]);
    assert_eq!(titles(Format::AlertmanagerApi, &list), ["s", "s"]);
    assert_eq!(titles(Format::CloudEvents, &json!([cloud_event(), cloud_event()])).len(), 2);
}

#[test]
fn of_what_is_sniffed_nothing_is_taken_for_something_else() {
    let plain = json!({ "title": "x" });
    let rows = [
        (webhook(), "A is wrong"),
        (grafana(), "A is wrong"),
        (json!([api_alert()]), "s"),
        (trigger(), "HTTP is down"),
        (cloud_event(), "sda is full"),
        (plain, "x"),
    ];
    for (record, title) in rows {
        assert_eq!(one(&Format::Auto, &record).title, title);
    }
}

#[test]
fn an_event_in_binary_mode_is_kept_with_its_envelope() {
    let http: Lines<'_> = &[
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/disks"),
        ("ce-type", "com.example.full"),
        ("ce-subject", "Euro%20%E2%82%AC %zz"),
        ("content-type", "application/json"),
    ];
    let all = reading_of(&Format::CloudEvents, br#"{"free":0}"#, http).expect("an event");
    assert_eq!(all[0].producer_id.as_deref(), Some("/disks#1"));
    let event = incident(all.into_iter().next().expect("one"));
    assert_eq!(event.title, "com.example.full: Euro € %zz");
    let kafka: Lines<'_> =
        &[("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "s"), ("ce_type", "100%25")];
    let all = reading_of(&Format::Auto, b"\xff\xfe", kafka).expect("an event of bytes");
    assert_eq!(incident(all.into_iter().next().expect("one")).title, "100%25");
    let own = br#"{"title":"ours","severity":"low"}"#;
    let all = reading_of(&Format::CloudEvents, own, kafka).expect("one of ours");
    assert_eq!(incident(all.into_iter().next().expect("one")).severity, Severity::Low);
    let bad: Lines<'_> = &[("ce-specversion", "1.0"), ("ce-id", "%ff"), ("ce-source", "s"), ("ce-type", "t")];
    assert!(reading_of(&Format::CloudEvents, b"{}", bad).is_err(), "no UTF-8");
}

/// What is changed about a good record, the reason, and the place of the first problem.
type Row = (Format, Value, Malformation, &'static str);

fn without_something() -> Vec<Row> {
    let without = |mut record: Value, pointer: &str, key: &str| {
        record.pointer_mut(pointer).and_then(Value::as_object_mut).expect("an object").remove(key);
        record
    };
    let with = |mut record: Value, pointer: &str, value: Value| {
        *record.pointer_mut(pointer).expect("a place") = value;
        record
    };
    let schema = Malformation::Schema;
    vec![
        (Format::Alertmanager, json!({}), schema, "/version"),
        (Format::Alertmanager, with(webhook(), "/version", json!("5")), schema, "/version"),
        (Format::Alertmanager, with(webhook(), "/version", json!(4)), schema, "/version"),
        (Format::Alertmanager, with(webhook(), "/alerts", json!([])), schema, "/alerts"),
        (Format::Alertmanager, with(webhook(), "/alerts", json!("x")), schema, "/alerts"),
        (Format::Alertmanager, without(webhook(), "", "alerts"), schema, "/alerts"),
        (Format::Alertmanager, without(webhook(), "/alerts/0", "labels"), schema, "/alerts/0/labels"),
        (Format::Alertmanager, with(webhook(), "/alerts/0/labels", json!({})), schema, "/alerts/0/labels"),
        (Format::Alertmanager, with(webhook(), "/alerts/0/status", json!("x")), schema, "/alerts/0/status"),
        (
            Format::Alertmanager,
            with(webhook(), "/alerts/0/startsAt", json!("soon")),
            schema,
            "/alerts/0/startsAt",
        ),
        (Format::Grafana, webhook(), schema, "/version"),
        (Format::AlertmanagerApi, json!([]), schema, ""),
        (Format::AlertmanagerApi, json!({}), schema, ""),
        (Format::AlertmanagerApi, json!([{}]), schema, "/0/labels"),
        (Format::AlertmanagerApi, json!([{ "labels": { "a": 1 } }]), schema, "/0/labels/a"),
        (Format::PagerDuty, json!({}), schema, "/routing_key"),
        (Format::PagerDuty, without(trigger(), "", "routing_key"), schema, "/routing_key"),
        (Format::PagerDuty, with(trigger(), "/event_action", json!("page")), schema, "/event_action"),
        (Format::PagerDuty, without(trigger(), "", "payload"), schema, "/payload"),
        (Format::PagerDuty, without(trigger(), "/payload", "summary"), schema, "/payload/summary"),
        (Format::PagerDuty, without(trigger(), "/payload", "source"), schema, "/payload/source"),
        (Format::PagerDuty, with(trigger(), "/payload/severity", json!("bad")), schema, "/payload/severity"),
        (Format::PagerDuty, with(trigger(), "/dedup_key", json!("k".repeat(256))), schema, "/dedup_key"),
        (
            Format::PagerDuty,
            without(with(trigger(), "/event_action", json!("resolve")), "", "dedup_key"),
            schema,
            "/dedup_key",
        ),
        (Format::Opsgenie, json!({}), schema, "/message"),
        (Format::Opsgenie, with(opsgenie(), "/priority", json!("P6")), schema, "/priority"),
        (Format::Opsgenie, with(opsgenie(), "/message", json!(1)), schema, "/message"),
        (Format::CloudEvents, json!({ "title": "bare" }), schema, "/specversion"),
        (Format::CloudEvents, with(cloud_event(), "/specversion", json!("0.3")), schema, "/specversion"),
        (Format::CloudEvents, without(cloud_event(), "", "id"), schema, "/id"),
        (
            Format::CloudEvents,
            with(cloud_event(), "/data", json!({ "title": "x", "tytle": 1 })),
            schema,
            "/data/tytle",
        ),
        (Format::CloudEvents, json!([]), schema, ""),
    ]
}

#[test]
fn what_a_specification_demands_is_demanded() {
    for (format, record, reason, pointer) in without_something() {
        let told = reading_of(&format, record.to_string().as_bytes(), &[]);
        let malformed = told.expect_err(&format!("{format:?}: {record}"));
        assert_eq!((malformed.reason, malformed.problems[0].pointer.as_str()), (reason, pointer), "{record}");
    }
    for format in Format::ALL {
        for raw in [&b""[..], b" ", b"{", b"[{]", b"\xff\xfe", b"null", b"42", b"\"x\"", b"[[]]", b"[null]"] {
            assert!(reading_of(&format, raw, &[]).is_err(), "{format:?}: {raw:?}");
        }
        let large = vec![b' '; (1 << 20) + 1];
        let malformed = reading_of(&format, &large, &[]).expect_err("too large");
        assert_eq!(malformed.reason, Malformation::TooLarge, "{format:?}");
    }
}

#[test]
fn what_a_sender_adds_later_is_read_over() {
    for (format, mut record) in [
        (Format::Alertmanager, webhook()),
        (Format::Grafana, grafana()),
        (Format::PagerDuty, trigger()),
        (Format::Opsgenie, opsgenie()),
        (Format::CloudEvents, cloud_event()),
    ] {
        record["later"] = json!({ "than": ["this"] });
        one(&format, &record);
    }
}

#[test]
fn a_senders_texts_are_cut_and_nothing_of_them_can_be_followed_that_should_not() {
    let mut record = webhook();
    record["alerts"][0]["annotations"]["summary"] = json!("x".repeat(5_000));
    record["alerts"][0]["labels"]["long"] = json!("y".repeat(10_000));
    record["alerts"][0]["generatorURL"] = json!("javascript:alert(1)");
    record["externalURL"] = json!("file:///etc/passwd");
    let event = one(&Format::Alertmanager, &record);
    assert_eq!((event.title.chars().count(), event.labels["long"].chars().count()), (1_024, 4_096));
    assert_eq!(event.links.len(), 1, "{:?}", event.links);
}

#[test]
fn a_thousand_alerts_are_taken_and_too_many_are_not() {
    let group = |count: usize| {
        let mut record = webhook();
        let small = json!({ "status": "firing", "labels": { "a": "b" } });
        record["alerts"] = vec![small; count].into();
        reading_of(&Format::Alertmanager, record.to_string().as_bytes(), &[]).map(|all| all.len())
    };
    assert_eq!(group(1_000), Ok(1_000));
    assert_eq!(group(2_001).expect_err("too many").reason, Malformation::TooLarge);
}
