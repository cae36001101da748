//! An identity provider: it publishes itself, gives codes to whoever signs in, and gives its word for a code,
//! once, to the client that left with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use foghorn::clock::Clock;
use foghorn::http::digest;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::keys;
use super::provider::{Heard, Provider, Reply};

pub(crate) const CLIENT: &str = "foghorn-of-the-harbour";
pub(crate) const SECRET: &str = "identity-client-secret+/0123";
/// The names of its keys.
pub(crate) const RSA: &str = "key-rsa";
pub(crate) const EC: &str = "key-ec";

/// How it gives its word, for these claims.
pub(crate) type Word = Box<dyn Fn(Value) -> String + Send>;

pub(crate) struct Identity {
    server: Provider,
    desk: Arc<Desk>,
}

struct Desk {
    issuer: OnceLock<String>,
    word: Mutex<Word>,
    codes: Mutex<HashMap<String, Asked>>,
}

/// What a client left with.
struct Asked {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

pub(crate) fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(keys::FCM.as_bytes()).unwrap()
}

pub(crate) fn ec() -> EncodingKey {
    EncodingKey::from_ec_pem(keys::APNS.as_bytes()).unwrap()
}

/// `claims` signed so.
pub(crate) fn signed(claims: &Value, algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    encode(&Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) }, claims, key).unwrap()
}

fn pairs(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

impl Identity {
    pub(crate) async fn start() -> Self {
        let word: Word = Box::new(|claims| signed(&claims, Algorithm::RS256, Some(RSA), &rsa()));
        let desk =
            Arc::new(Desk { issuer: OnceLock::new(), word: Mutex::new(word), codes: Mutex::default() });
        let behind = Arc::clone(&desk);
        let server = Provider::start(move |heard| behind.answer(heard)).await;
        desk.issuer.set(server.url()).unwrap();
        Self { server, desk }
    }

    pub(crate) fn issuer(&self) -> String {
        self.server.url()
    }

    /// How often somebody asked for this.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.server.heard().iter().filter(|heard| heard.path == path).count()
    }

    /// It gives its word in this way from now on.
    pub(crate) fn says(&self, word: impl Fn(Value) -> String + Send + 'static) {
        *self.desk.word.lock().unwrap() = Box::new(word);
    }

    /// Somebody signs in at the door where a client sent them, and is led back to this address.
    pub(crate) fn sign_in(&self, door: &str) -> Url {
        let door: Url = door.parse().unwrap();
        assert_eq!(door.path(), "/authorize");
        let asked = pairs(door.query().unwrap());
        let fixed = ["response_type", "client_id", "code_challenge_method"].map(|key| asked[key].as_str());
        assert_eq!(fixed, ["code", CLIENT, "S256"]);
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{asked:?}");
        let code = format!("code-{:032x}", fastrand::u128(..));
        let mut back: Url = asked["redirect_uri"].parse().unwrap();
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("iss", &self.issuer())
            .append_pair("session_state", "whatever it likes");
        let of = |key: &str| asked[key].clone();
        let asked =
            Asked { nonce: of("nonce"), challenge: of("code_challenge"), redirect_uri: of("redirect_uri") };
        self.desk.codes.lock().unwrap().insert(code, asked);
        back
    }
}

impl Desk {
    fn answer(&self, heard: &Heard) -> Reply {
        let issuer = self.issuer.get().unwrap();
        match heard.path.as_str() {
            "/.well-known/openid-configuration" => {
                let places = json!({
                    "issuer": issuer,
                    "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"),
                    "jwks_uri": format!("{issuer}/keys"),
                });
                Reply::json(200, &places.to_string())
            }
            "/keys" => Reply::json(
                200,
                &json!({ "keys": [key(&rsa(), Algorithm::RS256, RSA), key(&ec(), Algorithm::ES256, EC)] })
                    .to_string(),
            ),
            "/token" => match self.redeemed(heard) {
                Ok(word) => Reply::json(
                    200,
                    &json!({ "access_token": "of-no-use", "token_type": "Bearer", "id_token": word })
                        .to_string(),
                ),
                Err(error) => Reply::json(
                    400,
                    &json!({ "error": error, "error_description": heard.text() }).to_string(),
                ),
            },
            _ => Reply::status(404),
        }
    }

    fn redeemed(&self, heard: &Heard) -> Result<String, &'static str> {
        let encoded: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let login = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{encoded}")));
        if heard.header("authorization") != login {
            return Err("invalid_client");
        }
        let form = pairs(&heard.text());
        let asked = self.codes.lock().unwrap().remove(&form["code"]).ok_or("invalid_grant")?;
        let shown = URL_SAFE_NO_PAD.encode(digest(&form["code_verifier"]).bytes());
        if form["grant_type"] != "authorization_code"
            || shown != asked.challenge
            || form["redirect_uri"] != asked.redirect_uri
        {
            return Err("invalid_grant");
        }
        let now = Clock::system().now().as_second();
        let claims = json!({
            "iss": self.issuer.get().unwrap(), "aud": CLIENT, "sub": "248289761001", "nonce": asked.nonce,
            "iat": now, "exp": now + 300, "email": "ada@example.com", "email_verified": true,
            "groups": ["on-call", "staff", "choir"],
        });
        Ok(self.word.lock().unwrap()(claims))
    }
}

/// A key as it is published.
fn key(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut key = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    key["kid"] = kid.into();
    key["use"] = "sig".into();
    key
}
