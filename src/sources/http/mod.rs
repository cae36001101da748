//! `[sources.NAME]` with `type = "http"`: what one sender posts, in its own format, behind its own lock.
//!
//! A lock is tried on the bytes as they came, before anybody reads them, and takes as long for what is
//! nearly right as for anything else.

mod signature;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::Timestamp;
use crate::domain::names::SourceName;
use crate::formats::{Format, Headers};
pub use signature::{GRAFANA_HEADER, Scheme, Signatures, WrongSecret};

/// Settings of an HTTP source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HttpSource {
    /// What is sent.
    pub format: Format,
    /// The last part of its address, `/hooks/PATH`.
    pub path: String,
    /// Who may send.
    pub lock: Lock,
}

/// The HTTP sources that a sender has an address for.
pub type Hooks = BTreeMap<SourceName, Arc<HttpSource>>;

/// Who may send to a source.
#[derive(Clone, Default, PartialEq)]
pub enum Lock {
    /// Whoever may report events at all.
    #[default]
    Ours,
    /// Whoever shows this text.
    Token(Secret),
    /// Whoever shows this name and this password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Whoever signs what they send.
    Signed(Signatures),
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "Ours",
            Self::Token(_) => "Token",
            Self::Basic { .. } => "Basic",
            Self::Signed(_) => "Signed",
        })
    }
}

/// A secret text.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Keeps it.
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text.to_owned()))
    }

    /// Is it this one?
    pub fn is(&self, shown: &str) -> bool {
        let (ours, theirs) =
            (digest(&SHA256, self.0.expose_secret().as_bytes()), digest(&SHA256, shown.as_bytes()));
        verify_slices_are_equal(ours.as_ref(), theirs.as_ref()).is_ok()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.expose_secret())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a lock says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may come in. What its sender calls it, where that is signed: said again, it is the same.
    Open(Option<String>),
    /// It is not from whoever may send.
    Shut,
    /// Whoever may report events at all may send.
    AskForToken,
}

impl Lock {
    /// May a request with these headers and this body come in?
    pub fn tried(&self, header: Headers<'_, '_>, body: &[u8], now: Timestamp) -> Verdict {
        let is_open = match self {
            Self::Ours => return Verdict::AskForToken,
            Self::Signed(signatures) => {
                return signatures.verified(header, body, now).map_or(Verdict::Shut, Verdict::Open);
            }
            Self::Token(token) => shown_token(header).is_some_and(|shown| token.is(shown)),
            Self::Basic { username, password } => {
                shown_password(header).is_some_and(|(name, shown)| {
                    // Both are looked at, whichever is wrong.
                    let same_name = Secret::new(username).is(&name);
                    password.is(&shown) & same_name
                })
            }
        };
        if is_open { Verdict::Open(None) } else { Verdict::Shut }
    }
}

/// `Authorization: Bearer …`, or as Opsgenie's clients write it: `GenieKey …`.
fn shown_token<'h>(header: Headers<'_, 'h>) -> Option<&'h str> {
    let (scheme, token) = header("authorization")?.split_once(' ')?;
    let known = ["bearer", "geniekey"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    known.then(|| token.trim())
}

fn shown_password(header: Headers<'_, '_>) -> Option<(String, String)> {
    let (scheme, encoded) = header("authorization")?.split_once(' ')?;
    let text = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok())??;
    let (name, password) = std::str::from_utf8(&text).ok()?.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(lock: &Lock, authorization: Option<&'static str>) -> Verdict {
        let header = |name: &str| authorization.filter(|_| name == "authorization");
        lock.tried(&header, b"{}", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_token_is_shown_as_it_is_and_nothing_like_it_counts() {
        let lock = Lock::Token(Secret::new("s3cret-of-the-sender"));
        for good in
            ["Bearer s3cret-of-the-sender", "bearer s3cret-of-the-sender", "GenieKey s3cret-of-the-sender"]
        {
            assert_eq!(tried(&lock, Some(good)), Verdict::Open(None), "{good}");
        }
        for bad in [
            "Bearer s3cret-of-the-sende",
            "Bearer s3cret-of-the-senders",
            "Bearer S3CRET-OF-THE-SENDER",
            "Bearer ",
            "s3cret-of-the-sender",
            "Basic s3cret-of-the-sender",
        ] {
            assert_eq!(tried(&lock, Some(bad)), Verdict::Shut, "{bad}");
        }
        assert_eq!(tried(&lock, None), Verdict::Shut);
        assert!(!format!("{lock:?}").contains("s3cret"));
    }

    #[test]
    fn a_name_and_a_password_are_shown_together() {
        let lock = Lock::Basic { username: "ada".to_owned(), password: Secret::new("open:sesame") };
        // ada:open:sesame
        assert_eq!(tried(&lock, Some("Basic YWRhOm9wZW46c2VzYW1l")), Verdict::Open(None));
        // eve:open:sesame, ada:open, no colon, no base64
        for bad in ["Basic ZXZlOm9wZW46c2VzYW1l", "Basic YWRhOm9wZW4=", "Basic YWRh", "Basic %", "Bearer x"] {
            assert_eq!(tried(&lock, Some(bad)), Verdict::Shut, "{bad}");
        }
        assert_eq!(tried(&Lock::Ours, None), Verdict::AskForToken);
    }
}
