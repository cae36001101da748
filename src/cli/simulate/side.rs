//! The two configurations that events are read by.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::connection::{Connection, Failure};
use super::super::print::say;
use super::past::Seen;
use crate::catalogue::Code;
use crate::config::{Config, Loaded, Problem};
use crate::daemon::assembly;
use crate::domain::direct_test::DirectAnswer;
use crate::domain::event::Body;
use crate::domain::names::SourceName;
use crate::domain::record::Record;
use crate::domain::route_test::Answer;
use crate::formats::{Format, ReadEvent, ReadNotification, Trial, Words, trials};

/// What is compared, and with what.
pub(super) struct Sides<'a> {
    before: Side<'a>,
    after: Side<'a>,
}

/// A configuration that events are read by.
enum Side<'a> {
    /// The one in use.
    Running(&'a Connection),
    /// One of a file.
    File(Box<Config>, Words),
}

/// What both make of a record.
pub(super) struct Both {
    pub(super) seen: Seen,
    pub(super) before: Vec<One>,
    pub(super) after: Vec<One>,
}

/// What becomes of one event of a record, and who would hear.
#[derive(Debug, Default, Deserialize)]
pub(super) struct One {
    pub(super) event: Option<ReadEvent>,
    pub(super) notification: Option<ReadNotification>,
    pub(super) ignored: Option<String>,
    pub(super) refused: Option<String>,
    pub(super) would: Option<Answer>,
    pub(super) would_tell: Option<DirectAnswer>,
}

#[derive(Debug, Deserialize)]
struct Tried {
    events: Vec<One>,
}

/// What the files come to with these records of the store beside them, as after a reload. What does not fit is left out
/// and told.
pub(super) fn beside(loaded: Loaded, records: &[Record]) -> Result<Config, Vec<Problem>> {
    if records.is_empty() {
        return Ok(loaded.config);
    }
    let file = loaded.origin.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let composed = loaded.files.with(records, |_| true)?;
    for left in &composed.left_out {
        let record = format!("{}/{}", left.section.as_str(), left.name);
        say(&format!("{record} of the store does not fit {file} and is left out: {}", left.why));
    }
    Ok(composed.loaded.config)
}

impl<'a> Sides<'a> {
    /// `new`, and what it is compared with: `against`, or what the server has in use.
    pub(super) fn of(new: Config, against: Option<Config>, server: &'a Connection) -> Self {
        let file = |config: Config| {
            let words = assembly::words(&config);
            Side::File(Box::new(config), words)
        };
        Self { before: against.map_or(Side::Running(server), file), after: file(new) }
    }

    pub(super) async fn hear(&self, seen: Seen) -> Result<Both, Failure> {
        let (before, after) = (self.before.hear(&seen).await?, self.after.hear(&seen).await?);
        Ok(Both { seen, before, after })
    }
}

impl Side<'_> {
    /// What it makes of each event of a record.
    async fn hear(&self, seen: &Seen) -> Result<Vec<One>, Failure> {
        match (self, &seen.payload) {
            (Self::Running(server), Some(payload)) => asked(server, seen, payload).await,
            // No format reads one without a value.
            (Self::Running(_), None) => {
                Ok(read(&Format::Foghorn, &Words::default(), seen, |_| One::default()))
            }
            (Self::File(config, words), _) => {
                let source = SourceName::from(seen.source.as_str());
                let Some(format) = words.formats.get(&source) else { return Ok(no_source()) };
                let routes = &config.route_table;
                Ok(read(format, words, seen, |body| match body {
                    Body::Incident(event) => {
                        One { would: Some(routes.would(&event, &source, seen.at)), ..One::default() }
                    }
                    Body::Notification(request) => {
                        One { would_tell: Some(routes.would_tell(&request, seen.at)), ..One::default() }
                    }
                }))
            }
        }
    }
}

/// What the running Foghorn says of a record.
async fn asked(server: &Connection, seen: &Seen, payload: &[u8]) -> Result<Vec<One>, Failure> {
    let mut body = match std::str::from_utf8(payload) {
        Ok(text) => json!({ "record": text }),
        Err(_) => json!({ "raw": STANDARD.encode(payload) }),
    };
    let mut headers = BTreeMap::new();
    for (name, _) in &seen.headers {
        // As where records are read.
        headers.extend(seen.header(name).map(|value| (name.to_ascii_lowercase(), Value::from(value))));
    }
    body["headers"] = json!(headers);
    body["at"] = json!(seen.at);
    match server.post::<Tried>(&format!("/api/v1/sources/{}/test", seen.source), &body).await {
        Ok(tried) => Ok(tried.events),
        Err(Failure::Refused { exit: Exit::NotFound, .. }) => Ok(no_source()),
        Err(Failure::Refused { code, .. }) if code == Code::TooLarge.as_str() => {
            Ok(refused("too large to ask the server about"))
        }
        Err(failure) => Err(failure),
    }
}

/// What a file makes of a record, with `would` for who would hear.
fn read(format: &Format, words: &Words, seen: &Seen, would: impl Fn(Body) -> One) -> Vec<One> {
    let header = |name: &str| seen.header(name);
    let each = trials(format, seen.payload.as_deref(), &header, words, seen.at);
    let one = |(trial, body): (Trial, Option<Body>)| One {
        event: trial.event,
        notification: trial.notification,
        ignored: trial.ignored,
        refused: trial.refused,
        ..body.map(&would).unwrap_or_default()
    };
    each.into_iter().map(one).collect()
}

fn refused(why: &str) -> Vec<One> {
    vec![One { refused: Some(why.to_owned()), ..One::default() }]
}

/// It is configured no more, or not yet.
fn no_source() -> Vec<One> {
    refused("there is no such source")
}
