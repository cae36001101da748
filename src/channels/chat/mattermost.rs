//! Mattermost: its incoming webhooks, which say `ok`.

use std::time::Duration;

use serde::Deserialize;

use super::preset::{Heard, Objection, Preset};
use crate::channels::codes::{Codes, Meaning, Status, code, rule};
use crate::channels::http::Answer;
use crate::domain::fault::Scope;
use crate::render::chat;

pub(super) const PRESET: Preset =
    Preset { codes: &CODES, message: chat::mattermost, address: reqwest::Url::clone, hear };

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    id: String,
    message: String,
}

fn hear(answer: &Answer) -> Heard {
    if answer.is_success() && answer.words() == "ok" {
        return Heard::Yes(None);
    }
    let said: Said = answer.json().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_');
    let code = if said.id.len() <= 80 && said.id.bytes().all(plain) { said.id } else { String::new() };
    // An answer that is none of Mattermost's is a page as a rule, which says nothing in a line.
    let words = if answer.is_success() { String::new() } else { said.message };
    Heard::No(Objection { code, words, wish: None })
}

const GONE: &str = "there is no such webhook: it was deleted, or the address is wrong";
const FORBIDDEN: &str = "the webhook may not post to its channel";
const SHAPE: &str = "Mattermost does not take the message as it is";

/// By the id of Mattermost's error; its status for every other one.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "mattermost",
    source: "Mattermost: HandleIncomingWebhook",
    rules: &[
        code("web.incoming_webhook.invalid.app_error", Meaning::ChannelFault, GONE),
        code(
            "web.incoming_webhook.disabled.app_error",
            Meaning::ChannelFault,
            "an administrator switched incoming webhooks off",
        ),
        code("web.incoming_webhook.channel.app_error", Meaning::ChannelFault, "the channel is not there"),
        code("web.incoming_webhook.channel_locked.app_error", Meaning::ChannelFault, FORBIDDEN),
        code("web.incoming_webhook.permissions.app_error", Meaning::ChannelFault, FORBIDDEN),
        code(
            "web.incoming_webhook.user.app_error",
            Meaning::ChannelFault,
            "whoever made the webhook is not there any more",
        ),
        code("web.incoming_webhook.parse.app_error", Meaning::MessageFault, SHAPE),
        code("web.incoming_webhook.text.app_error", Meaning::MessageFault, SHAPE),
        code("web.incoming_webhook.attachment.app_error", Meaning::MessageFault, SHAPE),
        rule(Status::Is(404), "", Meaning::ChannelFault, GONE),
        rule(Status::Is(410), "", Meaning::ChannelFault, GONE),
        rule(
            Status::Is(429),
            "",
            Meaning::Throttle(Scope::Channel, Duration::from_secs(1)),
            "more than Mattermost takes at once",
        ),
        rule(Status::In(200, 299), "", Meaning::Unknown, "what answers is not Mattermost: check webhook_url"),
    ],
};
