//! What events are about: the same key in the same *keyspace* is the same incident.
//!
//! Our own record's keys, and those that follow from what a thing is, are shared: whoever says one means the
//! same thing. Where a key belongs to whoever sends it, as with an integration of PagerDuty, each source has
//! a keyspace of its own, and nobody else's word reaches into it.

use super::event::IncidentEvent;
use super::incident::Incident;
use super::names::SourceName;

/// Where a dedup key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Keyspace {
    /// Everywhere: it means the same, whoever says it.
    #[default]
    Shared,
    /// In its source alone.
    Source,
}

impl Keyspace {
    /// Its name in the store for what is of `source`. The shared one has none.
    pub fn name(self, source: &SourceName) -> &str {
        match self {
            Self::Shared => "",
            Self::Source => source.as_str(),
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Self {
        if name.is_empty() { Self::Shared } else { Self::Source }
    }
}

/// A dedup key, and where it counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DedupKey {
    /// What senders call it.
    pub text: String,
    /// Whose it is; of the shared ones nobody's.
    pub own_of: Option<SourceName>,
}

impl DedupKey {
    /// The key `text` of `source`.
    pub fn new(text: &str, keyspace: Keyspace, source: &SourceName) -> Self {
        let own_of = match keyspace {
            Keyspace::Shared => None,
            Keyspace::Source => Some(source.clone()),
        };
        Self { text: text.to_owned(), own_of }
    }

    /// A key that means the same to everybody.
    pub fn shared(text: &str) -> Self {
        Self { text: text.to_owned(), own_of: None }
    }

    /// What `event` of `source` is about.
    pub fn of(event: &IncidentEvent, source: &SourceName) -> Self {
        Self::new(&event.dedup_key, event.keyspace, source)
    }

    /// What `incident` is.
    pub fn of_incident(incident: &Incident) -> Self {
        Self::new(&incident.dedup_key, incident.keyspace, &incident.source)
    }

    /// The name of its keyspace in the store.
    pub fn keyspace(&self) -> &str {
        self.own_of.as_ref().map_or("", SourceName::as_str)
    }
}
