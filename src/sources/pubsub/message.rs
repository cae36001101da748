//! What a message is called, and what it says as a record.

use std::sync::Arc;

use google_cloud_pubsub::model::Message;

use crate::domain::event::Position;
use crate::sources::Record;

/// Most bytes taken of one message. Pub/Sub takes none of more than 10 MB.
const MESSAGE_BYTES: usize = 16 << 20;

/// The message as a record of `subscription`, and what it is called: by the id that Pub/Sub gave it, and when.
/// An emulator that was started again counts from one again.
pub(super) fn record(subscription: &Arc<str>, message: Message, attempt: Option<i32>) -> (Record, Arc<str>) {
    let Message { data, attributes, message_id, publish_time, ordering_key, .. } = message;
    let (seconds, nanos) = publish_time.map_or((0, 0), |time| (time.seconds(), time.nanos()));
    let id: Arc<str> = format!("{message_id}@{seconds}.{nanos:09}").into();
    let mut headers: Vec<(String, Vec<u8>)> =
        attributes.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    headers.sort_unstable();
    headers.push(("message-id".to_owned(), message_id.into_bytes()));
    if !ordering_key.is_empty() {
        headers.push(("ordering-key".to_owned(), ordering_key.into_bytes()));
    }
    if let Some(attempt) = attempt {
        headers.push(("delivery-attempt".to_owned(), attempt.to_string().into_bytes()));
    }
    let position = Position::Message { stream: Arc::clone(subscription), id: Arc::clone(&id) };
    let left_out = data.len().saturating_sub(MESSAGE_BYTES);
    let payload = Some(data[..data.len() - left_out].into());
    (Record { position, payload, left_out, headers }, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pubsub_says_of_a_message_is_a_header() {
        let message = Message::new()
            .set_data(&b"{}"[..])
            .set_attributes([("ce-id", "7"), ("Content-Type", "application/json")])
            .set_message_id("4711")
            .set_ordering_key("disk");
        let (record, id) = record(&"incidents".into(), message, Some(3));
        assert_eq!((&*id, record.payload.as_deref()), ("4711@0.000000000", Some(&b"{}"[..])));
        let header = |name| record.header(name);
        assert_eq!((header("ce-id"), header("content-type")), (Some("7"), Some("application/json")));
        assert_eq!((header("ordering-key"), header("delivery-attempt")), (Some("disk"), Some("3")));
        assert_eq!(header("message-id"), Some("4711"));
    }
}
