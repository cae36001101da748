//! What a call says in confidence, taken out of whatever comes back.
//!
//! Providers, and proxies before them, repeat requests in their errors, and an answer's words are kept,
//! logged and shown. So nothing but this module sees an answer that holds a credential: the values of
//! headers that are never printed, and of a form that asks for a credential.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::Call;
use super::answer::Answer;

/// A word that is shorter is in every answer, and no secret.
const SHORTEST: usize = 8;
const MASK: &str = "***";

/// Texts that are not repeated.
pub(super) struct Confided(Vec<SecretString>);

impl Confided {
    /// What the headers of `call` say.
    pub(super) fn of(call: &Call) -> Self {
        let values = call.headers.values().filter(|value| value.is_sensitive());
        let values = values.filter_map(|value| value.to_str().ok());
        let texts = values.flat_map(|value| {
            let words = value.split_whitespace().flat_map(spellings);
            words.chain(password(value).into_iter().flat_map(|password| spellings(&password)))
        });
        Self(texts.collect())
    }

    /// The same, and what is in its form.
    pub(super) fn with_form(call: &Call) -> Self {
        let Self(mut texts) = Self::of(call);
        for (_, value) in form_urlencoded::parse(&call.body) {
            texts.extend(spellings(&value));
        }
        Self(texts)
    }

    /// `answer` without any of it. It may be cut after this, not before: half a secret is not found.
    pub(super) fn taken_out_of(&self, mut answer: Answer) -> Answer {
        for secret in &self.0 {
            let secret = secret.expose_secret().as_bytes();
            if let Some(rest) = without(&answer.body, secret) {
                answer.body = rest;
            }
            mask_headers(&mut answer.headers, secret);
        }
        answer
    }
}

fn mask_headers(headers: &mut HeaderMap, secret: &[u8]) {
    for value in headers.values_mut() {
        if let Some(rest) = without(value.as_bytes(), secret) {
            *value = HeaderValue::from_bytes(&rest).unwrap_or(HeaderValue::from_static(MASK));
        }
    }
}

/// `text` with every `secret` masked; `None` if there is none.
fn without(text: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let next = |from: usize| {
        let rest = text.get(from..)?;
        rest.windows(secret.len()).position(|window| window == secret).map(|at| from + at)
    };
    let mut at = next(0)?;
    let (mut masked, mut from) = (Vec::with_capacity(text.len()), 0);
    loop {
        masked.extend_from_slice(&text[from..at]);
        masked.extend_from_slice(MASK.as_bytes());
        from = at + secret.len();
        match next(from) {
            Some(found) => at = found,
            None => break,
        }
    }
    masked.extend_from_slice(&text[from..]);
    Some(masked)
}

/// A secret as it is, as JSON of some libraries has it, and as a form has it.
fn spellings(secret: &str) -> Vec<SecretString> {
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let in_json = secret.replace('/', "\\/");
    let in_a_form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut all = vec![secret.to_owned(), in_json, in_a_form];
    all.dedup();
    all.into_iter().map(SecretString::from).collect()
}

/// The password of a `Basic` login, which a provider may repeat decoded.
fn password(value: &str) -> Option<String> {
    let pair = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use reqwest::header::AUTHORIZATION;

    use super::*;

    fn answer(body: &str) -> Answer {
        Answer { status: 400, headers: HeaderMap::new(), body: body.into(), retry_after: None }
    }

    #[test]
    fn a_credential_is_not_repeated_however_it_is_spelt() {
        let url = "https://example.com/".parse().unwrap();
        let call = Call::post(url, "text/plain", Vec::new());
        let login = format!("Basic {}", STANDARD.encode("ada:hunter2/???"));
        let confided = Confided::of(&call.secret(AUTHORIZATION, &login));
        let pair = login.strip_prefix("Basic ").unwrap();
        assert!(pair.contains('/'), "{pair}");
        let table = [
            (format!("no: {login}."), "no: Basic ***."),
            (pair.repeat(2), "******"),
            (pair.replace('/', "\\/"), "***"),
            (pair.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"), "***"),
            ("ada:hunter2/???".to_owned(), "ada:***"),
            ("nothing of it".to_owned(), "nothing of it"),
            (String::new(), ""),
        ];
        for (said, expected) in table {
            assert_eq!(confided.taken_out_of(answer(&said)).words(), expected, "{said}");
        }
        let mut repeated = answer("");
        repeated.headers.insert("x-id", HeaderValue::from_str(pair).unwrap());
        assert_eq!(confided.taken_out_of(repeated).header("x-id"), Some(MASK));
    }

    #[test]
    fn what_is_no_secret_stays() {
        let url = "https://example.com/".parse().unwrap();
        let call = Call::post(url, "text/plain", Vec::new()).header(AUTHORIZATION, "not-a-secret");
        let confided = Confided::of(&call.secret("x-short".parse().unwrap(), "short"));
        assert_eq!(confided.taken_out_of(answer("not-a-secret short")).words(), "not-a-secret short");
    }
}
