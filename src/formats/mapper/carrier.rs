//! What a mapper reads beside the bytes of a record: headers that it names.
//!
//! What is read again has only its bytes, so the record is kept with them in one object, whose `body` are the
//! bytes as they came:
//!
//! ```text
//! {"headers":{"x-github-event":"issues"},"body":{"action":"opened", …}}
//! ```
//!
//! A record that came with none of the headers and is such an object already is one that was kept: taken in
//! again, or a line of a file. One that came with a header is never taken for it, so that nobody writes into
//! a body what a proxy says in a header.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::{Headers, text};
use crate::domain::event::Bounds;

/// Where the headers of a record are.
pub(super) const HEADERS: &str = "headers";
/// Where its bytes are.
pub(super) const BODY: &str = "body";
/// The most headers that a mapper names.
pub(super) const MOST: usize = 16;
/// The longest name, bytes.
pub(super) const LONGEST_NAME: usize = 64;
/// The longest value that is read, bytes.
const LONGEST: usize = 1_024;
/// The most that all of them add to a record, bytes: quotes and backslashes take two.
const ROOM: usize = 64 + MOST * (LONGEST_NAME + 2 * LONGEST + 8);

/// A record with its headers.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Whole<'a> {
    #[serde(borrow)]
    headers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The record with those of its headers that are `named`, in lower case. `None` for one that stays as it came:
/// it was kept so, or is no JSON.
pub(super) fn carried(named: &[String], raw: &[u8], header: Headers<'_, '_>) -> Option<Arc<[u8]>> {
    let found = named.iter().filter_map(|name| Some((Cow::Borrowed(name.as_str()), value(header(name)?)?)));
    let headers: BTreeMap<_, _> = found.collect();
    if headers.is_empty() && serde_json::from_slice::<Whole<'_>>(raw).is_ok() {
        return None;
    }
    let body = serde_json::from_slice(raw).ok()?;
    serde_json::to_vec(&Whole { headers, body }).ok().map(Arc::from)
}

/// What is no text of a moderate length says nothing.
fn value(value: &str) -> Option<Cow<'_, str>> {
    (value.len() <= LONGEST && !text::has_control(value)).then_some(Cow::Borrowed(value))
}

/// What a record may hold with its headers, which is what it may hold without them.
pub(super) fn widened(bounds: &Bounds) -> Bounds {
    Bounds {
        bytes: bounds.bytes + ROOM,
        depth: bounds.depth + 1,
        keys: bounds.keys + MOST + 2,
        ..bounds.clone()
    }
}

/// Why a header must not be named, if it must not: what it says would lie in the store with every record.
pub(super) fn forbidden(name: &str) -> Option<&'static str> {
    const TELLING: [&str; 9] = [
        "authorization",
        "cookie",
        "token",
        "secret",
        "password",
        "passwd",
        "credential",
        "api-key",
        "apikey",
    ];
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
        return Some("is no name of a header: letters, digits, \"-\", \"_\", \".\" and \":\", at most 64");
    }
    if name == "traceparent" {
        return Some("is kept of every record, and need not be named");
    }
    if TELLING.iter().any(|word| name.replace('_', "-").contains(word)) || name.contains("signature") {
        return Some("may be a secret, which would be kept with every record");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [(&str, &[u8]); 4] =
        [("X-Kind", b"issue"), ("X-Long", &[b'x'; 1_025]), ("X-Raw", b"\xff"), ("X-Bell", b"a\x07")];

    fn told(named: &[&str], raw: &str) -> Option<String> {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let header = |name: &str| {
            let found = LINES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| std::str::from_utf8(value).ok())
        };
        carried(&named, raw.as_bytes(), &header).map(|whole| String::from_utf8_lossy(&whole).into_owned())
    }

    fn whole(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_record_is_kept_with_the_headers_that_are_texts_and_its_bytes_as_they_came() {
        let named = ["x-kind", "x-long", "x-raw", "x-bell", "x-gone"];
        assert_eq!(
            told(&named, " { \"a\" : 1.0 }\n"),
            whole(r#"{"headers":{"x-kind":"issue"},"body":{ "a" : 1.0 }}"#)
        );
        assert_eq!(told(&["x-gone"], "[1]"), whole(r#"{"headers":{},"body":[1]}"#));
        assert_eq!(told(&["x-kind"], "{\"a\":"), None, "what is no JSON stays as it came");
        assert_eq!(told(&["x-kind"], ""), None);
    }

    #[test]
    fn what_was_kept_is_not_wrapped_again_and_nobody_writes_headers_into_a_body() {
        let kept = r#"{"headers":{"x-kind":"issue"},"body":{"a":1}}"#;
        assert_eq!(told(&["x-gone"], kept), None, "as it was kept");
        assert_eq!(
            told(&["x-kind"], kept),
            whole(&format!(r#"{{"headers":{{"x-kind":"issue"}},"body":{kept}}}"#)),
            "it came with a header, so this is a body"
        );
        for other in [
            r#"{"headers":{"a":1},"body":{}}"#,
            r#"{"headers":{},"body":{},"path":"/"}"#,
            r#"{"headers":{},"headers":{},"body":{}}"#,
            r#"{"headers":{}}"#,
        ] {
            assert!(told(&["x-gone"], other).is_some(), "{other}");
        }
    }

    #[test]
    fn the_room_for_headers_is_enough_for_the_longest() {
        let named: Vec<String> = (0..MOST).map(|at| format!("{at:0>LONGEST_NAME$}")).collect();
        let value = "\"".repeat(LONGEST);
        let kept = carried(&named, b"1", &|_| Some(Box::leak(value.clone().into_boxed_str()))).expect("kept");
        let room = widened(&Bounds { bytes: 1, ..Bounds::default() }).bytes;
        assert!(kept.len() <= room && kept.len() + 512 > room, "{} of {room}", kept.len());
    }
}
