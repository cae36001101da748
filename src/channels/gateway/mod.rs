//! Anything that takes an HTTP request for each message: a modem in the rack, a chat that has no
//! module here.
//!
//! The operator says what a request looks like and which answers mean yes; many a gateway answers
//! 200 with a no inside. An answer that does not mean yes is tried again, unless its status says
//! that this is in vain.

mod settings;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub(super) use self::settings::Dialect;
use self::settings::{GatewaySettings, Proof, with_secret};
use super::codes::Codes;
use super::http::{Answer, Call, Http, HttpSettings};
use super::settings::Reader;
use super::{LONGEST_DETAIL, SettingsProblem, Surroundings, unrenderable};
use crate::domain::fault::{Failure, Receipt};
use crate::render::gateway::Said;
use crate::render::sanitize;

/// The most characters of a gateway's own id of a message.
const LONGEST_ID: usize = 100;

/// Somebody who takes requests as the operator describes them.
pub(super) struct Gateway {
    http: Http,
    settings: GatewaySettings,
    codes: &'static Codes,
}

impl Gateway {
    /// The gateway of what is left in `reader`; `sample` is a message to try the body with.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub(super) fn read(
        mut reader: Reader,
        surroundings: &Surroundings,
        dialect: &Dialect,
        sample: &Said<'_>,
        codes: &'static Codes,
    ) -> Result<Self, Vec<SettingsProblem>> {
        let http = HttpSettings::read(&mut reader);
        let settings = GatewaySettings::read(&mut reader, &http, dialect, sample);
        let http = Http::unless(reader.finish(), &http, surroundings.clock)?;
        Ok(Self { http, settings: settings.ok_or_else(Vec::new)?, codes })
    }

    /// Makes the one request that says this. `hush` takes out of the answer's words what nobody is to
    /// read there.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(super) async fn deliver(
        &self,
        said: &Said<'_>,
        hush: impl Fn(&str) -> String,
    ) -> Result<Receipt, Failure> {
        let answer = self.http.call(self.request(said)?).await?;
        let words = self.words(&answer, hush);
        if !self.says_yes(&answer) {
            return Err(self.codes.judge(&answer, "", &words));
        }
        let provider_id = self.settings.id_pointer.as_deref().and_then(|at| id(&answer, at));
        let answer = sanitize::line(&format!("{} {words}", answer.status), LONGEST_DETAIL).into_owned();
        Ok(Receipt { provider_id, answer })
    }

    /// As [`super::Channel::probe`].
    pub(super) async fn probe(&self) -> Result<String, String> {
        self.http.probe(&self.settings.url).await
    }

    /// Where its requests go.
    pub(super) fn url(&self) -> &Url {
        &self.settings.url
    }

    fn request(&self, said: &Said<'_>) -> Result<Call, Failure> {
        let said = with_secret(said, self.settings.secret.as_ref());
        let body = self.settings.body.render(&said).map_err(|fault| unrenderable(&fault))?;
        let mut headers = self.settings.headers.clone();
        if self.settings.method == Method::GET {
            return Ok(Call { method: Method::GET, url: self.asking(&body), headers, body: Vec::new() });
        }
        headers.insert(CONTENT_TYPE, self.settings.content_type.clone());
        let (method, url) = (self.settings.method.clone(), self.settings.url.clone());
        Ok(Call { method, url, headers, body: body.into_bytes() })
    }

    /// A `GET` has no body: what would be in it is asked for in the address.
    fn asking(&self, query: &str) -> Url {
        let mut url = self.settings.url.clone();
        let whole = match url.query() {
            Some(fixed) if !fixed.is_empty() => format!("{fixed}&{query}"),
            _ => query.to_owned(),
        };
        url.set_query(Some(&whole));
        url
    }

    fn says_yes(&self, answer: &Answer) -> bool {
        let status = match &self.settings.success_status {
            Some(statuses) => statuses.contains(&answer.status),
            None => answer.is_success(),
        };
        status && self.settings.proofs.iter().all(|proof| proof.holds(answer))
    }

    /// Words of the gateway without what it was told in confidence. They are not cut yet: half a
    /// secret would not be found.
    fn words(&self, answer: &Answer, hush: impl Fn(&str) -> String) -> String {
        let words = hush(&String::from_utf8_lossy(&answer.body));
        let secret = self.settings.secret.as_ref().map(SecretString::expose_secret);
        // A word that short is in every answer, and no secret.
        match secret.filter(|secret| secret.len() >= 8) {
            Some(secret) => words.replace(secret, "***"),
            None => words,
        }
    }
}

impl Proof {
    fn holds(&self, answer: &Answer) -> bool {
        match self {
            Self::Text(text) => String::from_utf8_lossy(&answer.body).contains(text.as_str()),
            Self::Value { pointer, value } => scalar(answer, pointer).is_some_and(|found| found == *value),
        }
    }
}

/// What stands at a JSON pointer, as it would be written without quotes.
fn scalar(answer: &Answer, pointer: &str) -> Option<String> {
    match answer.json::<Value>()?.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn id(answer: &Answer, pointer: &str) -> Option<String> {
    let is_plain =
        |id: &String| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    scalar(answer, pointer).filter(is_plain)
}
