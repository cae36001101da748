//! iOS push, over APNs.
//!
//! A device is reached by its token, which Apple gives to the app and takes back when the app is
//! removed; one that Apple has taken back is never tried again.

mod apns;
mod codes;
mod config;
mod provider_token;

use jiff::Timestamp;

pub(super) use self::codes::CODES;
use super::outbox::{self, Draft};
use super::{ChannelType, Provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::push::{self, Loudest};
use crate::render::{Letterhead, TemplateFault};

/// `type = "ios"`
pub const IOS: ChannelType = ChannelType {
    name: "ios",
    contact: Contact::Ios,
    providers: &[
        Provider { name: "apns", keys: config::KEYS, build: apns::build },
        Provider {
            name: "outbox",
            keys: outbox::KEYS,
            build: |settings, surroundings| outbox::build("ios", usual, settings, surroundings),
        },
    ],
};

fn usual(job: &Job, letterhead: &Letterhead, _now: Timestamp) -> Result<Draft, TemplateFault> {
    compose(job, letterhead, Loudest::default())
}

fn compose(job: &Job, letterhead: &Letterhead, loudest: Loudest) -> Result<Draft, TemplateFault> {
    let letterhead = &letterhead.to(job);
    let text = push::render(&job.content, letterhead)?;
    Ok(Draft {
        payload: Some(push::apns(&job.content, &text, letterhead, job.expires_at, loudest)),
        subject: Some(text.title),
        text: text.body,
        ..Draft::default()
    })
}
