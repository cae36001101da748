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

use jiff::Timestamp;

pub(super) use self::codes::{SMTP_CODES, SMTP_DATA_CODES, SMTP_LOGIN_CODES, SMTP_MAIL_CODES};
pub(super) use self::postmark::CODES as POSTMARK_CODES;
pub(super) use self::sendgrid::CODES as SENDGRID_CODES;
use super::outbox::{self, Draft};
use super::{ChannelType, Provider, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::Failure;
use crate::domain::people::Contact;
use crate::render::{self, Letterhead, TemplateFault};

/// `type = "email"`
pub const EMAIL: ChannelType = ChannelType {
    name: "email",
    contact: Contact::Email,
    providers: &[
        Provider { name: "smtp", keys: config::KEYS, build: smtp::build },
        Provider { name: "postmark", keys: postmark::KEYS, build: postmark::build },
        Provider { name: "sendgrid", keys: sendgrid::KEYS, build: sendgrid::build },
        Provider {
            name: "outbox",
            keys: outbox::KEYS,
            build: |settings, surroundings| outbox::build("email", compose, settings, surroundings),
        },
    ],
};

fn drafted(job: &Job, letterhead: &Letterhead) -> Result<Draft, Failure> {
    compose(job, letterhead, Timestamp::UNIX_EPOCH).map_err(|fault| unrenderable(&fault))
}

/// A mail says nothing of the moment it leaves.
fn compose(job: &Job, letterhead: &Letterhead, _now: Timestamp) -> Result<Draft, TemplateFault> {
    let mail = render::email::render(&job.content, &letterhead.to(job))?;
    Ok(Draft { subject: Some(mail.subject), text: mail.text, html: Some(mail.html), ..Draft::default() })
}
