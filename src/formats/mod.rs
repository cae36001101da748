//! Between the bytes of a record and the domain: strict, bounded, and telling everything that is
//! wrong at once.
//!
//! ```text
//! bytes ─ format: parts ─ strict_json ─▶ light tree ─ native, presets, senders ─▶ Body
//!    ╰─ batch (HTTP: one or many)              ╰─ mapper ─╯
//! headers ─ loop? traceparent, CloudEvents ────────────────────────────────────────╯
//! ```
//!
//! serde_json alone takes the last of two equal keys, lets NUL through and turns a long integer
//! into a float. Stores differ in what they make of each, so the same record would be an event
//! on one and poison on the other. Hence everything dubious is refused here, at the edge, with a
//! JSON Pointer to the place.

pub mod batch;
mod envelope;
mod fields;
mod format;
pub mod headers;
pub mod mapper;
pub mod native;
pub mod presets;
mod problems;
pub mod reply;
mod senders;
pub mod shapes;
pub mod strict_json;
mod text;
mod trial;

#[cfg(test)]
mod tests;

pub use format::{FORMATS, Format, Headers, Parts, parts, read};
pub use senders::cloud_events::Envelopes;
pub use senders::{line, lines};
pub use trial::{ReadEvent, ReadNotification, Trial, trials};

use std::collections::BTreeMap;

use crate::domain::event::{Body, Bounds};
use crate::domain::names::{MessageType, SourceName};
use crate::domain::severity::{Severity, SeverityAliases};

/// What the operator says about records.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// How large a record may be.
    pub bounds: Bounds,
    /// The operator's own words for severities.
    pub aliases: SeverityAliases,
    /// The severity of an event that names none.
    pub default_severity: Severity,
    /// `[notifications.TYPE] link`: where messages of this type lead.
    pub links: BTreeMap<MessageType, String>,
    /// `[sources.NAME] format`: what the records of each source are.
    pub formats: BTreeMap<SourceName, Format>,
}

impl Words {
    /// What the records of `source` are. Of one that is configured no more they are taken for our own.
    pub fn format_of(&self, source: &SourceName) -> &Format {
        self.formats.get(source).unwrap_or(&Format::Foghorn)
    }
}

impl Default for Words {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            aliases: SeverityAliases::default(),
            default_severity: Severity::Medium,
            links: BTreeMap::new(),
            formats: BTreeMap::new(),
        }
    }
}

/// A body, and the producer's own id of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What is asked for.
    pub body: Body,
    /// `event_id` or `idempotency_key`, if the record has one.
    pub producer_id: Option<String>,
}

/// What a record was read as.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is an event")]
pub enum Read {
    /// An event.
    Event(Reading),
    /// Nothing, on purpose: the rule of this name of its mapper lets it go.
    Ignored(String),
}

/// All that an event says, headers included.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What is asked for.
    pub body: Body,
    /// The record's own id, else the one of its CloudEvents envelope.
    pub producer_id: Option<String>,
    /// A valid W3C `traceparent`.
    pub traceparent: Option<String>,
}
