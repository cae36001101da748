//! What a message is called, and what it says as a record.
//!
//! A name that its producer gave it stays the same when it comes again; the bytes are part of it, because
//! producers repeat names. A message without one is called something new each time.

use std::sync::Arc;

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, ShortString};

use crate::domain::event::Position;
use crate::sources::{Record, called};

/// Most bytes taken of one message, as of a record of any other bus.
const MESSAGE_BYTES: usize = 16 << 20;

/// The longest name that is kept as it is.
const LONGEST_NAME: usize = 128;

/// How often the message was rejected from `queue`, as the broker counts it.
pub(super) fn rounds(queue: &str, properties: &BasicProperties) -> u32 {
    let Some(AMQPValue::FieldArray(deaths)) =
        properties.headers().as_ref().and_then(|table| table.inner().get("x-death"))
    else {
        return 0;
    };
    let rejected = |death: &AMQPValue| {
        let AMQPValue::FieldTable(death) = death else { return 0 };
        let says = |name: &str, wanted: &str| matches!(death.inner().get(name), Some(AMQPValue::LongString(text)) if text.as_bytes() == wanted.as_bytes());
        match death.inner().get("count") {
            Some(AMQPValue::LongLongInt(count)) if says("reason", "rejected") && says("queue", queue) => {
                u32::try_from(*count).unwrap_or_default()
            }
            _ => 0,
        }
    };
    deaths.as_slice().iter().map(rejected).fold(0, u32::saturating_add)
}

/// The message as a record of `queue`, and what it is called.
pub(super) fn record(queue: &Arc<str>, delivery: Delivery) -> (Record, Arc<str>) {
    let Delivery { exchange, routing_key, properties, mut data, .. } = delivery;
    let headers = headers(&properties, &exchange, &routing_key);
    let id = name(&properties, &headers, &data);
    let left_out = data.len().saturating_sub(MESSAGE_BYTES);
    data.truncate(MESSAGE_BYTES);
    let position = Position::Message { stream: Arc::clone(queue), id: Arc::clone(&id) };
    (Record { position, payload: Some(data.into()), left_out, headers }, id)
}

fn name(properties: &BasicProperties, headers: &[(String, Vec<u8>)], data: &[u8]) -> Arc<str> {
    let named = properties.message_id().as_ref().map(ShortString::as_str);
    let header = |name: &str| {
        let found = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    let name = named.or_else(|| header("ce_id")).or_else(|| header("ce-id")).filter(|name| !name.is_empty());
    match name {
        None => format!("{:032x}", fastrand::u128(..)).into(),
        // What a store or a reader would stumble over is called by its digest.
        Some(name) if name.len() > LONGEST_NAME || name.contains(char::is_control) => {
            called::called(&format!("{:016x}", called::digest([name.as_bytes()])), [data])
        }
        Some(name) => called::called(name, [data]),
    }
}

/// The producer's own headers, and then what AMQP keeps beside them.
fn headers(
    properties: &BasicProperties,
    exchange: &ShortString,
    key: &ShortString,
) -> Vec<(String, Vec<u8>)> {
    let mut headers = Vec::new();
    for (name, value) in properties.headers().iter().flatten() {
        headers.extend(plain(value).map(|value| (spelled(name.as_str()), value)));
    }
    let beside = [
        ("content-type", properties.content_type()),
        ("content-encoding", properties.content_encoding()),
        ("message-id", properties.message_id()),
        ("correlation-id", properties.correlation_id()),
        ("reply-to", properties.reply_to()),
        ("type", properties.kind()),
        ("app-id", properties.app_id()),
    ];
    for (name, value) in beside {
        headers.extend(value.iter().map(|value| (name.to_owned(), value.as_str().as_bytes().to_vec())));
    }
    let place = [("exchange", exchange), ("routing-key", key)];
    headers.extend(place.map(|(name, value)| (name.to_owned(), value.as_str().as_bytes().to_vec())));
    headers
}

/// CloudEvents has two prefixes of its own for AMQP; everybody else's is `ce_`.
fn spelled(name: &str) -> String {
    let attribute = name.strip_prefix("cloudEvents:").or_else(|| name.strip_prefix("cloudEvents_"));
    attribute.map_or_else(|| name.to_owned(), |attribute| format!("ce_{attribute}"))
}

/// A value as bytes, if it is one and not many.
fn plain(value: &AMQPValue) -> Option<Vec<u8>> {
    Some(match value {
        AMQPValue::LongString(text) => text.as_bytes().to_vec(),
        AMQPValue::ShortString(text) => text.as_str().as_bytes().to_vec(),
        AMQPValue::ByteArray(bytes) => bytes.as_slice().to_vec(),
        AMQPValue::Boolean(value) => value.to_string().into_bytes(),
        AMQPValue::ShortShortInt(number) => number.to_string().into_bytes(),
        AMQPValue::ShortShortUInt(number) => number.to_string().into_bytes(),
        AMQPValue::ShortInt(number) => number.to_string().into_bytes(),
        AMQPValue::ShortUInt(number) => number.to_string().into_bytes(),
        AMQPValue::LongInt(number) => number.to_string().into_bytes(),
        AMQPValue::LongUInt(number) => number.to_string().into_bytes(),
        AMQPValue::LongLongInt(number) => number.to_string().into_bytes(),
        AMQPValue::Float(number) => number.to_string().into_bytes(),
        AMQPValue::Double(number) => number.to_string().into_bytes(),
        AMQPValue::Timestamp(seconds) => seconds.to_string().into_bytes(),
        AMQPValue::DecimalValue(_)
        | AMQPValue::FieldArray(_)
        | AMQPValue::FieldTable(_)
        | AMQPValue::Void => return None,
    })
}

#[cfg(test)]
mod tests {
    use lapin::types::FieldTable;

    use super::*;

    fn of(properties: BasicProperties, data: &[u8]) -> (Record, Arc<str>) {
        let mut delivery = Delivery::mock(1, "ex".into(), "user.new".into(), false, data.to_vec());
        delivery.properties = properties;
        record(&"q".into(), delivery)
    }

    fn named(name: &str) -> BasicProperties {
        BasicProperties::default().with_message_id(name.into())
    }

    #[test]
    fn a_name_and_its_bytes_are_the_same_when_they_come_again() {
        let (first, second) = (of(named("m-1"), b"{}").1, of(named("m-1"), b"{}").1);
        assert_eq!(first, second);
        assert!(first.starts_with("m-1#"), "{first}");
        assert_ne!(first, of(named("m-2"), b"{}").1);
        assert_ne!(first, of(named("m-1"), b"[]").1, "a producer that repeats a name loses nothing");
    }

    #[test]
    fn an_envelope_names_a_message_too_and_without_a_name_it_is_a_new_one() {
        let mut table = FieldTable::default();
        table.insert("cloudEvents:id".into(), AMQPValue::LongString("e-7".into()));
        let properties = BasicProperties::default().with_headers(table);
        let (record, id) = of(properties, b"{}");
        assert!(id.starts_with("e-7#"), "{id}");
        assert_eq!(record.header("ce_id"), Some("e-7"));
        let nameless = || of(BasicProperties::default(), b"{}").1;
        assert_ne!(nameless(), nameless());
        assert_ne!(of(named(""), b"{}").1, of(named(""), b"{}").1);
    }

    #[test]
    fn a_name_that_cannot_be_stored_is_a_digest() {
        for name in ["a\0b", &"x".repeat(255)] {
            let id = of(named(name), b"{}").1;
            assert!(
                id.len() == 33 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'#'),
                "{id}"
            );
        }
    }

    #[test]
    fn what_amqp_keeps_beside_the_headers_is_a_header() {
        let mut table = FieldTable::default();
        table.insert("raw".into(), AMQPValue::LongString(vec![0xff].into()));
        table.insert("tries".into(), AMQPValue::LongInt(3));
        table.insert("x-death".into(), AMQPValue::FieldArray(Vec::new().into()));
        let properties = named("m")
            .with_headers(table)
            .with_content_type("application/json".into())
            .with_type("new".into());
        let (record, _) = of(properties, b"{}");
        let header = |name| record.header(name);
        assert_eq!((header("content-type"), header("type")), (Some("application/json"), Some("new")));
        assert_eq!((header("exchange"), header("routing-key")), (Some("ex"), Some("user.new")));
        assert_eq!((header("tries"), header("raw"), header("x-death")), (Some("3"), None, None));
    }

    #[test]
    fn only_what_was_rejected_from_this_queue_counts() {
        let death = |reason: &str, queue: &str, count: i64| {
            let mut death = FieldTable::default();
            death.insert("reason".into(), AMQPValue::LongString(reason.into()));
            death.insert("queue".into(), AMQPValue::LongString(queue.into()));
            death.insert("count".into(), AMQPValue::LongLongInt(count));
            AMQPValue::FieldTable(death)
        };
        let counted = |deaths: Vec<AMQPValue>| {
            let mut table = FieldTable::default();
            table.insert("x-death".into(), AMQPValue::FieldArray(deaths.into()));
            rounds("q", &BasicProperties::default().with_headers(table))
        };
        assert_eq!(
            counted(vec![death("rejected", "q", 2), death("expired", "q", 9), death("rejected", "r", 9)]),
            2
        );
        assert_eq!(counted(vec![death("rejected", "q", -1), AMQPValue::Void]), 0);
        assert_eq!(rounds("q", &BasicProperties::default()), 0);
    }

    #[test]
    fn of_a_message_that_is_far_too_large_only_the_beginning_is_taken() {
        let (record, _) = of(named("m"), &vec![b' '; MESSAGE_BYTES + 7]);
        assert_eq!((record.payload.map(|payload| payload.len()), record.left_out), (Some(MESSAGE_BYTES), 7));
    }
}
