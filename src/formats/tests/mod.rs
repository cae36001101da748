//! Bad inputs as tables: each row is a record and the code it must be refused with, or what must
//! become of it.

mod envelopes;
mod records;
mod refusals;
mod requests;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Format, Read, Reading, Words, batch, native, read, strict_json};
use crate::domain::Timestamp;
use crate::domain::event::{Body, IncidentEvent, NotificationRequest};
use crate::domain::malformed::{Malformation, Malformed};
use crate::domain::severity::{Severity, SeverityAliases};

const NOW: &str = "2026-11-21T14:02:08Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn words() -> Words {
    let aliases = BTreeMap::from([("P1".to_owned(), Severity::Critical)]);
    Words { aliases: SeverityAliases(aliases), ..Words::default() }
}

fn incident(record: impl AsRef<[u8]>) -> IncidentEvent {
    match native::parse(record.as_ref(), &words(), at(NOW)) {
        Ok(parsed) => match parsed.body {
            Body::Incident(event) => event,
            Body::Notification(_) => panic!("a notification"),
        },
        Err(malformed) => panic!("{malformed}"),
    }
}

fn notification(record: &str) -> NotificationRequest {
    match native::parse(record.as_bytes(), &words(), at(NOW)).map(|parsed| parsed.body) {
        Ok(Body::Notification(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn refused(record: impl AsRef<[u8]>) -> Malformed {
    native::parse(record.as_ref(), &words(), at(NOW)).expect_err("refused")
}

/// Reason, pointer and code of the first problem.
fn first(malformed: &Malformed) -> (Malformation, &str, &str) {
    let problem = &malformed.problems[0];
    (malformed.reason, &problem.pointer, problem.code)
}

fn with_headers(payload: Option<&str>, headers: &[(&str, &'static str)]) -> Result<Reading, Malformed> {
    let header = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    };
    read(&Format::Foghorn, payload.map(str::as_bytes), &header, &words(), at(NOW)).map(event)
}

/// What nobody lets go.
pub(super) fn event(read: Read) -> Reading {
    match read {
        Read::Event(reading) => reading,
        Read::Ignored(rule) => panic!("rule {rule} lets it go"),
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = native::parse(&raw, &words(), at(NOW));
        let _ = batch::split(&raw, &words().bounds);
    }

    #[test]
    fn no_field_value_makes_the_reader_panic(
        field in "title|severity|status|service|dedup_key|description|occurred_at|event_id|kind|to|via|subject|body|send_at|template",
        value in any::<String>(),
        kind in "incident|notification",
    ) {
        let record = serde_json::json!({ "kind": kind, field: value, "labels": { &value: &value },
            "links": [{ "text": &value, "url": &value }], "vars": { &value: [&value] } });
        let raw = record.to_string();
        let _ = native::parse(raw.as_bytes(), &words(), at(NOW));
        let _ = with_headers(Some(&raw), &[("content-type", "application/cloudevents+json")]);
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads(value in "[a-z\"\\\\{}\\[\\]:, 0-9.é-]{0,40}") {
        let ours = strict_json::parse(value.as_bytes(), &words().bounds);
        if let Ok(ours) = ours {
            prop_assert_eq!(ours.into_value(), serde_json::from_str::<serde_json::Value>(&value).expect("also JSON"));
        }
    }
}
