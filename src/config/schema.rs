//! Every key there is, and what may stand behind it. The check, the environment and the test of
//! the reference file all read this one table.

mod access;
mod events_out;
mod mapping;
mod people;
mod routing;
mod sources;

use access::{AUTH, HTTP, TOKEN};
pub(super) use events_out::EVENTS_OUT;
use mapping::MAPPER;
use people::{NOTIFICATION, SILENCE, TEAM, USER};
use routing::{POLICY, ROUTE};
use sources::{SASL, TLS};
pub(super) use sources::{SOURCE_TYPES, SOURCE_TYPES_LATER, SOURCES, SourceType, source_keys, source_type};

/// What may stand behind a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// One of these words; the second list arrives in a later version.
    Word(&'static [&'static str], &'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A whole number in this range.
    Count(u64, u64),
    /// From 0 to 1.
    Share,
    /// A duration in this range, in milliseconds.
    Duration(u64, u64),
    /// So many in a second, a minute or an hour.
    Rate,
    /// A size in this range, in bytes.
    Size(u64, u64),
    /// A date and a time: local, or with an offset.
    Moment,
    /// A time of the day.
    Clock,
    /// The name of a time zone.
    Zone,
    /// Texts.
    Texts,
    /// A secret, resolved before anything is checked.
    Secret,
    /// `[table]`
    Table(&'static Section),
    /// `[table.NAME]`: names are the operator's.
    Named(&'static Section),
    /// `[sources.NAME]`: what is known depends on `type`.
    Sources,
    /// `[[list]]`
    Each(&'static Section),
    /// Any keys, each one of these words.
    Words(&'static [&'static str]),
    /// Any keys, each `true` or `false`.
    Switches,
    /// Any keys with a text, number or switch behind each.
    Properties,
    /// `match = { … }`
    Match,
    /// What a mapper says of a field, or looks at: a text, a number, a list or a table that it reads itself.
    Mapped,
    /// What must fit one field of it; `labels` without quotes has a table of its own.
    Patterns,
}

/// A key and what may stand behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What a table may hold.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) keys: &'static [Key],
    /// Keys that a later version will know.
    pub(super) later: &'static [&'static str],
    /// Other keys are somebody else's to check.
    pub(super) open: bool,
}

impl Section {
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        self.keys.iter().find(|key| key.name == name).map(|key| key.kind)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

const fn section(keys: &'static [Key], later: &'static [&'static str]) -> Section {
    Section { keys, later, open: false }
}

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The whole file.
pub(super) static ROOT: Section = section(
    &[
        key("config_version", Kind::Count(1, 1)),
        key("include", Kind::Texts),
        key("server", Kind::Table(&SERVER)),
        key("http", Kind::Table(&HTTP)),
        key("auth", Kind::Table(&AUTH)),
        key("tokens", Kind::Named(&TOKEN)),
        key("store", Kind::Table(&STORE)),
        key("sources", Kind::Sources),
        key("mappers", Kind::Named(&MAPPER)),
        key("channels", Kind::Named(&CHANNEL)),
        key("events_out", Kind::Named(&EVENTS_OUT)),
        key("users", Kind::Named(&USER)),
        key("teams", Kind::Named(&TEAM)),
        key("routes", Kind::Each(&ROUTE)),
        key("policies", Kind::Named(&POLICY)),
        key("silences", Kind::Named(&SILENCE)),
        key("notifications", Kind::Named(&NOTIFICATION)),
        key("incidents", Kind::Table(&INCIDENTS)),
        key("delivery", Kind::Table(&DELIVERY)),
        key("templates", Kind::Table(&TEMPLATES)),
        key("telemetry", Kind::Table(&TELEMETRY)),
    ],
    &[],
);

static SERVER: Section = section(
    &[
        key("name", Kind::Text),
        key("public_url", Kind::Text),
        key("timezone", Kind::Zone),
        key("data_dir", Kind::Text),
        key("shutdown_grace", Kind::Duration(0, HOUR)),
        key("heartbeat_url", Kind::Secret),
        key("heartbeat_every", Kind::Duration(SECOND, HOUR)),
    ],
    &[],
);

static STORE: Section = section(
    &[
        key("url", Kind::Text),
        key("password", Kind::Secret),
        key("max_connections", Kind::Count(1, 1_000)),
        key("migrate", Kind::Word(&["auto", "manual"], &[])),
        key("retention", Kind::Table(&RETENTION)),
    ],
    &["replica_url"],
);

static RETENTION: Section = section(
    &[key("audit", Kind::Duration(0, 3_650 * DAY)), key("idempotency_keys", Kind::Duration(HOUR, 30 * DAY))],
    &["resolved_incidents", "deliveries", "dead_letters", "raw_events"],
);

/// What every `[channels.NAME]` has; the rest is its provider's.
pub(super) static CHANNEL: Section = Section {
    keys: &[
        key("type", Kind::Text),
        key("provider", Kind::Text),
        key("workers", Kind::Count(1, 10_000)),
        key("rate", Kind::Rate),
        key("recipient_rate", Kind::Rate),
        key("destination_rate", Kind::Rate),
        key("retry", Kind::Table(&RETRY)),
    ],
    later: &[],
    open: true,
};

/// Types of channels that a later version will know.
pub(super) const CHANNEL_TYPES_LATER: &[&str] = &["telegram"];
/// Keys of channels that a later version will know.
pub(super) const CHANNEL_KEYS_LATER: &[&str] = &[];

/// What `match` may name, besides `labels.NAME`.
pub(super) const FIELDS: [&str; 4] = ["service", "severity", "source", "title"];

/// Severities, worst first.
pub(super) const SEVERITIES: &[&str] = &["critical", "high", "medium", "low", "info"];

static INCIDENTS: Section = section(
    &[
        key("dedup_window", Kind::Duration(0, 365 * DAY)),
        key("flap_window", Kind::Duration(0, DAY)),
        key("auto_resolve", Kind::Duration(0, 365 * DAY)),
        key("max_age", Kind::Duration(0, 365 * DAY)),
        key("default_severity", Kind::Word(SEVERITIES, &[])),
        key("severity_aliases", Kind::Words(SEVERITIES)),
    ],
    &[],
);

static DELIVERY: Section = section(
    &[key("workers", Kind::Count(1, 10_000)), key("retry", Kind::Table(&RETRY))],
    &["retry_schedule", "jitter", "retry_on", "stop_when", "dead_letters"],
);

static RETRY: Section = section(
    &[
        key("base", Kind::Duration(10, DAY)),
        key("cap", Kind::Duration(10, 7 * DAY)),
        key("max_attempts", Kind::Count(1, 100_000)),
        key("max_age", Kind::Duration(SECOND, 365 * DAY)),
        key("jitter", Kind::Share),
        key("on_unknown", Kind::Word(&["retry", "hold"], &[])),
    ],
    &[],
);

static TEMPLATES: Section =
    section(&[key("dir", Kind::Text), key("locale", Kind::Text)], &["subject_style", "links"]);

static TELEMETRY: Section =
    section(&[key("logs", Kind::Table(&LOGS)), key("metrics", Kind::Table(&METRICS))], &["traces"]);

static LOGS: Section = section(
    &[
        key("level", Kind::Word(&["error", "warn", "info", "debug", "trace"], &[])),
        key("format", Kind::Word(&["auto", "pretty", "json"], &["logfmt"])),
    ],
    &["redact"],
);

static METRICS: Section = section(&[key("enabled", Kind::Switch)], &["listen", "per_service_labels"]);

/// Every key with the path of its table, `NAME` for the operator's names.
pub(super) fn every_key() -> Vec<(String, Key)> {
    let mut found = Vec::new();
    collect("", ROOT.keys, &mut found);
    found
}

fn collect(path: &str, keys: &[Key], found: &mut Vec<(String, Key)>) {
    for key in keys {
        let here = join(path, key.name);
        found.push((path.to_owned(), *key));
        match key.kind {
            Kind::Table(inner) => collect(&here, inner.keys, found),
            Kind::Named(inner) => collect(&join(&here, "NAME"), inner.keys, found),
            Kind::Each(inner) => collect(&here, inner.keys, found),
            Kind::Sources => collect(&join(&here, "NAME"), &source_keys(), found),
            _ => {}
        }
    }
}

/// `path.key`
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The table that has `name`, if it is only one and not `path`: it may stand in the wrong place.
pub(super) fn home_of(name: &str, path: &str) -> Option<String> {
    let mut homes: Vec<String> = every_key()
        .into_iter()
        .filter(|(home, key)| key.name == name && home != path && !home.contains("NAME"))
        .map(|(home, _)| home)
        .collect();
    homes.dedup();
    match homes.as_slice() {
        [home] if !home.is_empty() => Some(home.clone()),
        _ => None,
    }
}

/// What may stand at this path, the operator's names being any.
pub(super) fn kind_at(path: &[String]) -> Option<Kind> {
    let mut kind = Kind::Table(&ROOT);
    let mut rest = path.iter();
    while let Some(name) = rest.next() {
        let section = match kind {
            Kind::Table(section) => section,
            Kind::Named(section) => match rest.next() {
                Some(key) => return deeper(section.kind(key)?, rest.as_slice()),
                None => return Some(Kind::Properties),
            },
            Kind::Sources => match rest.next() {
                Some(key) => return deeper(sources::source_kind(key)?, rest.as_slice()),
                None => return Some(Kind::Properties),
            },
            Kind::Words(_) => return Some(Kind::Text),
            Kind::Switches => return Some(Kind::Switch),
            _ => return None,
        };
        kind = section.kind(name)?;
    }
    Some(kind)
}

fn deeper(kind: Kind, rest: &[String]) -> Option<Kind> {
    match (kind, rest) {
        (kind, []) => Some(kind),
        (Kind::Table(section), [name, rest @ ..]) => deeper(section.kind(name)?, rest),
        (Kind::Switches, [_]) => Some(Kind::Switch),
        _ => None,
    }
}
