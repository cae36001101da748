//! What a record would become, and why: read as it would be, and taken in by nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::headers::DEAD_LETTER;
use super::mapper::{Filled, Mapped, Tried};
use super::{Format, Headers, Parsed, Parts, Read, Reading, Words, parts, read};
use crate::domain::Timestamp;
use crate::domain::event::{
    Body, EventStatus, IncidentEvent, Link, NotificationRequest, Priority, RequestText,
};
use crate::domain::malformed::{Malformed, Problem};
use crate::domain::severity::Severity;

/// One event of a record, or what should be one.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ReadRecord)]
pub struct Trial {
    /// Of a record that holds several, which; 1 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<usize>,
    /// Every rule of the mapper, top to bottom; only of a source that has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Tried>,
    /// Every field that the rule fills which took it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Filled>,
    /// The producer's own id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// What it says of an incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<ReadEvent>,
    /// Whom it asks to be told what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification: Option<ReadNotification>,
    /// The rule of its mapper that lets it go: it would be nothing, on purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
    /// Why it would be a dead letter instead: `schema`, `parse` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Everything that is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Problem>,
}

/// An event about an incident, as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReadEvent)]
#[expect(missing_docs, reason = "named as in the record format, where they are described")]
pub struct ReadEvent {
    pub title: String,
    pub severity: Severity,
    pub status: EventStatus,
    pub service: Option<String>,
    pub dedup_key: String,
    pub description: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub links: Vec<Link>,
    pub occurred_at: Option<Timestamp>,
}

/// A direct notification, as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReadNotification)]
#[expect(missing_docs, reason = "named as in the record format, where they are described")]
pub struct ReadNotification {
    pub to: Vec<String>,
    pub via: Vec<String>,
    pub r#type: Option<String>,
    pub subject: Option<String>,
    pub body: Option<String>,
    pub template: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub vars: Option<Map<String, Value>>,
    pub priority: Priority,
    pub send_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

/// What becomes of a record of this format, event by event; `None` is one without a value. Beside each event what it
/// asks for, for whoever wants to know who would hear of it.
pub fn trials(
    format: &Format,
    raw: Option<&[u8]>,
    header: Headers<'_, '_>,
    words: &Words,
    now: Timestamp,
) -> Vec<(Trial, Option<Body>)> {
    match raw.map(|raw| parts(format, raw, header, &words.bounds)) {
        None | Some(Ok(Parts::Whole)) => vec![one(format, raw, header, words, now)],
        Some(Ok(Parts::Each(parts))) => {
            let is_alone = parts.len() == 1;
            let each = parts.iter().zip(1..).map(|(raw, number)| {
                let (trial, body) = one(format, Some(raw), header, words, now);
                (Trial { part: (!is_alone).then_some(number), ..trial }, body)
            });
            each.collect()
        }
        Some(Err(malformed)) => vec![(Trial::of(None, Err(malformed)).0, None)],
    }
}

fn one(
    format: &Format,
    raw: Option<&[u8]>,
    header: Headers<'_, '_>,
    words: &Words,
    now: Timestamp,
) -> (Trial, Option<Body>) {
    // One of our own dead letters is not looked into.
    if let (Format::Json(mapper), Some(raw), None) = (format, raw, header(DEAD_LETTER)) {
        let (steps, parsed) = mapper.explain(raw, words, now);
        return Trial::of(steps.map(|steps| (steps.rules, steps.fields)), parsed);
    }
    let said = read(format, raw, header, words, now).map(|read| match read {
        Read::Event(Reading { body, producer_id, .. }) => Mapped::Event(Parsed { body, producer_id }),
        Read::Ignored(rule) => Mapped::Ignored(rule),
    });
    Trial::of(None, said)
}

impl Trial {
    fn of(steps: Option<(Vec<Tried>, Vec<Filled>)>, said: Result<Mapped, Malformed>) -> (Self, Option<Body>) {
        let (rules, fields) = steps.unwrap_or_default();
        let empty = Self {
            part: None,
            rules,
            fields,
            event_id: None,
            event: None,
            notification: None,
            ignored: None,
            refused: None,
            errors: Vec::new(),
        };
        match said {
            Err(malformed) => {
                let refused = Some(malformed.reason.as_str().to_owned());
                (Self { refused, errors: malformed.problems, ..empty }, None)
            }
            Ok(Mapped::Ignored(rule)) => (Self { ignored: Some(rule), ..empty }, None),
            Ok(Mapped::Event(Parsed { body, producer_id: event_id })) => {
                let (event, notification) = match &body {
                    Body::Incident(event) => (Some(ReadEvent::of(event)), None),
                    Body::Notification(request) => (None, Some(ReadNotification::of(request.clone()))),
                };
                (Self { event_id, event, notification, ..empty }, Some(body))
            }
        }
    }
}

impl ReadEvent {
    fn of(event: &IncidentEvent) -> Self {
        Self {
            title: event.title.clone(),
            severity: event.severity,
            status: event.status,
            service: event.service.clone(),
            dedup_key: event.dedup_key.clone(),
            description: event.description.clone(),
            labels: event.labels.clone(),
            links: event.links.clone(),
            occurred_at: event.occurred_at,
        }
    }
}

impl ReadNotification {
    fn of(request: NotificationRequest) -> Self {
        let (subject, body, template, vars) = match request.text {
            RequestText::Plain { subject, body } => (Some(subject), Some(body), None, None),
            RequestText::Template { name, vars, subject, .. } => (subject, None, Some(name), Some(vars)),
        };
        Self {
            to: request.to,
            via: request.via.iter().map(ToString::to_string).collect(),
            r#type: request.of.map(|of| of.to_string()),
            subject,
            body,
            template,
            vars,
            priority: request.priority,
            send_at: request.send_at,
            expires_at: request.expires_at,
        }
    }
}
