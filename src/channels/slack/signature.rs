//! `X-Slack-Signature`: who holds the app's signing secret, and nobody else, wrote these bytes, just
//! now.
//!
//! It signs the moment and the bytes as they came. A request that is older than five minutes counts
//! no more; one that is played back within them is the same press, and changes nothing.

use aws_lc_rs::hmac;
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;

use crate::channels::settings::Reader;
use crate::domain::Timestamp;

/// How far a request's moment may be from ours, seconds.
const TOLERANCE: u64 = 300;

/// The signing secret, and the one before it while they change.
pub(super) struct SigningSecrets(Vec<hmac::Key>);

impl SigningSecrets {
    /// Takes `signing_secret` and `previous_signing_secret`. `None` if there is none: nobody is heard.
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let secret = reader.secret("signing_secret");
        let previous = reader.secret("previous_signing_secret");
        if secret.is_none() && previous.is_some() {
            reader.problem("signing_secret", "is missing beside previous_signing_secret");
        }
        secret.as_ref()?;
        let secrets = [secret, previous].into_iter().flatten();
        let key = |text: &str| hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
        Some(Self(secrets.map(|secret| key(secret.expose_secret())).collect()))
    }

    /// Did Slack write `body`, just now?
    ///
    /// Takes as long for a signature that is nearly right as for any other one.
    pub(super) fn signed(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
        let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(moment), Some(signature)) =
            (value("x-slack-request-timestamp"), value("x-slack-signature"))
        else {
            return false;
        };
        let recent = moment.parse::<i64>().is_ok_and(|moment| now.as_second().abs_diff(moment) <= TOLERANCE);
        let tag = signature.strip_prefix("v0=").and_then(decoded);
        let Some(tag) = tag.filter(|_| recent) else { return false };
        let text = [b"v0:", moment.as_bytes(), b":", body].concat();
        let mut genuine = false;
        for key in &self.0 {
            genuine |= hmac::verify(key, &text, &tag).is_ok();
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
    use reqwest::header::HeaderValue;

    use super::*;
    use crate::channels::Settings;

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const MOMENT: i64 = 1_531_420_618;
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J\
        %2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.\
        803a0bc887a14d10d2c447fce8b6703c";

    fn secrets(text: &str) -> SigningSecrets {
        let settings: Settings = text.parse().unwrap();
        SigningSecrets::read(&mut Reader::new(&settings)).unwrap()
    }

    fn headers(moment: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-slack-request-timestamp", HeaderValue::from_str(moment).unwrap());
        headers.insert("x-slack-signature", HeaderValue::from_str(signature).unwrap());
        headers
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Published in Slack's documentation.
    #[test]
    fn the_published_vector_is_met_by_the_secret_and_the_one_before() {
        let headers = headers(&MOMENT.to_string(), SIGNATURE);
        let met = |text: &str| secrets(text).signed(&headers, BODY, at(MOMENT));
        assert!(met(&format!("signing_secret='{SECRET}'")));
        assert!(met(&format!("signing_secret='fresh'\nprevious_signing_secret='{SECRET}'")));
        assert!(!met("signing_secret='fresh'"));
    }

    #[test]
    fn five_minutes_count_and_not_one_second_more() {
        let secrets = secrets(&format!("signing_secret='{SECRET}'"));
        let headers = headers(&MOMENT.to_string(), SIGNATURE);
        for (second, expected) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            assert_eq!(secrets.signed(&headers, BODY, at(MOMENT + second)), expected, "{second}");
        }
    }

    #[test]
    fn whatever_was_changed_shows() {
        let secrets = secrets(&format!("signing_secret='{SECRET}'"));
        let moment = MOMENT.to_string();
        let other = [BODY, b"&x=1"].concat();
        assert!(!secrets.signed(&headers(&moment, SIGNATURE), &other, at(MOMENT)));
        assert!(!secrets.signed(&headers(&(MOMENT + 1).to_string(), SIGNATURE), BODY, at(MOMENT)));
        assert!(!secrets.signed(&HeaderMap::new(), BODY, at(MOMENT)));
        let short = &SIGNATURE[..SIGNATURE.len() - 2];
        for wrong in ["", "v0=", "v1=00", "v0=zz", "v0=a21", short, &SIGNATURE[3..]] {
            assert!(!secrets.signed(&headers(&moment, wrong), BODY, at(MOMENT)), "{wrong}");
        }
        for wrong in ["", "soon", "99999999999999999999", "-9223372036854775808"] {
            assert!(!secrets.signed(&headers(wrong, SIGNATURE), BODY, at(MOMENT)), "{wrong}");
        }
    }
}
