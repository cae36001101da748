//! Slack: one place to post to, by the address of an incoming webhook or as an app with a token.
//!
//! With the app's signing secret, messages of an incident that is not over carry buttons, and whoever
//! presses one is heard: what Slack signs comes in at `/callbacks/{channel}`, and the words for them
//! go to the address that Slack gives for it.

mod codes;
mod interaction;
mod settings;
mod signature;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;

pub(super) use self::codes::{API_CODES, WEBHOOK_CODES};
use self::settings::{API_KEYS, SlackSettings, WEBHOOK_KEYS, Way};
use super::callback::{Answer as Answered, Callback, News, NotHeard};
use super::http::{Answer, Call, Http, HttpSettings, below};
use super::outbox::{self, Draft};
use super::settings::Reader;
use super::{Built, Channel, ChannelType, Provider, Settings, Surroundings, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt};
use crate::domain::people::Contact;
use crate::render::slack::{self, Buttons};
use crate::render::{Letterhead, TemplateFault, webhook};

const JSON: &str = "application/json; charset=utf-8";

/// `type = "slack"`
pub const SLACK: ChannelType = ChannelType {
    name: "slack",
    contact: Contact::Fixed,
    providers: &[
        Provider {
            name: "webhook",
            keys: WEBHOOK_KEYS,
            build: |settings, surroundings| build(settings, surroundings, SlackSettings::of_webhook),
        },
        Provider {
            name: "api",
            keys: API_KEYS,
            build: |settings, surroundings| build(settings, surroundings, SlackSettings::of_api),
        },
        Provider {
            name: "outbox",
            keys: outbox::KEYS,
            build: |settings, surroundings| outbox::build("slack", usual, settings, surroundings),
        },
    ],
};

/// As it looks where people can press.
fn usual(job: &Job, letterhead: &Letterhead, _: Timestamp) -> Result<Draft, TemplateFault> {
    compose(job, letterhead, Buttons::Shown)
}

fn compose(job: &Job, letterhead: &Letterhead, buttons: Buttons) -> Result<Draft, TemplateFault> {
    let text = webhook::line(&job.content, letterhead)?;
    let payload = slack::message(&job.content, letterhead, buttons)?;
    Ok(Draft { text, payload: Some(payload), ..Draft::default() })
}

struct Workspace {
    http: Http,
    settings: SlackSettings,
    letterhead: Letterhead,
}

fn build(
    settings: &Settings,
    surroundings: &Surroundings,
    read: fn(&mut Reader, &HttpSettings) -> Option<SlackSettings>,
) -> Built {
    let mut reader = Reader::new(settings);
    let http = HttpSettings::read(&mut reader);
    let settings = read(&mut reader, &http);
    let http = Http::unless(reader.finish(), &http, surroundings.clock)?;
    let settings = settings.ok_or_else(Vec::new)?;
    Ok(Arc::new(Workspace { http, settings, letterhead: surroundings.letterhead() }))
}

#[async_trait]
impl Channel for Workspace {
    async fn send(&self, job: &Job) -> Outcome {
        let message = match slack::message(&job.content, &self.letterhead, self.buttons()) {
            Ok(message) => message,
            Err(fault) => return Outcome::Failed(unrenderable(&fault)),
        };
        let sent = match &self.settings.way {
            Way::Webhook(url) => self.post(url.expose(), &message).await,
            Way::Api { base, token: _, channel } => {
                let mut message = message;
                message["channel"] = Value::from(channel.as_str());
                self.ask(&below(base, &["chat.postMessage"]), &message).await
            }
        };
        sent.map_or_else(Outcome::Failed, Outcome::Sent)
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        compose(job, &self.letterhead, self.buttons()).map_err(|fault| unrenderable(&fault))
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Vec<News>, NotHeard> {
        let secrets = self.settings.signing.as_ref().ok_or(NotHeard::NotExpected)?;
        if !secrets.signed(callback.headers, callback.body, callback.now) {
            return Err(NotHeard::NotTheirs);
        }
        interaction::read(callback.body)
    }

    fn answer(&self, words: Option<&str>) -> Answered {
        let body = words.map_or_else(String::new, |words| slack::whisper(words).to_string());
        Answered { content_type: "application/json; charset=utf-8", body }
    }

    async fn whisper(&self, at: &str, words: &str) -> Result<(), Failure> {
        let Ok(url) = at.parse::<Url>() else { return Ok(()) };
        let call = Call::post(url, JSON, slack::whisper(words).to_string().into_bytes());
        let answer = self.http.call(call).await?;
        if answer.is_success() {
            Ok(())
        } else {
            Err(WEBHOOK_CODES.judge(&answer, word(&answer.words()), ""))
        }
    }

    async fn probe(&self) -> Result<String, String> {
        match &self.settings.way {
            Way::Webhook(url) => self.http.probe(url.expose()).await,
            Way::Api { base, .. } => {
                let asked = self.ask(&below(base, &["auth.test"]), &Value::Object(Default::default())).await;
                let refused = |failure: Failure| format!("{}: {}", failure.code, failure.detail);
                asked.map(|_| "the token is taken".to_owned()).map_err(refused)
            }
        }
    }
}

/// What the Web API says of a request.
#[derive(Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: String,
    ts: Option<String>,
}

impl Workspace {
    fn buttons(&self) -> Buttons {
        match (&self.settings.signing, self.letterhead.public_url.is_empty()) {
            (Some(_), false) => Buttons::Shown,
            _ => Buttons::Left,
        }
    }

    async fn post(&self, url: &Url, message: &Value) -> Result<Receipt, Failure> {
        let answer = self.http.call(Call::post(url.clone(), JSON, message.to_string().into_bytes())).await?;
        let words = answer.words();
        if answer.is_success() && words == "ok" {
            return Ok(Receipt { provider_id: None, answer: answer.line() });
        }
        // Their word says it all, and what comes from elsewhere may repeat the address.
        Err(WEBHOOK_CODES.judge(&answer, word(&words), ""))
    }

    /// Asks the Web API, which says no under 200 too.
    async fn ask(&self, url: &Url, message: &Value) -> Result<Receipt, Failure> {
        let call = Call::post(url.clone(), JSON, message.to_string().into_bytes());
        let call = match &self.settings.way {
            Way::Api { token, .. } => {
                call.secret(AUTHORIZATION, &format!("Bearer {}", token.expose_secret()))
            }
            Way::Webhook(_) => call,
        };
        let answer = self.http.call(call).await?;
        match answer.json::<Said>() {
            Some(said) if said.ok && answer.is_success() => {
                let is_moment = |ts: &String| ts.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                let provider_id = said.ts.filter(is_moment);
                Ok(Receipt { provider_id, answer: format!("{} ok", answer.status) })
            }
            Some(said) => Err(refused(&answer, &said.error)),
            None => Err(refused(&answer, codes::UNREADABLE)),
        }
    }
}

fn refused(answer: &Answer, error: &str) -> Failure {
    API_CODES.judge(answer, word(error), "")
}

/// Slack's word for what is wrong, if it is one: small letters and lines between them.
fn word(text: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.len() <= 60 && text.bytes().all(fits) { text } else { "" }
}
