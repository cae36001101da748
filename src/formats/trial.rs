//! What a record would become, and why: read as it would be, and taken in by nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mapper::{Filled, Tried};
use super::{Format, Parts, Words, parts, read};
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
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
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

/// What becomes of a record of this format that came without headers, event by event. Beside each, the event
/// itself, for whoever asks who would hear of it.
pub fn trials(
    format: &Format,
    raw: &[u8],
    words: &Words,
    now: Timestamp,
) -> Vec<(Trial, Option<IncidentEvent>)> {
    let nothing = |_: &str| None;
    match parts(format, raw, &nothing, &words.bounds) {
        Ok(Parts::Whole) => vec![one(format, raw, words, now)],
        Ok(Parts::Each(parts)) => {
            let each = parts.iter().zip(1..).map(|(raw, number)| {
                let (trial, event) = one(format, raw, words, now);
                (Trial { part: Some(number), ..trial }, event)
            });
            each.collect()
        }
        Err(malformed) => vec![(Trial::of(None, Err(malformed)).0, None)],
    }
}

fn one(format: &Format, raw: &[u8], words: &Words, now: Timestamp) -> (Trial, Option<IncidentEvent>) {
    let nothing = |_: &str| None;
    if let Format::Json(mapper) = format {
        let (steps, parsed) = mapper.explain(raw, words, now);
        let said = parsed.map(|parsed| (parsed.body, parsed.producer_id));
        return Trial::of(steps.map(|steps| (steps.rules, steps.fields)), said);
    }
    let reading = read(format, Some(raw), &nothing, words, now);
    Trial::of(None, reading.map(|reading| (reading.body, reading.producer_id)))
}

impl Trial {
    fn of(
        steps: Option<(Vec<Tried>, Vec<Filled>)>,
        said: Result<(Body, Option<String>), Malformed>,
    ) -> (Self, Option<IncidentEvent>) {
        let (rules, fields) = steps.unwrap_or_default();
        let empty = Self {
            part: None,
            rules,
            fields,
            event_id: None,
            event: None,
            notification: None,
            refused: None,
            errors: Vec::new(),
        };
        match said {
            Err(malformed) => {
                let refused = Some(malformed.reason.as_str().to_owned());
                (Self { refused, errors: malformed.problems, ..empty }, None)
            }
            Ok((Body::Incident(event), event_id)) => {
                (Self { event_id, event: Some(ReadEvent::of(&event)), ..empty }, Some(event))
            }
            Ok((Body::Notification(request), event_id)) => {
                (Self { event_id, notification: Some(ReadNotification::of(request)), ..empty }, None)
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
