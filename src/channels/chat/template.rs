//! Any other chat: the operator says what a request looks like, and which answers mean yes.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::compose;
use crate::channels::codes::{Codes, Meaning, Status, rule};
use crate::channels::gateway::{Dialect, Gateway};
use crate::channels::outbox::Draft;
use crate::channels::secret_url::hush;
use crate::channels::settings::Reader;
use crate::channels::{Built, Channel, Settings, Surroundings, unrenderable};
use crate::clock::Clock;
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome};
use crate::render::{Letterhead, chat};

/// Every key.
pub(super) const KEYS: &[&str] = &[
    "webhook_url",
    "method",
    "headers",
    "content_type",
    "body",
    "secret",
    "success_status",
    "success_pointer",
    "success_value",
    "success_text",
    "id_pointer",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

/// Beside what HTTP says itself.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "chat-http",
    source: "success_status, success_pointer, success_text",
    rules: &[
        rule(
            Status::In(200, 299),
            "",
            Meaning::Retry,
            "the chat answers, but not as it should when it takes a message",
        ),
        rule(Status::Is(404), "", Meaning::ChannelFault, "there is nothing at this address"),
        rule(Status::Is(410), "", Meaning::ChannelFault, "the address is no more: make a new one"),
    ],
};

const DIALECT: Dialect = Dialect {
    address: "webhook_url",
    names: "text, title, body, link, severity, status, number, service and id, and secret, if it is set",
    json: "{\\\"text\\\": \\\"{{ text }}\\\"}",
    form: "text={{ text }}",
};

/// A message to try a body with, as long as nothing else is known.
const SAMPLE: [(&str, Cow<'static, str>); 9] = [
    ("text", Cow::Borrowed("\"quoted\", & so on: 100 %")),
    ("title", Cow::Borrowed("\"quoted\"")),
    ("body", Cow::Borrowed("two\nlines")),
    ("link", Cow::Borrowed("https://foghorn.example.com/incidents/1042")),
    ("severity", Cow::Borrowed("critical")),
    ("status", Cow::Borrowed("open")),
    ("number", Cow::Borrowed("1042")),
    ("service", Cow::Borrowed("checkout-api")),
    ("id", Cow::Borrowed("01J9X2")),
];

struct Described {
    gateway: Gateway,
    letterhead: Letterhead,
    clock: Clock,
}

pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let gateway = Gateway::read(Reader::new(settings), surroundings, &DIALECT, &SAMPLE, &CODES)?;
    Ok(Arc::new(Described { gateway, letterhead: surroundings.letterhead(), clock: surroundings.clock }))
}

#[async_trait]
impl Channel for Described {
    async fn send(&self, job: &Job) -> Outcome {
        let said = match chat::parts(&job.content, &self.letterhead, job.id) {
            Ok(said) => said,
            Err(fault) => return Outcome::Failed(unrenderable(&fault)),
        };
        let sent = self.gateway.deliver(&said, |words| hush(self.gateway.url(), words)).await;
        sent.map_or_else(Outcome::Failed, Outcome::Sent)
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        compose(job, &self.letterhead, self.clock.now()).map_err(|fault| unrenderable(&fault))
    }

    async fn probe(&self) -> Result<String, String> {
        self.gateway.probe().await
    }
}
