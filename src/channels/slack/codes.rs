//! What the answers of Slack mean: of incoming webhooks, and of `chat.postMessage`, which says no
//! under 200 too.

use std::time::Duration;

use crate::channels::codes::{Codes, Meaning, Status, code, rule};
use crate::domain::fault::Scope;

/// A message a second to one place; whoever goes on is cut off.
const PACE: Duration = Duration::from_secs(1);

const SLOW: Meaning = Meaning::Throttle(Scope::Channel, PACE);

/// An answer that is not in Slack's own form.
pub(super) const UNREADABLE: &str = "unreadable";

const TOO_MANY: &str = "more than Slack takes: about one message a second to one place";
const PLACE: &str = "the channel is not there, or the app is not in it: invite the app, or correct channel";
const ARCHIVED: &str = "the channel was archived";
const FORBIDDEN: &str = "an administrator of the workspace does not allow the app to post there";
const REVOKED: &str = "Slack does not take the address: the webhook was revoked; make a new one";
const TOKEN: &str = "Slack does not take the token: check token, and that the app is installed";
const SCOPE: &str = "the app may not do this: give it chat:write and install it again";
const SHAPE: &str = "Slack does not take the message as it is";
const LONG: &str = "the message is too long for Slack";
const UNWELL: &str = "Slack is unwell";
const NOT_SLACK: &str = "what answers is not Slack: check the address";

/// Incoming webhooks: a word in plain text.
pub(in crate::channels) const WEBHOOK_CODES: Codes = Codes {
    provider: "slack-webhook",
    source: "Slack: Sending messages using incoming webhooks",
    rules: &[
        rule(Status::Is(400), "invalid_payload", Meaning::MessageFault, SHAPE),
        rule(Status::Is(400), "no_text", Meaning::MessageFault, SHAPE),
        rule(Status::Is(400), "invalid_blocks", Meaning::MessageFault, SHAPE),
        rule(Status::Is(400), "invalid_blocks_format", Meaning::MessageFault, SHAPE),
        rule(Status::Is(400), "too_many_attachments", Meaning::MessageFault, LONG),
        rule(Status::Is(400), "user_not_found", Meaning::MessageFault, "there is no such user"),
        rule(Status::Is(400), "", Meaning::MessageFault, SHAPE),
        rule(Status::Is(403), "action_prohibited", Meaning::ChannelFault, FORBIDDEN),
        rule(Status::Is(403), "invalid_token", Meaning::ChannelFault, REVOKED),
        rule(Status::Is(403), "posting_to_general_channel_denied", Meaning::ChannelFault, FORBIDDEN),
        rule(Status::Is(403), "", Meaning::ChannelFault, REVOKED),
        rule(Status::Is(404), "no_service", Meaning::ChannelFault, REVOKED),
        rule(Status::Is(404), "no_service_id", Meaning::ChannelFault, REVOKED),
        rule(Status::Is(404), "no_team", Meaning::ChannelFault, "there is no such workspace"),
        rule(Status::Is(404), "team_disabled", Meaning::ChannelFault, "the workspace is disabled"),
        rule(Status::Is(404), "channel_not_found", Meaning::ChannelFault, PLACE),
        rule(Status::Is(404), "", Meaning::ChannelFault, REVOKED),
        rule(Status::Is(410), "channel_is_archived", Meaning::ChannelFault, ARCHIVED),
        rule(Status::Is(410), "", Meaning::ChannelFault, ARCHIVED),
        rule(Status::Is(429), "", SLOW, TOO_MANY),
        rule(Status::Is(500), "rollup_error", Meaning::Retry, UNWELL),
        rule(Status::In(200, 299), "", Meaning::Unknown, NOT_SLACK),
    ],
};

/// `chat.postMessage`: the word in `error`, under whatever status.
pub(in crate::channels) const API_CODES: Codes = Codes {
    provider: "slack-api",
    source: "Slack: chat.postMessage, Errors",
    rules: &[
        code("ratelimited", SLOW, TOO_MANY),
        code("rate_limited", SLOW, TOO_MANY),
        code("message_limit_exceeded", SLOW, "the workspace's messages are limited"),
        rule(Status::Is(429), "", SLOW, TOO_MANY),
        // Where it goes.
        code("channel_not_found", Meaning::ChannelFault, PLACE),
        code("not_in_channel", Meaning::ChannelFault, PLACE),
        code("is_archived", Meaning::ChannelFault, ARCHIVED),
        code("restricted_action", Meaning::ChannelFault, FORBIDDEN),
        code("restricted_action_read_only_channel", Meaning::ChannelFault, FORBIDDEN),
        code("restricted_action_thread_only_channel", Meaning::ChannelFault, FORBIDDEN),
        code("restricted_action_non_threadable_channel", Meaning::ChannelFault, FORBIDDEN),
        code("ekm_access_denied", Meaning::ChannelFault, FORBIDDEN),
        code("access_denied", Meaning::ChannelFault, FORBIDDEN),
        code("team_access_not_granted", Meaning::ChannelFault, FORBIDDEN),
        code("enterprise_is_restricted", Meaning::ChannelFault, FORBIDDEN),
        code("accesslimited", Meaning::ChannelFault, FORBIDDEN),
        code("messages_tab_disabled", Meaning::ChannelFault, FORBIDDEN),
        // Who posts.
        code("invalid_auth", Meaning::ChannelFault, TOKEN),
        code("not_authed", Meaning::ChannelFault, TOKEN),
        code("token_revoked", Meaning::ChannelFault, TOKEN),
        code("token_expired", Meaning::ChannelFault, TOKEN),
        code("account_inactive", Meaning::ChannelFault, TOKEN),
        code("org_login_required", Meaning::ChannelFault, TOKEN),
        code("two_factor_setup_required", Meaning::ChannelFault, TOKEN),
        code("not_allowed_token_type", Meaning::ChannelFault, "token has to be a bot's: xoxb-\u{2026}"),
        code("missing_scope", Meaning::ChannelFault, SCOPE),
        code("no_permission", Meaning::ChannelFault, SCOPE),
        // This message.
        code("no_text", Meaning::MessageFault, SHAPE),
        code("msg_too_long", Meaning::MessageFault, LONG),
        code("msg_blocks_too_long", Meaning::MessageFault, LONG),
        code("too_many_attachments", Meaning::MessageFault, LONG),
        code("invalid_blocks", Meaning::MessageFault, SHAPE),
        code("invalid_blocks_format", Meaning::MessageFault, SHAPE),
        code("invalid_arguments", Meaning::MessageFault, SHAPE),
        code("invalid_json", Meaning::MessageFault, SHAPE),
        code("invalid_charset", Meaning::MessageFault, SHAPE),
        // Their side.
        code("internal_error", Meaning::Retry, UNWELL),
        code("fatal_error", Meaning::Unknown, "Slack broke off, and may have posted it"),
        code("service_unavailable", Meaning::Retry, UNWELL),
        code("request_timeout", Meaning::Retry, "Slack waited in vain for the request"),
        code("team_added_to_org", Meaning::Retry, "the workspace is being moved to another organization"),
        rule(Status::In(200, 299), UNREADABLE, Meaning::Unknown, NOT_SLACK),
        rule(Status::In(200, 299), "", Meaning::Refused, "Slack says no, with a word that is new here"),
    ],
};
