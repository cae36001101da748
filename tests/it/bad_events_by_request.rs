//! What no producer should post, each between two good events: it is refused with the right code and
//! leaves nothing behind, and the next good event is stored, on every database.

use std::sync::Arc;

use foghorn::store::Store;
use serde_json::json;

use crate::support::databases::on_each_database;
use crate::support::records::{direct, nested, sized, with};
use crate::support::whole::{JSON, Whole};

on_each_database! {
    what_is_no_json_is_refused
    what_is_past_the_bounds_is_refused
    json_that_is_no_event_is_refused_with_the_place
    values_that_cannot_be_are_refused_with_the_place
    notifications_that_cannot_go_out_are_refused
    bodies_of_another_type_are_refused
}

/// How a body is refused.
#[derive(Debug, Clone, Copy)]
enum Refused {
    NotJson,
    TooLarge,
    OfThatType,
    /// Not an event, because of this at this place.
    For(&'static str, &'static str),
}
use Refused::{For, NotJson, OfThatType, TooLarge};

impl Refused {
    fn told(self) -> (u16, &'static str) {
        match self {
            NotJson => (400, "FH0701"),
            TooLarge => (413, "FH0703"),
            OfThatType => (415, "FH0704"),
            For(..) => (422, "FH0702"),
        }
    }
}

type Row = (&'static str, Vec<u8>, Refused);

/// Refuses each body, between two good events. Nothing is kept of it: the numbers of the good
/// events' incidents have no gap.
async fn refuse_all(store: Arc<dyn Store>, rows: Vec<Row>) {
    let whole = Whole::over(store).await;
    let mut number = whole.assert_well("the start").await;
    for (name, body, refused) in rows {
        assert_refused(&whole, JSON, (name, body, refused)).await;
        number += 1;
        assert_eq!(whole.assert_well(name).await, number, "{name} opened an incident");
    }
    assert_eq!(whole.store().backlog().await.unwrap().dead_letters, 0);
    whole.end().await;
}

async fn assert_refused(whole: &Whole, headers: &str, (name, body, refused): Row) {
    let answer = whole.post(headers, &body).await.unwrap_or_else(|| panic!("{name}: no answer"));
    let problem = answer.problem();
    assert_eq!((answer.status, problem["code"].as_str().unwrap()), refused.told(), "{name}: {problem}");
    if let For(pointer, code) = refused {
        let errors = problem["errors"].as_array().expect("they are named");
        let named = errors.iter().any(|error| error["pointer"] == pointer && error["code"] == code);
        assert!(named, "{name}: not {code} at \"{pointer}\", but {problem}");
    }
}

/// A row of text.
fn row(name: &'static str, body: impl Into<String>, refused: Refused) -> Row {
    (name, body.into().into_bytes(), refused)
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

async fn what_is_no_json_is_refused(store: Arc<dyn Store>) {
    let event = r#"{"title":"x"}"#;
    refuse_all(
        store,
        vec![
            row("nothing", "", NotJson),
            row("blanks", " \r\n\t", NotJson),
            row("half an event", r#"{"title":"x""#, NotJson),
            row("half a list", r#"[{"title":"x"},"#, NotJson),
            row("two events in a row", r#"{"title":"x"} {}"#, NotJson),
            row("two lists in a row", "[{}] [{}]", NotJson),
            row("a byte order mark", format!("\u{feff}{event}"), NotJson),
            ("UTF-16, small end first", utf16(event, u16::to_le_bytes), NotJson),
            ("UTF-16, big end first", utf16(event, u16::to_be_bytes), NotJson),
            ("a list in UTF-16", utf16("[{}]", u16::to_le_bytes), NotJson),
            ("UTF-16 with a mark", utf16(&format!("\u{feff}{event}"), u16::to_le_bytes), NotJson),
            ("no UTF-8 in a key", b"{\"title\":\"x\",\"\xff\":1}".to_vec(), NotJson),
            ("no UTF-8 in a value", b"{\"title\":\"\xc3\x28\"}".to_vec(), NotJson),
            ("a surrogate as bytes", b"{\"title\":\"\xed\xa0\x80\"}".to_vec(), NotJson),
            row("half a surrogate pair", r#"{"title":"\ud800"}"#, NotJson),
            ("a raw NUL", b"{\"title\":\"a\0b\"}".to_vec(), NotJson),
            row("a raw line break", "{\"title\":\"a\nb\"}", NotJson),
            row("a number past all numbers", with(r#""occurred_at":1e400"#), NotJson),
            row("not a number", with(r#""occurred_at":NaN"#), NotJson),
            row("a comment", r#"{"title":"x"} // why"#, NotJson),
            row("a comma too many", r#"{"title":"x",}"#, NotJson),
            ("the wire format of a registry", b"\0\0\0\0\x2a\x02x".to_vec(), NotJson),
        ],
    )
    .await;
}

async fn what_is_past_the_bounds_is_refused(store: Arc<dyn Store>) {
    let keys = |count: usize| {
        let keys: Vec<_> = (0..count).map(|number| format!("\"{number}\":1")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let list = |count: usize| format!("[{}]", vec![r#"{"title":"x"}"#; count].join(","));
    let long = |name: &str, length: usize| with(&format!(r#""{name}":"{}""#, "ö".repeat(length)));
    refuse_all(
        store,
        vec![
            row("one byte too many", sized((1 << 20) + 1), TooLarge),
            row("3 MiB", sized(3 << 20), TooLarge),
            row("one level too deep", nested(65), TooLarge),
            row("as deep as serde_json reads", nested(127), TooLarge),
            row("deeper than serde_json reads", nested(128), TooLarge),
            row("100,000 levels", nested(100_000), TooLarge),
            row("nothing but levels", "[".repeat(1 << 20), NotJson),
            row("one key too many", keys(1_025), TooLarge),
            row("80,000 keys", keys(80_000), TooLarge),
            row("one event too many", list(501), TooLarge),
            row(
                "a key of half a megabyte",
                with(&format!(r#""{}":1"#, "k".repeat(1 << 19))),
                For("/kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…", "too_long"),
            ),
            row(
                "a title of 1 MB",
                format!(r#"{{"title":"{}"}}"#, "t".repeat(1_000_000)),
                For("/title", "too_long"),
            ),
            row(
                "a title one too long",
                format!(r#"{{"title":"{}"}}"#, "ö".repeat(1_025)),
                For("/title", "too_long"),
            ),
            row("an id one too long", long("event_id", 513), For("/event_id", "too_long")),
            row("an id of 10 kB", long("event_id", 5_000), For("/event_id", "too_long")),
            row("a key one too long", long("dedup_key", 513), For("/dedup_key", "too_long")),
            row("a service one too long", long("service", 257), For("/service", "too_long")),
            row(
                "a label too long",
                with(&format!(r#""labels":{{"a":"{}"}}"#, "v".repeat(4_097))),
                For("/labels", "too_long"),
            ),
            row(
                "too many labels",
                with(&format!(r#""labels":{}"#, keys(65))),
                For("/labels", "too_many_keys"),
            ),
            row(
                "too many links",
                with(&format!(r#""links":[{}1]"#, "1,".repeat(32))),
                For("/links", "too_long"),
            ),
        ],
    )
    .await;
}

async fn json_that_is_no_event_is_refused_with_the_place(store: Arc<dyn Store>) {
    refuse_all(
        store,
        vec![
            row("null", "null", For("", "wrong_type")),
            row("an empty list", "[]", For("", "empty")),
            row("a list in a list", "[[]]", For("/0", "wrong_type")),
            row("text", r#""x""#, For("", "wrong_type")),
            row("a number", "42", For("", "wrong_type")),
            row("an empty object", "{}", For("/title", "missing")),
            row("no title", r#"{"severity":"high"}"#, For("/title", "missing")),
            row("a title that is null", r#"{"title":null}"#, For("/title", "missing")),
            row("a number for a title", r#"{"title":5}"#, For("/title", "wrong_type")),
            row("a negative zero for a title", r#"{"title":-0}"#, For("/title", "wrong_type")),
            row("a fraction for a title", r#"{"title":1.0}"#, For("/title", "wrong_type")),
            row("an object for a severity", with(r#""severity":{}"#), For("/severity", "wrong_type")),
            row("a list for labels", with(r#""labels":[]"#), For("/labels", "wrong_type")),
            row("a number for a label", with(r#""labels":{"a":1.0}"#), For("/labels/a", "wrong_type")),
            row("text for links", with(r#""links":"https://a""#), For("/links", "wrong_type")),
            row("a number for an id", with(r#""event_id":9007199254740993"#), For("/event_id", "wrong_type")),
            row(
                "a number that loses digits",
                with(r#""event_id":18446744073709551616"#),
                For("/event_id", "not_allowed"),
            ),
            row(
                "a severity twice",
                with(r#""severity":"low","severity":"critical""#),
                For("/severity", "duplicate_key"),
            ),
            row(
                "a label twice, once escaped",
                with(r#""labels":{"a":"1","\u0061":"2"}"#),
                For("/labels/a", "duplicate_key"),
            ),
            row("a typo", with(r#""severty":"high""#), For("/severty", "unknown_field")),
            row("a prototype", with(r#""__proto__":{"admin":true}"#), For("/__proto__", "unknown_field")),
            row("a list of one bad event", r#"[{"titel":"x"}]"#, For("/0/titel", "unknown_field")),
        ],
    )
    .await;
}

async fn values_that_cannot_be_are_refused_with_the_place(store: Arc<dyn Store>) {
    let titled = |title: &str| json!({ "title": title }).to_string();
    let link = |url: &str| json!({ "title": "x", "links": [{ "url": url }] }).to_string();
    let at = |time: &str| with(&format!(r#""occurred_at":{time}"#));
    let (time, url) = (For("/occurred_at", "not_allowed"), For("/links/0/url", "not_allowed"));
    refuse_all(
        store,
        vec![
            row("NUL in a title", r#"{"title":"a\u0000b"}"#, For("/title", "control_character")),
            row("NUL in an id", with(r#""event_id":"\u0000""#), For("/event_id", "control_character")),
            row(
                "NUL in a label's name",
                with(r#""labels":{"a\u0000":"v"}"#),
                For("/labels", "control_character"),
            ),
            row("NUL in a label", with(r#""labels":{"a":"\u0000"}"#), For("/labels/a", "control_character")),
            row(
                "a line break in a key",
                with(r#""dedup_key":"a\nb""#),
                For("/dedup_key", "control_character"),
            ),
            row(
                "an override in a key",
                with(r#""dedup_key":"a\u202eb""#),
                For("/dedup_key", "control_character"),
            ),
            row("an empty id", with(r#""event_id":"""#), For("/event_id", "empty")),
            row("a blank id", with(r#""event_id":"   ""#), For("/event_id", "empty")),
            row("an empty title", titled(""), For("/title", "empty")),
            row("a blank title", titled(" \t\n"), For("/title", "empty")),
            row("a title without width", titled("\u{200b}"), For("/title", "empty")),
            row("a title of an override", titled("\u{202e}"), For("/title", "empty")),
            row("a title of an escape", titled("\u{1b}[31m"), For("/title", "empty")),
            row("an unknown severity", with(r#""severity":"urgent""#), For("/severity", "not_allowed")),
            row("a severity with a blank", with(r#""severity":"high ""#), For("/severity", "not_allowed")),
            row("a severity in Turkish", with(r#""severity":"crıtıcal""#), For("/severity", "not_allowed")),
            row("an unknown status", with(r#""status":"gone""#), For("/status", "not_allowed")),
            row("an unknown kind", with(r#""kind":"page""#), For("/kind", "not_allowed")),
            row("a time without a zone", at(r#""2026-11-21T14:02:08""#), time),
            row("the year 0", at(r#""0000-01-01T00:00:00Z""#), time),
            row("a time before 1970", at(r#""1969-12-31T23:59:59Z""#), time),
            row("a day that is none", at(r#""2026-02-30T00:00:00Z""#), time),
            row("a time past all times", at("100000000000000000000"), For("/occurred_at", "wrong_type")),
            row("a time as a number", at("-1"), For("/occurred_at", "wrong_type")),
            row("a link that runs", link("javascript:alert(1)"), url),
            row("a link of data", link("data:text/html,<script>alert(1)</script>"), url),
            row("a link to a file", link("file:///etc/passwd"), url),
            row("a link with a password", link("https://u:p@h/"), url),
        ],
    )
    .await;
}

async fn notifications_that_cannot_go_out_are_refused(store: Arc<dyn Store>) {
    let words = r#""subject":"s","body":"b""#;
    let many: Vec<_> = (0..10_001).map(|number| format!("u{number}")).collect();
    let long = "s".repeat(2_000);
    refuse_all(
        store,
        vec![
            row("to nobody", direct(&format!(r#""to":[],{words}"#)), For("/to", "empty")),
            row("to no field", direct(words), For("/to", "missing")),
            row("to a number", direct(&format!(r#""to":[1],{words}"#)), For("/to", "wrong_type")),
            row("to 10,001", direct(&format!(r#""to":{},{words}"#, json!(many))), For("/to", "too_long")),
            row("to a long address", direct(&format!(r#""to":"{}@b",{words}"#, "a".repeat(320))), For("/to", "too_long")),
            row("to an address with a line break", direct(&format!(r#""to":"a@b\r\nBcc:x@y",{words}"#)), For("/to", "control_character")),
            row("a long subject", direct(&format!(r#""to":"ada","subject":"{long}","body":"b""#)), For("/subject", "too_long")),
            row("no words", direct(r#""to":"ada""#), For("/subject", "missing")),
            row("over before it begins", direct(&format!(r#""to":"ada",{words},"send_at":"2026-11-22T09:00:00Z","expires_at":"2026-11-22T09:00:00Z""#)), For("/expires_at", "not_allowed")),
        ],
    )
    .await;
}

async fn bodies_of_another_type_are_refused(store: Arc<dyn Store>) {
    let whole = Whole::over(store).await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let event = r#"{"title":"x"}"#;
    for (name, headers, body) in [
        ("no type", String::new(), event),
        ("two types", format!("{JSON}{JSON}"), event),
        ("text", "Content-Type: text/plain\r\n".to_owned(), event),
        ("a form", form.to_owned(), "title=x"),
        ("a compressed body", format!("{JSON}Content-Encoding: gzip\r\n"), "\u{1f}"),
    ] {
        assert_refused(&whole, &headers, row(name, body, OfThatType)).await;
        whole.assert_well(name).await;
    }
    whole.end().await;
}
