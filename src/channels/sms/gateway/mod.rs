//! Any gateway that takes an HTTP request for each message: a modem in the rack, a provider that has
//! no module here.
//!
//! The operator says what a request looks like and which answers mean yes; many a gateway answers
//! 200 with a no inside. An answer that does not mean yes is tried again, unless its status says
//! that this is in vain.

mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub(super) use self::settings::KEYS;
use self::settings::{GatewaySettings, Proof};
use super::phrasing::{Phrasing, count, masked};
use crate::channels::codes::{Codes, Meaning, Status, rule};
use crate::channels::http::{Answer, Call, Http, HttpSettings};
use crate::channels::outbox::Draft;
use crate::channels::settings::Reader;
use crate::channels::{Channel, LONGEST_DETAIL, Settings, SettingsProblem, Surroundings, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt};
use crate::render::gateway::Said;
use crate::render::sanitize;

/// Beside what HTTP says itself.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "sms-http",
    source: "success_status, success_pointer, success_text",
    rules: &[rule(
        Status::In(200, 299),
        "",
        Meaning::Retry,
        "the gateway answers, but not as it should when it takes a message",
    )],
};

/// The most characters of a gateway's own id of a message.
const LONGEST_ID: usize = 100;

struct Gateway {
    http: Http,
    settings: GatewaySettings,
    phrasing: Phrasing,
}

pub(super) fn build(
    settings: &Settings,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Channel>, Vec<SettingsProblem>> {
    let mut reader = Reader::new(settings);
    let http = HttpSettings::read(&mut reader);
    let settings = GatewaySettings::read(&mut reader, &http);
    let client = Http::new(&http, surroundings.clock);
    if let Err(why) = &client {
        reader.problem("ca_file", why.clone());
    }
    let problems = reader.finish();
    match (settings, client) {
        (Some(settings), Ok(http)) if problems.is_empty() => {
            let phrasing = Phrasing::new(settings.style, surroundings);
            Ok(Arc::new(Gateway { http, settings, phrasing }))
        }
        _ => Err(problems),
    }
}

#[async_trait]
impl Channel for Gateway {
    async fn send(&self, job: &Job) -> Outcome {
        let (to, message) = match self.phrasing.of(job) {
            Ok(said) => said,
            Err(failure) => return Outcome::Failed(failure),
        };
        let call = match self.call(job, to, &message.text) {
            Ok(call) => call,
            Err(failure) => return Outcome::Failed(failure),
        };
        match self.http.call(call).await {
            Ok(answer) if self.says_yes(&answer) => {
                count(job, &message);
                let provider_id = self.settings.id_pointer.as_deref().and_then(|at| id(&answer, at));
                let said = format!("{} {}", answer.status, self.words(&answer, job));
                let said = sanitize::line(&said, LONGEST_DETAIL).into_owned();
                Outcome::Sent(Receipt { provider_id, answer: said })
            }
            Ok(answer) => Outcome::Failed(CODES.judge(&answer, "", &self.words(&answer, job))),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        self.phrasing.draft(job)
    }

    async fn probe(&self) -> Result<String, String> {
        self.http.probe(&self.settings.url).await
    }
}

impl Gateway {
    fn call(&self, job: &Job, to: &str, text: &str) -> Result<Call, Failure> {
        let id = job.id.to_string();
        let secret = self.settings.secret.as_ref().map(SecretString::expose_secret);
        let said = Said { to, text, from: self.settings.from.as_deref(), id: &id, secret };
        let body = self.settings.body.render(said).map_err(|fault| unrenderable(&fault))?;
        let mut headers = self.settings.headers.clone();
        if self.settings.method == Method::GET {
            return Ok(Call { method: Method::GET, url: self.asking(&body), headers, body: Vec::new() });
        }
        headers.insert(CONTENT_TYPE, self.settings.content_type.clone());
        let (method, url) = (self.settings.method.clone(), self.settings.url.clone());
        Ok(Call { method, url, headers, body: body.into_bytes() })
    }

    /// A `GET` has no body: what would be in it is asked for in the address.
    fn asking(&self, query: &str) -> Url {
        let mut url = self.settings.url.clone();
        let whole = match url.query() {
            Some(fixed) if !fixed.is_empty() => format!("{fixed}&{query}"),
            _ => query.to_owned(),
        };
        url.set_query(Some(&whole));
        url
    }

    fn says_yes(&self, answer: &Answer) -> bool {
        let status = match &self.settings.success_status {
            Some(statuses) => statuses.contains(&answer.status),
            None => answer.is_success(),
        };
        status && self.settings.proofs.iter().all(|proof| proof.holds(answer))
    }

    /// Words of the gateway without the number and without the secret in the body; the client has taken
    /// out what headers said. They are not cut yet: half a secret would not be found.
    fn words(&self, answer: &Answer, job: &Job) -> String {
        let words = masked(&String::from_utf8_lossy(&answer.body), job);
        let secret = self.settings.secret.as_ref().map(SecretString::expose_secret);
        // A word that short is in every answer, and no secret.
        match secret.filter(|secret| secret.len() >= 8) {
            Some(secret) => words.replace(secret, "***"),
            None => words,
        }
    }
}

impl Proof {
    fn holds(&self, answer: &Answer) -> bool {
        match self {
            Self::Text(text) => String::from_utf8_lossy(&answer.body).contains(text.as_str()),
            Self::Value { pointer, value } => scalar(answer, pointer).is_some_and(|found| found == *value),
        }
    }
}

/// What stands at a JSON pointer, as it would be written without quotes.
fn scalar(answer: &Answer, pointer: &str) -> Option<String> {
    match answer.json::<Value>()?.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn id(answer: &Answer, pointer: &str) -> Option<String> {
    let is_plain =
        |id: &String| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    scalar(answer, pointer).filter(is_plain)
}
