//! Text messages through any gateway that takes an HTTP request for each of them.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::phrasing::{Phrasing, count, masked, read_style};
use crate::channels::codes::{Codes, Meaning, Status, rule};
use crate::channels::gateway::{Dialect, Gateway};
use crate::channels::outbox::Draft;
use crate::channels::settings::Reader;
use crate::channels::{Built, Channel, Settings, Surroundings};
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome};

/// Every key.
pub(super) const KEYS: &[&str] = &[
    "url",
    "method",
    "headers",
    "content_type",
    "body",
    "from",
    "secret",
    "success_status",
    "success_pointer",
    "success_value",
    "success_text",
    "id_pointer",
    "max_segments",
    "encoding",
    "links",
    "replies",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

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

const DIALECT: Dialect = Dialect {
    address: "url",
    names: "to, text, id, from and secret, if they are set",
    json: "{\\\"to\\\": \\\"{{ to }}\\\", \\\"text\\\": \\\"{{ text }}\\\"}",
    form: "to={{ to }}&text={{ text }}",
};

/// One text message, as a body may name its parts.
fn said<'a>(
    to: &'a str,
    text: &'a str,
    id: &'a str,
    from: Option<&'a str>,
) -> Vec<(&'static str, Cow<'a, str>)> {
    let always = [("to", to), ("text", text), ("id", id)];
    let all = always.into_iter().chain(from.map(|from| ("from", from)));
    all.map(|(name, value)| (name, Cow::Borrowed(value))).collect()
}

struct SmsGateway {
    gateway: Gateway,
    from: Option<String>,
    phrasing: Phrasing,
}

pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let mut reader = Reader::new(settings);
    let from = reader.text("from");
    let sample = said("+15550100", "\"quoted\", & so on: 100 %", "01J9X2", from.as_deref());
    let phrasing = Phrasing::new(read_style(&mut reader), surroundings);
    let gateway = Gateway::read(reader, surroundings, &DIALECT, &sample, &CODES)?;
    Ok(Arc::new(SmsGateway { gateway, from, phrasing }))
}

#[async_trait]
impl Channel for SmsGateway {
    async fn send(&self, job: &Job) -> Outcome {
        let (to, message) = match self.phrasing.of(job) {
            Ok(said) => said,
            Err(failure) => return Outcome::Failed(failure),
        };
        let id = job.id.to_string();
        let said = said(to, &message.text, &id, self.from.as_deref());
        match self.gateway.deliver(&said, |words| masked(words, job)).await {
            Ok(receipt) => {
                count(job, &message);
                Outcome::Sent(receipt)
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        self.phrasing.draft(job)
    }

    async fn probe(&self) -> Result<String, String> {
        self.gateway.probe().await
    }
}
