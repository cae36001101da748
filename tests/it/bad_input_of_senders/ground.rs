//! A real process with a source for each format and each way to sign.

use serde_json::{Value, json};

use super::{Ask, Told};
use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::SmtpSink;

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(super) const REPORTER: &str = "fh_reporter_0123456789abcdef";
const OPERATOR: &str = "fh_operator_0123456789abcdef";
/// The secrets of those who sign with any text, the one now and the one before.
pub(super) const SECRET: &str = "a-secret-of-the-sender";
pub(super) const BEFORE: &str = "the-secret-before-it";
/// Those of Standard Webhooks.
pub(super) const BYTES: [u8; 24] = [7; 24];
pub(super) const BYTES_BEFORE: [u8; 24] = [9; 24];

const SOURCES: &str = r#"
[auth]
mode = "token"
[tokens.reporter]
secret = "REPORTER"
scopes = ["events:write"]
[tokens.operator]
secret = "OPERATOR"
scopes = ["admin"]
[mappers.any]
[[mappers.any.rules]]
title = "/name"
dedup_key = "/name"
status = { pointer = "/status", map = { over = "resolved" }, default = "open" }
occurred_at = "/at"
"#;

/// Each source with what says who may send.
const LOCKED: [(&str, &str, &str); 14] = [
    ("auto", "auto", "token = \"TOKEN\""),
    ("events", "cloudevents", "token = \"TOKEN\""),
    ("alertmanager", "alertmanager", "token = \"TOKEN\""),
    ("prometheus", "alertmanager-api", "token = \"TOKEN\""),
    ("pagerduty", "pagerduty-v2", "token = \"TOKEN\""),
    ("opsgenie", "opsgenie", "token = \"TOKEN\""),
    ("grafana", "grafana", "token = \"TOKEN\""),
    ("json", "json", "mapper = \"any\"\ntoken = \"TOKEN\""),
    (
        "standard",
        "auto",
        "signature = \"standard-webhooks\"\nsecret = \"whsec_BYTES\"\nprevious_secret = \"whsec_EARLIER\"",
    ),
    (
        "grafana-dated",
        "grafana",
        "signature = \"grafana\"\nsecret = \"SECRET\"\nprevious_secret = \"BEFORE\"\ntimestamp_header = \"X-Moment\"",
    ),
    (
        "grafana-signed",
        "grafana",
        "signature = \"grafana\"\nsecret = \"SECRET\"\nprevious_secret = \"BEFORE\"",
    ),
    (
        "github",
        "json",
        "mapper = \"any\"\nsignature = \"github\"\nsecret = \"SECRET\"\nprevious_secret = \"BEFORE\"",
    ),
    (
        "sentry",
        "json",
        "mapper = \"any\"\nsignature = \"sentry\"\nsecret = \"SECRET\"\nprevious_secret = \"BEFORE\"",
    ),
    ("basic", "alertmanager", "username = \"am\"\npassword = \"TOKEN\""),
];

pub(super) struct Ground {
    home: Home,
    life: Life,
    _sink: SmtpSink,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    kind: String,
    body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// What became of the one event.
    pub(super) fn result(&self) -> Value {
        self.json()["events"][0]["result"].clone()
    }
}

impl Ground {
    pub(super) async fn start() -> Self {
        use base64::Engine as _;
        let base64 = |bytes: [u8; 24]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let source = |(name, format, lock): (&str, &str, &str)| {
            format!("[sources.{name}]\ntype = \"http\"\nformat = \"{format}\"\n{lock}\n")
        };
        let more = SOURCES.to_owned() + &LOCKED.map(source).concat();
        let more = more.replace("TOKEN", TOKEN).replace("REPORTER", REPORTER).replace("OPERATOR", OPERATOR);
        let more = more.replace("BYTES", &base64(BYTES)).replace("EARLIER", &base64(BYTES_BEFORE));
        let more = more.replace("SECRET", SECRET).replace("BEFORE", BEFORE);
        let sink = SmtpSink::start().await;
        let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
        let life = home.start().await;
        Self { home, life, _sink: sink }
    }

    pub(super) async fn restarted(self) -> Self {
        let Self { home, life, _sink } = self;
        life.terminate().await;
        life.exit().await;
        let life = home.start().await;
        Self { home, life, _sink }
    }

    pub(super) async fn end(self) {
        self.life.terminate().await;
        self.life.exit().await;
    }

    pub(super) async fn ask(&self, ask: &Ask) -> Answer {
        let mut request = self.home.http().request(ask.method.clone(), self.home.url(ask.path));
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(ask.body.clone()).send().await.unwrap();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let (status, kind) = (answer.status().as_u16(), kind.unwrap_or_default());
        Answer { status, kind, body: answer.text().await.unwrap() }
    }

    /// Is this answered so?
    pub(super) async fn judged(&self, ask: &Ask, told: &Told) -> Result<(), String> {
        let answer = self.ask(ask).await;
        let found = answer.json();
        let fits = match told {
            Told::Json(status, body) => answer.status == *status && found == *body,
            Told::Nothing(status) => answer.status == *status && answer.body.is_empty(),
            Told::Event(status, result) => answer.status == *status && answer.result() == *result,
            Told::Kept(why) => {
                let detail = found["events"][0]["detail"].as_str().unwrap_or_default();
                answer.status == 202 && answer.result() == "quarantined" && detail.starts_with(why)
            }
            Told::Opsgenie(status, message) => {
                let words = found.get("message").or_else(|| found.get("result"));
                answer.status == *status
                    && words.is_some_and(|words| words == message)
                    && found["requestId"].is_string()
            }
            Told::Problem(status, code, detail, errors) => {
                let told = found["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
                let told: Vec<_> =
                    told.iter().map(|one| (one["pointer"].as_str(), one["detail"].as_str())).collect();
                let wanted: Vec<_> = errors.iter().map(|(place, what)| (Some(*place), Some(*what))).collect();
                answer.status == *status
                    && answer.kind == "application/problem+json"
                    && found["status"] == json!(status)
                    && found["code"] == *code
                    && found["detail"] == *detail
                    && told == wanted
            }
        };
        if fits { Ok(()) } else { Err(format!("{} {}\n      {told:?}", answer.status, answer.body)) }
    }

    async fn incidents(&self, query: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = Some(format!("/api/v1/incidents?limit=200{query}"));
        while let Some(next) = path {
            let request = self.home.http().get(self.home.url(&next)).bearer_auth(OPERATOR);
            let page: Value = request.send().await.unwrap().json().await.unwrap();
            all.extend(page["data"].as_array().unwrap().clone());
            let cursor = page["next_cursor"].as_str();
            path = cursor.map(|cursor| format!("/api/v1/incidents?limit=200{query}&cursor={cursor}"));
        }
        all
    }

    /// How many incidents are open.
    pub(super) async fn open(&self) -> usize {
        self.incidents("&filter=status:open").await.len()
    }

    pub(super) async fn has(&self, title: &str) -> bool {
        !self.event_counts(title).await.is_empty()
    }

    /// How many events each incident of this title has.
    pub(super) async fn event_counts(&self, title: &str) -> Vec<u64> {
        let all = self.incidents("").await;
        let of_it = all.iter().filter(|one| one["title"] == title);
        of_it.map(|one| one["event_count"].as_u64().unwrap()).collect()
    }
}
