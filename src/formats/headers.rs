//! What the headers of a record say: where it comes from, and what it belongs to.
//!
//! CloudEvents 1.0 come in two modes. *Binary*: the payload is the record, `ce_*` headers are the
//! envelope. *Structured*: the payload is the envelope, and `data` in it is the record. Either
//! way `source` and `id` together are the producer's id, unless the record names its own.
//!
//! A `traceparent` that is not valid is left out, as W3C asks; it never makes a record bad.

use super::fields::Fields;
use super::native::{self, ID};
use super::problems::{Problems, only};
use super::senders::cloud_events;
use super::strict_json;
use super::text;
use super::{Parsed, Reading, Words};
use crate::domain::Timestamp;
use crate::domain::event::Body;
use crate::domain::malformed::{Malformation, Malformed};

/// Set on every record that Foghorn itself puts on a dead-letter topic.
pub const DEAD_LETTER: &str = "foghorn-dead-letter";

/// Everything that one record of our own says. `header` finds a header by name, in any case; it gives `None`
/// for one that is not text.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read<'h>(
    raw: Option<&[u8]>,
    header: &dyn Fn(&str) -> Option<&'h str>,
    words: &Words,
    now: Timestamp,
) -> Result<Reading, Malformed> {
    let raw = value(raw, header)?;
    let traceparent = header("traceparent");
    let (parsed, traceparent) = match mode(header)? {
        Mode::Plain if !cloud_events::is_one(raw) => (native::parse(raw, words, now)?, traceparent),
        Mode::Binary => (binary(raw, header, words, now)?, traceparent),
        // One that is taken in again has the headers no more that it came with.
        Mode::Structured | Mode::Plain => {
            let (parsed, inner) = structured(raw, words, now)?;
            let traceparent = traceparent.map(str::to_owned).or(inner);
            return Ok(reading(parsed, traceparent.as_deref()));
        }
    };
    Ok(reading(parsed, traceparent))
}

/// The same for a record whose bytes `parse` reads, and the `traceparent` that may be among them.
pub(super) fn read_by<'h>(
    raw: Option<&[u8]>,
    header: &dyn Fn(&str) -> Option<&'h str>,
    parse: impl FnOnce(&[u8]) -> Result<(Parsed, Option<String>), Malformed>,
) -> Result<Reading, Malformed> {
    let (parsed, inner) = parse(value(raw, header)?)?;
    let traceparent = header("traceparent").map(str::to_owned).or(inner);
    Ok(reading(parsed, traceparent.as_deref()))
}

/// The bytes of a record that is worth reading.
pub(super) fn value<'r, 'h>(
    raw: Option<&'r [u8]>,
    header: &dyn Fn(&str) -> Option<&'h str>,
) -> Result<&'r [u8], Malformed> {
    if header(DEAD_LETTER).is_some() {
        let detail = "this is one of Foghorn's own dead letters";
        let hint = Some("a dead-letter topic must not be among the topics of a source");
        return Err(only(Malformation::Loop, "not_allowed", detail, hint));
    }
    raw.ok_or_else(|| {
        let detail = "a record without a value says nothing";
        only(Malformation::Schema, "empty", detail, None)
    })
}

pub(super) fn reading(parsed: Parsed, traceparent: Option<&str>) -> Reading {
    Reading {
        body: parsed.body,
        producer_id: parsed.producer_id,
        traceparent: traceparent.filter(|text| is_traceparent(text)).map(str::to_owned),
    }
}

/// `version-trace-parent-flags` of the W3C recommendation. A later version may say more after
/// what version 00 says.
pub fn is_traceparent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |from: usize, to: usize| bytes[from..to].iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let set = |from: usize, to: usize| bytes[from..to].iter().any(|b| *b != b'0');
    (55..=512).contains(&bytes.len())
        && bytes[2] == b'-'
        && bytes[35] == b'-'
        && bytes[52] == b'-'
        && hex(0, 2)
        && hex(3, 35)
        && hex(36, 52)
        && hex(53, 55)
        && set(3, 35)
        && set(36, 52)
        && &bytes[..2] != b"ff"
        && (bytes.len() == 55
            || (&bytes[..2] != b"00" && bytes[55] == b'-' && bytes.iter().all(u8::is_ascii_graphic)))
}

enum Mode {
    Plain,
    Binary,
    Structured,
}

fn mode<'h>(header: &dyn Fn(&str) -> Option<&'h str>) -> Result<Mode, Malformed> {
    const STRUCTURED: &str = "application/cloudevents";
    let content_type = header("content-type").unwrap_or_default();
    let starts_with =
        |start: &str| content_type.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    if starts_with("application/cloudevents-batch") {
        let detail = "a batch of CloudEvents in one record";
        let hint = Some("send one event per record");
        return Err(only(Malformation::Schema, "not_allowed", detail, hint));
    }
    if starts_with(STRUCTURED) {
        return Ok(Mode::Structured);
    }
    let Some(version) = attribute(header, "specversion") else {
        return Ok(Mode::Plain);
    };
    if version == VERSION {
        Ok(Mode::Binary)
    } else {
        let detail = "the header ce_specversion names a version that is not known";
        Err(only(Malformation::Schema, "not_allowed", detail, Some("1.0")))
    }
}

pub(super) const VERSION: &str = "1.0";

/// Kafka spells it `ce_id`, HTTP `ce-id`.
fn attribute<'h>(header: &dyn Fn(&str) -> Option<&'h str>, name: &str) -> Option<&'h str> {
    header(&format!("ce_{name}")).or_else(|| header(&format!("ce-{name}")))
}

fn binary<'h>(
    raw: &[u8],
    header: &dyn Fn(&str) -> Option<&'h str>,
    words: &Words,
    now: Timestamp,
) -> Result<Parsed, Malformed> {
    let mut problems = Problems::default();
    let mut needed = |name: &str| {
        let value = attribute(header, name).filter(|value| text::is_visible(value));
        if value.is_none() {
            let detail = format!("the header ce_{name} is required");
            problems.schema(String::new(), "missing", detail, None);
        }
        value
    };
    let envelope = needed("source").zip(needed("id")).map(|(source, id)| Envelope {
        id: producer_id(source, id),
        time: attribute(header, "time").and_then(|time| time.parse().ok()),
    });
    if let Some(Envelope { id: None, .. }) = envelope {
        let detail = format!("ce_source and ce_id have control characters or more than {ID} characters");
        problems.schema(String::new(), "too_long", detail, None);
    }
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let parsed = native::body(root, "", words, now, &mut problems);
    let parsed = parsed.zip(envelope).map(|(parsed, envelope)| envelope.around(parsed, words, now));
    problems.verdict(parsed)
}

fn structured(raw: &[u8], words: &Words, now: Timestamp) -> Result<(Parsed, Option<String>), Malformed> {
    let mut problems = Problems::default();
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let found = unwrapped(root, words, now, &mut problems);
    problems.verdict(found)
}

fn unwrapped(
    root: strict_json::Node<'_>,
    words: &Words,
    now: Timestamp,
    problems: &mut Problems,
) -> Option<(Parsed, Option<String>)> {
    // Extensions may have any name, so what is left over here is no mistake.
    let mut fields = Fields::of(root, "", problems)?;
    let version = needed(&mut fields, "specversion");
    if let Some(version) = version
        && version != VERSION
    {
        fields.refuse_word("specversion", &version, [VERSION].into_iter());
    }
    needed(&mut fields, "type");
    let source = needed(&mut fields, "source");
    let id = needed(&mut fields, "id");
    let time = fields.moment("time");
    let traceparent = fields.word("traceparent").map(std::borrow::Cow::into_owned);
    if fields.has("data_base64") {
        fields.refuse("data_base64", "not_allowed", "the record must be JSON, in data");
    }
    let data = fields.take("data");
    let data = fields.required("data", data, false);
    let envelope = source.zip(id).map(|(source, id)| Envelope { id: producer_id(&source, &id), time });
    if let Some(Envelope { id: None, .. }) = envelope {
        fields.refuse("id", "too_long", format!("source and id have more than {ID} characters"));
    }
    let parsed = native::body(data?, "/data", words, now, fields.problems)?;
    Some((envelope?.around(parsed, words, now), traceparent))
}

fn needed(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let given = fields.has(name);
    let value = fields.id(name, ID);
    fields.required(name, value, given)
}

/// What both modes say around the record.
struct Envelope {
    id: Option<String>,
    time: Option<Timestamp>,
}

impl Envelope {
    /// The record's own words win over the envelope's.
    fn around(self, parsed: Parsed, words: &Words, now: Timestamp) -> Parsed {
        let Parsed { mut body, producer_id } = parsed;
        if let Body::Incident(event) = &mut body {
            let time = self.time.map(|time| native::clamped(time, words, now));
            event.occurred_at = event.occurred_at.or(time);
        }
        Parsed { body, producer_id: producer_id.or(self.id) }
    }
}

/// `source#id`; `None` if it cannot be an id.
pub(super) fn producer_id(source: &str, id: &str) -> Option<String> {
    let whole = format!("{source}#{id}");
    (!text::has_control(&whole) && !text::is_longer(&whole, ID)).then_some(whole)
}
