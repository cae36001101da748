//! CloudEvents 1.0 of any type, in all three modes: binary, structured and batch.
//!
//! Whatever came in, what is kept is structured: one object with its envelope. Where its data is a record
//! that we know, it is read as one, and as strictly. Of any other event the envelope makes the incident:
//! the same `source` and `subject` are the same thing. `source` and `id` together are the producer's id.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use super::texts;
use crate::domain::Timestamp;
use crate::domain::dedup::Keyspace;
use crate::domain::event::{Body, Bounds, EventStatus, IncidentEvent};
use crate::domain::malformed::{Malformation, Malformed};
use crate::formats::envelope::{keys_of, list_of};
use crate::formats::fields::Fields;
use crate::formats::headers::{VERSION, producer_id};
use crate::formats::native::{self, ID, SERVICE, TITLE};
use crate::formats::problems::{Problems, only};
use crate::formats::strict_json::{self, Node};
use crate::formats::{Headers, Parsed, Parts, Words};

/// Attributes that are looked for among the headers of an event in binary mode.
const ATTRIBUTES: [&str; 10] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "dataschema",
    "severity",
    "status",
    "traceparent",
];

/// What every envelope has.
const NEEDED: [&str; 4] = ["specversion", "id", "source", "type"];

/// Data with all of one of these is a record that [`native`] knows.
const OURS: [&[&str]; 8] = [
    &["title"],
    &["kind", "to"],
    &["to", "via"],
    &["content", "channels"],
    &["user_id", "message"],
    &["notification_type", "recipient_email"],
    &["event_type", "userid"],
    &["type", "payload"],
];

/// In which way headers of HTTP say that there are CloudEvents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelopes {
    /// As objects of their own: one, or a list of them.
    InBody,
    /// Among the headers.
    InHeaders,
    /// In something else than JSON.
    Unreadable,
}

impl Envelopes {
    /// What these headers say, if they say anything of it.
    pub fn of(header: Headers<'_, '_>) -> Option<Self> {
        let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.strip_prefix("application/cloudevents") {
            Some("" | "+json" | "-batch" | "-batch+json") => Some(Self::InBody),
            Some(_) => Some(Self::Unreadable),
            None => header("ce-specversion").map(|_| Self::InHeaders),
        }
    }
}

/// Is this an object with the envelope of a CloudEvent, whatever its headers were?
pub(crate) fn is_one(raw: &[u8]) -> bool {
    const MARK: &[u8] = b"\"specversion\"";
    raw.windows(MARK.len()).any(|bytes| bytes == MARK)
        && keys_of(raw).is_some_and(|keys| NEEDED.iter().all(|needed| keys.iter().any(|key| key == needed)))
}

/// Each event of a batch by itself; of one in binary mode the same in structured mode.
pub(crate) fn parts(raw: &[u8], header: Headers<'_, '_>, bounds: &Bounds) -> Result<Parts, Malformed> {
    let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
    let is_batch = content_type.starts_with("application/cloudevents-batch");
    if is_batch || raw.trim_ascii_start().first() == Some(&b'[') {
        return batch(raw, bounds);
    }
    if content_type.starts_with("application/cloudevents") || attribute(header, "specversion")?.is_none() {
        return Ok(Parts::Whole);
    }
    Ok(Parts::Each(vec![structured(raw, header, &content_type)?]))
}

fn batch(raw: &[u8], bounds: &Bounds) -> Result<Parts, Malformed> {
    let refused = |code, detail| Err(only(Malformation::Schema, code, detail, None));
    match list_of(raw, bounds)? {
        None => {
            let detail = "a batch must be a list of events, and readable as JSON";
            Err(only(Malformation::Parse, "not_json", detail, None))
        }
        Some(items) if items.is_empty() => refused("empty", "the batch has no events"),
        Some(items) => Ok(Parts::Each(items.iter().map(|item| item.get().as_bytes().into()).collect())),
    }
}

/// Kafka and other buses spell it `ce_id` and have it as it is; HTTP spells it `ce-id` and escapes it.
fn attribute<'h>(header: Headers<'_, 'h>, name: &str) -> Result<Option<Cow<'h, str>>, Malformed> {
    if let Some(value) = header(&format!("ce_{name}")) {
        return Ok(Some(Cow::Borrowed(value)));
    }
    let Some(value) = header(&format!("ce-{name}")) else { return Ok(None) };
    match unescaped(value) {
        Some(value) => Ok(Some(value)),
        None => {
            let detail = format!("the header ce-{name} is not UTF-8 once its escapes are read");
            Err(only(Malformation::Schema, "not_allowed", detail, None))
        }
    }
}

/// Without quotes, and with the characters that `%XX` stands for.
fn unescaped(value: &str) -> Option<Cow<'_, str>> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let value = match quoted {
        Some(inner) => Cow::Owned(inner.replace("\\\"", "\"").replace("\\\\", "\\")),
        None => Cow::Borrowed(value),
    };
    if !value.contains('%') {
        return Some(value);
    }
    let digit =
        |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (bytes, mut plain, mut at) = (value.as_bytes(), Vec::with_capacity(value.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                plain.push(high << 4 | low);
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok().map(Cow::Owned)
}

/// The event of these headers and this data as one object.
fn structured(raw: &[u8], header: Headers<'_, '_>, content_type: &str) -> Result<Arc<[u8]>, Malformed> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut whole = String::from("{");
    for name in ATTRIBUTES {
        if let Some(value) = attribute(header, name)? {
            whole.push_str(&format!("\"{name}\":{},", text(&value)));
        }
    }
    if !content_type.is_empty() {
        whole.push_str(&format!("\"datacontenttype\":{},", text(content_type)));
    }
    let json = serde_json::from_slice::<&RawValue>(raw).ok().filter(|_| is_json(content_type));
    let data = match (json, std::str::from_utf8(raw)) {
        _ if raw.is_empty() => "\"data\":null".to_owned(),
        (Some(json), _) => format!("\"data\":{json}"),
        (None, Ok(words)) if content_type.starts_with("text/") => format!("\"data\":{}", text(words)),
        _ => format!("\"data_base64\":\"{}\"", STANDARD.encode(raw)),
    };
    whole.push_str(&data);
    whole.push('}');
    Ok(whole.into_bytes().into())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.is_empty()
        || essence == "application/json"
        || essence.ends_with("+json")
        || essence == "text/json"
}

/// One event in structured mode, and the `traceparent` that it has.
pub(crate) fn read(raw: &[u8], words: &Words, now: Timestamp) -> Result<(Parsed, Option<String>), Malformed> {
    let mut problems = Problems::default();
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let found = event(root, words, now, &mut problems);
    problems.verdict(found)
}

/// What is said around the data.
struct Envelope {
    of: String,
    source: String,
    subject: Option<String>,
    producer_id: String,
    time: Option<Timestamp>,
    severity: Option<String>,
    status: Option<EventStatus>,
}

fn event(
    root: Node<'_>,
    words: &Words,
    now: Timestamp,
    problems: &mut Problems,
) -> Option<(Parsed, Option<String>)> {
    let mut fields = Fields::of(root, "", problems)?;
    let traceparent = fields.word("traceparent").map(Cow::into_owned);
    let data = data(&mut fields);
    let envelope = envelope(&mut fields);
    let data = data.ok()?;
    let is_ours = data.as_ref().is_some_and(is_ours);
    let parsed = match data {
        Some(Data::Bytes(bytes)) if is_ours => {
            let node = strict_json::parse(&bytes, &words.bounds).ok()?;
            native::body(node, "/data_base64", words, now, fields.problems)?
        }
        Some(Data::Json(node)) if is_ours => native::body(node, "/data", words, now, fields.problems)?,
        other => return Some((foreign(envelope?, other, words, now), traceparent)),
    };
    let envelope = envelope?;
    let Parsed { mut body, producer_id } = parsed;
    if let Body::Incident(event) = &mut body {
        let time = envelope.time.map(|time| native::clamped(time, words, now));
        event.occurred_at = event.occurred_at.or(time);
    }
    Some((Parsed { body, producer_id: producer_id.or(Some(envelope.producer_id)) }, traceparent))
}

fn envelope(fields: &mut Fields<'_, '_>) -> Option<Envelope> {
    let version = needed(fields, "specversion");
    if let Some(version) = version
        && version != VERSION
    {
        fields.refuse_word("specversion", &version, [VERSION].into_iter());
    }
    let (of, source, id) = (needed(fields, "type"), needed(fields, "source"), needed(fields, "id"));
    let subject = fields.word("subject").and_then(|subject| texts::line(&subject, TITLE));
    let time = fields.moment("time");
    let severity = fields.word("severity").map(Cow::into_owned);
    let status = fields.word("status").and_then(|word| EventStatus::parse(&word));
    let (of, source, id) = (of?, source?, id?);
    let producer_id = producer_id(&source, &id);
    if producer_id.is_none() {
        fields.refuse("id", "too_long", format!("source and id have more than {ID} characters"));
    }
    Some(Envelope { of, source, subject, producer_id: producer_id?, time, severity, status })
}

fn needed(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let given = fields.has(name);
    let value = fields.id(name, ID);
    fields.required(name, value, given)
}

enum Data<'a> {
    Json(Node<'a>),
    Bytes(Vec<u8>),
}

/// The data, if there is any. It was told if that is none.
fn data<'a>(fields: &mut Fields<'a, '_>) -> Result<Option<Data<'a>>, ()> {
    let data = fields.take("data");
    let Some(encoded) = fields.take("data_base64") else { return Ok(data.map(Data::Json)) };
    if data.is_some() {
        fields.refuse("data_base64", "not_allowed", "there is data already: give one");
        return Err(());
    }
    let bytes = match &encoded {
        Node::Text(text) => STANDARD.decode(text.as_bytes()).ok(),
        _ => None,
    };
    let Some(bytes) = bytes else {
        fields.refuse("data_base64", "not_allowed", "must be bytes in base64");
        return Err(());
    };
    Ok(Some(Data::Bytes(bytes)))
}

fn is_ours(data: &Data<'_>) -> bool {
    let keys: Vec<Cow<'_, str>> = match data {
        Data::Json(Node::Map(entries)) => {
            entries.iter().map(|(key, _)| Cow::Borrowed(key.as_ref())).collect()
        }
        Data::Json(_) => return false,
        Data::Bytes(bytes) => keys_of(bytes).unwrap_or_default(),
    };
    OURS.iter().any(|ours| ours.iter().all(|key| keys.iter().any(|known| known == key)))
}

/// An event whose data is nobody's that we know.
fn foreign(envelope: Envelope, data: Option<Data<'_>>, words: &Words, now: Timestamp) -> Parsed {
    let Envelope { of, source, subject, producer_id, time, severity, status } = envelope;
    let (mut said, mut description) = (Vec::new(), None);
    match data {
        Some(Data::Json(Node::Map(entries))) => {
            let plain = entries.into_iter().filter(|(_, node)| !matches!(node, Node::Map(_) | Node::List(_)));
            said = texts::scalars(plain.collect());
        }
        Some(Data::Json(node)) => description = texts::plain(node),
        Some(Data::Bytes(bytes)) => description = String::from_utf8(bytes).ok(),
        None => {}
    }
    let value = |name: &str| said.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
    let title = value("summary").or_else(|| value("message")).and_then(|title| texts::line(title, TITLE));
    let about = subject.as_deref().unwrap_or(&of);
    let named = || match &subject {
        Some(subject) => format!("{of}: {subject}"),
        None => of.clone(),
    };
    let status = status.or_else(|| EventStatus::parse(value("status")?));
    let description = description.as_deref().or_else(|| value("description"));
    let own =
        [("type", of.as_str()), ("source", &source), ("subject", subject.as_deref().unwrap_or_default())];
    let own = own.into_iter().filter(|(_, text)| !text.is_empty());
    let said_too = said.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let event = IncidentEvent {
        title: title.unwrap_or_else(|| texts::cut(named(), TITLE)),
        severity: texts::severity(severity.as_deref().or_else(|| value("severity")), words),
        status: status.unwrap_or(EventStatus::Open),
        service: value("service").and_then(|service| texts::line(service, SERVICE)),
        dedup_key: native::fitting_key(format!("{source}#{about}")),
        keyspace: Keyspace::Shared,
        description: description.and_then(|text| texts::lines(text, words.bounds.string)),
        labels: texts::labels(own.chain(said_too)),
        links: Vec::new(),
        occurred_at: time.map(|time| native::clamped(time, words, now)),
        expires_at: None,
    };
    Parsed { body: Body::Incident(event), producer_id: Some(producer_id) }
}
