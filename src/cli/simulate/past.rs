//! Past events: those of the store, with what could not become one, or the lines of a file.

use std::collections::BTreeMap;
use std::path::Path;

use futures::StreamExt;
use futures::stream;
use serde_json::value::RawValue;

use super::super::Exit;
use super::super::connection::{Connection, Failure, RawPage};
use super::super::lists::parsed;
use super::super::records::{self, Lines};
use super::super::shapes::{DeadLetter, Event, Incident};
use super::SimulateArgs;
use crate::domain::Timestamp;

/// Entries of one page.
const PAGE: usize = 200;
/// Incidents that are looked at, at the most: the newest.
const MOST: usize = 100_000;
/// How many are asked for at once.
const AT_ONCE: usize = 8;

/// One record that came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Its id, or its line.
    pub(super) name: String,
    pub(super) source: String,
    pub(super) at: Timestamp,
    pub(super) payload: String,
    /// It is a line of a file.
    pub(super) is_of_a_file: bool,
}

/// Where past events are.
pub(super) enum Past {
    /// In the store: since this moment, of this source or of all.
    Store { since: Timestamp, source: Option<String> },
    /// In a file: as records of this source, that come now.
    File { lines: Lines, source: String, now: Timestamp },
}

impl Past {
    pub(super) fn of(args: &SimulateArgs, now: Timestamp) -> Result<Self, String> {
        let since = now.checked_sub(args.since).unwrap_or(Timestamp::UNIX_EPOCH);
        let path = Path::new(&args.from);
        if args.from == "store" {
            return Ok(Self::Store { since, source: None });
        }
        if args.from == "-" || path.exists() {
            return Ok(Self::File {
                lines: Lines::of(records::open(path)?),
                source: args.source.clone(),
                now,
            });
        }
        match super::super::client::name(&args.from) {
            Ok(source) => Ok(Self::Store { since, source: Some(source) }),
            Err(_) => Err(format!("{} is neither a file nor the name of a source", args.from)),
        }
    }

    /// Page by page.
    pub(super) fn events(self, server: &Connection) -> Events<'_> {
        let reading = match self {
            Self::Store { since, source } => {
                let of_source = source.map(|source| format!(" source:{source}")).unwrap_or_default();
                Reading::Openings { since, filter: format!("since:{since}{of_source}") }
            }
            Self::File { lines, source, now } => Reading::File { lines, source, now },
        };
        Events { server, reading }
    }
}

enum Reading {
    /// Which events opened incidents is to be found out.
    Openings {
        since: Timestamp,
        filter: String,
    },
    /// These did, the newest first.
    Opened {
        since: Timestamp,
        filter: String,
        left: Vec<Event>,
    },
    /// What could not become an event, from this page on.
    Letters {
        filter: String,
        cursor: Option<String>,
    },
    File {
        lines: Lines,
        source: String,
        now: Timestamp,
    },
    End,
}

/// Past events, page by page.
pub(super) struct Events<'a> {
    server: &'a Connection,
    reading: Reading,
}

impl Events<'_> {
    /// The next page; it may be empty. `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Seen>>, Failure> {
        let server = self.server;
        let (page, next) = match std::mem::replace(&mut self.reading, Reading::End) {
            Reading::End => return Ok(None),
            Reading::Openings { since, filter } => {
                let left = openings(server, &filter).await?;
                (Vec::new(), Reading::Opened { since, filter, left })
            }
            Reading::Opened { filter, left, .. } if left.is_empty() => {
                (Vec::new(), Reading::Letters { filter: format!("{filter} kind:event"), cursor: None })
            }
            Reading::Opened { since, filter, mut left } => {
                let oldest = left.split_off(left.len().saturating_sub(PAGE));
                let each = oldest.into_iter().rev().map(|event| opening(server, event, since));
                let each: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
                let page = each.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
                (page, Reading::Opened { since, filter, left })
            }
            Reading::Letters { filter, cursor } => {
                let page = page(server, "/api/v1/dead-letters", &filter, cursor).await?;
                let each = stream::iter(page.data).map(|raw| letter(server, raw)).buffered(AT_ONCE);
                let each: Vec<Result<Seen, Failure>> = each.collect().await;
                let next = match page.next_cursor {
                    None => Reading::End,
                    cursor => Reading::Letters { filter, cursor },
                };
                (each.into_iter().collect::<Result<_, _>>()?, next)
            }
            Reading::File { mut lines, source, now } => match file(&mut lines, &source, now)? {
                None => return Ok(None),
                Some(page) => (page, Reading::File { lines, source, now }),
            },
        };
        self.reading = next;
        Ok(Some(page))
    }
}

async fn page(
    server: &Connection,
    path: &str,
    filter: &str,
    cursor: Option<String>,
) -> Result<RawPage, Failure> {
    let mut query = vec![("limit", PAGE.to_string()), ("filter", filter.to_owned())];
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    server.get(path, &query).await
}

/// The oldest event of each incident, the newest incident first.
async fn openings(server: &Connection, filter: &str) -> Result<Vec<Event>, Failure> {
    let (mut oldest, mut cursor) = (BTreeMap::new(), None);
    loop {
        let page = page(server, "/api/v1/events", filter, cursor).await?;
        for raw in &page.data {
            let event: Event = parsed(raw)?;
            if let Some(number) = event.incident_number {
                oldest.insert(number, event);
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() || oldest.len() >= MOST {
            return Ok(oldest.into_values().rev().collect());
        }
    }
}

/// An event that opened an incident, with its bytes; nothing of one whose incident was open before `since`.
async fn opening(server: &Connection, event: Event, since: Timestamp) -> Result<Option<Seen>, Failure> {
    let number = event.incident_number.unwrap_or_default();
    let incident: Incident = match server.get(&format!("/api/v1/incidents/{number}"), &[]).await {
        Ok(incident) => incident,
        // It was deleted.
        Err(Failure::Refused { exit: Exit::NotFound, .. }) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    if incident.opened_at < since {
        return Ok(None);
    }
    let event: Event = server.get(&format!("/api/v1/events/{}", event.id), &[]).await?;
    Ok(Some(Seen {
        name: event.id,
        source: event.source,
        at: event.received_at,
        payload: event.payload.unwrap_or_default(),
        is_of_a_file: false,
    }))
}

/// What could not become an event, with its bytes.
async fn letter(server: &Connection, raw: Box<RawValue>) -> Result<Seen, Failure> {
    let listed: DeadLetter = parsed(&raw)?;
    let letter: DeadLetter = server.get(&format!("/api/v1/dead-letters/{}", listed.id), &[]).await?;
    Ok(Seen {
        name: listed.id,
        source: listed.source,
        at: listed.quarantined_at,
        payload: letter.payload.unwrap_or_default(),
        is_of_a_file: false,
    })
}

fn file(lines: &mut Lines, source: &str, now: Timestamp) -> Result<Option<Vec<Seen>>, Failure> {
    let mut page = Vec::new();
    for record in lines.by_ref().take(PAGE) {
        let record = record.map_err(|why| Failure::Unreadable(format!("the file breaks off: {why}")))?;
        page.push(Seen {
            name: format!("line {}", record.line),
            source: source.to_owned(),
            at: now,
            payload: String::from_utf8_lossy(&record.raw).into_owned(),
            is_of_a_file: true,
        });
    }
    Ok(Some(page).filter(|page| !page.is_empty()))
}
