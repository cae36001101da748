//! A message to a device, over Apple's push service.
//!
//! The id of a message is the delivery's own, so it is the same on every attempt. Messages about one
//! incident replace each other on the screen. Accepted means accepted by Apple, not shown.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::HeaderName;
use serde::Deserialize;
use serde_json::Value;

use super::codes::CODES;
use super::compose;
use super::config::ApnsConfig;
use super::provider_token::Signer;
use crate::channels::credential::Credentials;
use crate::channels::http::{Answer, Call, Http, below, failure};
use crate::channels::outbox::Draft;
use crate::channels::{Built, Channel, Settings, Surroundings, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Fault, Outcome, Permanent, Receipt};
use crate::domain::ids::DeliveryId;
use crate::render::push::{self, Loudest};
use crate::render::{Letterhead, sanitize};

/// How long a device's token is, digits. Apple may make them longer and has said so.
const TOKEN: std::ops::RangeInclusive<usize> = 64..=200;
/// The most characters of a reason or an id that are kept.
const WORD: usize = 64;

/// The channel of these settings.
pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let ApnsConfig { http, base, signer, topic, loudest } = ApnsConfig::read(settings, surroundings.clock)?;
    let tokens = Credentials::new(signer, surroundings.clock);
    Ok(Arc::new(Apns { http, base, tokens, topic, loudest, letterhead: surroundings.letterhead() }))
}

struct Apns {
    http: Http,
    base: Url,
    tokens: Credentials<Signer>,
    topic: String,
    loudest: Loudest,
    letterhead: Letterhead,
}

#[async_trait]
impl Channel for Apns {
    async fn send(&self, job: &Job) -> Outcome {
        match self.push(job).await {
            Ok(receipt) => Outcome::Sent(receipt),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        compose(job, &self.letterhead, self.loudest).map_err(|fault| unrenderable(&fault))
    }

    async fn probe(&self) -> Result<String, String> {
        self.http.probe(&self.base).await
    }
}

impl Apns {
    async fn push(&self, job: &Job) -> Result<Receipt, Failure> {
        let call = self.request(job, device(job)?)?;
        let answer = self.tokens.call(&self.http, &CODES, |answer| Refusal::of(answer).reason, call).await?;
        if !answer.is_success() {
            return Err(refused(&answer));
        }
        // Apple repeats the id that it was given.
        let id = answer.header("apns-id").map_or_else(|| uuid(job.id), clean);
        Ok(Receipt { provider_id: Some(id), answer: answer.line() })
    }

    fn request(&self, job: &Job, device: &str) -> Result<Call, Failure> {
        let letterhead = self.letterhead.to(job);
        let text = push::render(&job.content, &letterhead).map_err(|fault| unrenderable(&fault))?;
        let push = push::apns(&job.content, &text, &letterhead, job.expires_at, self.loudest);
        let url = below(&self.base, &["3", "device", device]);
        let mut call = Call::post(url, "application/json", push["body"].to_string().into_bytes())
            .header(HeaderName::from_static("apns-topic"), &self.topic)
            .header(HeaderName::from_static("apns-id"), &uuid(job.id));
        for (name, value) in push["headers"].as_object().into_iter().flatten() {
            if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), value.as_str()) {
                call = call.header(name, value);
            }
        }
        Ok(call)
    }
}

/// The device's token, which becomes part of a path: anything else than hex digits goes nowhere.
fn device(job: &Job) -> Result<&str, Failure> {
    let token = job.target.address.expose();
    if TOKEN.contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(token);
    }
    let words = "the address is no device token: that is 64 hex digits or more";
    Err(failure(Fault::Permanent(Permanent::RecipientGone), "token", words))
}

/// A delivery's id in the form that Apple takes.
fn uuid(id: DeliveryId) -> String {
    let digits = format!("{:032x}", id.bits());
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// Apple's words about a message that it does not take.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    reason: String,
    /// Since when the device is gone, milliseconds.
    timestamp: Value,
}

impl Refusal {
    /// Without a word if the answer is not Apple's.
    fn of(answer: &Answer) -> Self {
        answer.json().unwrap_or_default()
    }
}

fn refused(answer: &Answer) -> Failure {
    let Refusal { reason, timestamp } = Refusal::of(answer);
    let gone_at = timestamp.as_i64().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let words = match gone_at {
        // Whoever put the address in after that knows better than Apple did.
        Some(gone_at) => {
            let why = CODES.find(answer.status, &reason).why;
            format!("{why} since {gone_at}, unless it registered again after that")
        }
        None if reason.is_empty() => answer.words(),
        None => String::new(),
    };
    CODES.judge(answer, &clean(&reason), &words)
}

fn clean(word: &str) -> String {
    sanitize::line(word, WORD).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_delivery_is_written_as_apple_reads_it() {
        let now = Timestamp::from_millisecond(0x0123_4567_89ab).unwrap();
        let id = DeliveryId::new(now, 0xcdef_0123_4567_89ab_cdef);
        assert_eq!(uuid(id), "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(uuid(DeliveryId::new(Timestamp::UNIX_EPOCH, 1)), "00000000-0000-0000-0000-000000000001");
    }
}
