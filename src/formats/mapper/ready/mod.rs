//! Mappers for senders that many have: a source names one, and nothing is to be written.
//!
//! Each is a file as an operator would write it, to be copied and changed; a `[mappers.NAME]` of the same name
//! stands in its place. What opens an incident has its end there too, and what a sender says besides
//! (greetings, comments) is let go.

use std::sync::Arc;

use super::Mapper;
use crate::domain::severity::SeverityAliases;

#[cfg(test)]
mod tests;

/// Each of them: its name, and its file.
const READY: [(&str, &str); 5] = [
    ("alertmanager-events", include_str!("alertmanager-events.toml")),
    ("github", include_str!("github.toml")),
    ("goalert", include_str!("goalert.toml")),
    ("ilert", include_str!("ilert.toml")),
    ("sentry", include_str!("sentry.toml")),
];

/// Their names.
pub const NAMES: [&str; READY.len()] = {
    let mut names = [""; READY.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = READY[at].0;
        at += 1;
    }
    names
};

/// The file of the one of this name.
pub fn written(name: &str) -> Option<&'static str> {
    READY.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// The one of this name.
pub fn mapper(name: &str) -> Option<Arc<Mapper>> {
    let file: toml::Table = written(name)?.parse().ok()?;
    let table = file.get("mappers")?.get(name)?.as_table()?;
    // Their words for severities are ours.
    Mapper::compile(name, table, &SeverityAliases::default()).ok().map(Arc::new)
}
