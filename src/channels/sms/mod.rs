//! SMS: one line for a phone, through Twilio or any gateway that takes an HTTP request.
//!
//! Whoever carries it, the words are the same (`render::sms`), a number that cannot be one is
//! refused without asking anybody, and what was sent is counted in parts, because parts are paid for.

mod gateway;
mod phrasing;
pub mod twilio;

use std::sync::Arc;

use jiff::Timestamp;

use self::phrasing::Phrasing;
use super::outbox;
use super::settings::Reader;
use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings, unknown_provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::{self, Letterhead};

pub(super) use self::gateway::CODES as GATEWAY_CODES;

/// `type = "sms"`
#[derive(Debug, Clone, Copy)]
pub struct Sms;

/// Keys of `provider = "outbox"`: its own, and how the words are made.
const OUTBOX_KEYS: &[&str] = &["fail", "fail_times", "max_segments", "encoding", "links", "replies"];

impl ChannelType for Sms {
    fn name(&self) -> &'static str {
        "sms"
    }

    fn contact(&self) -> Contact {
        Contact::Phone
    }

    fn providers(&self) -> &'static [&'static str] {
        &["twilio", "http", "outbox"]
    }

    fn keys(&self, provider: &str) -> &'static [&'static str] {
        match provider {
            "twilio" => twilio::KEYS,
            "http" => gateway::KEYS,
            "outbox" => OUTBOX_KEYS,
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
            "twilio" => twilio::build(settings, surroundings),
            "http" => gateway::build(settings, surroundings),
            "outbox" => self.build_outbox(settings, surroundings),
            _ => Err(unknown_provider(self, provider)),
        }
    }
}

impl Sms {
    fn build_outbox(
        self,
        settings: &Settings,
        surroundings: &Surroundings,
    ) -> Result<Arc<dyn Channel>, Vec<SettingsProblem>> {
        let mut reader = Reader::new(settings);
        let style = phrasing::read_style(&mut reader);
        let compose = move |job: &Job, letterhead: &Letterhead, _: Timestamp| {
            let message = render::sms::render(&job.content, letterhead, &style)?;
            Ok(phrasing::drafted(message))
        };
        outbox::build_from(self.name(), compose, reader, surroundings)
    }
}
