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

use jiff::Timestamp;

pub(super) use self::discord::CODES as DISCORD_CODES;
pub(super) use self::mattermost::CODES as MATTERMOST_CODES;
pub(super) use self::teams::CODES as TEAMS_CODES;
pub(super) use self::template::CODES as TEMPLATE_CODES;
use super::outbox::{self, Draft};
use super::{ChannelType, Provider};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::{Letterhead, TemplateFault, webhook};

/// `type = "chat"`
pub const CHAT: ChannelType = ChannelType {
    name: "chat",
    contact: Contact::Fixed,
    providers: &[
        Provider {
            name: "teams",
            keys: preset::KEYS,
            build: |settings, surroundings| preset::build(&teams::PRESET, settings, surroundings),
        },
        Provider {
            name: "discord",
            keys: preset::KEYS,
            build: |settings, surroundings| preset::build(&discord::PRESET, settings, surroundings),
        },
        Provider {
            name: "mattermost",
            keys: preset::KEYS,
            build: |settings, surroundings| preset::build(&mattermost::PRESET, settings, surroundings),
        },
        Provider { name: "http", keys: template::KEYS, build: template::build },
        Provider {
            name: "outbox",
            keys: outbox::KEYS,
            build: |settings, surroundings| outbox::build("chat", compose, settings, surroundings),
        },
    ],
};

fn compose(job: &Job, letterhead: &Letterhead, _: Timestamp) -> Result<Draft, TemplateFault> {
    Ok(Draft { text: webhook::line(&job.content, letterhead)?, ..Draft::default() })
}
