//! Messages that the client cannot read.
//!
//! A server takes whatever stands for headers, and hands it on. The client ends its connection over headers that are
//! no text or have no name, and everything that was behind such a message on the connection is gone with it, again and
//! again. So when a connection breaks while messages are on their way, those that were handed out are looked at in
//! another way: the API that keeps a stream's messages says them as JSON. Whatever the client could not have read is
//! read here, and answered like any other: the subject of an answer is made of the message's number.

use std::sync::Arc;

use async_nats::header::HeaderName;
use async_nats::jetstream::consumer;
use async_nats::{Client, Subject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::trouble;
use crate::domain::Timestamp;
use crate::domain::event::Position;
use crate::sources::{Record, SourceError};

/// How many messages are looked at: more are never in flight.
const MOST: usize = 4_096;

/// What a line of the protocol ends with.
const END: u8 = b'\n';

/// What keeps a stream says of one message.
#[derive(Deserialize)]
struct Answer {
    message: Option<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    seq: u64,
    time: Timestamp,
    /// Base64, as `data`.
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

/// The messages that were handed out to this consumer and that the client cannot read, with where each is answered.
pub(super) async fn among_handed_out(
    client: &Client,
    stream: &Arc<str>,
    info: &consumer::Info,
) -> Result<Vec<(Arc<str>, Subject, Record)>, SourceError> {
    let wanted = match info.config.filter_subject.as_str() {
        "" => ">",
        subject => subject,
    };
    let mut found = Vec::new();
    let mut next = info.ack_floor.stream_sequence + 1;
    for _ in 0..MOST {
        if next > info.delivered.stream_sequence {
            break;
        }
        let Some(kept) = ask(client, stream, next, wanted).await? else { break };
        next = kept.seq + 1;
        let headers = decoded(&kept.hdrs)?;
        if kept.seq <= info.delivered.stream_sequence && !is_read_by_the_client(&headers) {
            let reply = format!("$JS.ACK.{stream}.{}.1.{seq}.{seq}.0.0", info.name, seq = kept.seq);
            let id: Arc<str> = called(kept.seq, kept.time.as_nanosecond());
            let position = Position::Message { stream: Arc::clone(stream), id: Arc::clone(&id) };
            let payload = Some(decoded(&kept.data)?.into());
            let record = Record { position, payload, left_out: 0, headers: plain(&headers) };
            found.push((id, reply.into(), record));
        }
    }
    Ok(found)
}

/// What a message is called: sequences begin again when a stream is made anew; the moment tells the two apart.
pub(super) fn called(sequence: u64, nanos: i128) -> Arc<str> {
    format!("{sequence}@{nanos}").into()
}

/// The first message of these subjects from this number on.
async fn ask(client: &Client, stream: &str, from: u64, subject: &str) -> Result<Option<Kept>, SourceError> {
    let asked = json!({ "seq": from, "next_by_subj": subject }).to_string();
    let answer = client.request(format!("$JS.API.STREAM.MSG.GET.{stream}"), asked.into()).await;
    let answer = answer.map_err(|error| SourceError::Lost(trouble::in_words(&error)))?;
    let answer = serde_json::from_slice::<Answer>(&answer.payload);
    // Without one the answer is an error: there is none, or we may not ask, and go on without it.
    answer.map(|answer| answer.message).map_err(|error| SourceError::Lost(trouble::in_words(&error)))
}

fn decoded(text: &str) -> Result<Vec<u8>, SourceError> {
    STANDARD.decode(text).map_err(|error| SourceError::Lost(trouble::in_words(&error)))
}

/// Whether the client goes on after headers like these.
fn is_read_by_the_client(headers: &[u8]) -> bool {
    if headers.is_empty() {
        return true;
    }
    let Ok(text) = std::str::from_utf8(headers) else { return false };
    let mut lines = text.lines();
    // With a number behind it, it would be taken for an answer of the server.
    let begins = lines
        .next()
        .and_then(|line| line.strip_prefix("NATS/1.0"))
        .is_some_and(|rest| rest.trim().is_empty());
    let mut names = lines.filter(|line| !line.is_empty()).enumerate().filter(|(at, line)| {
        // A line that begins with a blank goes on with the one before it.
        *at == 0 || !line.starts_with(char::is_whitespace)
    });
    begins
        && names
            .all(|(_, line)| line.split_once(':').is_some_and(|(name, _)| name.parse::<HeaderName>().is_ok()))
}

/// Names and values as far as there are any.
fn plain(headers: &[u8]) -> Vec<(String, Vec<u8>)> {
    let header = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        Some((String::from_utf8_lossy(name).into_owned(), value[1..].trim_ascii().to_vec()))
    };
    headers.split(|byte| *byte == END).skip(1).filter_map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_stumbles_over_is_known() {
        for good in
            ["", "NATS/1.0\r\n\r\n", "NATS/1.0\r\na: b\r\nc:\r\n\r\n", "NATS/1.0\r\na: b\r\n folded\r\n\r\n"]
        {
            assert!(is_read_by_the_client(good.as_bytes()), "{good:?}");
        }
        let bad: [&[u8]; 8] = [
            b"NATS/1.0\r\na: \xff\r\n\r\n",
            b"NATS/1.0\r\nno colon\r\n\r\n",
            b"NATS/1.0\r\na name: x\r\n\r\n",
            b"NATS/1.0\r\n\0: x\r\n\r\n",
            b"NATS/1.0\r\n folded: x\r\n\r\n",
            b"NATS/1.0 404 No Messages\r\n\r\n",
            b"NATS/2.0\r\n\r\n",
            b"\r\n",
        ];
        for bad in bad {
            assert!(!is_read_by_the_client(bad), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn headers_come_along_as_bytes() {
        let headers = plain(b"NATS/1.0\r\ntraceparent:  \xff \r\nno colon\r\n: nameless\r\n\r\n");
        assert_eq!(
            headers,
            [("traceparent".to_owned(), b"\xff".to_vec()), (String::new(), b"nameless".to_vec())]
        );
    }
}
