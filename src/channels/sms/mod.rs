//! SMS: one line for a phone, through Twilio or any gateway that takes an HTTP request.
//!
//! Whoever carries it, the words are the same (`render::sms`), a number that cannot be one is
//! refused without asking anybody, and what was sent is counted in parts, because parts are paid for.

mod gateway;
mod phrasing;
pub mod twilio;

use jiff::Timestamp;

use self::phrasing::Phrasing;
use super::outbox;
use super::settings::Reader;
use super::{Built, ChannelType, Provider, Settings, Surroundings};
use crate::domain::delivery::Job;
use crate::domain::people::Contact;
use crate::render::sms::SmsStyle;
use crate::render::{self, Letterhead};

pub(super) use self::gateway::CODES as GATEWAY_CODES;

/// Keys of `provider = "outbox"`: its own, and how the words are made.
const OUTBOX_KEYS: &[&str] = &["fail", "fail_times", "max_segments", "encoding", "links", "replies"];

/// `type = "sms"`
pub const SMS: ChannelType = ChannelType {
    name: "sms",
    contact: Contact::Phone,
    providers: &[
        Provider { name: "twilio", keys: twilio::KEYS, build: twilio::build },
        Provider { name: "http", keys: gateway::KEYS, build: gateway::build },
        Provider { name: "outbox", keys: OUTBOX_KEYS, build: build_outbox },
    ],
};

/// How a channel of these settings, which were checked, wants its texts; `None`: it sends none.
pub fn style(channel: &ChannelType, settings: &Settings) -> Option<SmsStyle> {
    (channel.name == SMS.name).then(|| phrasing::read_style(&mut Reader::new(settings)))
}

fn build_outbox(settings: &Settings, surroundings: &Surroundings) -> Built {
    let mut reader = Reader::new(settings);
    let style = phrasing::read_style(&mut reader);
    let compose = move |job: &Job, letterhead: &Letterhead, _: Timestamp| {
        let message = render::sms::render(&job.content, &letterhead.to(job), &style)?;
        Ok(phrasing::drafted(message))
    };
    outbox::build_from("sms", compose, reader, surroundings)
}
