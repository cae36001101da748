//! Webhooks: each message as a signed JSON event, to one address of the operator's.
//!
//! Signed as Standard Webhooks says, so that its libraries verify it. A receiver that answers 410
//! asks not to be called again, and is not.

pub(super) mod signature;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::HeaderName;
use serde_json::Value;

use self::signature::Secrets;
use super::codes::{Codes, Meaning, Status, rule};
use super::http::{Call, Http, HttpSettings};
use super::outbox::{self, Draft};
use super::settings::Reader;
use super::{Built, Channel, ChannelType, Provider, Settings, Surroundings, unrenderable};
use crate::clock::Clock;
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt, Scope};
use crate::domain::people::Contact;
use crate::render::{Letterhead, TemplateFault, webhook};

const KEYS: &[&str] = &["url", "secret", "previous_secret", "timeout", "allow_private_networks", "ca_file"];

/// Beside what HTTP says itself.
pub(super) const CODES: Codes = Codes {
    provider: "webhook",
    source: "Standard Webhooks 1.0",
    rules: &[
        rule(Status::Is(410), "", Meaning::DropTarget, "the receiver asks not to be called again"),
        rule(Status::Is(502), "", Meaning::Throttle(Scope::Channel, FLOOR), "the receiver is overloaded"),
        rule(Status::Is(504), "", Meaning::Throttle(Scope::Channel, FLOOR), "the receiver is overloaded"),
    ],
};

/// How long a receiver that cannot keep up is left alone, at the least.
const FLOOR: std::time::Duration = std::time::Duration::from_secs(5);

/// `type = "webhook"`
pub const WEBHOOK: ChannelType = ChannelType {
    name: "webhook",
    contact: Contact::Fixed,
    providers: &[
        Provider { name: "http", keys: KEYS, build },
        Provider {
            name: "outbox",
            keys: outbox::KEYS,
            build: |settings, surroundings| outbox::build("webhook", compose, settings, surroundings),
        },
    ],
};

fn compose(job: &Job, letterhead: &Letterhead, now: Timestamp) -> Result<Draft, TemplateFault> {
    let text = webhook::line(&job.content, letterhead)?;
    let payload = webhook::event(&job.content, letterhead, job.id, now)?;
    Ok(Draft { text, payload: Some(payload), ..Draft::default() })
}

struct Receiver {
    http: Http,
    url: Url,
    secrets: Secrets,
    letterhead: Letterhead,
    clock: Clock,
}

fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let mut reader = Reader::new(settings);
    let http = HttpSettings::read(&mut reader);
    let url = http.address(&mut reader, "url", None);
    let secrets = Secrets::read(&mut reader, url.as_ref());
    let http = Http::unless(reader.finish(), &http, surroundings.clock)?;
    let (url, secrets) = url.zip(secrets).ok_or_else(Vec::new)?;
    let letterhead = surroundings.letterhead();
    Ok(Arc::new(Receiver { http, url, secrets, letterhead, clock: surroundings.clock }))
}

#[async_trait]
impl Channel for Receiver {
    async fn send(&self, job: &Job) -> Outcome {
        let now = self.clock.now();
        let event = match webhook::event(&job.content, &self.letterhead, job.id, now) {
            Ok(event) => event,
            Err(fault) => return Outcome::Failed(unrenderable(&fault)),
        };
        match self.http.call(self.signed(job, &event, now)).await {
            Ok(answer) if answer.is_success() => {
                Outcome::Sent(Receipt { provider_id: None, answer: answer.line() })
            }
            Ok(answer) => Outcome::Failed(CODES.judge(&answer, "", &answer.words())),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        compose(job, &self.letterhead, self.clock.now()).map_err(|fault| unrenderable(&fault))
    }

    async fn probe(&self) -> Result<String, String> {
        self.http.probe(&self.url).await
    }
}

impl Receiver {
    /// The same id on every attempt, so that the receiver can tell a repetition from another event.
    fn signed(&self, job: &Job, event: &Value, now: Timestamp) -> Call {
        let (id, moment, body) = (job.id.to_string(), now.as_second().to_string(), event.to_string());
        let signature = self.secrets.sign(&id, &moment, body.as_bytes());
        let call = Call::post(self.url.clone(), "application/json", body.into_bytes())
            .header(HeaderName::from_static("webhook-id"), &id)
            .header(HeaderName::from_static("webhook-timestamp"), &moment);
        match signature {
            Some(signature) => call.header(HeaderName::from_static("webhook-signature"), &signature),
            None => call,
        }
    }
}
