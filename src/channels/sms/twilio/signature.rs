//! `X-Twilio-Signature`: who holds the account's token, and nobody else, wrote this request.
//!
//! It signs the address that Twilio was told, whole, and behind it each parameter of the form, sorted
//! by name. Of a body that is no form, `bodySHA256` in the query says the digest, and only the address
//! is signed. Behind a proxy, the address is the public one.

use std::collections::BTreeSet;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use crate::channels::Settings;

/// What came with the address.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'a> {
    /// The parameters of a form, decoded, in any order.
    Form(&'a [(String, String)]),
    /// A body of any other kind.
    Body(&'a [u8]),
}

/// The tokens that a signature may be made with: two of them while they change.
pub struct Tokens(Vec<hmac::Key>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tokens").field(&self.0.len()).finish()
    }
}

impl Tokens {
    /// These tokens; empty ones do not count.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let tokens = tokens.into_iter().filter(|token| !token.is_empty());
        Self(
            tokens
                .map(|token| hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes()))
                .collect(),
        )
    }

    /// `auth_token` and `previous_auth_token` of a channel.
    pub fn of(settings: &Settings) -> Self {
        let keys = ["auth_token", "previous_auth_token"];
        Self::new(keys.into_iter().filter_map(|key| settings.get(key)?.as_str()))
    }

    /// Did a holder of a token write this? `url` is the whole public address, with its query as it
    /// was sent; `signature` is the header's value.
    ///
    /// Takes as long for a signature that is nearly right as for any other one.
    pub fn signed(&self, url: &str, content: Signed<'_>, signature: &str) -> bool {
        let Ok(tag) = STANDARD.decode(signature.trim()) else { return false };
        let parameters = match content {
            Signed::Form(form) => parameters(form),
            Signed::Body(body) if is_digest_of(url, body) => String::new(),
            Signed::Body(_) => return false,
        };
        let mut genuine = false;
        // Twilio itself is of two minds whether a port that goes without saying is said.
        for address in [without_port(url), with_port(url)] {
            let text = address + &parameters;
            for key in &self.0 {
                genuine |= hmac::verify(key, text.as_bytes(), &tag).is_ok();
            }
        }
        genuine
    }
}

/// Each name and value, sorted; what is there twice counts once.
fn parameters(form: &[(String, String)]) -> String {
    let sorted: BTreeSet<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sorted.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// Is `bodySHA256` in the query of `url` the digest of `body`, in hexadecimal?
fn is_digest_of(url: &str, body: &[u8]) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let said = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256");
    let Some((_, said)) = said else { return false };
    let digest = digest::digest(&digest::SHA256, body);
    let hexadecimal: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    constant_time::verify_slices_are_equal(hexadecimal.as_bytes(), said.to_ascii_lowercase().as_bytes())
        .is_ok()
}

/// An address in three: up to the host, `:port` or nothing, the rest.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let start = url.find("://")? + "://".len();
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |length| start + length);
    // An IPv6 address has colons of its own, within brackets.
    let host = url[start..end].rfind(']').map_or(start, |bracket| start + bracket);
    let port = url[host..end].find(':').map_or(end, |colon| host + colon);
    Some((&url[..port], &url[port..end], &url[end..]))
}

fn without_port(url: &str) -> String {
    parts(url).map_or_else(|| url.to_owned(), |(host, _, rest)| format!("{host}{rest}"))
}

fn with_port(url: &str) -> String {
    match parts(url) {
        Some((host, "", rest)) => {
            let port = if url.starts_with("https:") { 443 } else { 80 };
            format!("{host}:{port}{rest}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn call(caller: &str) -> Vec<(String, String)> {
        let pairs = [
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", caller),
            ("Digits", "1234"),
            ("From", caller),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Published in Twilio's documentation, now and before.
    #[test]
    fn the_published_vectors_are_met() {
        let table = [
            ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
            ("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ];
        for (caller, signature) in table {
            let form = call(caller);
            let signed = |tokens: &[&str]| {
                Tokens::new(tokens.iter().copied()).signed(URL, Signed::Form(&form), signature)
            };
            assert!(signed(&["12345"]));
            assert!(signed(&["fresh", "12345"]), "the token before this one counts while they change");
            assert!(!signed(&["fresh"]) && !signed(&[]) && !signed(&[""]));
        }
    }

    #[test]
    fn whatever_was_changed_shows() {
        let (tokens, signature) = (Tokens::new(["12345"]), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
        let form = call("+12349013030");
        let more = [form.clone(), vec![("Extra".to_owned(), "1".to_owned())]].concat();
        assert!(!tokens.signed(URL, Signed::Form(&more), signature));
        assert!(!tokens.signed(URL, Signed::Form(&form[1..]), signature));
        assert!(!tokens.signed(&URL.replace("bar=2", "bar=3"), Signed::Form(&form), signature));
        assert!(!tokens.signed(&URL.replace("https", "http"), Signed::Form(&form), signature));
        assert!(!tokens.signed(URL, Signed::Body(b"{}"), signature));
        for wrong in ["", "0", "0/KCTR6DLpKmkAf8muzZqo1nDg==", "0/KCTR6DLpKmkAf8muzZqo1nDgR=", "☃"] {
            assert!(!tokens.signed(URL, Signed::Form(&form), wrong), "{wrong}");
        }
        // Order makes none, and what is there twice counts once.
        let mut twice = [form.clone(), form.clone()].concat();
        twice.reverse();
        assert!(tokens.signed(URL, Signed::Form(&twice), signature));
    }

    #[test]
    fn a_port_that_goes_without_saying_may_be_said() {
        let table = [
            ("https://a.example/x?y", "https://a.example/x?y", "https://a.example:443/x?y"),
            ("https://a.example:443/x", "https://a.example/x", "https://a.example:443/x"),
            ("http://a.example", "http://a.example", "http://a.example:80"),
            ("http://[::1]:8080/", "http://[::1]/", "http://[::1]:8080/"),
            ("http://[::1]/a:b", "http://[::1]/a:b", "http://[::1]:80/a:b"),
            ("nonsense", "nonsense", "nonsense"),
        ];
        for (url, without, with) in table {
            assert_eq!((without_port(url).as_str(), with_port(url).as_str()), (without, with));
        }
    }

    #[test]
    fn a_body_that_is_no_form_is_signed_by_its_digest() {
        let body = br#"{"property": "value", "boolean": true}"#;
        let digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let url = format!("{URL}&bodySHA256={digest}");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345");
        let signature = STANDARD.encode(hmac::sign(&key, url.as_bytes()));
        // Published with Twilio's libraries.
        assert_eq!(signature, "a9nBmqA0ju/hNViExpshrM61xv4=");
        let tokens = Tokens::new(["12345"]);
        assert!(tokens.signed(&url, Signed::Body(body), &signature));
        assert!(!tokens.signed(&url, Signed::Body(b"{}"), &signature));
        assert!(!tokens.signed(&url, Signed::Body(b""), &signature));
    }
}
