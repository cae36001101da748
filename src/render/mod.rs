//! From what is known to what people read: pure functions from
//! [`Content`](crate::domain::notification::Content) to the words of each medium.
//!
//! Whatever came from outside passes [`sanitize`] on its way into a message, so that no text can
//! end a line, a header or a tag. Every message about an incident says its number, how bad it is,
//! the service and the title; the first forty characters decide.

mod built_in;
mod bundle;
pub mod calendar;
pub mod chat;
pub mod email;
pub mod gateway;
pub mod incident;
pub mod language;
pub mod links;
mod note;
pub mod notice;
pub mod pages;
pub mod preview;
pub mod push;
pub mod sanitize;
pub mod slack;
pub mod sms;
pub mod templates;
pub mod webhook;
mod words;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::Timestamp;
use crate::domain::delivery::Job;
use crate::domain::event::RequestText;
use crate::domain::incident::IncidentStatus;
use crate::domain::notice::Notice;
use crate::domain::owner::Locales;

pub use built_in::BuiltIn;
pub use incident::OwnWords;
pub use language::Language;
use links::Links;
pub use templates::{RenderedText, TemplateFault, Templates};

/// What all messages of one process share.
#[derive(Debug, Clone, Default)]
pub struct Letterhead {
    /// `[server] name`
    pub server_name: String,
    /// `[server] public_url`, without a slash at the end; empty: messages carry no links of our own.
    pub public_url: String,
    /// The operator's templates.
    pub templates: Arc<Templates>,
    /// Makes links that let whoever reads a message act; none: links only lead somewhere.
    pub links: Option<Links>,
    /// What each user reads, as far as it is known.
    pub locales: Arc<Locales>,
    /// Who reads the message, if it is one user, and when it was decided to write to them.
    pub reader: Option<(Arc<str>, Timestamp)>,
}

impl Letterhead {
    /// For the reader of this one message.
    pub fn to(&self, job: &Job) -> Self {
        let recipient = &job.target.recipient;
        let reader = links::is_user(recipient).then(|| (Arc::clone(recipient), job.created_at));
        Self { reader, ..self.clone() }
    }

    /// What the reader reads: what is known of them, else what is read in this house.
    fn locale(&self) -> Option<&str> {
        let own = self.reader.as_ref().and_then(|(user, _)| self.locales.get(user));
        own.map(String::as_str).or_else(|| self.templates.locale())
    }

    /// In which of its languages Foghorn speaks to the reader.
    fn language(&self) -> Language {
        self.locale().map_or_else(Language::default, Language::of)
    }

    /// Where the incident of this number is to be seen, and acted on if the reader is known.
    fn incident_url(&self, number: u64) -> Option<String> {
        let public_url = words::is_web_address(&self.public_url).then_some(&self.public_url)?;
        Some(match (&self.links, &self.reader) {
            (Some(links), Some((user, at))) => format!("{public_url}/i/{}", links.token(number, user, *at)),
            _ => format!("{public_url}/incidents/{number}"),
        })
    }

    /// Does the link of a message about an incident that stands there let its reader take it?
    fn offers_to_take(&self, status: IncidentStatus) -> bool {
        status == IncidentStatus::Open && self.links.is_some() && self.reader.is_some()
    }

    /// The words of a direct notification.
    fn direct(&self, text: &RequestText) -> Result<RenderedText, TemplateFault> {
        match text {
            RequestText::Plain { subject, body } => {
                Ok(RenderedText { subject: subject.clone(), text: body.clone(), html: None })
            }
            RequestText::Template { name, vars, subject, locale } => {
                // A sender may know better than we do what somebody reads.
                let locale = locale.as_deref().or_else(|| vars.get("locale")?.as_str());
                let mut said = match Notice::parse(name) {
                    Some(_) => self.notice(name, locale, &notice::variables(vars, self))?,
                    None => self.templates.render_for(name, locale, vars)?,
                };
                said.subject = subject.clone().unwrap_or(said.subject);
                Ok(said)
            }
        }
    }

    /// Nobody waits for a notice because the operator's template does not fit what its sender says.
    fn notice(
        &self,
        name: &str,
        locale: Option<&str>,
        vars: &Map<String, Value>,
    ) -> Result<RenderedText, TemplateFault> {
        self.templates.render_for(name, locale, vars).or_else(|fault| {
            tracing::warn!(template = name, %fault, "Foghorn's own words go out instead");
            self.templates.render_ours(name, locale, vars)
        })
    }
}
