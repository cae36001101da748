//! Signatures as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, timestamp and body.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use crate::channels::settings::Reader;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How long a secret is, bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

/// The secret, and the one before it while receivers change over.
pub(in crate::channels) struct Secrets(Vec<hmac::Key>);

impl Secrets {
    /// Takes `secret` and `previous_secret`. Only a receiver on this machine may do without: nobody is
    /// between us and it.
    pub(in crate::channels) fn read(reader: &mut Reader, url: Option<&Url>) -> Option<Self> {
        if !reader.has("secret") && url.is_some_and(is_here) {
            return Some(Self(Vec::new()));
        }
        let secret = reader.required_secret("secret", "whsec_\u{2026}")?;
        let previous = reader.secret("previous_secret");
        let secret = key(reader, "secret", &secret);
        let previous = previous.map(|previous| key(reader, "previous_secret", &previous));
        Some(Self([secret?].into_iter().chain(previous.flatten()).collect()))
    }

    /// The value of `webhook-signature`: one signature for each secret, the newest first; `None` without.
    pub(in crate::channels) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
        let signatures = self.0.iter().map(|key| {
            let mut context = hmac::Context::with_key(key);
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                context.update(part);
            }
            format!("v1,{}", STANDARD.encode(context.sign()))
        });
        (!self.0.is_empty()).then(|| signatures.collect::<Vec<_>>().join(" "))
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

fn key(reader: &mut Reader, name: &str, secret: &SecretString) -> Option<hmac::Key> {
    let bytes = secret.expose_secret().strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.filter(|bytes| LENGTH.contains(&bytes.len()));
    if bytes.is_none() {
        reader.problem(
            name,
            "must be whsec_ and 24 to 64 bytes in base64; make one: echo whsec_$(openssl rand -base64 32)",
        );
    }
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Settings;

    fn secrets(text: &str) -> Secrets {
        let settings: Settings = text.parse().unwrap();
        Secrets::read(&mut Reader::new(&settings), None).unwrap()
    }

    /// Published by Svix with its library.
    #[test]
    fn the_published_vector_is_met_and_rotation_adds_a_signature() {
        let sign = |text: &str| {
            secrets(text)
                .sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#)
                .unwrap()
        };
        let vector = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let known = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(sign(&format!("secret='{known}'")), vector);
        let fresh = format!("whsec_{}", STANDARD.encode([7; 32]));
        let both = sign(&format!("secret='{fresh}'\nprevious_secret='{known}'"));
        assert!(both.starts_with("v1,") && both.ends_with(&format!(" {vector}")), "{both}");
    }
}
