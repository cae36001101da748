//! A message to a device, over Firebase Cloud Messaging, HTTP v1.
//!
//! Accepted means accepted by Google, not shown. FCM knows no id of ours: an attempt whose answer got
//! lost may show twice, and the second one replaces the first on the screen.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::Value;

use super::access::Account;
use super::codes::{CODES, INVALID_TOKEN};
use super::compose;
use super::config::FcmConfig;
use crate::channels::credential::Credentials;
use crate::channels::http::{Answer, Call, Http, below};
use crate::channels::outbox::Draft;
use crate::channels::{Built, Channel, Settings, Surroundings, unrenderable};
use crate::clock::Clock;
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt};
use crate::render::{Letterhead, push, sanitize};

/// The most characters of a code that are kept.
const WORD: usize = 64;
/// The most characters of a message's name that are kept.
const NAME: usize = 200;

/// The channel of these settings.
pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let FcmConfig { http, base, account, project } = FcmConfig::read(settings, surroundings.clock)?;
    let url = below(&base, &["v1", "projects", &project, "messages:send"]);
    let tokens = Credentials::new(account, surroundings.clock);
    let (letterhead, clock) = (surroundings.letterhead(), surroundings.clock);
    Ok(Arc::new(Fcm { http, url, project, tokens, letterhead, clock }))
}

struct Fcm {
    http: Http,
    url: Url,
    project: String,
    tokens: Credentials<Account>,
    letterhead: Letterhead,
    clock: Clock,
}

#[async_trait]
impl Channel for Fcm {
    async fn send(&self, job: &Job) -> Outcome {
        match self.push(job).await {
            Ok(receipt) => Outcome::Sent(receipt),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        compose(job, &self.letterhead, self.clock.now()).map_err(|fault| unrenderable(&fault))
    }

    /// Gets an access token, which asks more of the settings than a connection does.
    async fn probe(&self) -> Result<String, String> {
        let host = self.tokens.issuer().host();
        match self.tokens.ensure(&self.http).await {
            Ok(()) => Ok(format!("{host} grants access, project {}", self.project)),
            Err(failure) => Err(format!("{}: {host}: {}", failure.code, failure.detail)),
        }
    }
}

impl Fcm {
    async fn push(&self, job: &Job) -> Result<Receipt, Failure> {
        let letterhead = self.letterhead.to(job);
        let text = push::render(&job.content, &letterhead).map_err(|fault| unrenderable(&fault))?;
        let (token, lifetime) = (job.target.address.expose(), self.clock.until(job.expires_at));
        let message = push::fcm(&job.content, &text, &letterhead, token, lifetime);
        let call = Call::post(self.url.clone(), "application/json", message.to_string().into_bytes());
        let answer = self.tokens.call(&self.http, &CODES, code, call).await?;
        if !answer.is_success() {
            return Err(refused(&answer));
        }
        let said: Value = answer.json().unwrap_or_default();
        let name = said["name"].as_str().map(|name| sanitize::line(name, NAME).into_owned());
        Ok(Receipt { provider_id: name, answer: answer.line() })
    }
}

fn refused(answer: &Answer) -> Failure {
    let said: Value = answer.json().unwrap_or_default();
    let words = said["error"]["message"].as_str().map_or_else(|| answer.words(), str::to_owned);
    CODES.judge(answer, &code(answer), &words)
}

/// The error code of the details; else the status in words, which is called the same where it means
/// the same. An invalid argument is told apart if it is the device's token.
fn code(answer: &Answer) -> String {
    let said: Value = answer.json().unwrap_or_default();
    let details = || said["error"]["details"].as_array().into_iter().flatten();
    let named = details().find_map(|detail| detail["errorCode"].as_str());
    let code = named.or_else(|| said["error"]["status"].as_str()).unwrap_or_default();
    let mut violations = details().filter_map(|detail| detail["fieldViolations"].as_array()).flatten();
    if code == "INVALID_ARGUMENT" && violations.any(|violation| violation["field"] == "message.token") {
        return INVALID_TOKEN.to_owned();
    }
    clean(code)
}

/// A code as it may be kept.
pub(super) fn clean(code: &str) -> String {
    sanitize::line(code, WORD).into_owned()
}
