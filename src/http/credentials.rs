//! Whose token a request shows.
//!
//! A token is 32 random bytes that only its owner has; here and in the store is the SHA-256 of its text.
//! What is shown is hashed and compared with each digest that there is, in a time that says nothing of how
//! much of it was right. The tokens of the store are read again when they are 2 s old: so long a token that
//! another node ended goes on. While the store is away those that were known go on for a while, because
//! what can be done without a store, such as looking at `/metrics`, is wanted then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest as hash};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::problem::{Code, Problem};
use super::{Api, ask};
use crate::domain::Timestamp;
use crate::domain::ids::{SessionId, TokenId};
use crate::domain::token::{ConfiguredToken, Digest, Scopes, Token, TokenChange};
use crate::store::batch::AccessChange;

/// What is known of tokens and sessions is no older, while the store answers.
pub(super) const FRESH: Duration = Duration::from_secs(2);
/// How long what was known counts while the store is away.
pub(super) const OUTAGE: Duration = Duration::from_secs(300);
/// That a token was seen is written no more often, milliseconds.
const SEEN_EVERY: i64 = 60_000;
/// No token is longer.
const LONGEST: usize = 512;

/// The digest of a secret.
pub fn digest(secret: &str) -> Digest {
    Digest::new(sha256(secret.as_bytes()))
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(hash(&SHA256, bytes).as_ref());
    digest
}

/// In hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The secret of a token that nobody has yet; `None` if the machine gives no random numbers.
pub fn fresh_secret() -> Option<String> {
    random().map(|random| format!("fh_{random}"))
}

/// 256 bits that nobody has yet.
pub(super) fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(hex(&bytes))
}

pub(super) fn same(one: &Digest, other: &Digest) -> bool {
    verify_slices_are_equal(one.bytes(), other.bytes()).is_ok()
}

/// What a request shows; `None` if that is nothing, or nothing that could be a token.
pub(super) fn shown(headers: &HeaderMap) -> Option<&str> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (headers.next(), headers.next()) else { return None };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer")
        && (1..=LONGEST).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(token)
}

/// Whose a token is.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) name: Arc<str>,
    pub(super) proof: Proof,
    pub(super) scopes: Scopes,
    /// When that ends by itself.
    pub(super) expires_at: Option<Timestamp>,
}

impl Owner {
    fn of(token: &Token) -> Self {
        Self {
            name: token.name.as_str().into(),
            proof: Proof::Made(token.id),
            scopes: token.scopes,
            expires_at: token.expires_at,
        }
    }

    fn configured(token: &ConfiguredToken) -> Self {
        let name: Arc<str> = token.name.as_str().into();
        let proof = Proof::Configured(Arc::clone(&name), token.digest);
        Self { name, proof, scopes: token.scopes, expires_at: None }
    }
}

/// What was shown.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// `[tokens.NAME]`, as it was then.
    Configured(Arc<str>, Digest),
    /// A token of the store.
    Made(TokenId),
    /// A session, by its digest.
    Session(SessionId, Digest),
}

/// What is known of the store's tokens.
#[derive(Default)]
pub(super) struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    tokens: Vec<Token>,
    /// When they were read.
    read_at: Option<Instant>,
    /// When they are to be read again.
    again_at: Option<Instant>,
    /// Which were told to be in use, and when.
    told: HashMap<TokenId, Timestamp>,
}

impl Keys {
    /// Whose token this is, if it counts.
    pub(super) async fn owner(&self, api: &Api, secret: &str) -> Result<Option<Owner>, Problem> {
        let shown = digest(secret);
        // All are looked at, whichever it is.
        let mut found = None;
        for token in &api.in_use.borrow().tokens {
            if same(&token.digest, &shown) {
                found = Some(Owner::configured(token));
            }
        }
        // These count whatever the store does.
        if found.is_some() {
            return Ok(found);
        }
        let mut known = self.0.lock().await;
        known.refresh(api).await?;
        let now = api.clock.now();
        let mut seen = None;
        for token in known.tokens.iter().filter(|token| token.counts(now)) {
            if same(&token.digest, &shown) {
                seen = Some((token.id, token.last_used_at));
                found = Some(Owner::of(token));
            }
        }
        if let Some((id, last_used_at)) = seen {
            known.seen(api, id, last_used_at, now);
        }
        Ok(found)
    }

    /// Whose `[tokens.NAME]` is, if its secret still has this digest.
    pub(super) fn configured(api: &Api, name: &str, digest: &Digest) -> Option<Owner> {
        let in_use = api.in_use.borrow();
        let token = in_use.tokens.iter().find(|token| *token.name == *name && same(&token.digest, digest));
        token.map(Owner::configured)
    }

    /// Whose token of the store this is, if it still counts.
    pub(super) async fn made(&self, api: &Api, id: TokenId) -> Result<Option<Owner>, Problem> {
        let mut known = self.0.lock().await;
        known.refresh(api).await?;
        let now = api.clock.now();
        Ok(known.tokens.iter().find(|token| token.id == id && token.counts(now)).map(Owner::of))
    }

    /// Has tokens read again before they are needed next: one was made or ended here.
    pub(super) async fn changed(&self) {
        self.0.lock().await.again_at = None;
    }
}

impl Known {
    async fn refresh(&mut self, api: &Api) -> Result<(), Problem> {
        if self.again_at.is_none_or(|again_at| again_at <= Instant::now()) {
            if let Ok(Ok(tokens)) = timeout(api.limits.probe_time, api.store.tokens()).await {
                self.tokens = tokens;
                self.read_at = Some(Instant::now());
            }
            self.again_at = Some(Instant::now() + FRESH);
        }
        match self.read_at {
            Some(read_at) if read_at.elapsed() < OUTAGE => Ok(()),
            _ => Err(Problem::new(Code::Unavailable, "the store is away, and with it the tokens")),
        }
    }

    /// Nobody waits for this to be written, and it matters little if it is not.
    fn seen(&mut self, api: &Api, id: TokenId, last_used_at: Option<Timestamp>, now: Timestamp) {
        let last = last_used_at.max(self.told.get(&id).copied());
        let recent = |last: Timestamp| now.as_millisecond() - last.as_millisecond() < SEEN_EVERY;
        if !last.is_some_and(recent) {
            self.told.insert(id, now);
            ask::mention(api, AccessChange::Token(TokenChange::Used(id, now)));
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_bearer_token_is_seen_and_nothing_that_is_none() {
        let seen = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            shown(&headers).map(str::to_owned)
        };
        assert_eq!(seen(&["Bearer fh_1"]).as_deref(), Some("fh_1"));
        assert_eq!(seen(&["bearer fh_1"]).as_deref(), Some("fh_1"));
        for none in
            ["", "Bearer", "Bearer ", "Basic fh_1", "fh_1", "Bearer  fh_1", "Bearer fh_1 x", "Bearerfh_1"]
        {
            assert_eq!(seen(&[none]), None, "{none:?}");
        }
        assert_eq!(seen(&["Bearer fh_1", "Bearer fh_1"]), None);
        assert_eq!(seen(&[]), None);
    }

    #[test]
    fn a_part_a_longer_one_and_nothing_are_not_the_same() {
        let secret = fresh_secret().expect("random numbers");
        assert_eq!((secret.len(), secret.starts_with("fh_")), (67, true));
        assert!(same(&digest(&secret), &digest(&secret)));
        let longer = format!("{secret}0");
        let other = fresh_secret().expect("random numbers");
        for wrong in ["", "fh_", &secret[..66], &longer, &secret.to_uppercase(), "é", &other] {
            assert!(!same(&digest(&secret), &digest(wrong)), "{wrong}");
        }
        assert_eq!(
            hex(digest("abc").bytes()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
