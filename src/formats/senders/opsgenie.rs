//! Alerts of Opsgenie's API: what `POST /v2/alerts` takes.
//!
//! Aliases count within their integration, which is the source. Who is to hear of an alert our routes say; `responders` and `visibleTo` are read over. A record with
//! `"action": "acknowledge"` or `"close"` and an alias is what somebody asked for about an alert: it stands in
//! the same source, so that it comes after what was said before.

use super::texts;
use crate::domain::Timestamp;
use crate::domain::dedup::Keyspace;
use crate::domain::event::{Body, EventStatus, IncidentEvent};
use crate::domain::malformed::Malformed;
use crate::domain::severity::Severity;
use crate::formats::fields::Fields;
use crate::formats::native::{self, ID, SERVICE, TITLE};
use crate::formats::problems::Problems;
use crate::formats::strict_json::{self, Node};
use crate::formats::{Parsed, Words};

const PRIORITIES: [(&str, Severity); 5] = [
    ("P1", Severity::Critical),
    ("P2", Severity::High),
    ("P3", Severity::Medium),
    ("P4", Severity::Low),
    ("P5", Severity::Info),
];

/// One alert.
pub(crate) fn read(raw: &[u8], words: &Words, _now: Timestamp) -> Result<Parsed, Malformed> {
    let mut problems = Problems::default();
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let parsed = alert(root, words, &mut problems);
    problems.verdict(parsed)
}

/// What is asked for about an alert that there is.
fn acted(fields: &mut Fields<'_, '_>, action: &str, words: &Words) -> Option<Parsed> {
    let status = match action {
        "acknowledge" => EventStatus::Acknowledged,
        "close" => EventStatus::Resolved,
        other => {
            fields.refuse_word("action", other, ["acknowledge", "close"].into_iter());
            return None;
        }
    };
    let given = fields.has("alias");
    let alias = fields.id("alias", ID);
    let dedup_key = fields.required("alias", alias, given)?;
    let event = IncidentEvent {
        title: dedup_key.clone(),
        severity: words.default_severity,
        status,
        service: None,
        dedup_key,
        keyspace: Keyspace::Source,
        description: None,
        labels: Default::default(),
        links: Vec::new(),
        occurred_at: None,
        expires_at: None,
    };
    Some(Parsed { body: Body::Incident(event), producer_id: None })
}

fn alert(root: Node<'_>, words: &Words, problems: &mut Problems) -> Option<Parsed> {
    let mut fields = Fields::of(root, "", problems)?;
    if let Some(action) = fields.word("action") {
        return acted(&mut fields, &action, words);
    }
    let given = fields.has("message");
    let message = fields.word("message");
    let message = fields.required("message", message, given);
    let title = message.and_then(|message| {
        let title = texts::line(&message, TITLE);
        if title.is_none() {
            fields.refuse("message", "empty", "has nothing that a reader could see");
        }
        title
    });
    let alias = fields.id("alias", ID);
    let description = fields.word("description");
    let severity = fields.word("priority").map_or(Some(Severity::Medium), |word| {
        let found = PRIORITIES.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            fields.refuse_word("priority", &word, PRIORITIES.iter().map(|(known, _)| *known));
        }
        found.map(|(_, severity)| *severity)
    });
    let mut labels = Vec::new();
    let tags = fields.list("tags", usize::MAX).unwrap_or_default();
    let tags: Vec<String> = tags.into_iter().filter_map(texts::plain).collect();
    if !tags.is_empty() {
        labels.push(("tags".to_owned(), tags.join(",")));
    }
    for name in ["entity", "source", "user"] {
        labels.extend(fields.word(name).map(|text| (name.to_owned(), text.into_owned())));
    }
    match fields.take("details") {
        Some(Node::Map(entries)) => labels.extend(texts::scalars(entries)),
        Some(other) => {
            let detail = format!("must be an object, is {}", other.kind());
            fields.refuse("details", "wrong_type", detail);
        }
        None => {}
    }
    let title = title?;
    labels.extend(alias.iter().map(|alias| ("alias".to_owned(), alias.clone())));
    let service = labels.iter().find(|(name, _)| name == "entity").map(|(_, text)| text.clone());
    let service = service.and_then(|service| texts::line(&service, SERVICE));
    let event = IncidentEvent {
        severity: severity?,
        status: EventStatus::Open,
        dedup_key: alias.unwrap_or_else(|| native::derived_key(service.as_deref(), &title)),
        keyspace: Keyspace::Source,
        service,
        description: description.and_then(|text| texts::lines(&text, words.bounds.string)),
        labels: texts::labels(labels.iter().map(|(name, text)| (name.as_str(), text.as_str()))),
        links: Vec::new(),
        title,
        occurred_at: None,
        expires_at: None,
    };
    Some(Parsed { body: Body::Incident(event), producer_id: None })
}
