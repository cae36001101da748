//! `{"type": "create_incident", "payload": {…}}`: what is to become of an incident, or whom to tell.

use super::super::fields::Fields;
use super::super::native::{self, ID, SERVICE, TITLE};
use super::super::text::Layout;
use super::super::{Parsed, Words};
use super::Shape;
use crate::domain::Timestamp;
use crate::domain::dedup::Keyspace;
use crate::domain::event::{Body, EventStatus, IncidentEvent};

/// What can be commanded.
const COMMANDS: [(&str, Command); 5] = [
    ("create_incident", Command::Incident(EventStatus::Open)),
    ("update_incident", Command::Incident(EventStatus::Open)),
    ("acknowledge_incident", Command::Incident(EventStatus::Acknowledged)),
    ("resolve_incident", Command::Incident(EventStatus::Resolved)),
    ("send_notification", Command::Tell),
];

#[derive(Debug, Clone, Copy)]
enum Command {
    /// An incident stands there now.
    Incident(EventStatus),
    /// The payload is one of the other records.
    Tell,
}

pub(super) fn read(mut fields: Fields<'_, '_>, words: &Words, now: Timestamp) -> Option<Parsed> {
    let word = fields.word("type")?;
    let bare =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let command = COMMANDS.into_iter().find(|(name, _)| bare(name) == bare(&word));
    if command.is_none() {
        fields.refuse_word("type", &word, COMMANDS.into_iter().map(|(name, _)| name));
    }
    let producer_id = super::channels::producer_id(&mut fields);
    let payload = fields.take("payload");
    let base = fields.place("payload");
    let mut parsed = None;
    if let (Some((name, command)), Some(payload)) = (command, payload)
        && let Some(mut inner) = Fields::of(payload, base, fields.problems)
    {
        parsed = match command {
            Command::Incident(status) => incident(inner, name, status, words, now),
            Command::Tell => match Shape::of(&mut inner) {
                Ok(Some(shape)) if shape != Shape::Command => shape.read(inner, words, now),
                Ok(_) => native::tell(inner),
                Err(_) => None,
            },
        };
    }
    fields.finish();
    let parsed = parsed?;
    Some(Parsed { producer_id: producer_id.or(parsed.producer_id), ..parsed })
}

/// What is said of an incident. The same id, or else the same words about the same service, is the same one.
fn incident(
    mut fields: Fields<'_, '_>,
    command: &str,
    status: EventStatus,
    words: &Words,
    now: Timestamp,
) -> Option<Parsed> {
    let key = ["dedup_key", "incident_id"].into_iter().find(|key| fields.has(key)).unwrap_or("id");
    let id = fields.take(key).and_then(super::channels::plain);
    let title_given = fields.has("title");
    let title = fields.prose("title", Layout::OneLine, TITLE);
    // What ends needs no title, if it says which one it is.
    let title = match (&id, status) {
        (Some(id), EventStatus::Acknowledged | EventStatus::Resolved) if !title_given => Some(id.clone()),
        _ => fields.required("title", title, title_given),
    };
    if id.is_none() && command == "update_incident" {
        fields.refuse("incident_id", "missing", "an update says which incident it is about");
    }
    let service = fields.prose("service", Layout::OneLine, SERVICE);
    let severity = native::severity(&mut fields, words);
    let said = fields.has("status").then(|| native::status(&mut fields));
    let description = fields.prose("description", Layout::Lines, words.bounds.string);
    let mut labels = native::labels(&mut fields);
    let team = fields.prose("team", Layout::OneLine, ID);
    labels.extend(team.map(|team| ("team".to_owned(), team)));
    let links = native::links(&mut fields);
    let occurred_at = fields.moment("occurred_at").map(|moment| native::clamped(moment, words, now));
    let producer_id = fields.id("event_id", ID);
    fields.finish();
    let title = title?;
    let dedup_key = id.unwrap_or_else(|| native::derived_key(service.as_deref(), &title));
    let status = match status {
        EventStatus::Open => said.unwrap_or(status),
        ending => ending,
    };
    let event = IncidentEvent {
        title,
        severity,
        status,
        service,
        dedup_key,
        keyspace: Keyspace::Shared,
        description,
        labels,
        links,
        occurred_at,
        expires_at: None,
    };
    Some(Parsed { body: Body::Incident(event), producer_id })
}
