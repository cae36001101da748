//! Redis' answers, taken apart into entries.

use std::sync::Arc;

use redis::{FromRedisValue, Value};
use serde_json::Map;

use crate::domain::event::Position;
use crate::sources::{Record, called};

/// Most bytes taken of one entry: no event is that large.
const RECORD_BYTES: usize = 16 << 20;

/// One entry of a stream.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    /// With its fields.
    Whole(Arc<str>, Vec<(Vec<u8>, Vec<u8>)>),
    /// It was pending, and its stream does not have it any more.
    Gone(Arc<str>),
}

impl Entry {
    pub(super) fn id(&self) -> &Arc<str> {
        match self {
            Self::Whole(id, _) | Self::Gone(id) => id,
        }
    }
}

/// `XREADGROUP` of one stream: `[[stream, [entry…]]]`, or nothing.
pub(super) fn read(answer: Value) -> Option<Vec<Entry>> {
    match answer {
        Value::Nil => Some(Vec::new()),
        Value::Array(streams) => match streams.into_iter().next() {
            Some(Value::Array(stream)) => entries(stream.into_iter().nth(1)?),
            _ => None,
        },
        _ => None,
    }
}

/// `XAUTOCLAIM`: `[cursor, [entry…], [id of what is gone…]]`
pub(super) fn claimed(answer: Value) -> Option<(String, Vec<Entry>)> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let mut parts = parts.into_iter();
    let cursor = text(&parts.next()?)?;
    let mut found = entries(parts.next()?)?;
    if let Some(Value::Array(gone)) = parts.next() {
        found.extend(gone.iter().filter_map(text).map(|id| Entry::Gone(id.into())));
    }
    Some((cursor, found))
}

/// `XRANGE`, and what the other commands say of a stream: `[entry…]`
pub(super) fn entries(list: Value) -> Option<Vec<Entry>> {
    let Value::Array(list) = list else {
        return None;
    };
    // An older server says nothing at all, not even the id, of what is gone.
    list.into_iter().filter(|entry| *entry != Value::Nil).map(entry).collect()
}

fn entry(value: Value) -> Option<Entry> {
    let Value::Array(parts) = value else {
        return None;
    };
    let mut parts = parts.into_iter();
    let id: Arc<str> = text(&parts.next()?)?.into();
    match parts.next()? {
        Value::Nil => Some(Entry::Gone(id)),
        Value::Array(flat) => {
            let mut flat = flat.into_iter();
            let mut fields = Vec::new();
            while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
                fields.push((bytes(name)?, bytes(value)?));
            }
            Some(Entry::Whole(id, fields))
        }
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        other => text(&other).map(String::into_bytes),
    }
}

fn text(value: &Value) -> Option<String> {
    String::from_redis_value_ref(value).ok()
}

/// One group of `XINFO GROUPS`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Group {
    /// Handed out and not acknowledged, by whoever.
    pub(super) pending: u64,
    /// Never handed out; a server may not know.
    pub(super) waiting: Option<u64>,
    /// The newest entry that was handed out.
    pub(super) last: String,
}

/// The group `name` of `XINFO GROUPS`.
pub(super) fn group(answer: &Value, name: &str) -> Option<Group> {
    let Value::Array(groups) = answer else {
        return None;
    };
    groups.iter().find_map(|group| {
        let Value::Array(flat) = group else {
            return None;
        };
        let field = |wanted: &str| {
            flat.chunks_exact(2).find(|pair| text(&pair[0]).as_deref() == Some(wanted)).map(|pair| &pair[1])
        };
        let number = |wanted: &str| field(wanted).and_then(|value| u64::from_redis_value_ref(value).ok());
        (text(field("name")?)? == name).then(|| Group {
            pending: number("pending").unwrap_or_default(),
            waiting: number("lag"),
            last: field("last-delivered-id").and_then(text).unwrap_or_default(),
        })
    })
}

/// What an entry is called: ids begin again when a stream is made anew, if its producer gives them.
pub(super) fn called(id: &str, fields: &[(Vec<u8>, Vec<u8>)]) -> Arc<str> {
    called::called(id, fields.iter().flat_map(|(name, value)| [name.as_slice(), value.as_slice()]))
}

/// What an entry is to the rest of Foghorn: one field is the record, the others are its headers. An entry
/// without such a field is itself the record, as an object of its fields.
pub(super) fn record(
    stream: &Arc<str>,
    field: &str,
    called: Arc<str>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
) -> Record {
    let names: &[&str] = if field.is_empty() { &["payload", "data"] } else { &[field] };
    let place = names.iter().find_map(|name| fields.iter().position(|(key, _)| key == name.as_bytes()));
    let (payload, rest) = match place {
        Some(place) => {
            let mut rest = fields;
            let (_, payload) = rest.remove(place);
            (payload, rest)
        }
        None => (object(&fields), Vec::new()),
    };
    Record {
        position: Position::Message { stream: Arc::clone(stream), id: called },
        left_out: payload.len().saturating_sub(RECORD_BYTES),
        payload: Some(payload[..payload.len().min(RECORD_BYTES)].into()),
        headers: rest
            .into_iter()
            .map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value))
            .collect(),
    }
}

fn object(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let object: Map<String, serde_json::Value> =
        fields.iter().map(|(name, value)| (text(name), text(value).into())).collect();
    serde_json::Value::Object(object).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn whole(id: &str, fields: &[&str]) -> Value {
        Value::Array(vec![bulk(id), Value::Array(fields.iter().map(|field| bulk(field)).collect())])
    }

    fn pairs(fields: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn entries_come_with_their_fields_and_what_is_gone_with_its_id() {
        let gone = Value::Array(vec![bulk("2-0"), Value::Nil]);
        let stream = Value::Array(vec![bulk("s"), Value::Array(vec![whole("1-0", &["a", "b"]), gone])]);
        let found = read(Value::Array(vec![stream])).expect("an answer");
        assert_eq!(found[0], Entry::Whole("1-0".into(), pairs(&[("a", "b")])));
        assert_eq!(found[1], Entry::Gone("2-0".into()));
        assert_eq!(read(Value::Nil), Some(Vec::new()));
        assert_eq!(read(Value::Int(1)), None);
    }

    #[test]
    fn a_claim_says_where_to_go_on_and_what_is_gone() {
        let answer = Value::Array(vec![
            bulk("0-0"),
            Value::Array(vec![whole("1-0", &["a", "b"]), Value::Nil]),
            Value::Array(vec![bulk("3-0")]),
        ]);
        let (cursor, found) = claimed(answer).expect("an answer");
        assert_eq!((cursor.as_str(), found.len()), ("0-0", 2));
        assert_eq!(found[1], Entry::Gone("3-0".into()));
    }

    #[test]
    fn one_field_is_the_record_and_the_others_are_headers() {
        let read = |field: &str, fields: &[(&str, &str)]| {
            let record = record(&"s".into(), field, "1-0".into(), pairs(fields));
            (String::from_utf8(record.payload.expect("one").to_vec()).expect("text"), record.headers.len())
        };
        assert_eq!(read("", &[("traceparent", "t"), ("data", "D")]), ("D".to_owned(), 1));
        assert_eq!(read("", &[("data", "D"), ("payload", "P")]), ("P".to_owned(), 1));
        assert_eq!(read("body", &[("data", "D"), ("body", "B")]), ("B".to_owned(), 1));
        assert_eq!(read("", &[("title", "T")]), (r#"{"title":"T"}"#.to_owned(), 0));
    }

    #[test]
    fn a_group_is_found_by_its_name() {
        let flat = |name: &str, lag: Value| {
            Value::Array(vec![
                bulk("name"),
                bulk(name),
                bulk("pending"),
                Value::Int(3),
                bulk("last-delivered-id"),
                bulk("7-1"),
                bulk("lag"),
                lag,
            ])
        };
        let answer = Value::Array(vec![flat("other", Value::Int(9)), flat("foghorn", Value::Nil)]);
        let found = group(&answer, "foghorn").expect("it is there");
        assert_eq!(found, Group { pending: 3, waiting: None, last: "7-1".to_owned() });
        assert_eq!(group(&answer, "other").and_then(|group| group.waiting), Some(9));
        assert_eq!(group(&answer, "nobody"), None);
    }
}
