//! `[channels.NAME]` with `provider = "fcm"`.

use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::access::Account;
use crate::channels::http::{Http, HttpSettings};
use crate::channels::settings::Reader;
use crate::channels::{Settings, SettingsProblem};
use crate::clock::Clock;

/// Keys of `provider = "fcm"`.
pub(super) const KEYS: &[&str] =
    &["service_account", "project", "base_url", "timeout", "allow_private_networks", "ca_file"];

const FCM: &str = "https://fcm.googleapis.com";
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Where messages go, and in whose name.
pub(super) struct FcmConfig {
    pub(super) http: Http,
    pub(super) base: Url,
    pub(super) account: Account,
    pub(super) project: String,
}

impl FcmConfig {
    /// What `settings` say.
    pub(super) fn read(settings: &Settings, clock: Clock) -> Result<Self, Vec<SettingsProblem>> {
        let mut reader = Reader::new(settings);
        let http = HttpSettings::read(&mut reader);
        let base = http.address(&mut reader, "base_url", Some(FCM));
        let project = reader.text("project");
        let file = file(&mut reader);
        let account = file.as_ref().and_then(|file| account(&mut reader, &http, file));
        let project = file.as_ref().and_then(|file| named(&mut reader, project, file));
        let http = Http::unless(reader.finish(), &http, clock)?;
        match (base, account, project) {
            (Some(base), Some(account), Some(project)) => Ok(Self { http, base, account, project }),
            _ => Err(Vec::new()),
        }
    }
}

/// The file that Google gives for a service account.
fn file(reader: &mut Reader) -> Option<Map<String, Value>> {
    let text = reader.required_secret("service_account", "{ \u{2026} }")?;
    let file = serde_json::from_str(text.expose_secret()).ok();
    if file.is_none() {
        let message = "must be the JSON file of a service account's key, as the Firebase console gives it";
        reader.problem("service_account", message);
    }
    file
}

/// A text of the file.
fn said<'a>(file: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    file.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn account(reader: &mut Reader, http: &HttpSettings, file: &Map<String, Value>) -> Option<Account> {
    let (email, key) = (said(file, "client_email"), said(file, "private_key"));
    for (name, text) in [("client_email", email), ("private_key", key)] {
        if text.is_none() {
            reader
                .problem("service_account", format!("has no {name}: it is not the key of a service account"));
        }
    }
    let token_uri = token_uri(reader, http, said(file, "token_uri").unwrap_or(TOKEN_URI));
    let (email, key, token_uri) = (email?.to_owned(), key?, token_uri?);
    let key_id = said(file, "private_key_id").map(str::to_owned);
    let account = EncodingKey::from_rsa_pem(key.as_bytes())
        .map(|key| Account { email, key, key_id, token_uri })
        .ok()
        // What is wrong inside a key shows when it signs.
        .filter(|account| account.claim(Timestamp::UNIX_EPOCH).is_some());
    if account.is_none() {
        reader.problem("service_account", "has a private_key that is no RSA key in PEM");
    }
    account
}

fn token_uri(reader: &mut Reader, http: &HttpSettings, text: &str) -> Option<Url> {
    let url = text.parse::<Url>().map_err(|_| "it is no whole address".to_owned());
    match url.and_then(|url| http.admit(&url).map(|()| url)) {
        Ok(url) => Some(url),
        Err(why) => {
            reader.problem("service_account", format!("has a token_uri that leads nowhere: {why}"));
            None
        }
    }
}

/// The project that `project` names, or else the account's own.
fn named(reader: &mut Reader, project: Option<String>, file: &Map<String, Value>) -> Option<String> {
    let key = if project.is_some() { "project" } else { "service_account" };
    let Some(project) = project.or_else(|| said(file, "project_id").map(str::to_owned)) else {
        reader.problem("project", "is missing, and service_account has no project_id");
        return None;
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    let fits = project.len() <= 100 && project.bytes().all(is_plain) && !project.starts_with('.');
    if !fits {
        reader.problem(key, "names a project that is none: it is its id, for example \"example-1a2b3\"");
    }
    fits.then_some(project)
}
