//! Android push, over FCM.
//!
//! A device is reached by its registration token, which belongs to one app of one Firebase project;
//! one that FCM no longer knows is never tried again.

mod access;
mod codes;
mod config;
mod fcm;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub(super) use self::codes::{ACCESS_CODES, CODES};
use super::outbox::{self, Draft};
use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings, unknown_provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::{Letterhead, TemplateFault, push};

/// `type = "android"`
#[derive(Debug, Clone, Copy)]
pub struct Android;

impl ChannelType for Android {
    fn name(&self) -> &'static str {
        "android"
    }

    fn contact(&self) -> Contact {
        Contact::Android
    }

    fn providers(&self) -> &'static [&'static str] {
        &["fcm", "outbox"]
    }

    fn keys(&self, provider: &str) -> &'static [&'static str] {
        match provider {
            "fcm" => config::KEYS,
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
            "fcm" => fcm::build(settings, surroundings),
            "outbox" => outbox::build(self.name(), compose, settings, surroundings),
            _ => Err(unknown_provider(self, provider)),
        }
    }
}

fn compose(job: &Job, letterhead: &Letterhead, now: Timestamp) -> Result<Draft, TemplateFault> {
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
