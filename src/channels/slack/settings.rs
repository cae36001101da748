//! `[channels.NAME]` with `type = "slack"`.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::signature::SigningSecrets;
use crate::channels::http::HttpSettings;
use crate::channels::secret_url::SecretUrl;
use crate::channels::settings::Reader;

/// Every key of `provider = "webhook"`.
pub(super) const WEBHOOK_KEYS: &[&str] = &[
    "webhook_url",
    "signing_secret",
    "previous_signing_secret",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

/// Every key of `provider = "api"`.
pub(super) const API_KEYS: &[&str] = &[
    "token",
    "channel",
    "base_url",
    "signing_secret",
    "previous_signing_secret",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

const BASE_URL: &str = "https://slack.com/api";

/// How messages get there.
pub(super) enum Way {
    /// By an address made for one place.
    Webhook(SecretUrl),
    /// As an app that is in the place.
    Api {
        /// What the methods lie below.
        base: Url,
        token: SecretString,
        /// Where to: an id, or a name after `#`.
        channel: String,
    },
}

/// What is needed to talk to Slack.
pub(super) struct SlackSettings {
    pub(super) way: Way,
    /// `None`: nobody can press anything.
    pub(super) signing: Option<SigningSecrets>,
}

impl SlackSettings {
    /// Of an incoming webhook. `None` if something is missing; the reader knows what.
    pub(super) fn of_webhook(reader: &mut Reader, http: &HttpSettings) -> Option<Self> {
        let signing = SigningSecrets::read(reader);
        let url = SecretUrl::read(reader, http, "webhook_url")?;
        Some(Self { way: Way::Webhook(url), signing })
    }

    /// Of an app with a token. `None` if something is missing; the reader knows what.
    pub(super) fn of_api(reader: &mut Reader, http: &HttpSettings) -> Option<Self> {
        let signing = SigningSecrets::read(reader);
        let base = http.address(reader, "base_url", Some(BASE_URL));
        let token = reader.required_secret("token", "xoxb-\u{2026}");
        let token = token.filter(|token| {
            let fits = token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
            if !fits {
                reader.problem("token", "must be a bot's token, for example \"xoxb-\u{2026}\"");
            }
            fits
        });
        let channel = reader.required("channel", "C024BE91L");
        let channel = channel.filter(|channel| {
            let fits =
                channel.len() <= 80 && !channel.contains(|c: char| c.is_whitespace() || c.is_control());
            if !fits {
                reader.problem("channel", "must be the id of a channel, or its name after #");
            }
            fits
        });
        Some(Self { way: Way::Api { base: base?, token: token?, channel: channel? }, signing })
    }
}
