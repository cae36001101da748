//! Discord: its webhooks (Execute Webhook), which answer with the message if they are asked to.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::preset::{Heard, Objection, Preset};
use crate::channels::codes::{Codes, Meaning, Status, code, rule};
use crate::channels::http::Answer;
use crate::domain::fault::Scope;
use crate::render::chat;

pub(super) const PRESET: Preset = Preset { codes: &CODES, message: chat::discord, address, hear };

/// Until it is there, rather than until it is in a queue.
fn address(url: &Url) -> Url {
    let mut url = url.clone();
    if !url.query_pairs().any(|(name, _)| name == "wait") {
        url.query_pairs_mut().append_pair("wait", "true");
    }
    url
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    id: Option<String>,
    code: Option<u64>,
    message: String,
    /// Seconds, and parts of one.
    retry_after: Option<f64>,
}

fn hear(answer: &Answer) -> Heard {
    let said: Option<Said> = answer.json();
    if answer.is_success() {
        let is_id =
            |id: &String| (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        return Heard::Yes(said.and_then(|said| said.id).filter(is_id));
    }
    let Some(said) = said else {
        return Heard::No(Objection { words: answer.words(), ..Objection::default() });
    };
    let wish = said.retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // Zero is what it says for none.
    let code = said.code.filter(|code| *code != 0).map(|code| code.to_string()).unwrap_or_default();
    Heard::No(Objection { code, words: said.message, wish: wish.filter(|wish| !wish.is_zero()) })
}

const GONE: &str = "the webhook was deleted: make a new one";
const PLACE: &str = "nothing can be posted there: check the channel of the webhook";
const SHAPE: &str = "Discord does not take the message as it is";
const TOO_MANY: &str = "more than Discord takes at once";

const SLOW: Meaning = Meaning::Throttle(Scope::Channel, Duration::ZERO);

/// By Discord's own code; its status where it gives none.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "discord",
    source: "Discord: Opcodes and Status Codes, JSON Error Codes; Rate Limits",
    rules: &[
        code("10003", Meaning::ChannelFault, PLACE),
        code("10015", Meaning::ChannelFault, GONE),
        code("50027", Meaning::ChannelFault, "the token in the address is wrong: copy the address again"),
        code("50001", Meaning::ChannelFault, PLACE),
        code("50008", Meaning::ChannelFault, PLACE),
        code("50013", Meaning::ChannelFault, PLACE),
        code("50083", Meaning::ChannelFault, "the thread is archived"),
        code("160005", Meaning::ChannelFault, "the thread is locked"),
        code("220001", Meaning::ChannelFault, "a forum needs a thread: make the webhook for a text channel"),
        code("20016", SLOW, "the channel is in slow mode"),
        code("20028", SLOW, TOO_MANY),
        code("40062", SLOW, TOO_MANY),
        code("40004", Meaning::Retry, "Discord takes no messages for a while"),
        code("130000", Meaning::Retry, "Discord is overloaded"),
        code("40005", Meaning::MessageFault, "the message is too large"),
        code("50006", Meaning::MessageFault, "the message is empty"),
        code("50035", Meaning::MessageFault, SHAPE),
        code("50109", Meaning::MessageFault, SHAPE),
        code("240000", Meaning::Refused, "Discord takes a link in the message for harmful"),
        rule(Status::Is(404), "", Meaning::ChannelFault, GONE),
        rule(Status::Is(410), "", Meaning::ChannelFault, GONE),
        rule(Status::Is(429), "", SLOW, TOO_MANY),
    ],
};
