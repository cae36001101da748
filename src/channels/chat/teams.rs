//! Microsoft Teams: workflows, which say 202, and what is left of the connectors before them, which say
//! 200 whatever happened: `1`, or what went wrong.

use std::time::Duration;

use serde::Deserialize;

use super::preset::{Heard, Objection, Preset};
use crate::channels::codes::{Codes, Meaning, Rule, Status, rule};
use crate::channels::http::Answer;
use crate::domain::fault::Scope;
use crate::render::chat;

pub(super) const PRESET: Preset =
    Preset { codes: &CODES, message: chat::teams, address: reqwest::Url::clone, hear };

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    error: Trouble,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Trouble {
    code: String,
    message: String,
}

fn hear(answer: &Answer) -> Heard {
    let words = answer.words();
    match answer.status {
        202 => return Heard::Yes(None),
        200 if words.is_empty() || words == "1" => return Heard::Yes(None),
        200 => {
            let code = status_behind(&words).unwrap_or_default();
            return Heard::No(Objection { code, words, wish: None });
        }
        _ => {}
    }
    let Trouble { code, message } = answer.json::<Said>().unwrap_or_default().error;
    let is_word = code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Heard::No(Objection { code: if is_word { code } else { String::new() }, words: message, wish: None })
}

/// `… Microsoft Teams endpoint returned HTTP error 429 with …`
fn status_behind(words: &str) -> Option<String> {
    let (_, rest) = words.split_once("HTTP error ")?;
    let status = rest.get(..3).filter(|status| status.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(if status.starts_with('5') { "HTTP 5xx".to_owned() } else { format!("HTTP {status}") })
}

const GONE: &str = "there is no such workflow: it was deleted, or the address is wrong";
const LOGIN: &str = "the workflow wants a login: let anyone trigger it, and copy its address again";
const OFF: &str = "the workflow is switched off";
const TOO_MANY: &str = "more than Teams takes at once";
const SHAPE: &str = "Teams does not take the message as it is";
const LARGE: &str = "the message is longer than 28 kB";

/// Four a second, and then nothing for a while.
const SLOW: Meaning = Meaning::Throttle(Scope::Channel, Duration::from_secs(1));

const fn behind(code: &'static str, meaning: Meaning, why: &'static str) -> Rule {
    rule(Status::Is(200), code, meaning, why)
}

/// Workflows by their own codes, connectors by what they say under 200.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "teams",
    source: "Microsoft: Workflows for Teams; Incoming Webhooks, Rate limiting",
    rules: &[
        behind("HTTP 400", Meaning::MessageFault, SHAPE),
        behind("HTTP 403", Meaning::ChannelFault, LOGIN),
        behind("HTTP 404", Meaning::ChannelFault, GONE),
        behind("HTTP 413", Meaning::MessageFault, LARGE),
        behind("HTTP 429", SLOW, TOO_MANY),
        behind("HTTP 5xx", Meaning::Retry, "Teams is unwell"),
        behind("", Meaning::Unknown, "the answer is none that Teams gives: check webhook_url"),
        rule(Status::Is(400), "TriggerInputSchemaMismatch", Meaning::MessageFault, SHAPE),
        rule(Status::Is(400), "InvalidRequestContent", Meaning::MessageFault, SHAPE),
        rule(Status::Is(400), "WorkflowTriggerIsNotEnabled", Meaning::ChannelFault, OFF),
        rule(Status::Is(400), "WorkflowIsDisabled", Meaning::ChannelFault, OFF),
        rule(Status::Is(401), "DirectApiAuthorizationRequired", Meaning::ChannelFault, LOGIN),
        rule(Status::In(401, 403), "", Meaning::ChannelFault, LOGIN),
        rule(Status::Is(404), "WorkflowNotFound", Meaning::ChannelFault, GONE),
        rule(Status::Is(404), "", Meaning::ChannelFault, GONE),
        rule(Status::Is(410), "", Meaning::ChannelFault, "connectors are no more: make a workflow"),
        rule(Status::Is(413), "", Meaning::MessageFault, LARGE),
        rule(Status::Is(429), "", SLOW, TOO_MANY),
        rule(
            Status::Is(502),
            "NoResponse",
            Meaning::Unknown,
            "the workflow ran, and nobody says how it went",
        ),
    ],
};
