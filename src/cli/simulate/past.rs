//! Past events, page by page: of the store, of a file, or of a bus.

use std::sync::Arc;

use super::super::connection::{Connection, Failure};
use super::super::records::{self, Lines};
use super::SimulateArgs;
use super::bus::{self, unseen};
use super::place::Place;
use super::store::Kept;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::sources::past::{Lying, Past as _, SideBySide};

/// Entries of one page.
pub(super) const PAGE: usize = 200;

/// One record that came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Its id, its line, or where it lies.
    pub(super) name: String,
    pub(super) source: String,
    pub(super) at: Timestamp,
    /// Its bytes; `None` is one without a value.
    pub(super) payload: Option<Arc<[u8]>>,
    /// What it came with.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) keeper: Keeper,
}

/// Who has a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// The store, which knows what opened an incident.
    Store,
    /// Somebody who knows nothing of incidents.
    Sender,
}

impl Seen {
    /// As [`crate::sources::Record::header`].
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }
}

/// Where past events are, ready to be read.
pub(super) enum Past {
    /// In the store: since this moment, of this source or of all.
    Store { since: Timestamp, source: Option<String> },
    /// In a file: as records of this source, that come now.
    File { lines: Lines, source: String, now: Timestamp },
    /// On the bus of this source; what does not say when it came comes now.
    Bus { past: SideBySide, source: String, now: Timestamp },
}

impl Past {
    pub(super) async fn of(
        place: Place,
        args: &SimulateArgs,
        now: Timestamp,
        new: &Config,
        against: Option<&Config>,
    ) -> Result<Self, Failure> {
        let since = now.checked_sub(args.since).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(match place {
            Place::Store(source) => Self::Store { since, source },
            Place::File(path) => {
                let file = records::open(&path).map_err(Failure::Unreadable)?;
                Self::File { lines: Lines::of(file), source: args.source.clone(), now }
            }
            Place::Topic { source, topic } => {
                let past = bus::past(&source, topic.as_deref(), since, new, against).await?;
                Self::Bus { past, source, now }
            }
        })
    }

    /// Page by page.
    pub(super) fn events(self, server: &Connection) -> Events<'_> {
        match self {
            Self::Store { since, source } => Events::Store(Kept::since(since, source.as_deref(), server)),
            Self::File { lines, source, now } => Events::File { lines, source, now },
            Self::Bus { past, source, now } => Events::Bus { past, source, now },
        }
    }
}

/// Past events, page by page.
pub(super) enum Events<'a> {
    Store(Kept<'a>),
    File { lines: Lines, source: String, now: Timestamp },
    Bus { past: SideBySide, source: String, now: Timestamp },
}

impl Events<'_> {
    /// The next page; it may be empty. `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Seen>>, Failure> {
        match self {
            Self::Store(kept) => kept.next().await,
            Self::File { lines, source, now } => file(lines, source, *now),
            Self::Bus { past, source, now } => {
                let page = past.next().await.map_err(|error| unseen(source, error))?;
                Ok(page.map(|page| page.into_iter().map(|lying| lay(lying, source, *now)).collect()))
            }
        }
    }
}

fn file(lines: &mut Lines, source: &str, now: Timestamp) -> Result<Option<Vec<Seen>>, Failure> {
    let mut page = Vec::new();
    for record in lines.by_ref().take(PAGE) {
        let record = record.map_err(|why| Failure::Unreadable(format!("the file breaks off: {why}")))?;
        page.push(Seen {
            name: format!("line {}", record.line),
            source: source.to_owned(),
            at: now,
            payload: Some(record.raw.into()),
            headers: Vec::new(),
            keeper: Keeper::Sender,
        });
    }
    Ok(Some(page).filter(|page| !page.is_empty()))
}

fn lay(Lying { since, record }: Lying, source: &str, now: Timestamp) -> Seen {
    Seen {
        // As lists of events name it.
        name: record.position.to_string(),
        source: source.to_owned(),
        at: since.unwrap_or(now),
        payload: record.payload,
        headers: record.headers,
        keeper: Keeper::Sender,
    }
}
