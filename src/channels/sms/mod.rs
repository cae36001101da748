//! SMS.

use std::sync::Arc;

use jiff::Timestamp;

use super::outbox::{self, Draft};
use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings, unknown_provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::{self, Letterhead, TemplateFault};

/// `type = "sms"`
#[derive(Debug, Clone, Copy)]
pub struct Sms;

impl ChannelType for Sms {
    fn name(&self) -> &'static str {
        "sms"
    }

    fn contact(&self) -> Contact {
        Contact::Phone
    }

    fn providers(&self) -> &'static [&'static str] {
        &["outbox"]
    }

    fn keys(&self, provider: &str) -> &'static [&'static str] {
        match provider {
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
            "outbox" => outbox::build(self.name(), compose, settings, surroundings),
            _ => Err(unknown_provider(self, provider)),
        }
    }
}

fn compose(job: &Job, letterhead: &Letterhead, _now: Timestamp) -> Result<Draft, TemplateFault> {
    Ok(Draft { text: render::sms::render(&job.content, letterhead)?, ..Draft::default() })
}
