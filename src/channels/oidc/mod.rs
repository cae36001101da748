//! An identity provider that speaks OpenID Connect: who somebody is, by its word, and what its groups may do here.
//!
//! The authorization code flow with PKCE. Its addresses and keys are what it publishes of itself, asked for when
//! they are needed and again after an hour; a key that is not known has them asked for at once, but no more
//! than once a minute, so that nobody can have us ask again and again.

mod id_token;
mod rights;
mod settings;
mod sign_in;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::JwkSet;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded::{Serializer, byte_serialize};

use self::id_token::{Claims, Doubt, Expected};
use self::rights::Rights;
use super::http::{Answer, Call, Http};
use crate::clock::Clock;
use crate::domain::token::Scopes;
pub use settings::{CALLBACK, KEYS, provider};
pub use sign_in::SignIn;

/// What it publishes of itself is asked for again after this.
const FRESH: Duration = Duration::from_secs(3_600);
/// Over a key that is not known it is asked no more often.
const AGAIN: Duration = Duration::from_secs(60);

/// An identity provider.
pub struct Provider {
    http: Http,
    issuer: String,
    client_id: String,
    client_secret: Option<SecretString>,
    /// What is asked for.
    scopes: String,
    rights: Rights,
    /// Where it leads back to.
    redirect_uri: String,
    clock: Clock,
    known: Mutex<Option<Known>>,
}

/// What it publishes of itself.
#[derive(Clone)]
struct Known {
    places: Places,
    keys: JwkSet,
    read_at: Instant,
}

/// `/.well-known/openid-configuration`
#[derive(Debug, Clone, Deserialize)]
struct Places {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Somebody, by the provider's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who is said to have done what they do.
    pub name: String,
    /// What they may do; `None` if nothing.
    pub scopes: Option<Scopes>,
}

/// Why nobody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSignedIn {
    /// The provider does not answer, or makes no sense.
    Away(String),
    /// Its word is none, or none for this.
    Refused(String),
}

impl Provider {
    /// Its address, by which its word is known.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where a browser is sent to sign in.
    ///
    /// # Errors
    /// The provider does not say where.
    pub async fn door(&self, sign_in: &SignIn) -> Result<Url, NotSignedIn> {
        let mut door = self.place(&self.known(FRESH).await?.places.authorization_endpoint)?;
        door.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &self.scopes)
            .append_pair("state", &sign_in.state())
            .append_pair("nonce", &sign_in.nonce())
            .append_pair("code_challenge", &sign_in.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(door)
    }

    /// Whom this code stands for.
    ///
    /// # Errors
    /// The provider does not answer, or its word is not good for this sign-in.
    pub async fn redeem(&self, sign_in: &SignIn, code: &str) -> Result<Person, NotSignedIn> {
        let known = self.known(FRESH).await?;
        let token = self.id_token(&known.places, sign_in, code).await?;
        let nonce = sign_in.nonce();
        let claims = match self.read(&token, &known.keys, &nonce) {
            Err(Doubt::UnknownKey) => self.read(&token, &self.known(AGAIN).await?.keys, &nonce),
            read => read,
        };
        let claims = claims.map_err(|doubt| match doubt {
            Doubt::UnknownKey => refused("the provider does not publish the key of the ID token"),
            Doubt::Untrue(why) => refused(why),
        })?;
        Ok(Person { name: rights::name(&claims), scopes: self.rights.of(&claims) })
    }

    fn read(&self, token: &str, keys: &JwkSet, nonce: &str) -> Result<Claims, Doubt> {
        let (issuer, client_id) = (&self.issuer, &self.client_id);
        id_token::read(token, keys, &Expected { issuer, client_id, nonce, now: self.clock.now() })
    }

    /// Asks what it publishes of itself, for `foghorn check --connect`. Says what it saw.
    ///
    /// # Errors
    /// What went wrong, without secrets.
    pub async fn probe(&self) -> Result<String, String> {
        match self.known(Duration::ZERO).await {
            Ok(known) => Ok(format!("{} publishes {} keys", self.issuer, known.keys.keys.len())),
            Err(NotSignedIn::Away(why) | NotSignedIn::Refused(why)) => Err(why),
        }
    }

    /// What it publishes of itself, no older than `age`. Whoever comes meanwhile waits for the same answer.
    async fn known(&self, age: Duration) -> Result<Known, NotSignedIn> {
        let mut shelf = self.known.lock().await;
        if let Some(known) = shelf.as_ref().filter(|known| known.read_at.elapsed() < age) {
            return Ok(known.clone());
        }
        let page = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let places: Places = self.published(self.place(&page)?).await?;
        if places.issuer != self.issuer {
            return Err(away("it says that it is another issuer than [auth.oidc] issuer names"));
        }
        let keys: JwkSet = self.published(self.place(&places.jwks_uri)?).await?;
        let known = Known { places, keys, read_at: Instant::now() };
        *shelf = Some(known.clone());
        Ok(known)
    }

    /// One of its addresses, as safe from whoever is on the way as the issuer's own.
    fn place(&self, text: &str) -> Result<Url, NotSignedIn> {
        let url = text.parse::<Url>().ok();
        let url = url.filter(|url| url.scheme() == "https" || self.issuer.starts_with("http:"));
        url.ok_or_else(|| away("one of the addresses that it publishes is none, or begins without https"))
    }

    async fn published<T: DeserializeOwned>(&self, url: Url) -> Result<T, NotSignedIn> {
        let call = Call { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() };
        let answer = self.http.call(call.header(ACCEPT, "application/json")).await;
        let answer = answer.map_err(|failure| away(&format!("{}: {}", failure.code, failure.detail)))?;
        match answer.json() {
            Some(published) if answer.is_success() => Ok(published),
            _ => Err(away(&format!("it answers {} to a question about itself", answer.status))),
        }
    }

    async fn id_token(&self, places: &Places, sign_in: &SignIn, code: &str) -> Result<String, NotSignedIn> {
        let call = self.exchange(places, sign_in, code)?;
        let answer = self.http.call_for_credential(call, self.http.deadline()).await;
        let answer = answer.map_err(|failure| away(&format!("{}: {}", failure.code, failure.detail)))?;
        token_of(&answer)
    }

    /// The request that gives a token for a code.
    fn exchange(&self, places: &Places, sign_in: &SignIn, code: &str) -> Result<Call, NotSignedIn> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("code_verifier", &sign_in.verifier());
        let login = self.client_secret.as_ref().filter(|_| !places.want_the_secret_in_the_form());
        if login.is_none() {
            form.append_pair("client_id", &self.client_id);
            if let Some(secret) = &self.client_secret {
                form.append_pair("client_secret", secret.expose_secret());
            }
        }
        let (url, form) = (self.place(&places.token_endpoint)?, form.finish().into_bytes());
        let call =
            Call::post(url, "application/x-www-form-urlencoded", form).header(ACCEPT, "application/json");
        let Some(secret) = login else { return Ok(call) };
        // As a form has them (RFC 6749 §2.3.1).
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let login = format!("{}:{}", encoded(&self.client_id), encoded(secret.expose_secret()));
        Ok(call.secret(AUTHORIZATION, &format!("Basic {}", STANDARD.encode(login))))
    }
}

impl Places {
    /// In a header is what is meant where nothing is said.
    fn want_the_secret_in_the_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let names = |name: &str| methods.iter().any(|method| method == name);
        names("client_secret_post") && !names("client_secret_basic")
    }
}

fn token_of(answer: &Answer) -> Result<String, NotSignedIn> {
    #[derive(Deserialize)]
    struct Given {
        id_token: String,
    }
    match answer.status {
        200..=299 => {
            answer.json().map(|Given { id_token }| id_token).ok_or_else(|| away("it gives no ID token"))
        }
        // The code is none, or no more; or the client is none.
        400..=499 => Err(refused(&format!("the provider does not take the code: {}", error_of(answer)))),
        status => Err(away(&format!("it answers {status}"))),
    }
}

/// The word for it (RFC 6749 §5.2), which is one of a few.
fn error_of(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    let word = answer.json().map(|Said { error }| error);
    let plain = |word: &String| {
        word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    word.filter(plain).unwrap_or_else(|| answer.status.to_string())
}

fn away(why: &str) -> NotSignedIn {
    NotSignedIn::Away(why.to_owned())
}

fn refused(why: &str) -> NotSignedIn {
    NotSignedIn::Refused(why.to_owned())
}
