//! Test keys of the push providers, and the proof that a token was signed with one. They protect
//! nothing; `keys/make.sh` makes them anew.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

/// The team's key, as Apple would give it.
pub(crate) const APNS: &str = include_str!("keys/apns-test-key.p8");
/// A key of the right kind on the wrong curve.
pub(crate) const P384: &str = include_str!("keys/p384-test-key.p8");
/// The service account's key, as Google would give it.
pub(crate) const FCM: &str = include_str!("keys/fcm-test-key.pem");

const APNS_PUBLIC: &str = include_str!("keys/apns-test-key.pub");
const FCM_PUBLIC: &str = include_str!("keys/fcm-test-key.pub");

/// What a token says, once its signature has proved right.
#[derive(Debug)]
pub(crate) struct Signed {
    /// The key's id.
    pub(crate) kid: Option<String>,
    pub(crate) claims: Value,
}

/// A token signed with [`APNS`], ES256.
pub(crate) fn signed_for_apns(token: &str) -> Signed {
    signed(token, Algorithm::ES256, &DecodingKey::from_ec_pem(APNS_PUBLIC.as_bytes()).unwrap())
}

/// A token signed with [`FCM`], RS256.
pub(crate) fn signed_for_fcm(token: &str) -> Signed {
    signed(token, Algorithm::RS256, &DecodingKey::from_rsa_pem(FCM_PUBLIC.as_bytes()).unwrap())
}

fn signed(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Signed {
    let mut validation = Validation::new(algorithm);
    // The time of these tests is not the machine's.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let token = decode::<Value>(token, key, &validation).expect("a signature that is right");
    Signed { kid: token.header.kid, claims: token.claims }
}

/// The lines of a key that would give it away.
pub(crate) fn telling_lines(pem: &str) -> impl Iterator<Item = &str> {
    pem.lines().filter(|line| !line.starts_with('-') && line.len() > 20)
}
