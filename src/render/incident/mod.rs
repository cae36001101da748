//! What is said of incidents, as templates that an operator may take over.
//!
//! Foghorn's own words are compiled in and need no file. `foghorn template eject` writes the same
//! words as templates: whichever of them lies in `[templates] dir` is said instead. Each is tried on
//! sample incidents when it is read, so that a slip is found at the start; and if one fails for an
//! incident nevertheless, Foghorn's own words go out: a page does not wait for a template.
//!
//! ```text
//! incident       the mail: subject, text, html
//! incident-push  the lock screen: subject is the title, text the body
//! incident-sms   the words between the number and the link, which are always there
//! ```

pub(super) mod sample;

use serde_json::{Map, Value, json};

use super::templates::Files;
use super::{Letterhead, RenderedText, sanitize, words};
use crate::domain::notification::{IncidentFacts, NotificationKind};

/// One of the templates that say something of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnWords {
    /// The mail.
    Mail,
    /// The lock screen.
    Push,
    /// The words of a text message.
    Sms,
}

impl OwnWords {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Mail, Self::Push, Self::Sms];

    /// The template's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "incident",
            Self::Push => "incident-push",
            Self::Sms => "incident-sms",
        }
    }

    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|words| words.name() == name)
    }

    /// Foghorn's own words as templates.
    pub fn files(self) -> Files<&'static str> {
        match self {
            Self::Mail => Files {
                subject: Some(include_str!("incident.subject.txt")),
                text: include_str!("incident.txt"),
                html: Some(include_str!("incident.html")),
            },
            Self::Push => Files {
                subject: Some(include_str!("incident-push.subject.txt")),
                text: include_str!("incident-push.txt"),
                html: None,
            },
            Self::Sms => Files { subject: None, text: include_str!("incident-sms.txt"), html: None },
        }
    }
}

impl Letterhead {
    /// What the operator's template says instead of Foghorn's own words; `None` without one.
    pub(super) fn instead(&self, of: OwnWords, facts: &IncidentFacts) -> Option<RenderedText> {
        if !self.templates.contains(of.name()) {
            return None;
        }
        let said = self.templates.render(of.name(), &variables(facts, self));
        said.inspect_err(|fault| {
            tracing::warn!(incident = facts.number, %fault, "Foghorn's own words go out instead");
        })
        .ok()
    }
}

/// What the templates may say. Whatever comes from outside is one line, but for the description.
pub fn variables(facts: &IncidentFacts, letterhead: &Letterhead) -> Map<String, Value> {
    let labels = words::label_lines(facts).map(|(key, value)| (key, Value::from(value)));
    let links = words::links(facts).into_iter().map(|(text, url)| json!({"text": text, "url": url}));
    let variables = [
        ("number", facts.number.into()),
        ("kind", facts.kind.as_str().into()),
        ("state", words::state(facts).into()),
        ("status", facts.status.as_str().into()),
        ("severity", facts.severity.as_str().into()),
        ("title", words::title(facts).into()),
        ("service", words::service(facts).into()),
        ("description", facts.description.as_deref().map(sanitize::block).into()),
        ("source", words::source(facts).into()),
        ("policy", words::policy(facts).into()),
        ("event_count", facts.event_count.into()),
        ("opened_at", words::moment(facts.opened_at).into()),
        ("resolved_at", facts.resolved_at.map(words::moment).into()),
        ("lasted", words::lasted(facts).into()),
        ("labels", Value::Object(labels.collect())),
        ("links", links.collect()),
        ("url", letterhead.incident_url(facts.number).into()),
        ("server_name", words::server(letterhead).into()),
    ];
    variables.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect()
}

/// Variables of an incident that never was, to see what a template makes of them.
pub fn example() -> Map<String, Value> {
    let letterhead = Letterhead {
        server_name: "foghorn".to_owned(),
        public_url: "https://foghorn.example.com".to_owned(),
        ..Letterhead::default()
    };
    variables(&sample::facts(NotificationKind::Opened), &letterhead)
}

#[cfg(test)]
mod tests;
