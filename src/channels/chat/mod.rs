//! Chats that give out an address to post to: Microsoft Teams, Discord, Mattermost, and any other by a
//! template of the operator's.
//!
//! They differ in the shape of a message, in how long it may be, and in how they say yes: a preset is
//! just that. The address is the secret. What comes from outside mentions nobody, see
//! [`crate::render::chat`]; in a template of their own, that is the operator's to see to.

mod discord;
mod mattermost;
mod preset;
mod teams;
mod template;

use std::sync::Arc;

use jiff::Timestamp;

pub(super) use self::discord::CODES as DISCORD_CODES;
pub(super) use self::mattermost::CODES as MATTERMOST_CODES;
pub(super) use self::teams::CODES as TEAMS_CODES;
pub(super) use self::template::CODES as TEMPLATE_CODES;
use super::outbox::{self, Draft};
use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings, unknown_provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::{Letterhead, TemplateFault, webhook};

/// `type = "chat"`
#[derive(Debug, Clone, Copy)]
pub struct Chat;

impl ChannelType for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn contact(&self) -> Contact {
        Contact::Fixed
    }

    fn providers(&self) -> &'static [&'static str] {
        &["teams", "discord", "mattermost", "http", "outbox"]
    }

    fn keys(&self, provider: &str) -> &'static [&'static str] {
        match provider {
            "teams" | "discord" | "mattermost" => preset::KEYS,
            "http" => template::KEYS,
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
            "teams" => preset::build(&teams::PRESET, settings, surroundings),
            "discord" => preset::build(&discord::PRESET, settings, surroundings),
            "mattermost" => preset::build(&mattermost::PRESET, settings, surroundings),
            "http" => template::build(settings, surroundings),
            "outbox" => outbox::build(self.name(), compose, settings, surroundings),
            _ => Err(unknown_provider(self, provider)),
        }
    }
}

fn compose(job: &Job, letterhead: &Letterhead, _: Timestamp) -> Result<Draft, TemplateFault> {
    Ok(Draft { text: webhook::line(&job.content, letterhead)?, ..Draft::default() })
}
