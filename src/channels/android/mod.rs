//! Android push, over FCM.
//!
//! A device is reached by its registration token, which belongs to one app of one Firebase project;
//! one that FCM no longer knows is never tried again.

mod access;
mod codes;
mod config;
mod fcm;

use std::time::Duration;

use jiff::Timestamp;

pub(super) use self::codes::{ACCESS_CODES, CODES};
use super::outbox::{self, Draft};
use super::{ChannelType, Provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::{Letterhead, TemplateFault, push};

/// `type = "android"`
pub const ANDROID: ChannelType = ChannelType {
    name: "android",
    contact: Contact::Android,
    providers: &[
        Provider { name: "fcm", keys: config::KEYS, build: fcm::build },
        Provider {
            name: "outbox",
            keys: outbox::KEYS,
            build: |settings, surroundings| outbox::build("android", compose, settings, surroundings),
        },
    ],
};

fn compose(job: &Job, letterhead: &Letterhead, now: Timestamp) -> Result<Draft, TemplateFault> {
    let letterhead = &letterhead.to(job);
    let text = push::render(&job.content, letterhead)?;
    let lifetime = Duration::try_from(job.expires_at.duration_since(now)).unwrap_or_default();
    // The device's address is in the message's `to`; here it would be read by everybody.
    let token = job.target.address.masked();
    Ok(Draft {
        payload: Some(push::fcm(&job.content, &text, letterhead, &token, lifetime)),
        subject: Some(text.title),
        text: text.body,
        ..Draft::default()
    })
}
