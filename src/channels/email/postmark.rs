//! `provider = "postmark"`: one request for each mail (`POST /email`).
//!
//! The request has no idempotency key, but the mail keeps the id that its delivery gives it
//! (`X-PM-KeepID`): what went out twice can be told from two mails.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderName;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::over_http::{Desk, Letter, masked};
use crate::channels::codes::{Codes, Meaning, code};
use crate::channels::http::{Answer, Call};
use crate::channels::outbox::Draft;
use crate::channels::settings::Reader;
use crate::channels::{Built, Channel, Settings, Surroundings};
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt, Scope};

/// Every key.
pub(super) const KEYS: &[&str] = &[
    "token",
    "message_stream",
    "from",
    "reply_to",
    "base_url",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

const BASE_URL: &str = "https://api.postmarkapp.com";
const TOKEN: HeaderName = HeaderName::from_static("x-postmark-server-token");

/// By Postmark's `ErrorCode`; what HTTP says decides where it gives none.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "postmark",
    source: "postmarkapp.com/developer/api/overview",
    rules: &[
        code("406", Meaning::DropTarget, "inactive: it bounced, complained, or was switched off in Postmark"),
        code("10", Meaning::ChannelFault, "the token is refused: check token"),
        code("400", Meaning::ChannelFault, "from has no sender signature in this account"),
        code("401", Meaning::ChannelFault, "the sender signature of from is not confirmed"),
        code("405", Meaning::ChannelFault, "the account may send no more: its credits are used up"),
        code("412", Meaning::ChannelFault, "the account waits for approval: it reaches its own domain only"),
        code("413", Meaning::ChannelFault, "the account may not send"),
        code("1235", Meaning::ChannelFault, "there is no such message_stream"),
        code("300", Meaning::MessageFault, "the mail is not valid"),
        code("402", Meaning::MessageFault, "the request is no JSON"),
        code("403", Meaning::MessageFault, "the request is not of the form that is expected"),
        code("429", Meaning::Throttle(Scope::Channel, std::time::Duration::ZERO), "too many requests"),
        code("100", Meaning::Retry, "maintenance"),
    ],
};

struct Postmark {
    desk: Desk,
    stream: Option<String>,
}

pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
    let mut reader = Reader::new(settings);
    let stream = reader.text("message_stream");
    let desk = Desk::read(reader, "00000000-0000-0000-0000-000000000000", BASE_URL, surroundings)?;
    Ok(Arc::new(Postmark { desk, stream }))
}

/// What Postmark says, to a mail that it takes and to one that it does not.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Said {
    error_code: u32,
    message: String,
    #[serde(rename = "MessageID")]
    message_id: Option<String>,
}

#[async_trait]
impl Channel for Postmark {
    async fn send(&self, job: &Job) -> Outcome {
        let letter = match self.desk.letter(job) {
            Ok(letter) => letter,
            Err(failure) => return Outcome::Failed(failure),
        };
        let call = self.desk.post(&["email"], &self.body(letter));
        match self.desk.http.call(self.authorized(call)).await {
            Ok(answer) => judged(&answer, job),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        self.desk.draft(job)
    }

    /// Asks for the server that the token belongs to.
    async fn probe(&self) -> Result<String, String> {
        let question = self.authorized(self.desk.get(&["server"]));
        self.desk.probe(question, |answer| refused(answer, &answer.json().unwrap_or_default(), None)).await
    }
}

impl Postmark {
    fn body(&self, Letter { to, mail, headers }: Letter) -> Value {
        let kept = [("X-PM-KeepID", "true".to_owned())];
        let headers = headers.into_iter().chain(kept);
        let headers: Vec<_> = headers.map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        let mut body = json!({
            "From": self.desk.from.to_string(),
            "To": to.to_string(),
            "Subject": mail.subject,
            "TextBody": mail.text,
            "HtmlBody": mail.html,
            "Headers": headers,
        });
        if let Some(reply_to) = &self.desk.reply_to {
            body["ReplyTo"] = reply_to.to_string().into();
        }
        if let Some(stream) = &self.stream {
            body["MessageStream"] = stream.as_str().into();
        }
        body
    }

    fn authorized(&self, call: Call) -> Call {
        call.secret(TOKEN, self.desk.token.expose_secret())
    }
}

fn judged(answer: &Answer, job: &Job) -> Outcome {
    let said: Said = answer.json().unwrap_or_default();
    if answer.is_success() && said.error_code == 0 {
        return Outcome::Sent(Receipt { provider_id: said.message_id, answer: answer.status.to_string() });
    }
    Outcome::Failed(refused(answer, &said, Some(job)))
}

fn refused(answer: &Answer, said: &Said, job: Option<&Job>) -> Failure {
    let code = if said.error_code == 0 { String::new() } else { said.error_code.to_string() };
    CODES.judge(answer, &code, &job.map_or_else(|| said.message.clone(), |job| masked(&said.message, job)))
}
