//! From what is known to what people read: pure functions from
//! [`Content`](crate::domain::notification::Content) to the words of each medium.
//!
//! Whatever came from outside passes [`sanitize`] on its way into a message, so that no text can
//! end a line, a header or a tag. Every message about an incident says its number, how bad it is,
//! the service and the title; the first forty characters decide.

pub mod chat;
pub mod email;
pub mod gateway;
pub mod incident;
mod note;
pub mod pages;
pub mod push;
pub mod sanitize;
pub mod slack;
pub mod sms;
pub mod templates;
pub mod webhook;
mod words;

use std::sync::Arc;

use crate::domain::event::RequestText;

pub use incident::OwnWords;
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
}

impl Letterhead {
    /// Where the incident of this number is to be seen.
    fn incident_url(&self, number: u64) -> Option<String> {
        words::is_web_address(&self.public_url).then(|| format!("{}/incidents/{number}", self.public_url))
    }

    /// The words of a direct notification.
    fn direct(&self, text: &RequestText) -> Result<RenderedText, TemplateFault> {
        match text {
            RequestText::Plain { subject, body } => {
                Ok(RenderedText { subject: subject.clone(), text: body.clone(), html: None })
            }
            RequestText::Template { name, vars } => self.templates.render(name, vars),
        }
    }
}
