//! iOS push, over APNs.
//!
//! A device is reached by its token, which Apple gives to the app and takes back when the app is
//! removed; one that Apple has taken back is never tried again.

mod apns;
mod codes;
mod config;
mod provider_token;

use std::sync::Arc;

use jiff::Timestamp;

pub(super) use self::codes::CODES;
use super::outbox::{self, Draft};
use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings, unknown_provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::push::{self, Loudest};
use crate::render::{Letterhead, TemplateFault};

/// `type = "ios"`
#[derive(Debug, Clone, Copy)]
pub struct Ios;

impl ChannelType for Ios {
    fn name(&self) -> &'static str {
        "ios"
    }

    fn contact(&self) -> Contact {
        Contact::Ios
    }

    fn providers(&self) -> &'static [&'static str] {
        &["apns", "outbox"]
    }

    fn keys(&self, provider: &str) -> &'static [&'static str] {
        match provider {
            "apns" => config::KEYS,
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
            "apns" => apns::build(settings, surroundings),
            "outbox" => outbox::build(self.name(), usual, settings, surroundings),
            _ => Err(unknown_provider(self, provider)),
        }
    }
}

fn usual(job: &Job, letterhead: &Letterhead, _now: Timestamp) -> Result<Draft, TemplateFault> {
    compose(job, letterhead, Loudest::default())
}

fn compose(job: &Job, letterhead: &Letterhead, loudest: Loudest) -> Result<Draft, TemplateFault> {
    let text = push::render(&job.content, letterhead)?;
    Ok(Draft {
        payload: Some(push::apns(&job.content, &text, letterhead, job.expires_at, loudest)),
        subject: Some(text.title),
        text: text.body,
        ..Draft::default()
    })
}
