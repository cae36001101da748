//! A reader of the live stream, byte by byte.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// One message of the stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Message {
    pub(crate) id: Option<u64>,
    /// Empty for a greeting or a heartbeat.
    pub(crate) event: String,
    pub(crate) data: Value,
    /// The text as it came.
    pub(crate) raw: String,
}

pub(crate) struct EventReader {
    response: Response,
    rest: String,
}

impl EventReader {
    /// Opens a stream, which must be one.
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let response = request.timeout(PATIENCE * 4).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    /// The next message, whatever it is; `None` at the end.
    pub(crate) async fn any(&mut self) -> Option<Message> {
        loop {
            if let Some((raw, rest)) = self.rest.split_once("\n\n") {
                let message = read(raw);
                self.rest = rest.to_owned();
                return Some(message);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("the stream says something");
            // A stream that is cut has ended, too.
            self.rest.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// The next message that is a fact, or `reset`.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let message = self.any().await?;
            if !message.event.is_empty() {
                return Some(message);
            }
        }
    }
}

fn read(raw: &str) -> Message {
    let mut message = Message { raw: raw.to_owned(), ..Message::default() };
    for line in raw.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => message.id = id.parse().ok(),
            Some(("event", event)) => event.clone_into(&mut message.event),
            Some(("data", data)) => message.data = serde_json::from_str(data).unwrap(),
            _ => {}
        }
    }
    message
}
