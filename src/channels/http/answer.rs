//! What came back.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::channels::LONGEST_DETAIL;
use crate::domain::Timestamp;
use crate::render::sanitize;

/// The most of a body that is read; what comes after it stays with the sender.
const LONGEST_BODY: usize = 64 * 1024;
/// No wish is longer; the delivery's own life is far shorter.
const LONGEST_WISH: f64 = 366.0 * 86_400.0;

/// A provider's answer, of whatever status.
#[derive(Debug)]
pub(in crate::channels) struct Answer {
    pub(in crate::channels) status: u16,
    pub(in crate::channels) headers: HeaderMap,
    pub(in crate::channels) body: Vec<u8>,
    /// `Retry-After`, if it makes sense.
    pub(in crate::channels) retry_after: Option<Duration>,
}

impl Answer {
    /// Reads until the end, the limit or `until`. A body that breaks off is no failure: the status
    /// has decided already.
    pub(super) async fn read(mut response: Response, until: Instant, now: Timestamp) -> Self {
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while body.len() < LONGEST_BODY {
            let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await else { break };
            body.extend_from_slice(&chunk[..chunk.len().min(LONGEST_BODY - body.len())]);
        }
        let wish = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = wish.and_then(|wish| read_wish(wish, now));
        Self { status, headers, body, retry_after }
    }

    pub(in crate::channels) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of this shape, if it is that.
    pub(in crate::channels) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A header's value.
    pub(in crate::channels) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as one line for people.
    pub(in crate::channels) fn words(&self) -> String {
        sanitize::line(&String::from_utf8_lossy(&self.body), LONGEST_DETAIL).into_owned()
    }

    /// Status and words, for whoever watches.
    pub(in crate::channels) fn line(&self) -> String {
        let words = self.words();
        format!("{} {words}", self.status).trim_end().to_owned()
    }
}

/// `Retry-After` in every form that is seen: seconds, whole or not, and a date (RFC 9110 §10.2.3).
/// What says nothing, or lies in the past, is none.
fn read_wish(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            date.duration_since(now).as_secs_f64()
        }
    };
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_WISH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_understood_in_every_form() {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        let second = Duration::from_secs;
        let table = [
            ("120", Some(second(120))),
            (" 7 ", Some(second(7))),
            ("1.5", Some(Duration::from_millis(1_500))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(second(30))),
            ("Sun, 06 Nov 1994 08:49:00 GMT", None),
            ("0", None),
            ("-5", None),
            ("NaN", None),
            ("", None),
            ("soon", None),
            ("315360000", Some(second(366 * 86_400))),
            ("99999999999999999999999999", Some(second(366 * 86_400))),
            ("inf", Some(second(366 * 86_400))),
        ];
        for (text, expected) in table {
            assert_eq!(read_wish(text, now), expected, "{text}");
        }
    }
}
