//! `provider = "sendgrid"`: one request for each mail (`POST /v3/mail/send`), of which 202 says that it
//! is queued.
//!
//! SendGrid has no codes of its own: beside the status it names the field that it does not like, and
//! that is what the table goes by.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use reqwest::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::over_http::{Desk, Letter, masked};
use crate::channels::codes::{Codes, Meaning, Status, rule};
use crate::channels::http::{Answer, Call};
use crate::channels::outbox::Draft;
use crate::channels::settings::Reader;
use crate::channels::{Built, Channel, Settings, Surroundings};
use crate::clock::Clock;
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt, Scope};

/// Every key.
pub(super) const KEYS: &[&str] =
    &["token", "from", "reply_to", "base_url", "timeout", "allow_private_networks", "ca_file"];

const BASE_URL: &str = "https://api.sendgrid.com";

const THROTTLE: Meaning = Meaning::Throttle(Scope::Channel, Duration::ZERO);

/// By status and by the field that is at fault; what HTTP says decides for the rest.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "sendgrid",
    source: "twilio.com/docs/sendgrid: errors",
    rules: &[
        rule(
            Status::Is(400),
            "personalizations.0.to*",
            Meaning::DropTarget,
            "no address that mail can go to",
        ),
        rule(Status::Is(400), "from*", Meaning::ChannelFault, "from is no address that SendGrid takes"),
        rule(
            Status::Is(400),
            "reply_to*",
            Meaning::ChannelFault,
            "reply_to is no address that SendGrid takes",
        ),
        rule(Status::Is(400), "", Meaning::MessageFault, "the mail is not valid"),
        rule(Status::Is(401), "", Meaning::ChannelFault, "the API key is refused: check token"),
        rule(
            Status::Is(403),
            "",
            Meaning::ChannelFault,
            "from is not verified, or the key may not send mail",
        ),
        rule(Status::In(404, 405), "", Meaning::ChannelFault, "this is not SendGrid: check base_url"),
        rule(Status::Is(413), "", Meaning::MessageFault, "the mail is larger than 30 MB"),
        rule(Status::Is(429), "", THROTTLE, "too many requests: again when the limit is renewed"),
        rule(Status::Is(451), "", Meaning::ChannelFault, "this account sends from another region: base_url"),
    ],
};

struct SendGrid {
    desk: Desk,
    clock: Clock,
}

pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let desk = Desk::read(Reader::new(settings), "SG.…", BASE_URL, surroundings)?;
    Ok(Arc::new(SendGrid { desk, clock: surroundings.clock }))
}

#[async_trait]
impl Channel for SendGrid {
    async fn send(&self, job: &Job) -> Outcome {
        let letter = match self.desk.letter(job) {
            Ok(letter) => letter,
            Err(failure) => return Outcome::Failed(failure),
        };
        let call = self.desk.post(&["v3", "mail", "send"], &self.body(letter));
        match self.desk.http.call(self.authorized(call)).await {
            Ok(answer) if answer.is_success() => Outcome::Sent(Receipt {
                provider_id: answer.header("x-message-id").map(str::to_owned),
                answer: answer.status.to_string(),
            }),
            Ok(answer) => Outcome::Failed(self.refused(answer, job)),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        self.desk.draft(job)
    }

    /// Asks what the key may do.
    async fn probe(&self) -> Result<String, String> {
        let question = self.authorized(self.desk.get(&["v3", "scopes"]));
        self.desk.probe(question, |answer| CODES.judge(answer, "", "")).await
    }
}

impl SendGrid {
    fn body(&self, Letter { to, mail, headers }: Letter) -> Value {
        let headers: Map<_, _> =
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let mut body = json!({
            "personalizations": [{ "to": [{ "email": to.to_string() }] }],
            "from": person(&self.desk.from),
            "subject": mail.subject,
            "content": [
                { "type": "text/plain", "value": mail.text },
                { "type": "text/html", "value": mail.html },
            ],
            "headers": headers,
        });
        if let Some(reply_to) = &self.desk.reply_to {
            body["reply_to"] = person(reply_to);
        }
        body
    }

    fn authorized(&self, call: Call) -> Call {
        let bearer = format!("Bearer {}", self.desk.token.expose_secret());
        call.secret(AUTHORIZATION, &bearer)
    }

    fn refused(&self, mut answer: Answer, job: &Job) -> Failure {
        let reset = answer.header("x-ratelimit-reset").and_then(|at| at.parse::<i64>().ok());
        let left = reset.map(|at| at.saturating_sub(self.clock.now().as_second()));
        let wish = left.and_then(|left| u64::try_from(left).ok()).filter(|left| (1..=3_600).contains(left));
        answer.retry_after = answer.retry_after.or(wish.map(Duration::from_secs));
        let said: Value = answer.json().unwrap_or_default();
        let word = |name| said["errors"][0][name].as_str().unwrap_or_default();
        CODES.judge(&answer, word("field"), &masked(word("message"), job))
    }
}

fn person(mailbox: &Mailbox) -> Value {
    match &mailbox.name {
        Some(name) => json!({ "email": mailbox.email.to_string(), "name": name }),
        None => json!({ "email": mailbox.email.to_string() }),
    }
}
