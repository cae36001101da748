//! What other systems post is taken in their own formats and answered in their own words, from whoever has
//! the credential of the source and from nobody else.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foghorn::clock::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::SmtpSink;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const STANDARD_SECRET: [u8; 24] = [7; 24];

const SOURCES: &str = r#"
[auth]
mode = "token"
[tokens.reader]
secret = "fh_reader_0123456789abcdef"
scopes = ["read"]
[tokens.reporter]
secret = "fh_reporter_0123456789abcdef"
scopes = ["events:write"]
[tokens.operator]
secret = "fh_operator_0123456789abcdef"
scopes = ["admin"]
[sources.alertmanager]
type = "http"
format = "alertmanager"
path = "/hooks/am"
token = "TOKEN"
[sources.open]
type = "http"
format = "auto"
[sources.prometheus]
type = "http"
format = "alertmanager-api"
username = "prometheus"
password = "open:sesame"
[sources.pagerduty]
type = "http"
format = "pagerduty-v2"
token = "TOKEN"
[sources.opsgenie]
type = "http"
format = "opsgenie"
token = "TOKEN"
[sources.grafana]
type = "http"
format = "grafana"
signature = "grafana"
secret = "grafana-secret"
previous_secret = "grafana-before"
timestamp_header = "X-Moment"
[sources.standard]
type = "http"
format = "auto"
signature = "standard-webhooks"
secret = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"
[sources.events]
type = "http"
format = "cloudevents"
token = "TOKEN"
"#;

struct Ground {
    home: Home,
    life: Life,
    _sink: SmtpSink,
}

/// A request, and what came back.
struct Ask<'a> {
    method: Method,
    path: &'a str,
    headers: Vec<(&'a str, String)>,
    body: Vec<u8>,
}

struct Told {
    status: u16,
    body: String,
    kind: String,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

fn post<'a>(path: &'a str, headers: &[(&'a str, &str)], body: impl Into<Vec<u8>>) -> Ask<'a> {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Ask { method: Method::POST, path, headers, body: body.into() }
}

impl Ground {
    async fn start() -> Self {
        let sink = SmtpSink::start().await;
        let more = SOURCES.replace("TOKEN", TOKEN);
        let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
        let life = home.start().await;
        Self { home, life, _sink: sink }
    }

    async fn ask(&self, ask: Ask<'_>) -> Told {
        let mut request = self.home.http().request(ask.method, self.home.url(ask.path)).body(ask.body);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        Told { status, kind: kind.unwrap_or_default(), body: answer.text().await.unwrap() }
    }

    async fn incidents(&self) -> Vec<Value> {
        let operator = ("authorization", "Bearer fh_operator_0123456789abcdef");
        let mut ask = post("/api/v1/incidents?limit=200", &[operator], "");
        ask.method = Method::GET;
        let told = self.ask(ask).await;
        assert_eq!(told.status, 200, "{}", told.body);
        told.json()["data"].as_array().unwrap().clone()
    }

    /// The status and the number of events of the incident with this key.
    async fn standing(&self, key: &str) -> Option<(String, u64)> {
        let all = self.incidents().await;
        let one = all.iter().find(|incident| incident["dedup_key"] == key)?;
        Some((one["status"].as_str().unwrap().to_owned(), one["event_count"].as_u64().unwrap()))
    }

    async fn end(self) {
        self.life.terminate().await;
        self.life.exit().await;
    }
}

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

fn webhook(alerts: &[(&str, &str)]) -> Value {
    let alerts = alerts.iter().map(|(name, status)| {
        json!({ "status": status, "labels": { "alertname": name }, "annotations": {},
            "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z" })
    });
    json!({ "version": "4", "groupKey": "g", "externalURL": "http://am", "alerts": alerts.collect::<Vec<_>>() })
}

fn trigger(action: &str, key: &str) -> Value {
    json!({ "routing_key": TOKEN, "event_action": action, "dedup_key": key,
        "payload": { "summary": "HTTP is down", "source": "srv01", "severity": "critical" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_hears_whoever_has_its_credential_and_nobody_else() {
    let ground = Ground::start().await;
    let body = || webhook(&[("A", "firing")]).to_string();
    let good = bearer();
    for (authorization, status) in [
        (good.as_str(), 202),
        ("Bearer 0123456789abcdef0123456789abcdeF", 401),
        ("Bearer fh_operator_0123456789abcdef", 401),
        ("Basic YWRhOm9wZW46c2VzYW1l", 401),
        ("", 401),
    ] {
        let told = ground.ask(post("/hooks/am", &[("authorization", authorization)], body())).await;
        assert_eq!(told.status, status, "{authorization}: {}", told.body);
        if status == 401 {
            assert_eq!(
                (&told.json()["code"], told.kind.as_str()),
                (&json!("FH0725"), "application/problem+json")
            );
        }
    }
    // One without a lock of its own asks for one of ours, that may report events.
    for (token, status) in [
        ("fh_reporter_0123456789abcdef", 202),
        ("fh_operator_0123456789abcdef", 202),
        ("fh_reader_0123456789abcdef", 401),
        ("fh_nobody", 401),
    ] {
        let shown = format!("Bearer {token}");
        let told = ground.ask(post("/hooks/open", &[("authorization", &shown)], r#"{"title":"x"}"#)).await;
        assert_eq!(told.status, status, "{token}: {}", told.body);
    }
    let unknown = ground.ask(post("/hooks/nobody", &[("authorization", &good)], body())).await;
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!("FH0707")));
    let by_name = ground.ask(post("/hooks/alertmanager", &[("authorization", &good)], body())).await;
    assert_eq!(by_name.status, 404, "it has another path");
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_alertmanager_says_is_kept_alert_by_alert() {
    let ground = Ground::start().await;
    let say = async |record: Value| {
        ground.ask(post("/hooks/am", &[("authorization", &bearer())], record.to_string())).await
    };
    assert_eq!(say(webhook(&[("A", "firing"), ("B", "firing")])).await.status, 202);
    let again = say(webhook(&[("A", "firing")])).await;
    assert_eq!((again.status, &again.json()["events"][0]["result"]), (202, &json!("updated")));
    assert_eq!(say(webhook(&[("B", "resolved")])).await.status, 202);
    let statuses: Vec<_> = ground.incidents().await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["resolved", "open"]);

    let mixed = say(webhook(&[("C", "firing"), ("D", "burning")])).await;
    assert_eq!((mixed.status, &mixed.json()["code"]), (422, &json!("FH0702")), "{}", mixed.body);
    assert!(mixed.body.contains("event 2 of 2"), "{}", mixed.body);
    assert_eq!(ground.incidents().await.len(), 3, "its neighbour is kept");
    for (name, body, status) in [
        ("empty", String::new(), 400),
        ("no JSON", "{".to_owned(), 400),
        ("a wrong type", "[]".to_owned(), 422),
        ("an unknown version", webhook(&[("A", "firing")]).to_string().replace(r#""4""#, r#""5""#), 422),
        ("no alerts", webhook(&[]).to_string(), 422),
        ("too large", " ".repeat((1 << 20) + 1), 413),
    ] {
        let told = ground.ask(post("/hooks/am", &[("authorization", &bearer())], body)).await;
        assert_eq!(told.status, status, "{name}: {}", told.body);
    }
    // Of alerts that were left out nothing is known.
    let mut cut = webhook(&[("A", "firing")]);
    cut["truncatedAlerts"] = json!(1);
    let before: Vec<_> = ground.incidents().await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(say(cut).await.status, 202);
    let after: Vec<_> = ground.incidents().await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(before, after);
    // Not now is 503, never 429: a 4xx is not tried again.
    let paused = ["source", "pause", "alertmanager", "--token-file"];
    let token = ground.home.file("token");
    std::fs::write(&token, "fh_operator_0123456789abcdef").unwrap();
    let said = ground.home.run(&[&paused[..], &[token.to_str().unwrap()]].concat()).await;
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(say(webhook(&[("A", "firing")])).await.status, 503);
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_too_much_or_shows_too_many_wrong_tokens_is_told_to_come_again() {
    let ground = Ground::start().await;
    ground.home.edit("[http]\n", "[http]\nrate_limit = { requests_per_second = 1, burst = 2 }\n");
    let Ground { home, life, _sink } = ground;
    life.terminate().await;
    life.exit().await;
    let life = home.start().await;
    let ground = Ground { home, life, _sink };
    for (token, usual) in [("fh_reporter_0123456789abcdef", 202), ("fh_wrong_0123456789abcdef0", 401)] {
        let mut statuses = Vec::new();
        for number in 0..20 {
            let shown = format!("Bearer {token}");
            let body = json!({ "version": "4", "groupKey": "g", "alerts": [{ "status": "firing",
                "labels": { "alertname": format!("{number}") } }] });
            let told = ground.ask(post("/hooks/open", &[("authorization", &shown)], body.to_string())).await;
            statuses.push(told.status);
        }
        statuses.sort_unstable();
        statuses.dedup();
        assert_eq!(statuses, [usual, 503], "{token}");
    }
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_takes_it_for_an_alertmanager() {
    let ground = Ground::start().await;
    let basic = format!("Basic {}", STANDARD.encode("prometheus:open:sesame"));
    let say = async |path: &'static str, body: Value| {
        ground.ask(post(path, &[("authorization", &basic)], body.to_string())).await
    };
    let alert = |name: &str, ends_at: &str| json!({ "labels": { "alertname": name }, "endsAt": ends_at });
    let far = "2099-01-01T00:00:00Z";
    for path in ["/api/v2/alerts", "/hooks/prometheus/api/v2/alerts", "/hooks/prometheus"] {
        let told = say(path, json!([alert("A", far), alert("B", far)])).await;
        assert_eq!((told.status, told.body.as_str()), (200, ""), "{path}");
        assert_eq!(say(path, json!([])).await.status, 200, "{path}: nothing is fine");
    }
    assert_eq!(say("/api/v2/alerts", json!([alert("A", "2026-01-01T00:00:00Z")])).await.status, 200);
    let mut told: Vec<_> = ground.incidents().await;
    told.sort_by_key(|one| one["title"].to_string());
    let told: Vec<_> = told.iter().map(|one| (one["title"].clone(), one["status"].clone())).collect();
    assert_eq!(told, [(json!("A"), json!("resolved")), (json!("B"), json!("open"))]);
    let bad = say("/api/v2/alerts", json!([{ "labels": {} }, alert("C", far)])).await;
    assert_eq!((bad.status, bad.json().is_string(), bad.kind.as_str()), (400, true, "application/json"));
    assert_eq!(ground.incidents().await.len(), 3, "the other one is kept");
    assert_eq!(say("/hooks/am/api/v2/alerts", json!([])).await.status, 404, "it speaks another format");
    let nobody = ground.ask(post("/api/v2/alerts", &[("authorization", "Basic eA==")], "[]")).await;
    assert_eq!(nobody.status, 401);
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_pagerduty_hear_what_they_expect() {
    let ground = Ground::start().await;
    let say = async |body: String| ground.ask(post("/v2/enqueue", &[], body)).await;
    for (action, standing) in [("acknowledge", None), ("resolve", None), ("trigger", Some("open"))] {
        let told = say(trigger(action, "srv01/HTTP").to_string()).await;
        let expected =
            json!({ "status": "success", "message": "Event processed", "dedup_key": "srv01/HTTP" });
        assert_eq!((told.status, told.json()), (202, expected), "{action}");
        assert_eq!(ground.standing("srv01/HTTP").await.map(|one| one.0).as_deref(), standing, "{action}");
    }
    for (action, standing) in [("acknowledge", "acknowledged"), ("resolve", "resolved"), ("trigger", "open")]
    {
        assert_eq!(say(trigger(action, "srv01/HTTP").to_string()).await.status, 202);
        assert_eq!(ground.standing("srv01/HTTP").await.unwrap().0, standing, "{action}");
    }
    let mut unnamed = trigger("trigger", "");
    unnamed.as_object_mut().unwrap().remove("dedup_key");
    let key = say(unnamed.to_string()).await.json()["dedup_key"].as_str().unwrap().to_owned();
    assert_eq!(say(trigger("resolve", &key).to_string()).await.status, 202);
    assert_eq!(ground.standing(&key).await.unwrap().0, "resolved", "by the key that it was told");

    let mut no_summary = trigger("trigger", "k");
    no_summary["payload"].as_object_mut().unwrap().remove("summary");
    let stranger = trigger("trigger", "k").to_string().replace(TOKEN, &TOKEN.replace('0', "1"));
    let object = ("invalid event", "Event object is invalid");
    let format = ("Unrecognized object", "Event object format is unrecognized");
    let large = trigger("trigger", &"k".repeat(513 << 10)).to_string();
    for (name, body, (status, message), error) in [
        ("no JSON", "{".to_owned(), format, "JSON parse error"),
        ("empty", String::new(), format, "JSON parse error"),
        ("no key", "{}".to_owned(), object, "'routing_key' is missing or blank"),
        ("no summary", no_summary.to_string(), object, "'payload.summary' is missing or blank"),
        ("a stranger", stranger, object, "'routing_key' is the key of no integration"),
        ("too large", large, object, "the event is larger than 512 KB"),
    ] {
        let told = say(body).await;
        let expected = json!({ "status": status, "message": message, "errors": [error] });
        assert_eq!(
            (told.status, told.json(), told.kind.as_str()),
            (400, expected, "application/json"),
            "{name}"
        );
    }
    let change = ground.ask(post("/v2/change/enqueue", &[], trigger("trigger", "k").to_string())).await;
    assert_eq!((change.status, &change.json()["status"]), (400, &json!("invalid event")));
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_opsgenie_hear_what_they_expect() {
    let ground = Ground::start().await;
    let key = format!("GenieKey {TOKEN}");
    let say = async |method: Method, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut ask = post(path, &[("authorization", &key), ("content-type", "application/json")], body);
        ask.method = method;
        ground.ask(ask).await
    };
    let made =
        say(Method::POST, "/v2/alerts", json!({ "message": "Disk full", "alias": "disk", "priority": "P1" }))
            .await;
    assert_eq!(
        (made.status, &made.json()["result"]),
        (202, &json!("Request will be processed")),
        "{}",
        made.body
    );
    let request = made.json()["requestId"].as_str().unwrap().to_owned();
    let outcome = say(Method::GET, &format!("/v2/alerts/requests/{request}"), Value::Null).await;
    assert_eq!((outcome.status, &outcome.json()["data"]["alias"]), (200, &json!("disk")), "{}", outcome.body);
    let id = outcome.json()["data"]["alertId"].as_str().unwrap().to_owned();

    let alias = |deed: &str| format!("/v2/alerts/disk/{deed}?identifierType=alias");
    let status = async || ground.standing("disk").await.unwrap().0;
    let steps = [
        (Method::POST, alias("acknowledge"), json!({ "user": "ada", "note": "mine" }), "acknowledged"),
        (Method::POST, alias("unacknowledge"), json!({}), "open"),
        (Method::POST, alias("notes"), json!({ "note": "look", "user": "ada" }), "open"),
        (Method::PUT, alias("message"), json!({ "message": "Disk is full" }), "open"),
        (Method::PUT, alias("description"), json!({ "description": "all of it" }), "open"),
        (Method::POST, format!("/v2/alerts/{id}/close?identifierType=id"), Value::Null, "resolved"),
    ];
    for (method, path, body, expected) in steps {
        let told = say(method, &path, body).await;
        assert_eq!((told.status, status().await.as_str()), (202, expected), "{path}: {}", told.body);
    }
    assert_eq!(ground.incidents().await[0]["title"], "Disk is full");
    for deed in ["close", "acknowledge", "notes"] {
        let path = format!("/v2/alerts/nobody/{deed}?identifierType=alias");
        assert_eq!(say(Method::POST, &path, json!({})).await.status, 202, "{deed} of what nobody knows");
    }
    assert_eq!(say(Method::POST, &alias("message"), json!({})).await.status, 404, "it is put");
    assert_eq!(say(Method::POST, &alias("burn"), json!({})).await.status, 404);
    let bad = say(Method::POST, "/v2/alerts", json!({ "priority": "P1" })).await;
    assert_eq!((bad.status, bad.json()["message"].as_str().unwrap().contains("message")), (422, true));
    let stranger = ground.ask(post("/v2/alerts", &[("authorization", "GenieKey x")], "{}")).await;
    assert_eq!((stranger.status, stranger.json()["requestId"].is_string()), (401, true));
    ground.end().await;
}

fn hmac_of(secret: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn moment(off: i64) -> String {
    (Clock::system().now().as_second() + off).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_is_heard_once_and_what_is_old_or_changed_is_not() {
    let ground = Ground::start().await;
    let standard = |id: &str, off: i64, secret: &[u8], body: &str| {
        let moment = moment(off);
        let tag = hmac_of(secret, format!("{id}.{moment}.{body}").as_bytes());
        let lines = [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", moment),
            ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
        ];
        Ask {
            method: Method::POST,
            path: "/hooks/standard",
            headers: lines.to_vec(),
            body: body.as_bytes().to_vec(),
        }
    };
    let body = r#"{"title":"signed","dedup_key":"signed"}"#;
    let good = standard("msg_1", 0, &STANDARD_SECRET, body);
    let again = Ask { headers: good.headers.clone(), ..standard("msg_1", 0, &STANDARD_SECRET, body) };
    assert_eq!(ground.ask(good).await.json()["events"][0]["result"], "opened");
    let played_back = ground.ask(again).await;
    assert_eq!((played_back.status, &played_back.json()["events"][0]["result"]), (202, &json!("duplicate")));
    let mut spaced = standard("msg_2", 0, &STANDARD_SECRET, body);
    spaced.body.push(b' ');
    let mut unsigned = standard("msg_2", 0, &STANDARD_SECRET, body);
    unsigned.headers.pop();
    let mut twice = standard("msg_2", 0, &STANDARD_SECRET, body);
    twice.headers.push(("webhook-id", "msg_2".to_owned()));
    let refused = [
        ("too old", standard("msg_2", -310, &STANDARD_SECRET, body)),
        ("from the future", standard("msg_2", 310, &STANDARD_SECRET, body)),
        ("another secret", standard("msg_2", 0, &[8; 24], body)),
        ("another body", spaced),
        ("unsigned", unsigned),
        ("an id twice", twice),
    ];
    for (name, ask) in refused {
        assert_eq!(ground.ask(ask).await.status, 401, "{name}");
    }
    assert_eq!(ground.standing("signed").await.unwrap().1, 1);

    // Also after a restart.
    let Ground { home, life, _sink } = ground;
    life.terminate().await;
    life.exit().await;
    let life = home.start().await;
    let ground = Ground { home, life, _sink };
    let late = ground.ask(standard("msg_1", 1, &STANDARD_SECRET, body)).await;
    assert_eq!(late.json()["events"][0]["result"], "duplicate");
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grafana_is_heard_by_either_secret_while_they_change_and_once() {
    let ground = Ground::start().await;
    let grafana = |off: i64, secret: &str| {
        let mut record = webhook(&[("G", "firing")]);
        record["version"] = json!("1");
        record["orgId"] = json!(1);
        let (body, moment) = (record.to_string(), moment(off));
        let tag = hex(&hmac_of(secret.as_bytes(), format!("{moment}:{body}").as_bytes()));
        let headers = vec![("X-Grafana-Alerting-Signature", tag), ("X-Moment", moment)];
        Ask { method: Method::PUT, path: "/hooks/grafana", headers, body: body.into_bytes() }
    };
    for (name, ask, status) in [
        ("good", grafana(0, "grafana-secret"), 202),
        ("by the secret before", grafana(1, "grafana-before"), 202),
        ("by another secret", grafana(0, "somebody"), 401),
        ("too old", grafana(-310, "grafana-secret"), 401),
    ] {
        let told = ground.ask(ask).await;
        assert_eq!(told.status, status, "{name}: {}", told.body);
    }
    let first = grafana(2, "grafana-secret");
    let again =
        Ask { headers: first.headers.clone(), body: first.body.clone(), ..post("/hooks/grafana", &[], "") };
    ground.ask(first).await;
    assert_eq!(ground.ask(again).await.json()["events"][0]["result"], "duplicate", "played back");
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloud_events_come_in_each_mode_and_a_sender_may_ask_first() {
    let ground = Ground::start().await;
    let token = bearer();
    let say = async |kind: &str, more: &[(&'static str, &str)], body: &str| {
        let headers = [&[("authorization", token.as_str()), ("content-type", kind)], more].concat();
        let headers: Vec<(&str, &str)> = headers;
        ground.ask(post("/hooks/events", &headers, body)).await
    };
    let event = |id: &str, subject: &str| json!({ "specversion": "1.0", "id": id, "source": "/disks", "type": "full", "subject": subject });
    let structured = say("application/cloudevents+json", &[], &event("1", "sda").to_string()).await;
    assert_eq!(structured.json()["events"][0]["result"], "opened", "{}", structured.body);
    let same = say("application/cloudevents+json; charset=utf-8", &[], &event("1", "sda").to_string()).await;
    assert_eq!(same.json()["events"][0]["result"], "duplicate", "source and id are its own");
    let batch = json!([event("2", "sda"), event("3", "sdb")]).to_string();
    let batch = say("application/cloudevents-batch+json", &[], &batch).await;
    assert_eq!((batch.status, batch.json()["accepted"].as_u64()), (202, Some(2)), "{}", batch.body);
    assert_eq!(say("application/cloudevents-batch+json", &[], "[]").await.status, 202, "it may be empty");
    let lines = [
        ("ce-specversion", "1.0"),
        ("ce-id", "4"),
        ("ce-source", "/disks"),
        ("ce-type", "full"),
        ("ce-subject", "sd%63"),
    ];
    let binary = say("application/json", &lines, r#"{"free":0}"#).await;
    assert_eq!(binary.json()["events"][0]["result"], "opened", "{}", binary.body);
    assert!(ground.standing("/disks#sdc").await.is_some());
    let old =
        say("application/cloudevents+json", &[], &event("5", "x").to_string().replace("1.0", "0.3")).await;
    assert_eq!(old.status, 422, "{}", old.body);
    assert_eq!(say("application/json", &[], "{}").await.status, 422, "no CloudEvent");

    let mut asked = post("/hooks/events", &[("WebHook-Request-Origin", "events.example.com")], "");
    asked.method = Method::OPTIONS;
    let answer = ground.home.http().request(asked.method, ground.home.url(asked.path));
    let answer = answer.header("WebHook-Request-Origin", "events.example.com").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["webhook-allowed-origin"], "events.example.com");
    assert_eq!(answer.headers()["webhook-allowed-rate"], "*");
    ground.end().await;
}
