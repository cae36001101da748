//! Events of PagerDuty's API: `trigger`, `acknowledge` and `resolve`, as version 2 says them, or as version 1
//! ([`first`]) did.
//!
//! An event without a `dedup_key` gets the key that our own record would have, so that the same words about
//! the same service are the same incident. Keys count within their integration, which is the source: whoever
//! has the key of another one does not reach them.

mod first;

use std::borrow::Cow;

use super::texts;
use crate::domain::Timestamp;
use crate::domain::dedup::Keyspace;
use crate::domain::event::{Body, EventStatus, IncidentEvent};
use crate::domain::malformed::Malformed;
use crate::domain::severity::Severity;
use crate::formats::fields::Fields;
use crate::formats::native::{self, SERVICE, TITLE};
use crate::formats::problems::Problems;
use crate::formats::strict_json::{self, Node};
use crate::formats::{Parsed, Words};

/// Longest `dedup_key`, in characters.
const KEY: usize = 255;
const ACTIONS: [(&str, EventStatus); 3] = [
    ("trigger", EventStatus::Open),
    ("acknowledge", EventStatus::Acknowledged),
    ("resolve", EventStatus::Resolved),
];
const SEVERITIES: [(&str, Severity); 4] = [
    ("critical", Severity::Critical),
    ("error", Severity::High),
    ("warning", Severity::Medium),
    ("info", Severity::Info),
];

/// One event.
pub(crate) fn read(raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
    let mut problems = Problems::default();
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let parsed = event(root, words, now, &mut problems);
    problems.verdict(parsed)
}

fn event(root: Node<'_>, words: &Words, now: Timestamp, problems: &mut Problems) -> Option<Parsed> {
    let mut fields = Fields::of(root, "", problems)?;
    if fields.has("service_key") && !fields.has("routing_key") {
        return first::event(fields, words);
    }
    demanded(&mut fields, "routing_key");
    let action = demanded(&mut fields, "event_action");
    let status = action.and_then(|action| chosen(&mut fields, "event_action", &action, &ACTIONS));
    let given = fields.has("dedup_key");
    let key = fields.id("dedup_key", KEY);
    let links = links(&mut fields);
    let client = client(&mut fields);
    let status = status?;
    if status != EventStatus::Open {
        // Of an event that begins nothing only its key counts.
        let dedup_key = fields.required("dedup_key", key, given)?;
        let event = about(dedup_key, status, words);
        return Some(Parsed { body: Body::Incident(event), producer_id: None });
    }
    let given = fields.has("payload");
    let payload = fields.take("payload");
    let payload = fields.required("payload", payload, given)?;
    let mut payload = Fields::of(payload, "/payload", fields.problems)?;
    let mut event = payload_of(&mut payload, words, now)?;
    event.dedup_key = key.unwrap_or_else(|| native::derived_key(event.service.as_deref(), &event.title));
    event.links =
        texts::links(links.iter().chain([&client]).map(|(text, url)| (text.as_str(), url.as_str())));
    Some(Parsed { body: Body::Incident(event), producer_id: None })
}

/// Where it was seen.
fn client(fields: &mut Fields<'_, '_>) -> (String, String) {
    let name = fields.word("client").unwrap_or_default().into_owned();
    let url = fields.word("client_url").unwrap_or_default().into_owned();
    (if name.is_empty() { "Client".to_owned() } else { name }, url)
}

/// A field without which the event is none.
fn demanded<'a>(fields: &mut Fields<'a, '_>, name: &'static str) -> Option<Cow<'a, str>> {
    let given = fields.has(name);
    let word = fields.word(name);
    let word = fields.required(name, word, given)?;
    if word.trim().is_empty() {
        fields.refuse(name, "empty", "is blank");
        return None;
    }
    Some(word)
}

fn chosen<T: Copy>(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    word: &str,
    known: &[(&'static str, T)],
) -> Option<T> {
    let found = known.iter().find(|(known, _)| *known == word);
    if found.is_none() {
        fields.refuse_word(name, word, known.iter().map(|(known, _)| *known));
    }
    found.map(|(_, meaning)| *meaning)
}

fn about(dedup_key: String, status: EventStatus, words: &Words) -> IncidentEvent {
    IncidentEvent {
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
    }
}

fn payload_of(payload: &mut Fields<'_, '_>, words: &Words, now: Timestamp) -> Option<IncidentEvent> {
    let summary = demanded(payload, "summary");
    let source = demanded(payload, "source");
    let severity = demanded(payload, "severity");
    let severity = severity.and_then(|word| chosen(payload, "severity", &word, &SEVERITIES));
    // Many clients write a time without a zone, or none at all: it is not worth an event.
    let occurred_at = payload.word("timestamp").and_then(|text| text.parse::<Timestamp>().ok());
    let mut labels = Vec::new();
    for name in ["component", "group", "class"] {
        labels.extend(payload.word(name).map(|text| (name.to_owned(), text.into_owned())));
    }
    let service = labels.iter().find(|(name, _)| name == "component").map(|(_, text)| text.clone());
    let details = payload.take("custom_details");
    let (summary, source, severity) = (summary?, source?, severity?);
    labels.push(("source".to_owned(), source.clone().into_owned()));
    let description = detailed(details, &mut labels);
    let mut event = about(String::new(), EventStatus::Open, words);
    event.title = texts::line(&summary, TITLE).unwrap_or_else(|| "an event without words".to_owned());
    event.service = texts::line(service.as_deref().unwrap_or(&source), SERVICE);
    event.severity = severity;
    event.description = description.and_then(|text| texts::lines(&text, words.bounds.string));
    event.labels = texts::labels(labels.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    event.occurred_at = occurred_at.map(|moment| native::clamped(moment, words, now));
    Some(event)
}

/// What is said in detail: each by its name, or else as words.
fn detailed(details: Option<Node<'_>>, labels: &mut Vec<(String, String)>) -> Option<String> {
    match details {
        Some(Node::Map(entries)) => {
            labels.extend(texts::scalars(entries));
            None
        }
        other => other.and_then(texts::plain),
    }
}

fn links(fields: &mut Fields<'_, '_>) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for (name, address) in [("links", "href"), ("images", "src")] {
        for item in fields.list(name, usize::MAX).unwrap_or_default() {
            let Node::Map(entries) = item else { continue };
            links.extend(link(&entries, address));
        }
    }
    links
}

/// What `entries` lead to, which is at `address`, with its words.
fn link(entries: &[(Cow<'_, str>, Node<'_>)], address: &str) -> Option<(String, String)> {
    let of = |key: &str| {
        entries.iter().find_map(|(known, node)| match node {
            Node::Text(text) if known == key => Some(text.to_string()),
            _ => None,
        })
    };
    let url = of(address)?;
    let text = of("text").or_else(|| of("alt")).and_then(|text| texts::line(&text, TITLE));
    Some((text.unwrap_or_else(|| url.clone()), url))
}
