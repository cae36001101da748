//! `[channels.NAME]` with `provider = "apns"`.

use reqwest::Url;

use super::provider_token::Signer;
use crate::channels::http::{Http, HttpSettings};
use crate::channels::settings::Reader;
use crate::channels::{Settings, SettingsProblem};
use crate::clock::Clock;
use crate::render::push::Loudest;

/// Keys of `provider = "apns"`.
pub(super) const KEYS: &[&str] = &[
    "team_id",
    "key_id",
    "key",
    "topic",
    "environment",
    "critical",
    "base_url",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

/// Where apps from the App Store and TestFlight are reached, and those from Xcode.
const PRODUCTION: &str = "https://api.push.apple.com";
const SANDBOX: &str = "https://api.sandbox.push.apple.com";

/// How many letters an id of Apple's has.
const ID: usize = 10;

/// Where messages go, and in whose name.
pub(super) struct ApnsConfig {
    pub(super) http: Http,
    pub(super) base: Url,
    pub(super) signer: Signer,
    pub(super) topic: String,
    pub(super) loudest: Loudest,
}

impl ApnsConfig {
    /// What `settings` say.
    pub(super) fn read(settings: &Settings, clock: Clock) -> Result<Self, Vec<SettingsProblem>> {
        let mut reader = Reader::new(settings);
        let http = HttpSettings::read(&mut reader);
        let places = [("production", PRODUCTION), ("sandbox", SANDBOX)];
        let place = reader.choice("environment", &places).unwrap_or(PRODUCTION);
        let base = http.address(&mut reader, "base_url", Some(place));
        let signer = signer(&mut reader);
        let topic = topic(&mut reader);
        let loudest = match reader.flag("critical") {
            Some(true) => Loudest::Critical,
            Some(false) | None => Loudest::TimeSensitive,
        };
        let http = Http::speaking_http2_unless(reader.finish(), &http, clock)?;
        match (base, signer, topic) {
            (Some(base), Some(signer), Some(topic)) => Ok(Self { http, base, signer, topic, loudest }),
            _ => Err(Vec::new()),
        }
    }
}

fn signer(reader: &mut Reader) -> Option<Signer> {
    let team_id = id(reader, "team_id", "A1B2C3D4E5");
    let key_id = id(reader, "key_id", "F6G7H8I9J0");
    let key = reader.required_secret("key", "-----BEGIN PRIVATE KEY-----\u{2026}")?;
    let signer =
        Signer::new(team_id.as_deref().unwrap_or_default(), &key_id.clone().unwrap_or_default(), &key);
    if signer.is_none() {
        reader.problem("key", "must be the .p8 file that Apple gives: a P-256 key in PEM");
    }
    team_id.and(key_id).and(signer)
}

fn id(reader: &mut Reader, key: &str, example: &str) -> Option<String> {
    let id = reader.required(key, example)?;
    let fits = id.len() == ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !fits {
        reader.problem(key, format!("must be {ID} letters and digits, for example \"{example}\""));
    }
    fits.then_some(id)
}

fn topic(reader: &mut Reader) -> Option<String> {
    let topic = reader.required("topic", "com.example.foghorn")?;
    let fits = topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if !fits {
        reader.problem("topic", "must be the app's bundle id, for example \"com.example.foghorn\"");
    }
    fits.then_some(topic)
}
