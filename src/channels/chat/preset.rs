//! What the chats that are known have in common: one request for each message, and an answer.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::Value;

use crate::channels::codes::Codes;
use crate::channels::http::{Answer, Call, Http, HttpSettings};
use crate::channels::outbox::Draft;
use crate::channels::secret_url::SecretUrl;
use crate::channels::settings::Reader;
use crate::channels::{Built, Channel, Settings, Surroundings, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt};
use crate::domain::notification::Content;
use crate::render::{Letterhead, TemplateFault, webhook};

/// Every key.
pub(super) const KEYS: &[&str] = &["webhook_url", "timeout", "allow_private_networks", "ca_file"];

/// What one chat does in its own way.
pub(super) struct Preset {
    /// What its answers mean.
    pub(super) codes: &'static Codes,
    /// A message in its shape and within its limits.
    pub(super) message: fn(&Content, &Letterhead) -> Result<Value, TemplateFault>,
    /// The address to post to, made of the one that it gave out.
    pub(super) address: fn(&Url) -> Url,
    /// How it says yes and no.
    pub(super) hear: fn(&Answer) -> Heard,
}

/// What an answer says.
pub(super) enum Heard {
    /// It was taken; its id, if the chat says one.
    Yes(Option<String>),
    /// It was not, or nobody knows.
    No(Objection),
}

/// A no in the chat's own terms.
#[derive(Default)]
pub(super) struct Objection {
    /// Its code, or empty.
    pub(super) code: String,
    /// Its words, or empty.
    pub(super) words: String,
    /// How long it wants to be left alone, if its body says so.
    pub(super) wish: Option<std::time::Duration>,
}

struct Room {
    preset: &'static Preset,
    http: Http,
    url: SecretUrl,
    letterhead: Letterhead,
}

pub(super) fn build(preset: &'static Preset, settings: &Settings, surroundings: &Surroundings) -> Built {
    let mut reader = Reader::new(settings);
    let http = HttpSettings::read(&mut reader);
    let url = SecretUrl::read(&mut reader, &http, "webhook_url");
    let http = Http::unless(reader.finish(), &http, surroundings.clock)?;
    let url = url.ok_or_else(Vec::new)?;
    Ok(Arc::new(Room { preset, http, url, letterhead: surroundings.letterhead() }))
}

#[async_trait]
impl Channel for Room {
    async fn send(&self, job: &Job) -> Outcome {
        let message = match (self.preset.message)(&job.content, &self.letterhead) {
            Ok(message) => message,
            Err(fault) => return Outcome::Failed(unrenderable(&fault)),
        };
        self.post(&message).await.map_or_else(Outcome::Failed, Outcome::Sent)
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        let line = webhook::line(&job.content, &self.letterhead);
        let text = line.map_err(|fault| unrenderable(&fault))?;
        let message = (self.preset.message)(&job.content, &self.letterhead);
        let payload = Some(message.map_err(|fault| unrenderable(&fault))?);
        Ok(Draft { text, payload, ..Draft::default() })
    }

    async fn probe(&self) -> Result<String, String> {
        self.http.probe(self.url.expose()).await
    }
}

impl Room {
    async fn post(&self, message: &Value) -> Result<Receipt, Failure> {
        let url = (self.preset.address)(self.url.expose());
        let call = Call::post(url, "application/json", message.to_string().into_bytes());
        let mut answer = self.http.call(call).await?;
        match (self.preset.hear)(&answer) {
            Heard::Yes(provider_id) => {
                // What else it says repeats the message.
                Ok(Receipt { provider_id, answer: format!("{} taken", answer.status) })
            }
            Heard::No(Objection { code, words, wish }) => {
                answer.retry_after = answer.retry_after.max(wish);
                Err(self.preset.codes.judge(&answer, &code, &self.url.hush(&words)))
            }
        }
    }
}
