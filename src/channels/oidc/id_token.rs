//! An ID token: the word of an identity provider about somebody, signed (OpenID Connect Core §2, §3.1.3.7).
//!
//! The key says what it may be used for, and only what is asymmetric counts: a token that is signed with what
//! everybody knows, or with nothing, is nobody's word.

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::Timestamp;

/// What may sign.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Clocks differ so much, seconds.
const LEEWAY: i64 = 60;

/// What has to be said in it.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// What it says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    aud: Value,
    #[serde(default)]
    azp: Option<String>,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
    /// Whatever else.
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
}

/// Why it is not believed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Its key is not among these: there may be newer ones.
    UnknownKey,
    /// It is not what it should be.
    Untrue(&'static str),
}

/// What `token` says, if it is signed with one of `keys` and meant for us, now.
pub(super) fn read(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, Doubt> {
    let header = decode_header(token).map_err(|_| Doubt::Untrue("the ID token is none"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Doubt::Untrue("the ID token is signed in a way that proves nothing"));
    }
    let key = key(keys, header.kid.as_deref(), header.alg)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Doubt::Untrue("the provider's key is none"))?;
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // By our own clock, below.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &key, &validation)
        .map_err(|_| Doubt::Untrue("the ID token is not signed by the provider, or not for us"))?
        .claims;
    timely(&claims, expected.now.as_second())?;
    let several = claims.aud.as_array().is_some_and(|audience| audience.len() > 1);
    if claims.azp.as_deref().map_or(several, |azp| azp != expected.client_id) {
        return Err(Doubt::Untrue("the ID token was given to another client"));
    }
    if claims.nonce.as_deref() != Some(expected.nonce) || claims.sub.is_empty() {
        return Err(Doubt::Untrue("the ID token was not given for this sign-in"));
    }
    Ok(claims)
}

fn timely(claims: &Claims, now: i64) -> Result<(), Doubt> {
    let begins = claims.iat.max(claims.nbf.unwrap_or(claims.iat));
    if now < begins.saturating_sub(LEEWAY) || now >= claims.exp.saturating_add(LEEWAY) {
        return Err(Doubt::Untrue("the time of the ID token is over, or has not come: compare the clocks"));
    }
    Ok(())
}

/// The key of this name; without a name, the only one that fits.
fn key<'a>(keys: &'a JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Result<&'a Jwk, Doubt> {
    let mut fitting = keys.keys.iter().filter(|key| {
        kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid)) && signs(key, algorithm)
    });
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(Doubt::UnknownKey),
        _ => Err(Doubt::Untrue("the ID token does not say which key signed it")),
    }
}

/// Is this key there to sign, and in this way?
fn signs(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => {
            use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
            matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
        }
        AlgorithmParameters::EllipticCurve(_) => matches!(algorithm, Algorithm::ES256 | Algorithm::ES384),
        AlgorithmParameters::OctetKeyPair(_) => algorithm == Algorithm::EdDSA,
        _ => false,
    };
    let meant = key.common.key_algorithm.is_none_or(|meant| meant.to_string() == format!("{algorithm:?}"));
    kind && meant && key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
}
