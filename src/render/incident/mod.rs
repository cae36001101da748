//! What is said of incidents, as templates that an operator may take over.
//!
//! Foghorn's own words are compiled in and need no template. `foghorn template eject` writes the same
//! words as templates: whatever the operator wrote of them is said instead. Each is tried on
//! sample incidents when it is read, so that a slip is found at the start; and if one fails for an
//! incident nevertheless, Foghorn's own words go out: a page does not wait for a template.
//!
//! ```text
//! incident       the mail: subject, text, html
//! incident-push  the lock screen: subject is the title, text the body
//! incident-sms   the words between the number and the link, which are always there
//!
//! Of one medium, the first that the operator wrote:
//! incident-resolved.de-AT, incident-resolved.de, incident-resolved   said on this occasion
//! incident.de-AT, incident.de, incident                              said on all of them
//! ```
//!
//! The occasion is why somebody is told, as things stand when it is sent: `opened`, `reopened`,
//! `escalated`, `updated`, `acknowledged`, `resolved`.

pub(super) mod sample;

use serde_json::{Map, Value, json};

use super::language::Language;
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

/// The files of `NAME` in a language.
macro_rules! said {
    ($language:expr, $name:literal, $part:literal) => {
        $language.say(include_str!(concat!($name, $part)), include_str!(concat!($name, ".de", $part)))
    };
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

    /// The name of the template that is for this occasion alone.
    pub fn name_on(self, occasion: NotificationKind) -> String {
        format!("{}-{}", self.name(), occasion.as_str())
    }

    /// The names of what may be said on this occasion, the more special one first.
    pub(super) fn names(self, occasion: NotificationKind) -> [String; 2] {
        [self.name_on(occasion), self.name().to_owned()]
    }

    /// What the template `name` says, whatever language is behind it, and the occasion if it is for one
    /// alone.
    pub fn of_template(name: &str) -> Option<(Self, Option<NotificationKind>)> {
        let base = name.split('.').next().unwrap_or_default();
        Self::ALL.into_iter().find_map(|words| match base.strip_prefix(words.name())? {
            "" => Some((words, None)),
            rest => {
                let occasion = NotificationKind::parse(rest.strip_prefix('-')?)?;
                (occasion != NotificationKind::Direct).then_some((words, Some(occasion)))
            }
        })
    }

    /// Is there a subject or a title?
    pub fn has_subject(self) -> bool {
        self != Self::Sms
    }

    /// Foghorn's own words as templates in this language.
    pub fn files_in(self, language: Language) -> Files<&'static str> {
        match self {
            Self::Mail => Files {
                subject: Some(said!(language, "incident", ".subject.txt")),
                text: said!(language, "incident", ".txt"),
                html: Some(said!(language, "incident", ".html")),
            },
            Self::Push => Files {
                subject: Some(said!(language, "incident-push", ".subject.txt")),
                text: said!(language, "incident-push", ".txt"),
                html: None,
            },
            Self::Sms => Files { subject: None, text: said!(language, "incident-sms", ".txt"), html: None },
        }
    }
}

impl Letterhead {
    /// What the operator's template says instead of Foghorn's own words; `None` without one.
    pub(super) fn instead(&self, of: OwnWords, facts: &IncidentFacts) -> Option<RenderedText> {
        let name = self.templates.theirs_for(of, words::occasion(facts), self.locale())?;
        let said = self.templates.render(&name, &variables(facts, self, Language::of_template(&name)));
        said.inspect_err(|fault| {
            tracing::warn!(incident = facts.number, %fault, "Foghorn's own words go out instead");
        })
        .ok()
    }
}

/// What a template in this language may say. Whatever comes from outside is one line, but for the
/// description.
pub fn variables(facts: &IncidentFacts, letterhead: &Letterhead, language: Language) -> Map<String, Value> {
    let labels = words::label_lines(facts).map(|(key, value)| (key, Value::from(value)));
    let links = words::links(facts).into_iter().map(|(text, url)| json!({"text": text, "url": url}));
    let variables = [
        ("number", facts.number.into()),
        ("kind", facts.kind.as_str().into()),
        ("occasion", words::occasion(facts).as_str().into()),
        ("state", words::state(facts, language).into()),
        ("standing", words::standing(facts, language).into()),
        ("status", facts.status.as_str().into()),
        ("severity", facts.severity.as_str().into()),
        ("severity_word", words::severity(facts.severity, language).into()),
        ("title", words::title(facts).into()),
        ("service", words::service(facts).into()),
        ("description", facts.description.as_deref().map(sanitize::block).into()),
        ("source", words::source(facts).into()),
        ("policy", words::policy(facts).into()),
        ("event_count", facts.event_count.into()),
        ("opened_at", words::moment(facts.opened_at, language).into()),
        ("resolved_at", facts.resolved_at.map(|at| words::moment(at, language)).into()),
        ("acknowledged_by", words::taken_by(facts).into()),
        ("offers_to_take", letterhead.offers_to_take(facts.status).into()),
        ("lasted", words::lasted(facts, language).into()),
        ("labels", Value::Object(labels.collect())),
        ("links", links.collect()),
        ("url", letterhead.incident_url(facts.number).into()),
        ("server_name", words::server(letterhead).into()),
    ];
    variables.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect()
}

/// Variables of an incident that never was, to see what the template `name` makes of them.
pub fn example(name: &str) -> Map<String, Value> {
    let occasion = OwnWords::of_template(name).and_then(|(_, occasion)| occasion);
    let letterhead = Letterhead {
        server_name: "foghorn".to_owned(),
        public_url: "https://foghorn.example.com".to_owned(),
        ..Letterhead::default()
    };
    let facts = sample::facts(occasion.unwrap_or(NotificationKind::Opened));
    variables(&facts, &letterhead, Language::of_template(name))
}

/// Variables of incidents that never were, in all states of which the template `name` is to say
/// something; `None` if it is not about incidents.
pub(super) fn samples(name: &str) -> Option<Vec<Map<String, Value>>> {
    let (_, occasion) = OwnWords::of_template(name)?;
    let letterhead = Letterhead { public_url: "https://example.com".to_owned(), ..Letterhead::default() };
    let fitting = |facts: &IncidentFacts| occasion.is_none_or(|occasion| words::occasion(facts) == occasion);
    let facts = sample::all().into_iter().filter(fitting);
    Some(facts.map(|facts| variables(&facts, &letterhead, Language::of_template(name))).collect())
}

#[cfg(test)]
mod tests;
