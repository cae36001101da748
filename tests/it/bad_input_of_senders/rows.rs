//! The table: what each format says to each kind of bad input.

use foghorn::formats::Format;
use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{REPORTER, TOKEN};
use super::signed;
use super::{Ask, Cell, FAR_AHEAD, NOW, Row, Told, Twice};

const MIB: usize = 1 << 20;

/// No format of a sender is read where nobody has signed it.
const UNSIGNED: &str =
    "its sender shows a credential and signs nothing: what is played back is what is said twice";
const NO_VERSION: &str = "its records name no version";
const NO_MOMENT: &str = "its records say no moment";

/// The rows of a format; of none if it is read by a mapper.
pub(super) fn of(format: Option<Format>) -> Vec<Row> {
    match format {
        Some(Format::Foghorn) => vec![foghorn()],
        Some(Format::Auto) => vec![auto(), signed::standard_row()],
        Some(Format::CloudEvents) => vec![structured(), binary(), batch(), of_our_own()],
        Some(Format::Alertmanager) => vec![alertmanager()],
        Some(Format::AlertmanagerApi) => vec![prometheus()],
        Some(Format::PagerDuty) => vec![pager_duty(), first_pager_duty()],
        Some(Format::Opsgenie) => vec![opsgenie()],
        Some(Format::Grafana) => vec![grafana(), signed::grafana_row()],
        None | Some(Format::Json(_)) => vec![mapped(), signed::github_row(), signed::sentry_row()],
    }
}

pub(super) fn post(path: &'static str, body: &Value) -> Ask {
    let headers = vec![("content-type", "application/json".to_owned())];
    Ask { method: Method::POST, path, headers, body: body.to_string().into_bytes() }
}

fn shown(path: &'static str, body: &Value) -> Ask {
    post(path, body).with("authorization", format!("Bearer {TOKEN}"))
}

/// A key that is nearly right.
fn forged(ask: Ask) -> Ask {
    let key = TOKEN.replace('f', "F");
    ask.without("authorization").with("authorization", format!("Bearer {key}"))
}

/// The same with another value there, or without any.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let place = body.pointer_mut(parent).unwrap();
    match (place, value) {
        (Value::Array(list), value) => list[key.parse::<usize>().unwrap()] = value,
        (Value::Object(entries), Value::Null) => {
            entries.remove(key);
        }
        (Value::Object(entries), value) => {
            entries.insert(key.to_owned(), value);
        }
        (other, _) => panic!("{pointer} in {other}"),
    }
    body
}

pub(super) fn not_json() -> Told {
    Told::Problem(400, "FH0701", "there are no bytes", &[])
}

pub(super) fn too_large() -> Told {
    Told::Problem(413, "FH0703", "a body may have 1048576 bytes", &[])
}

pub(super) fn nobody() -> Told {
    Told::Problem(401, "FH0725", "this is not from the sender of this source", &[])
}

pub(super) fn flawed(pointer: &'static str, detail: &'static str) -> Told {
    let errors: &'static [(&str, &str)] = Box::leak(Box::new([(pointer, detail)]));
    Told::Problem(422, "FH0702", "1 problem in the body", errors)
}

fn foghorn() -> Row {
    let ask = |body: &Value| post("/api/v1/events", body).with("authorization", format!("Bearer {REPORTER}"));
    let event = |name: &str| json!({ "title": name, "dedup_key": name, "event_id": name });
    let good = |name: &str| {
        post("/api/v1/events", &json!({ "title": name, "dedup_key": name, "event_id": name }))
            .with("authorization", format!("Bearer {REPORTER}"))
    };
    let stranger =
        good("x").without("authorization").with("authorization", "Bearer fh_reporter_0123456789abcdeF");
    let ended = json!({ "title": "fx", "dedup_key": "fx", "status": "resolved", "occurred_at": NOW });
    Row {
        name: "foghorn",
        good,
        taken: 202,
        empty: Cell::Bad(ask(&json!(0)).saying(""), not_json()),
        wrong_type: Cell::Bad(
            ask(&with(event("x"), "/title", json!(5))),
            flawed("/title", "must be text, is a number"),
        ),
        missing_required: Cell::Bad(
            ask(&with(event("x"), "/title", Value::Null)),
            flawed("/title", "\"title\" is required"),
        ),
        oversize: Cell::Bad(ask(&json!({ "title": "x".repeat(MIB) })), too_large()),
        unknown_version: Cell::Never(NO_VERSION),
        duplicate: Twice(Told::Event(202, "duplicate"), 1),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(
            stranger,
            Told::Problem(401, "FH0715", "this needs a token that counts: Authorization: Bearer fh_…", &[]),
        ),
        clock_skew: Cell::Taken(
            ask(&json!({ "title": "fx", "dedup_key": "fx", "occurred_at": FAR_AHEAD })),
            Told::Event(202, "opened"),
            ask(&ended),
        ),
    }
}

fn auto() -> Row {
    let event = |name: &str| json!({ "title": name, "dedup_key": name, "event_id": name });
    let good =
        |name: &str| shown("/hooks/auto", &json!({ "title": name, "dedup_key": name, "event_id": name }));
    let ended = json!({ "title": "ax", "dedup_key": "ax", "status": "resolved", "occurred_at": NOW });
    Row {
        name: "auto",
        good,
        taken: 202,
        empty: Cell::Bad(good("x").saying(""), not_json()),
        wrong_type: Cell::Bad(
            shown("/hooks/auto", &with(event("x"), "/title", json!({}))),
            flawed("/title", "must be text, is an object"),
        ),
        missing_required: Cell::Bad(
            shown("/hooks/auto", &with(event("x"), "/title", Value::Null)),
            flawed("/title", "\"title\" is required"),
        ),
        oversize: Cell::Bad(good(&"x".repeat(MIB)), too_large()),
        unknown_version: Cell::Bad(
            good("x")
                .with("ce-specversion", "9")
                .with("ce-id", "1")
                .with("ce-source", "s")
                .with("ce-type", "t"),
            flawed("/specversion", "\"9\" is not known here"),
        ),
        duplicate: Twice(Told::Event(202, "duplicate"), 1),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(good("x")), nobody()),
        clock_skew: Cell::Taken(
            shown("/hooks/auto", &json!({ "title": "ax", "dedup_key": "ax", "occurred_at": FAR_AHEAD })),
            Told::Event(202, "opened"),
            shown("/hooks/auto", &ended),
        ),
    }
}

fn cloud_event(name: &str) -> Value {
    json!({ "specversion": "1.0", "id": name, "source": "/disks", "type": "full", "subject": name,
        "data": { "message": name } })
}

fn enveloped(path: &'static str, kind: &str, body: &Value) -> Ask {
    shown(path, body).without("content-type").with("content-type", kind)
}

fn in_structure(body: &Value) -> Ask {
    enveloped("/hooks/events", "application/cloudevents+json; charset=utf-8", body)
}

fn structured() -> Row {
    let ended = with(with(cloud_event("cx"), "/status", json!("resolved")), "/time", json!(NOW));
    Row {
        name: "cloudevents, structured",
        good: |name| in_structure(&cloud_event(name)),
        taken: 202,
        empty: Cell::Bad(in_structure(&json!(0)).saying(""), not_json()),
        wrong_type: Cell::Bad(
            in_structure(&with(cloud_event("x"), "/source", json!(["/disks"]))),
            flawed("/source", "must be text, is a list"),
        ),
        missing_required: Cell::Bad(
            in_structure(&with(cloud_event("x"), "/id", Value::Null)),
            flawed("/id", "\"id\" is required"),
        ),
        oversize: Cell::Bad(in_structure(&cloud_event(&"x".repeat(MIB))), too_large()),
        unknown_version: Cell::Bad(
            in_structure(&with(cloud_event("x"), "/specversion", json!("0.3"))),
            flawed("/specversion", "\"0.3\" is not known here"),
        ),
        duplicate: Twice(Told::Event(202, "duplicate"), 1),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(in_structure(&cloud_event("x"))), nobody()),
        clock_skew: Cell::Taken(
            in_structure(&with(with(cloud_event("cx"), "/time", json!(FAR_AHEAD)), "/id", json!("cx ahead"))),
            Told::Event(202, "opened"),
            in_structure(&ended),
        ),
    }
}

fn in_headers(name: &str) -> Ask {
    let ask = shown("/hooks/events", &json!({ "message": name })).with("ce-specversion", "1.0");
    let ask =
        ask.with("ce-id", name.replace(' ', "%20")).with("ce-source", "/headers").with("ce-type", "full");
    ask.with("ce-subject", name.replace(' ', "%20"))
}

fn binary() -> Row {
    Row {
        name: "cloudevents, binary",
        good: in_headers,
        taken: 202,
        // The data may be nothing: its headers are the event.
        empty: Cell::Taken(
            in_headers("bn").saying(""),
            Told::Event(202, "opened"),
            in_headers("bn").without("ce-id").with("ce-id", "bn2").with("ce-status", "resolved"),
        ),
        wrong_type: Cell::Bad(
            in_headers("x").without("ce-id").with("ce-id", "%ff"),
            Told::Problem(
                422,
                "FH0702",
                "1 problem in the body",
                &[("", "the header ce-id is not UTF-8 once its escapes are read")],
            ),
        ),
        missing_required: Cell::Bad(
            in_headers("x").without("ce-type"),
            flawed("/type", "\"type\" is required"),
        ),
        oversize: Cell::Bad(in_headers("x").saying("x".repeat(MIB + 1)), too_large()),
        unknown_version: Cell::Bad(
            in_headers("x").without("ce-specversion").with("ce-specversion", "2.0"),
            flawed("/specversion", "\"2.0\" is not known here"),
        ),
        duplicate: Twice(Told::Event(202, "duplicate"), 1),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(in_headers("x")), nobody()),
        clock_skew: Cell::Taken(
            in_headers("bx").with("ce-time", FAR_AHEAD),
            Told::Event(202, "opened"),
            in_headers("bx")
                .without("ce-id")
                .with("ce-id", "bx2")
                .with("ce-time", NOW)
                .with("ce-status", "resolved"),
        ),
    }
}

fn in_batch(events: &[Value]) -> Ask {
    enveloped("/hooks/events", "application/cloudevents-batch+json", &json!(events))
}

fn batch() -> Row {
    let ended = with(with(cloud_event("ex"), "/status", json!("resolved")), "/time", json!(NOW));
    Row {
        name: "cloudevents, batch",
        good: |name| in_batch(&[cloud_event(name)]),
        taken: 202,
        empty: Cell::Bad(
            in_batch(&[]).saying(""),
            Told::Problem(400, "FH0701", "a batch must be a list of events, and readable as JSON", &[]),
        ),
        wrong_type: Cell::Bad(
            in_batch(&[]).saying("{}"),
            Told::Problem(400, "FH0701", "a batch must be a list of events, and readable as JSON", &[]),
        ),
        missing_required: Cell::Bad(
            in_batch(&[with(cloud_event("x"), "/source", Value::Null)]),
            flawed("/source", "\"source\" is required"),
        ),
        oversize: Cell::Bad(in_batch(&[cloud_event(&"x".repeat(MIB))]), too_large()),
        unknown_version: Cell::Bad(
            in_batch(&[with(cloud_event("x"), "/specversion", json!("1.1"))]),
            flawed("/specversion", "\"1.1\" is not known here"),
        ),
        duplicate: Twice(Told::Event(202, "duplicate"), 1),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(in_batch(&[cloud_event("x")])), nobody()),
        clock_skew: Cell::Taken(
            in_batch(&[with(with(cloud_event("ex"), "/time", json!(FAR_AHEAD)), "/id", json!("ex ahead"))]),
            Told::Event(202, "opened"),
            in_batch(&[ended]),
        ),
    }
}

/// Our own record in the envelope, at our own door.
fn ours(body: &Value) -> Ask {
    enveloped("/api/v1/events", "application/cloudevents+json", body)
        .without("authorization")
        .with("authorization", format!("Bearer {REPORTER}"))
}

fn of_our_own() -> Row {
    let event = |name: &str| with(cloud_event(name), "/data", json!({ "title": name, "dedup_key": name }));
    let ended = with(event("ox"), "/data", json!({ "title": "ox", "dedup_key": "ox", "status": "resolved" }));
    let ended = with(ended, "/time", json!(NOW));
    Row {
        name: "cloudevents, our own",
        good: |name| ours(&with(cloud_event(name), "/data", json!({ "title": name, "dedup_key": name }))),
        taken: 202,
        empty: Cell::Bad(ours(&json!(0)).saying(""), not_json()),
        wrong_type: Cell::Bad(
            ours(&with(event("x"), "/data/title", json!(5))),
            flawed("/data/title", "must be text, is a number"),
        ),
        missing_required: Cell::Bad(
            ours(&with(event("x"), "/data/title", Value::Null)),
            flawed("/data/title", "\"title\" is required"),
        ),
        oversize: Cell::Bad(ours(&event(&"x".repeat(MIB))), too_large()),
        unknown_version: Cell::Bad(
            ours(&with(event("x"), "/specversion", json!("9"))),
            flawed("/specversion", "\"9\" is not known here"),
        ),
        duplicate: Twice(Told::Event(202, "duplicate"), 1),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(
            ours(&event("x")).without("authorization"),
            Told::Problem(401, "FH0715", "this needs a token that counts: Authorization: Bearer fh_…", &[]),
        ),
        clock_skew: Cell::Taken(
            ours(&with(with(event("ox"), "/time", json!(FAR_AHEAD)), "/id", json!("ox ahead"))),
            Told::Event(202, "opened"),
            ours(&ended),
        ),
    }
}

pub(super) fn webhook(version: &str, name: &str) -> Value {
    json!({ "version": version, "groupKey": "g", "orgId": 1, "externalURL": "http://am", "truncatedAlerts": 3,
        "notification_reason": "first notification", "later": { "than": "this" }, "alerts": [{
            "status": "firing", "labels": { "alertname": name }, "annotations": {},
            "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z" }] })
}

fn alertmanager() -> Row {
    let ask = |body: &Value| shown("/hooks/alertmanager", body);
    let body = || webhook("4", "x");
    let ahead = with(webhook("4", "mx"), "/alerts/0/startsAt", json!(FAR_AHEAD));
    let ended =
        with(with(ahead.clone(), "/alerts/0/status", json!("resolved")), "/alerts/0/endsAt", json!(NOW));
    Row {
        name: "alertmanager",
        good: |name| shown("/hooks/alertmanager", &webhook("4", name)),
        taken: 202,
        empty: Cell::Bad(ask(&body()).saying(""), not_json()),
        wrong_type: Cell::Bad(
            ask(&with(body(), "/alerts/0/annotations", json!("x"))),
            flawed("/alerts/0/annotations", "must be an object, is text"),
        ),
        missing_required: Cell::Bad(
            ask(&with(body(), "/alerts/0/status", Value::Null)),
            flawed("/alerts/0/status", "\"status\" is required"),
        ),
        oversize: Cell::Bad(ask(&webhook("4", &"x".repeat(MIB))), too_large()),
        unknown_version: Cell::Bad(ask(&webhook("5", "x")), flawed("/version", "\"5\" is not known here")),
        duplicate: Twice(Told::Event(202, "updated"), 2),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(ask(&body())), nobody()),
        clock_skew: Cell::Taken(ask(&ahead), Told::Event(202, "opened"), ask(&ended)),
    }
}

fn prometheus() -> Row {
    let alert = |name: &str| json!([{ "labels": { "alertname": name }, "startsAt": "2026-01-01T00:00:00Z", "endsAt": FAR_AHEAD }]);
    let ask = |body: &Value| shown("/api/v2/alerts", body);
    let said = |status, words: &str| Told::Json(status, json!(words));
    let ahead = with(alert("px"), "/0/startsAt", json!(FAR_AHEAD));
    Row {
        name: "alertmanager-api",
        good: |name| {
            let alert = json!([{ "labels": { "alertname": name }, "endsAt": FAR_AHEAD }]);
            shown("/api/v2/alerts", &alert)
        },
        taken: 200,
        empty: Cell::Bad(ask(&json!([])).saying(""), said(400, "there are no bytes")),
        wrong_type: Cell::Bad(ask(&json!({})), said(400, "must be a list of alerts, is an object")),
        missing_required: Cell::Bad(
            ask(&with(alert("x"), "/0/labels", Value::Null)),
            said(400, "/0/labels: \"labels\" is required"),
        ),
        oversize: Cell::Bad(ask(&alert(&"x".repeat(MIB))), too_large()),
        unknown_version: Cell::Bad(
            shown("/api/v1/alerts", &alert("x")),
            Told::Problem(404, "FH0707", "nothing is served at this path", &[]),
        ),
        duplicate: Twice(Told::Nothing(200), 2),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(ask(&alert("x"))), nobody()),
        clock_skew: Cell::Taken(
            ask(&ahead),
            Told::Nothing(200),
            ask(&with(alert("px"), "/0/endsAt", json!(NOW))),
        ),
    }
}

fn trigger(name: &str) -> Value {
    json!({ "routing_key": TOKEN, "event_action": "trigger", "dedup_key": name,
        "payload": { "summary": name, "source": "srv01", "severity": "critical" } })
}

fn of_pager_duty(status: u16, words: (&str, &str), error: &str) -> Told {
    Told::Json(status, json!({ "status": words.0, "message": words.1, "errors": [error] }))
}

const INVALID: (&str, &str) = ("invalid event", "Event object is invalid");
const UNRECOGNIZED: (&str, &str) = ("Unrecognized object", "Event object format is unrecognized");

fn pager_duty() -> Row {
    let ask = |body: &Value| post("/v2/enqueue", body);
    let resolved = |name: &str| json!({ "routing_key": TOKEN, "event_action": "resolve", "dedup_key": name });
    let ahead = with(trigger("dx"), "/payload/timestamp", json!(FAR_AHEAD));
    Row {
        name: "pagerduty-v2",
        good: |name| post("/v2/enqueue", &trigger(name)),
        taken: 202,
        empty: Cell::Bad(ask(&json!(0)).saying(""), of_pager_duty(400, UNRECOGNIZED, "JSON parse error")),
        wrong_type: Cell::Bad(
            ask(&with(trigger("x"), "/routing_key", json!(5))),
            of_pager_duty(400, INVALID, "'routing_key': must be text"),
        ),
        missing_required: Cell::Bad(
            ask(&with(trigger("x"), "/payload/summary", Value::Null)),
            of_pager_duty(400, INVALID, "'payload.summary' is missing or blank"),
        ),
        oversize: Cell::Bad(
            ask(&trigger(&"x".repeat(MIB))),
            of_pager_duty(400, INVALID, "the event is larger than 512 KB"),
        ),
        // What another version says is refused by what it lacks.
        unknown_version: Cell::Bad(
            ask(&first("x")),
            of_pager_duty(400, INVALID, "'routing_key' is missing or blank"),
        ),
        duplicate: Twice(
            Told::Json(
                202,
                json!({ "status": "success", "message": "Event processed", "dedup_key": "pagerduty-v2 twice" }),
            ),
            2,
        ),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(
            ask(&with(trigger("x"), "/routing_key", json!(TOKEN.replace('f', "F")))),
            of_pager_duty(400, INVALID, "'routing_key' is the key of no integration"),
        ),
        clock_skew: Cell::Taken(
            ask(&ahead),
            Told::Json(202, json!({ "status": "success", "message": "Event processed", "dedup_key": "dx" })),
            ask(&resolved("dx")),
        ),
    }
}

fn first(name: &str) -> Value {
    json!({ "service_key": TOKEN, "event_type": "trigger", "incident_key": name, "description": name,
        "client": "Monitor", "client_url": "https://m.example.com", "details": { "load": 3 },
        "contexts": [{ "type": "link", "href": "https://g.example.com", "text": "Graph" }] })
}

const FIRST: &str = "/generic/2010-04-15/create_event.json";

fn first_pager_duty() -> Row {
    let ask = |body: &Value| post(FIRST, body);
    Row {
        name: "pagerduty-v2, as version 1",
        good: |name| post(FIRST, &first(name)),
        taken: 200,
        empty: Cell::Bad(ask(&json!(0)).saying(""), of_pager_duty(400, UNRECOGNIZED, "JSON parse error")),
        wrong_type: Cell::Bad(
            ask(&with(first("x"), "/description", json!([]))),
            of_pager_duty(400, INVALID, "'description': must be text, is a list"),
        ),
        missing_required: Cell::Bad(
            ask(&with(first("x"), "/description", Value::Null)),
            of_pager_duty(400, INVALID, "'description' is missing or blank"),
        ),
        oversize: Cell::Bad(
            ask(&first(&"x".repeat(600 << 10))),
            of_pager_duty(400, INVALID, "the event is larger than 512 KB"),
        ),
        unknown_version: Cell::Bad(
            ask(&trigger("x")),
            of_pager_duty(400, INVALID, "'service_key' is missing or blank"),
        ),
        duplicate: Twice(
            Told::Json(
                200,
                json!({ "status": "success", "message": "Event processed",
                    "incident_key": "pagerduty-v2, as version 1 twice" }),
            ),
            2,
        ),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(
            ask(&with(first("x"), "/service_key", json!(TOKEN.replace('f', "F")))),
            of_pager_duty(400, INVALID, "'service_key' is the key of no integration"),
        ),
        clock_skew: Cell::Never(NO_MOMENT),
    }
}

fn opsgenie() -> Row {
    let alert = |name: &str| json!({ "message": name, "alias": name, "priority": "P1" });
    let ask = |body: &Value| post("/v2/alerts", body).with("authorization", format!("GenieKey {TOKEN}"));
    Row {
        name: "opsgenie",
        good: |name| {
            let alert = json!({ "message": name, "alias": name, "priority": "P1", "later": true });
            post("/v2/alerts", &alert).with("authorization", format!("GenieKey {TOKEN}"))
        },
        taken: 202,
        empty: Cell::Bad(
            ask(&json!(0)).saying(""),
            Told::Opsgenie(400, "Could not parse request body as JSON"),
        ),
        wrong_type: Cell::Bad(
            ask(&with(alert("x"), "/message", json!(5))),
            Told::Opsgenie(422, "/message: must be text, is a number"),
        ),
        missing_required: Cell::Bad(
            ask(&with(alert("x"), "/message", Value::Null)),
            Told::Opsgenie(422, "/message: \"message\" is required"),
        ),
        oversize: Cell::Bad(ask(&alert(&"x".repeat(MIB))), too_large()),
        unknown_version: Cell::Bad(
            post("/v1/json/alert", &alert("x")).with("authorization", format!("GenieKey {TOKEN}")),
            Told::Problem(404, "FH0707", "nothing is served at this path", &[]),
        ),
        // The same alias while it is open counts, and makes no new alert.
        duplicate: Twice(Told::Opsgenie(202, "Request will be processed"), 2),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(
            forged(ask(&alert("x"))),
            Told::Opsgenie(401, "Could not authenticate: the key is missing or wrong"),
        ),
        clock_skew: Cell::Never(NO_MOMENT),
    }
}

fn grafana() -> Row {
    let ask = |body: &Value| shown("/hooks/grafana", body);
    let body = || webhook("1", "x");
    let ahead = with(webhook("1", "gx"), "/alerts/0/startsAt", json!(FAR_AHEAD));
    let ended =
        with(with(ahead.clone(), "/alerts/0/status", json!("resolved")), "/alerts/0/endsAt", json!(NOW));
    Row {
        name: "grafana",
        good: |name| shown("/hooks/grafana", &webhook("1", name)),
        taken: 202,
        empty: Cell::Bad(ask(&body()).saying(""), not_json()),
        wrong_type: Cell::Bad(
            ask(&with(body(), "/alerts", json!({ "0": 1 }))),
            flawed("/alerts", "must be a list, is an object"),
        ),
        missing_required: Cell::Bad(
            ask(&with(body(), "/alerts/0/labels", Value::Null)),
            flawed("/alerts/0/labels", "\"labels\" is required"),
        ),
        oversize: Cell::Bad(ask(&webhook("1", &"x".repeat(MIB))), too_large()),
        unknown_version: Cell::Bad(ask(&webhook("2", "x")), flawed("/version", "\"2\" is not known here")),
        duplicate: Twice(Told::Event(202, "updated"), 2),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(ask(&body())), nobody()),
        clock_skew: Cell::Taken(ask(&ahead), Told::Event(202, "opened"), ask(&ended)),
    }
}

/// What a mapper says of a record without a name.
pub(super) fn nameless(of: &'static str) -> Told {
    let detail =
        format!("rule \"rule 1\", title from /name: \"title\" is required; found nothing; the record {of}");
    Told::Kept(Box::leak(format!("/name: {detail}").into_boxed_str()))
}

fn mapped() -> Row {
    let ask = |body: &Value| shown("/hooks/json", body);
    Row {
        name: "json",
        good: |name| shown("/hooks/json", &json!({ "name": name })),
        taken: 202,
        empty: Cell::Bad(ask(&json!(0)).saying(""), not_json()),
        wrong_type: Cell::Bad(ask(&json!(["x"])), nameless("is a list of 1")),
        missing_required: Cell::Bad(ask(&json!({ "nam": "x" })), nameless("has nam")),
        oversize: Cell::Bad(ask(&json!({ "name": "x".repeat(MIB) })), too_large()),
        unknown_version: Cell::Never("anybody's JSON has the version that its mapper was written for"),
        duplicate: Twice(Told::Event(202, "updated"), 2),
        replayed_signature: Cell::Never(UNSIGNED),
        bad_signature: Cell::Bad(forged(ask(&json!({ "name": "x" }))), nobody()),
        clock_skew: Cell::Taken(
            ask(&json!({ "name": "jx", "at": FAR_AHEAD })),
            Told::Event(202, "opened"),
            ask(&json!({ "name": "jx", "at": NOW, "status": "over" })),
        ),
    }
}
