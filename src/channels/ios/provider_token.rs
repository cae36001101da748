//! The provider token: who sends, signed with the team's key.
//!
//! Apple takes one for an hour and minds if it changes more than once in twenty minutes.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::Instant;

use crate::channels::credential::{Issued, Issuer};
use crate::channels::http::{Http, failure};
use crate::domain::fault::{Failure, Fault};

/// Ten minutes before Apple would refuse it.
const RENEW_AFTER: Duration = Duration::from_secs(50 * 60);

/// Signs for one team with one key.
pub(super) struct Signer {
    team_id: String,
    key_id: String,
    key: EncodingKey,
}

impl Signer {
    /// `None` if `key` is no key of this kind.
    pub(super) fn new(team_id: &str, key_id: &str, key: &SecretString) -> Option<Self> {
        let key = EncodingKey::from_ec_pem(key.expose_secret().as_bytes()).ok()?;
        let signer = Self { team_id: team_id.to_owned(), key_id: key_id.to_owned(), key };
        // Whether it is on the right curve shows when it signs.
        signer.sign(Timestamp::UNIX_EPOCH).is_some().then_some(signer)
    }

    fn sign(&self, now: Timestamp) -> Option<String> {
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        encode(&header, &json!({ "iss": self.team_id, "iat": now.as_second() }), &self.key).ok()
    }
}

#[async_trait]
impl Issuer for Signer {
    const SCHEME: &'static str = "bearer";
    const YOUNGEST: Duration = Duration::from_secs(20 * 60);

    async fn issue(&self, _http: &Http, now: Timestamp, _until: Instant) -> Result<Issued, Failure> {
        match self.sign(now) {
            Some(token) => Ok(Issued { secret: SecretString::from(token), renew_after: RENEW_AFTER }),
            None => Err(failure(Fault::Misconfigured, "key", "the key does not sign")),
        }
    }
}
