//! The access token: what Google gives for a claim signed with the service account's key (RFC 7523).

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::form_urlencoded;

use super::codes::ACCESS_CODES;
use crate::channels::credential::{Issued, Issuer};
use crate::channels::http::{Answer, Call, Http, failure};
use crate::domain::fault::{Failure, Fault, Transient};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long a claim is good, seconds: as long as Google allows.
const CLAIM: i64 = 3_600;
/// How long an access token is good if the answer does not say, seconds.
const LIFE: u64 = 3_600;

/// Asks in the name of a service account.
pub(super) struct Account {
    pub(super) email: String,
    pub(super) key: EncodingKey,
    pub(super) key_id: Option<String>,
    pub(super) token_uri: Url,
}

impl Account {
    /// A claim of this moment; `None` if the key does not sign.
    pub(super) fn claim(&self, now: Timestamp) -> Option<String> {
        let header = Header { kid: self.key_id.clone(), ..Header::new(Algorithm::RS256) };
        let now = now.as_second();
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.token_uri.as_str(),
            "iat": now, "exp": now.saturating_add(CLAIM)
        });
        encode(&header, &claims, &self.key).ok()
    }

    /// Who is asked.
    pub(super) fn host(&self) -> &str {
        self.token_uri.host_str().unwrap_or_default()
    }
}

#[async_trait]
impl Issuer for Account {
    const SCHEME: &'static str = "Bearer";
    const YOUNGEST: Duration = Duration::ZERO;

    async fn issue(&self, http: &Http, now: Timestamp, until: Instant) -> Result<Issued, Failure> {
        let Some(claim) = self.claim(now) else {
            return Err(failure(Fault::Misconfigured, "service_account", "its key does not sign"));
        };
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT)
            .append_pair("assertion", &claim)
            .finish();
        let call = Call::post(self.token_uri.clone(), "application/x-www-form-urlencoded", form.into_bytes());
        let answer = http.call_for_credential(call, until).await.map_err(without)?;
        if !answer.is_success() {
            return Err(without(refused(&answer)));
        }
        granted(&answer).ok_or_else(|| {
            let words = "the answer holds no access token";
            failure(Fault::Transient(Transient::Unavailable), "token", words)
        })
    }
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

fn granted(answer: &Answer) -> Option<Issued> {
    let Grant { access_token, expires_in } = answer.json()?;
    let fits = !access_token.is_empty() && HeaderValue::from_str(&access_token).is_ok();
    let life = Duration::from_secs(expires_in.unwrap_or(LIFE));
    // Four fifths of its life, so that none runs out on its way.
    fits.then(|| Issued { secret: SecretString::from(access_token), renew_after: life / 5 * 4 })
}

fn refused(answer: &Answer) -> Failure {
    let said: Value = answer.json().unwrap_or_default();
    let code = said["error"].as_str().unwrap_or_default();
    let words = said["error_description"].as_str().unwrap_or_default();
    ACCESS_CODES.judge(answer, &super::fcm::clean(code), words)
}

/// A failure to get a token: no message went out, whatever else is not known.
fn without(failure: Failure) -> Failure {
    let fault = match failure.fault {
        Fault::Unknown if failure.code == "timeout" => Fault::Transient(Transient::Timeout),
        Fault::Unknown => Fault::Transient(Transient::Unreachable),
        other => other,
    };
    Failure { fault, detail: format!("no access token: {}", failure.detail), ..failure }
}
