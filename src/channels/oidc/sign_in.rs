//! One sign-in, from leaving for the provider to coming back.
//!
//! All that has to be remembered meanwhile is one secret, which the browser keeps. What the provider and the
//! way there see of it is derived: `state`, which shows that the one who comes back is the one who left;
//! `nonce`, which ties the ID token to this sign-in; and the verifier (PKCE, RFC 7636), without which whoever
//! sees the code has nothing. So any node can end what another has begun, and nothing is kept here.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One sign-in.
pub struct SignIn(hmac::Key);

impl SignIn {
    /// The one with this secret, of 256 bits that nobody else has.
    pub fn of(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Is this its `state`?
    pub fn began(&self, state: &str) -> bool {
        verify_slices_are_equal(self.state().as_bytes(), state.as_bytes()).is_ok()
    }

    pub(super) fn state(&self) -> String {
        self.derived("state")
    }

    pub(super) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    pub(super) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What the provider is told of the verifier beforehand.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier().as_bytes()))
    }

    fn derived(&self, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, purpose.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_differs_and_tells_nothing_of_the_rest() {
        let sign_in = SignIn::of("a secret");
        let shown = [sign_in.state(), sign_in.nonce(), sign_in.verifier(), sign_in.challenge()];
        for (at, one) in shown.iter().enumerate() {
            assert_eq!(one.len(), 43, "long enough for a verifier");
            assert!(shown[..at].iter().all(|other| other != one));
        }
        assert!(sign_in.began(&sign_in.state()));
        for wrong in ["", &shown[1], &shown[0][1..], &SignIn::of("another").state()] {
            assert!(!sign_in.began(wrong), "{wrong}");
        }
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
