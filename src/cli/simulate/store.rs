//! What the store has: past events, with what could not become one, and the records that stand beside the files.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::Exit;
use super::super::connection::{Connection, Failure, RawPage};
use super::super::lists::parsed;
use super::super::shapes::{DeadLetter, Event, Incident};
use super::super::stored::Stored;
use super::past::{Keeper, PAGE, Seen};
use crate::domain::Timestamp;
use crate::domain::record::{Origin, Record, Section};

/// Incidents and direct notifications that are looked at, at the most: the newest.
const MOST: usize = 100_000;
/// How many are asked for at once.
const AT_ONCE: usize = 8;
/// What the store calls an event that tells people directly.
const DIRECT: &str = "direct";

/// One of `GET /api/v1/records`.
#[derive(Debug, Deserialize)]
struct Standing {
    section: Section,
    #[serde(flatten)]
    stored: Stored,
}

/// What stands in the store beside the files, in use or not: another file may be what it fits.
pub(super) async fn records(server: &Connection) -> Result<Vec<Record>, Failure> {
    let page: RawPage = server.get("/api/v1/records", &[]).await?;
    let each = page.data.iter().map(|raw| Ok(record(parsed(raw)?)));
    Ok(each.collect::<Result<Vec<_>, Failure>>()?.into_iter().flatten().collect())
}

fn record(Standing { section, stored }: Standing) -> Option<Record> {
    let Origin::Store { version, updated_at, updated_by, .. } = stored.origin else { return None };
    Some(Record { section, name: stored.name, document: stored.document, version, updated_at, updated_by })
}

enum Reading {
    /// Which events opened incidents or told people is to be found out.
    Openings,
    /// These did, the newest first.
    Opened(Vec<Event>),
    /// What could not become an event, from this page on.
    Letters(Option<String>),
    End,
}

/// Past events of the store, page by page.
pub(super) struct Kept<'a> {
    server: &'a Connection,
    since: Timestamp,
    filter: String,
    reading: Reading,
}

impl<'a> Kept<'a> {
    pub(super) fn since(since: Timestamp, source: Option<&str>, server: &'a Connection) -> Self {
        let of_source = source.map(|source| format!(" source:{source}")).unwrap_or_default();
        let filter = format!("since:{since}{of_source}");
        Self { server, since, filter, reading: Reading::Openings }
    }

    /// The next page; it may be empty. `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Seen>>, Failure> {
        let Self { server, since, .. } = *self;
        let (page, next) = match std::mem::replace(&mut self.reading, Reading::End) {
            Reading::End => return Ok(None),
            Reading::Openings => (Vec::new(), Reading::Opened(openings(server, &self.filter).await?)),
            Reading::Opened(left) if left.is_empty() => (Vec::new(), Reading::Letters(None)),
            Reading::Opened(mut left) => {
                let oldest = left.split_off(left.len().saturating_sub(PAGE));
                let each = oldest.into_iter().rev().map(|event| opening(server, event, since));
                let each: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
                let page = each.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
                (page, Reading::Opened(left))
            }
            Reading::Letters(cursor) => {
                let filter = format!("{} kind:event", self.filter);
                let page = page(server, "/api/v1/dead-letters", &filter, cursor).await?;
                let each = stream::iter(page.data).map(|raw| letter(server, raw)).buffered(AT_ONCE);
                let each: Vec<Result<Seen, Failure>> = each.collect().await;
                let next = match page.next_cursor {
                    None => Reading::End,
                    cursor => Reading::Letters(cursor),
                };
                (each.into_iter().collect::<Result<_, _>>()?, next)
            }
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

/// The oldest event of each incident and each direct notification, the newest first.
async fn openings(server: &Connection, filter: &str) -> Result<Vec<Event>, Failure> {
    let (mut oldest, mut direct, mut cursor) = (BTreeMap::new(), Vec::new(), None);
    loop {
        let page = page(server, "/api/v1/events", filter, cursor).await?;
        for raw in &page.data {
            let event: Event = parsed(raw)?;
            match event.incident_number {
                Some(number) => drop(oldest.insert(number, event)),
                None if event.decision == DIRECT => direct.push(event),
                None => {}
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() || oldest.len() + direct.len() >= MOST {
            break;
        }
    }
    direct.extend(oldest.into_values());
    direct.sort_by(|one, other| (other.received_at, &other.id).cmp(&(one.received_at, &one.id)));
    Ok(direct)
}

/// An event that opened an incident or told people, with its bytes; nothing of one whose incident was open before `since`.
async fn opening(server: &Connection, event: Event, since: Timestamp) -> Result<Option<Seen>, Failure> {
    if let Some(number) = event.incident_number {
        let incident: Incident = match server.get(&format!("/api/v1/incidents/{number}"), &[]).await {
            Ok(incident) => incident,
            // It was deleted.
            Err(Failure::Refused { exit: Exit::NotFound, .. }) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        if incident.opened_at < since {
            return Ok(None);
        }
    }
    let event: Event = server.get(&format!("/api/v1/events/{}", event.id), &[]).await?;
    Ok(Some(seen(event.id, event.source, event.received_at, event.payload)))
}

/// What could not become an event, with its bytes.
async fn letter(server: &Connection, raw: Box<RawValue>) -> Result<Seen, Failure> {
    let listed: DeadLetter = parsed(&raw)?;
    let letter: DeadLetter = server.get(&format!("/api/v1/dead-letters/{}", listed.id), &[]).await?;
    Ok(seen(listed.id, listed.source, listed.quarantined_at, letter.payload))
}

/// What is kept has its bytes alone.
fn seen(name: String, source: String, at: Timestamp, payload: Option<String>) -> Seen {
    let payload = Some(payload.unwrap_or_default().into_bytes().into());
    Seen { name, source, at, payload, headers: Vec::new(), keeper: Keeper::Store }
}
