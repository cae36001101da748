//! Twilio: one request for each message (Messages resource, 2010-04-01), and what it says afterwards.
//!
//! The request has no idempotency key: a connection that is lost after it was sent leaves an attempt
//! of which nobody knows the end. A message is worth nothing to Twilio once it is worth nothing to us
//! (`ValidityPeriod`). Receipts and replies come back signed: see [`signature`] and [`callback`].

pub mod callback;
mod codes;
mod hearing;
mod settings;
pub mod signature;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

pub(in crate::channels) use self::codes::CODES;
pub(super) use self::settings::KEYS;
use self::settings::{Receipts, Sender, TwilioSettings};
use self::signature::Tokens;
use super::Phrasing;
use super::phrasing::{count, masked};
use crate::channels::callback::{self as callback_of_any, Callback, News, NotHeard};
use crate::channels::http::{Answer, Call, Http, HttpSettings};
use crate::channels::outbox::Draft;
use crate::channels::settings::Reader;
use crate::channels::{Built, Channel, Settings, Surroundings};
use crate::clock::Clock;
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt};

/// How long Twilio may keep a message, seconds. Of ten or fewer most would be thrown away on their
/// way, and more than ten hours it does not take.
const VALIDITY: std::ops::RangeInclusive<i64> = 11..=36_000;

struct Twilio {
    http: Http,
    settings: TwilioSettings,
    tokens: Tokens,
    phrasing: Phrasing,
    clock: Clock,
}

pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let mut reader = Reader::new(settings);
    let http = HttpSettings::read(&mut reader);
    let tokens = Tokens::of(settings);
    let settings = TwilioSettings::read(&mut reader, &http, surroundings);
    let http = Http::unless(reader.finish(), &http, surroundings.clock)?;
    let settings = settings.ok_or_else(Vec::new)?;
    let phrasing = Phrasing::new(settings.style, surroundings);
    Ok(Arc::new(Twilio { http, settings, tokens, phrasing, clock: surroundings.clock }))
}

/// What Twilio says when it takes a message.
#[derive(Deserialize)]
struct Taken {
    sid: Option<String>,
    status: Option<String>,
}

/// What it says otherwise.
#[derive(Deserialize, Default)]
struct Refused {
    code: Option<u32>,
    #[serde(default)]
    message: String,
}

#[async_trait]
impl Channel for Twilio {
    async fn send(&self, job: &Job) -> Outcome {
        let (to, message) = match self.phrasing.of(job) {
            Ok(said) => said,
            Err(failure) => return Outcome::Failed(failure),
        };
        let form = self.form(job, to, &message.text);
        let call = Call::post(
            self.settings.messages.clone(),
            "application/x-www-form-urlencoded",
            form.into_bytes(),
        );
        match self.http.call(self.authorized(call)).await {
            Ok(answer) if answer.is_success() => {
                count(job, &message);
                Outcome::Sent(receipt(&answer))
            }
            Ok(answer) => {
                let (code, words) = refused(&answer);
                Outcome::Failed(CODES.judge(&answer, &code, &masked(&words, job)))
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Vec<News>, NotHeard> {
        self.heard(callback)
    }

    fn answer(&self, words: Option<&str>) -> callback_of_any::Answer {
        hearing::twiml(words)
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        self.phrasing.draft(job)
    }

    /// Asks for the latest message, which needs no other right than sending does.
    async fn probe(&self) -> Result<String, String> {
        let mut url = self.settings.messages.clone();
        url.set_query(Some("PageSize=1"));
        let call = Call { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() };
        match self.http.call(self.authorized(call)).await {
            Ok(answer) if answer.is_success() => Ok("the login is taken".to_owned()),
            Ok(answer) => {
                let (code, words) = refused(&answer);
                let failure = CODES.judge(&answer, &code, &words);
                Err(format!("{}: {}", failure.code, failure.detail))
            }
            Err(failure) => Err(format!("{}: {}", failure.code, failure.detail)),
        }
    }
}

impl Twilio {
    fn form(&self, job: &Job, to: &str, text: &str) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("To", to);
        match &self.settings.sender {
            Sender::From(from) => form.append_pair("From", from),
            Sender::Service(service) => form.append_pair("MessagingServiceSid", service),
        };
        form.append_pair("Body", text);
        match &self.settings.receipts {
            Receipts::Nowhere => {}
            Receipts::Here(base) => {
                form.append_pair(
                    "StatusCallback",
                    &format!("{base}/{}?delivery={}", job.target.channel, job.id),
                );
            }
            Receipts::At(url) => {
                form.append_pair("StatusCallback", url);
            }
        }
        let left = job.expires_at.duration_since(self.clock.now()).as_secs();
        let validity = left.clamp(*VALIDITY.start(), *VALIDITY.end());
        form.append_pair("ValidityPeriod", &validity.to_string());
        form.finish()
    }

    fn authorized(&self, call: Call) -> Call {
        call.secret(AUTHORIZATION, self.settings.authorization.expose_secret())
    }
}

/// Its answer repeats number and words, so only the status of it is kept.
fn receipt(answer: &Answer) -> Receipt {
    let taken = answer.json().unwrap_or(Taken { sid: None, status: None });
    let status = taken.status.filter(|status| status.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_')));
    let status = status.unwrap_or_default();
    let provider_id = taken.sid.filter(|sid| callback::is_message_sid(sid));
    Receipt { provider_id, answer: format!("{} {status}", answer.status).trim_end().to_owned() }
}

/// Its code, empty for none, and its words.
fn refused(answer: &Answer) -> (String, String) {
    match answer.json::<Refused>() {
        Some(Refused { code: Some(code), message }) => (code.to_string(), message),
        Some(Refused { code: None, message }) if !message.is_empty() => (String::new(), message),
        _ => (String::new(), answer.words()),
    }
}
