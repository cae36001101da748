//! The live stream of a running Foghorn, as the commands that watch read it.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;

use super::connection::{Connection, Failure};
use crate::domain::Timestamp;

/// What the stream says next.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// Something happened.
    Fact(Box<Fact>),
    /// Facts were missed.
    Reset,
    /// Nothing, but it lives.
    Nothing,
    /// It is over.
    End,
}

/// One fact, as it came and as far as it is understood.
#[derive(Debug, PartialEq)]
pub(super) struct Fact {
    /// `incident.opened`
    pub(super) name: String,
    /// The object as it came.
    pub(super) json: String,
    pub(super) says: Says,
}

/// What facts say; each says some of it.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Says {
    pub(super) at: Option<Timestamp>,
    pub(super) number: Option<u64>,
    pub(super) incident_number: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) dedup_key: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) title: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) notification: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) to: Option<String>,
    pub(super) state: Option<String>,
    pub(super) attempt: Option<u32>,
    pub(super) took_ms: Option<i64>,
    pub(super) outcome: Option<String>,
    pub(super) code: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) provider_id: Option<String>,
    pub(super) next_attempt_at: Option<Timestamp>,
}

/// What to watch.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// Words of topics; empty for all.
    pub(super) topics: String,
    pub(super) filter: String,
}

/// An open stream.
#[derive(Debug)]
pub(super) struct Stream {
    response: Response,
    lines: Lines,
    heard: VecDeque<Heard>,
    /// The id of the last thing heard.
    last: Option<String>,
}

/// The server says something every 15 s; after as long as this, it is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(45);

impl Stream {
    /// Opens it, after the fact with this id or from now on.
    pub(super) async fn open(server: &Connection, wish: &Wish, after: Option<&str>) -> Result<Self, Failure> {
        let mut query = Vec::new();
        for (name, value) in [("topics", wish.topics.as_str()), ("filter", &wish.filter)] {
            if !value.is_empty() {
                query.push((name, value.to_owned()));
            }
        }
        query.extend(after.map(|id| ("last_event_id", id.to_owned())));
        let response = server.follow("/api/v1/stream", &query).await?;
        let last = after.map(str::to_owned);
        Ok(Self { response, lines: Lines::default(), heard: VecDeque::new(), last })
    }

    /// Where to go on after this stream.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Reads the greeting, and gives the id that the stream begins after.
    pub(super) async fn begun(&mut self) -> Option<String> {
        while self.last.is_none() {
            match self.next().await {
                Heard::End => return None,
                other => self.heard.push_back(other),
            }
        }
        self.last.clone()
    }

    /// What comes next. Cancel safe.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            // However it ended: it is over.
            let Ok(Some(chunk)) = self.response.chunk().await else {
                return Heard::End;
            };
            for message in self.lines.read(&chunk) {
                self.last = message.id.or(self.last.take());
                self.heard.push_back(understood(&message.event, message.data));
            }
        }
    }
}

fn understood(name: &str, json: String) -> Heard {
    match name {
        "reset" => Heard::Reset,
        _ if json.is_empty() => Heard::Nothing,
        // Fields of another version are left alone, and so is a fact that is not understood at all.
        name => {
            let says = serde_json::from_str(&json).unwrap_or_default();
            Heard::Fact(Box::new(Fact { name: name.to_owned(), json, says }))
        }
    }
}

/// Server-sent events, of bytes that may be cut anywhere.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    message: Message,
}

#[derive(Debug, Default, PartialEq)]
struct Message {
    id: Option<String>,
    event: String,
    data: String,
}

impl Lines {
    fn read(&mut self, chunk: &[u8]) -> Vec<Message> {
        self.rest.extend_from_slice(chunk);
        let mut messages = Vec::new();
        let mut begin = 0;
        while let Some(length) = self.rest[begin..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.rest[begin..begin + length]).into_owned();
            begin += length + 1;
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                messages.push(std::mem::take(&mut self.message));
            } else {
                self.message.take(line);
            }
        }
        self.rest.drain(..begin);
        messages
    }
}

impl Message {
    fn take(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.event),
            "data" if self.data.is_empty() => value.clone_into(&mut self.data),
            "data" => {
                self.data.push('\n');
                self.data.push_str(value);
            }
            // A comment, or a field that nobody needs here.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_the_same_however_it_is_cut() {
        let text = "retry: 3000\nid: 7\n\n: ping\nid: 8\n\nid: 9\r\nevent: incident.opened\r\n\
                    data: {\"number\":1,\"title\":\"Größe\"}\r\n\r\nid: 10\nevent: reset\ndata: {}\n\nid: 11\n";
        let message = |id: &str, event: &str, data: &str| Message {
            id: Some(id.to_owned()),
            event: event.to_owned(),
            data: data.to_owned(),
        };
        let expected = vec![
            message("7", "", ""),
            message("8", "", ""),
            message("9", "incident.opened", "{\"number\":1,\"title\":\"Größe\"}"),
            message("10", "reset", "{}"),
        ];
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let read: Vec<_> = text.as_bytes().chunks(size).flat_map(|chunk| lines.read(chunk)).collect();
            assert_eq!(read, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_fact_of_another_version_is_still_a_fact() {
        let Heard::Fact(fact) = understood("incident.dreamt", "{\"number\":7,\"of\":[]}".to_owned()) else {
            panic!("it is one")
        };
        assert_eq!((fact.says.number, fact.name.as_str()), (Some(7), "incident.dreamt"));
        assert_eq!(understood("", String::new()), Heard::Nothing);
        assert_eq!(understood("reset", "{}".to_owned()), Heard::Reset);
    }
}
