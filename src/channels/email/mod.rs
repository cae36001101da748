//! Email.
//!
//! One recipient per transaction, so that one refused address never takes others with it. The
//! message's id comes from the delivery and is the same on every attempt: a mail that went out
//! twice can be told from two mails.

mod address;
mod bounces;
mod codes;
mod config;
mod conversation;
mod message;
mod over_http;
mod pool;
mod postmark;
mod sendgrid;
mod smtp;
mod smtp_reply;
mod tls;
mod wire;

use std::sync::Arc;

use jiff::Timestamp;

pub(super) use self::codes::{SMTP_CODES, SMTP_DATA_CODES, SMTP_LOGIN_CODES, SMTP_MAIL_CODES};
pub(super) use self::postmark::CODES as POSTMARK_CODES;
pub(super) use self::sendgrid::CODES as SENDGRID_CODES;
use super::outbox::{self, Draft};
use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings, unknown_provider, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::Failure;
use crate::domain::people::Contact;
use crate::render::{self, Letterhead, TemplateFault};

/// `type = "email"`
#[derive(Debug, Clone, Copy)]
pub struct Email;

impl ChannelType for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn contact(&self) -> Contact {
        Contact::Email
    }

    fn providers(&self) -> &'static [&'static str] {
        &["smtp", "postmark", "sendgrid", "outbox"]
    }

    fn keys(&self, provider: &str) -> &'static [&'static str] {
        match provider {
            "smtp" => config::KEYS,
            "postmark" => postmark::KEYS,
            "sendgrid" => sendgrid::KEYS,
            "outbox" => outbox::KEYS,
            _ => &[],
        }
    }

    fn build(
        &self,
        provider: &str,
        settings: &Settings,
        surroundings: &Surroundings,
    ) -> Result<Arc<dyn Channel>, Vec<SettingsProblem>> {
        match provider {
            "smtp" => smtp::build(settings, surroundings),
            "postmark" => postmark::build(settings, surroundings),
            "sendgrid" => sendgrid::build(settings, surroundings),
            "outbox" => outbox::build(self.name(), compose, settings, surroundings),
            _ => Err(unknown_provider(self, provider)),
        }
    }
}

fn drafted(job: &Job, letterhead: &Letterhead) -> Result<Draft, Failure> {
    compose(job, letterhead, Timestamp::UNIX_EPOCH).map_err(|fault| unrenderable(&fault))
}

/// A mail says nothing of the moment it leaves.
fn compose(job: &Job, letterhead: &Letterhead, _now: Timestamp) -> Result<Draft, TemplateFault> {
    let mail = render::email::render(&job.content, letterhead)?;
    Ok(Draft { subject: Some(mail.subject), text: mail.text, html: Some(mail.html), ..Draft::default() })
}
