//! Signatures of senders: who holds the secret, and nobody else, wrote these bytes.
//!
//! | scheme | what is signed | how it is known again |
//! |---|---|---|
//! | Standard Webhooks | id, moment and body | by its id |
//! | Grafana, with a header for the moment | moment and body | by its signature |
//! | Grafana, without | body | not: the same words may be said again |
//! | GitHub, Sentry | body | by its signature |
//!
//! Where a moment is signed, what is too old or from the future is not heard. What is known again is taken
//! in once: the inbox refuses the second one, also after a restart.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::Timestamp;
use crate::formats::Headers;

/// How a sender signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    StandardWebhooks,
    /// `X-Grafana-Alerting-Signature`, or a header of another name.
    Grafana {
        /// The header with the signature.
        signature: String,
        /// The header with the moment, if one is sent.
        timestamp: Option<String>,
    },
    /// `X-Hub-Signature-256`.
    GitHub,
    /// `Sentry-Hook-Signature`.
    Sentry,
}

/// The header that Grafana signs in.
pub const GRAFANA_HEADER: &str = "X-Grafana-Alerting-Signature";
/// What a secret of Standard Webhooks begins with.
const PREFIX: &str = "whsec_";
/// How long such a secret is, bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that its scheme does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and 24 to 64 bytes in base64")]
pub struct WrongSecret;

/// Whoever signs so is heard.
#[derive(Clone)]
pub struct Signatures {
    scheme: Scheme,
    /// One, and the one before it while they change.
    keys: Vec<(hmac::Key, [u8; 32])>,
    /// How far a moment may be from ours.
    tolerance: Duration,
}

impl PartialEq for Signatures {
    fn eq(&self, other: &Self) -> bool {
        let marks = |of: &Self| of.keys.iter().map(|(_, mark)| *mark).collect::<Vec<_>>();
        self.scheme == other.scheme && self.tolerance == other.tolerance && marks(self) == marks(other)
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signatures").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Signatures {
    /// Nobody yet: see [`Self::with`].
    pub fn of(scheme: Scheme, tolerance: Duration) -> Self {
        Self { scheme, keys: Vec::new(), tolerance }
    }

    /// Whoever has this secret, too.
    ///
    /// # Errors
    /// The scheme has no such secrets.
    pub fn with(mut self, secret: &str) -> Result<Self, WrongSecret> {
        let bytes = match self.scheme {
            Scheme::StandardWebhooks => {
                let bytes = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
                bytes.filter(|bytes| LENGTH.contains(&bytes.len())).ok_or(WrongSecret)?
            }
            _ => secret.as_bytes().to_vec(),
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        // Secrets are compared by what they make of nothing.
        let mut mark = [0; 32];
        mark.copy_from_slice(hmac::sign(&key, b"").as_ref());
        self.keys.push((key, mark));
        Ok(self)
    }

    /// Did somebody with a secret write this? What it is called then, if it is known again.
    pub fn verified(&self, header: Headers<'_, '_>, body: &[u8], now: Timestamp) -> Option<Option<String>> {
        match &self.scheme {
            Scheme::StandardWebhooks => self.standard(header, body, now),
            Scheme::Grafana { signature, timestamp: None } => {
                self.genuine(&decoded(header(signature)?)?, &[body]).then_some(None)
            }
            Scheme::Grafana { signature, timestamp: Some(timestamp) } => {
                let (moment, signature) = (header(timestamp)?, header(signature)?);
                let fresh = self.is_recent(moment, now);
                let genuine = self.genuine(&decoded(signature)?, &[moment.as_bytes(), b":", body]);
                (genuine & fresh).then(|| Some(format!("signature:{signature}")))
            }
            Scheme::GitHub => self.of_body(header("x-hub-signature-256")?.strip_prefix("sha256=")?, body),
            Scheme::Sentry => self.of_body(header("sentry-hook-signature")?, body),
        }
    }

    fn of_body(&self, signature: &str, body: &[u8]) -> Option<Option<String>> {
        let genuine = self.genuine(&decoded(signature)?, &[body]);
        genuine.then(|| Some(format!("signature:{}", signature.to_ascii_lowercase())))
    }

    fn standard(&self, header: Headers<'_, '_>, body: &[u8], now: Timestamp) -> Option<Option<String>> {
        const LONGEST_ID: usize = 256;
        let (id, moment) = (header("webhook-id")?, header("webhook-timestamp")?);
        let fits = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        let mut genuine = false;
        // Several while the sender changes its secret; other versions are none of ours.
        for signature in header("webhook-signature")?.split(' ').take(8) {
            let tag = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            let signed = [id.as_bytes(), b".", moment.as_bytes(), b".", body];
            genuine |= tag.is_some_and(|tag| self.genuine(&tag, &signed));
        }
        (genuine & fits & self.is_recent(moment, now)).then(|| Some(format!("webhook-id:{id}")))
    }

    fn is_recent(&self, moment: &str, now: Timestamp) -> bool {
        let moment = moment.parse::<i64>().ok();
        moment.is_some_and(|moment| now.as_second().abs_diff(moment) <= self.tolerance.as_secs())
    }

    fn genuine(&self, tag: &[u8], signed: &[&[u8]]) -> bool {
        let text = signed.concat();
        let mut genuine = false;
        for (key, _) in &self.keys {
            genuine |= hmac::verify(key, &text, tag).is_ok();
        }
        genuine
    }
}

/// Bytes of a text of hexadecimal digits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pair = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    rest.is_empty().then(|| pairs.iter().map(pair).collect::<Option<Vec<u8>>>())?
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'l> = &'l [(&'l str, &'l str)];

    fn verified(signatures: &Signatures, lines: Lines<'_>, body: &[u8], now: i64) -> Option<Option<String>> {
        let lines: Vec<(String, &'static str)> = lines
            .iter()
            .map(|(name, value)| ((*name).to_owned(), &*String::leak((*value).to_owned())))
            .collect();
        let header = |name: &str| {
            lines.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
        };
        signatures.verified(&header, body, Timestamp::from_second(now).expect("in range"))
    }

    fn signatures(scheme: Scheme, secrets: &[&str]) -> Signatures {
        let none = Signatures::of(scheme, Duration::from_secs(300));
        secrets.iter().fold(none, |some, secret| some.with(secret).expect("a secret"))
    }

    /// Published by Svix with its library.
    #[test]
    fn the_published_vector_of_standard_webhooks_is_heard_for_five_minutes() {
        let known = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let ours = signatures(Scheme::StandardWebhooks, &[known]);
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let lines = |signature| {
            [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", signature),
            ]
        };
        let body = br#"{"test": 2432232314}"#;
        let heard = |signature, now| verified(&ours, &lines(signature), body, now).is_some();
        for (now, is_heard) in [
            (1_614_265_330, true),
            (1_614_265_630, true),
            (1_614_265_030, true),
            (1_614_265_631, false),
            (1_614_265_029, false),
        ] {
            assert_eq!(heard(good, now), is_heard, "{now}");
        }
        let both = format!("v1a,AAAA v1,AAAA {good}");
        assert!(heard(&both, 1_614_265_330), "one of several");
        for bad in ["", "v1,", &good[3..], "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,AAAA"] {
            assert!(!heard(bad, 1_614_265_330), "{bad}");
        }
        let told = verified(&ours, &lines(good), body, 1_614_265_330);
        assert_eq!(told, Some(Some("webhook-id:msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned())));
        assert_eq!(
            verified(&ours, &lines(good), br#"{"test":2432232314}"#, 1_614_265_330),
            None,
            "other bytes"
        );
        let fresh = format!("whsec_{}", STANDARD.encode([7; 32]));
        let rotating = signatures(Scheme::StandardWebhooks, &[&fresh, known]);
        assert!(verified(&rotating, &lines(good), body, 1_614_265_330).is_some(), "the one before");
        assert_eq!(signatures(Scheme::GitHub, &[]).with("x").err(), None);
        for wrong in ["x", "whsec_", "whsec_AAAA"] {
            let none = Signatures::of(Scheme::StandardWebhooks, Duration::ZERO);
            assert_eq!(none.with(wrong).err(), Some(WrongSecret));
        }
    }

    /// Published by GitHub.
    #[test]
    fn the_published_vector_of_github_is_heard_and_known_again() {
        let ours = signatures(Scheme::GitHub, &["It's a Secret to Everybody"]);
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let heard =
            |signature: &str, body: &[u8]| verified(&ours, &[("X-Hub-Signature-256", signature)], body, 0);
        let id = format!("signature:{}", &good[7..]);
        assert_eq!(heard(good, b"Hello, World!"), Some(Some(id.clone())));
        assert_eq!(
            heard(&good.replace("757107ea", "757107EA"), b"Hello, World!"),
            Some(Some(id)),
            "the same"
        );
        for bad in [&good[7..], "sha256=", "sha1=00", &good[..good.len() - 1]] {
            assert_eq!(heard(bad, b"Hello, World!"), None, "{bad}");
        }
        assert_eq!(heard(good, b"Hello, World"), None);
        assert_eq!(verified(&ours, &[], b"Hello, World!", 0), None);
    }

    #[test]
    fn grafana_signs_its_moment_if_it_is_told_to() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"grafana");
        let hex = |text: &[u8]| {
            hmac::sign(&key, text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let plain = Scheme::Grafana { signature: GRAFANA_HEADER.to_owned(), timestamp: None };
        let (bare, dated) = (hex(b"{}"), hex(b"1000:{}"));
        let ours = signatures(plain, &["grafana"]);
        assert_eq!(verified(&ours, &[(GRAFANA_HEADER, &bare)], b"{}", 5_000), Some(None));
        assert_eq!(verified(&ours, &[(GRAFANA_HEADER, &dated)], b"{}", 1_000), None);
        let moment = Some("X-Moment".to_owned());
        let ours = signatures(
            Scheme::Grafana { signature: GRAFANA_HEADER.to_owned(), timestamp: moment },
            &["grafana"],
        );
        let lines = [(GRAFANA_HEADER, dated.as_str()), ("x-moment", "1000")];
        assert_eq!(verified(&ours, &lines, b"{}", 1_300), Some(Some(format!("signature:{dated}"))));
        assert_eq!(verified(&ours, &lines, b"{}", 1_301), None, "too old");
        assert_eq!(verified(&ours, &lines, b"{}", 699), None, "from the future");
        assert_eq!(verified(&ours, &[(GRAFANA_HEADER, &dated), ("x-moment", "1001")], b"{}", 1_000), None);
        assert_eq!(verified(&ours, &[(GRAFANA_HEADER, &bare)], b"{}", 1_000), None, "no moment");
    }
}
