//! What the records of a source are, and how one that holds several events is taken apart.
//!
//! A part is a record by itself: its bytes say everything that is needed to read it, in the same format
//! and without the headers that the whole came with. So a part that waits as a dead letter, or is taken in
//! once more, needs none of its neighbours.

use std::sync::Arc;

use serde::Deserialize;

use super::mapper::{Mapped, Mapper};
use super::senders::{alertmanager, cloud_events, opsgenie, pager_duty, sniff};
use super::{Parsed, Read, Words, headers};
use crate::domain::Timestamp;
use crate::domain::event::Bounds;
use crate::domain::malformed::Malformed;

/// What the records of a source are: `format` of `[sources.NAME]`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub enum Format {
    /// Foghorn's own record, bare or as a CloudEvent; or one of [`super::presets`].
    #[default]
    #[serde(rename = "foghorn")]
    Foghorn,
    /// CloudEvents 1.0 of any type.
    #[serde(rename = "cloudevents")]
    CloudEvents,
    /// What Alertmanager says to its webhooks, version 4.
    #[serde(rename = "alertmanager")]
    Alertmanager,
    /// What Prometheus says to an Alertmanager.
    #[serde(rename = "alertmanager-api")]
    AlertmanagerApi,
    /// Events of PagerDuty's API, version 2.
    #[serde(rename = "pagerduty-v2")]
    PagerDuty,
    /// Alerts of Opsgenie's API.
    #[serde(rename = "opsgenie")]
    Opsgenie,
    /// What Grafana says to its webhooks.
    #[serde(rename = "grafana")]
    Grafana,
    /// Whatever its headers and its shape say that it is; else as [`Self::Foghorn`].
    #[serde(rename = "auto")]
    Auto,
    /// Anybody's JSON, read by a mapper of the operator's; a word alone does not say by which.
    #[serde(skip)]
    Json(Arc<Mapper>),
}

/// The words for `format`.
pub const FORMATS: &[&str] = &[
    "foghorn",
    "auto",
    "cloudevents",
    "alertmanager",
    "alertmanager-api",
    "pagerduty-v2",
    "opsgenie",
    "grafana",
    "json",
];

impl Format {
    /// Those of [`FORMATS`] that a word says all of.
    pub const ALL: [Self; 8] = [
        Self::Foghorn,
        Self::Auto,
        Self::CloudEvents,
        Self::Alertmanager,
        Self::AlertmanagerApi,
        Self::PagerDuty,
        Self::Opsgenie,
        Self::Grafana,
    ];

    /// The word of the configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Foghorn => "foghorn",
            Self::CloudEvents => "cloudevents",
            Self::Alertmanager => "alertmanager",
            Self::AlertmanagerApi => "alertmanager-api",
            Self::PagerDuty => "pagerduty-v2",
            Self::Opsgenie => "opsgenie",
            Self::Grafana => "grafana",
            Self::Auto => "auto",
            Self::Json(_) => "json",
        }
    }

    /// The format of this word, if nothing else is needed to know it.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// What this record is, where that is to be found out.
    fn of(&self, raw: &[u8], header: Headers<'_, '_>) -> Self {
        match self {
            Self::Auto => sniff::format(raw, header),
            known => known.clone(),
        }
    }
}

/// What a record is taken apart into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// It holds one event, and is read as it stands.
    Whole,
    /// Each of these is a record of the same format that holds one event. There is at least one.
    Each(Vec<Arc<[u8]>>),
}

/// Finds a header by its name, in any case; `None` for one that is not text, or is there twice.
pub type Headers<'f, 'h> = &'f dyn Fn(&str) -> Option<&'h str>;

/// Takes a record apart, as far as that can be done without reading its events.
///
/// # Errors
/// It is so unlike its format that nobody can say where its parts are.
pub fn parts(
    format: &Format,
    raw: &[u8],
    header: Headers<'_, '_>,
    bounds: &Bounds,
) -> Result<Parts, Malformed> {
    match format.of(raw, header) {
        Format::Foghorn | Format::Auto | Format::PagerDuty | Format::Opsgenie => Ok(Parts::Whole),
        Format::Json(mapper) => mapper.parts(raw, header, bounds),
        Format::CloudEvents => cloud_events::parts(raw, header, bounds),
        Format::Alertmanager | Format::Grafana => alertmanager::parts(raw, bounds),
        Format::AlertmanagerApi => alertmanager::parts_of_list(raw, bounds),
    }
}

/// Everything that a record with one event says: one that was not taken apart, or a part.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read<'h>(
    format: &Format,
    raw: Option<&[u8]>,
    header: Headers<'_, 'h>,
    words: &Words,
    now: Timestamp,
) -> Result<Read, Malformed> {
    type Parse = fn(&[u8], &Words, Timestamp) -> Result<Parsed, Malformed>;
    let parse: Parse = match format.of(raw.unwrap_or_default(), header) {
        Format::Foghorn | Format::Auto => return headers::read(raw, header, words, now).map(Read::Event),
        Format::CloudEvents => {
            let read = headers::read_by(raw, header, |raw| cloud_events::read(raw, words, now));
            return read.map(Read::Event);
        }
        Format::Json(mapper) => {
            return Ok(match mapper.parse(headers::value(raw, header)?, words, now)? {
                Mapped::Event(parsed) => Read::Event(headers::reading(parsed, header("traceparent"))),
                Mapped::Ignored(rule) => Read::Ignored(rule),
            });
        }
        Format::Alertmanager => alertmanager::read,
        Format::AlertmanagerApi => alertmanager::read_list,
        Format::PagerDuty => pager_duty::read,
        Format::Opsgenie => opsgenie::read,
        Format::Grafana => alertmanager::read_grafana,
    };
    headers::read_by(raw, header, |raw| Ok((parse(raw, words, now)?, None))).map(Read::Event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_word() {
        let words = Format::ALL.iter().map(Format::as_str).chain(["json"]);
        assert_eq!(words.collect::<Vec<_>>(), FORMATS);
        for format in Format::ALL {
            assert_eq!(Format::named(format.as_str()), Some(format));
        }
        assert_eq!(Format::named("xml"), None);
    }
}
