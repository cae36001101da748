//! Ways out. A channel renders a message for its medium and makes one attempt to send it; it knows
//! nothing of actors, retries or the store.
//!
//! A channel's *type* says what it is (`email`) and fixes what kind of address it needs; its
//! *provider* says who carries it (`smtp`). Every type has the provider `outbox`, which keeps the
//! message inside Foghorn. A new channel is one folder and one line in [`CHANNELS`].

pub mod android;
pub mod callback;
pub mod chat;
pub mod codes;
mod credential;
pub mod email;
mod gateway;
mod http;
pub mod ios;
pub mod oidc;
pub mod outbox;
mod secret_url;
mod settings;
pub mod sinks;
pub mod slack;
pub mod sms;
pub mod talk;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::callback::{Callback, News, NotHeard};
use crate::clock::Clock;
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Fault, Outcome, Permanent};
use crate::domain::owner::Locales;
use crate::domain::people::Contact;
use crate::domain::retry::RetryPolicy;
use crate::render::links::Links;
use crate::render::{Letterhead, TemplateFault, Templates, sanitize};
use outbox::{Draft, Outbox};

/// Makes attempts. One value serves all workers of its pool.
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    /// One attempt. Ends within the channel's own timeout; may panic, which the pool survives.
    async fn send(&self, job: &Job) -> Outcome;

    /// What an attempt would say now, for people; nobody is asked.
    ///
    /// # Errors
    /// The words cannot be made.
    fn draft(&self, job: &Job) -> Result<Draft, Failure>;

    /// Connects and logs in without sending, for `foghorn check --connect`. Says what it saw.
    ///
    /// # Errors
    /// What went wrong as `code: words`, without secrets. The codes `connection` and `timeout` mean
    /// that nobody answered; with any other one somebody said no.
    async fn probe(&self) -> Result<String, String>;

    /// What a callback of its provider says.
    ///
    /// # Errors
    /// It is not the provider's, or says nothing.
    fn hear(&self, _callback: &Callback<'_>) -> Result<Vec<News>, NotHeard> {
        Err(NotHeard::NotExpected)
    }

    /// `words` for whoever answered, as the answer to their callback; `None`: they get no words.
    fn answer(&self, _words: Option<&str>) -> callback::Answer {
        callback::Answer::NOTHING
    }

    /// Brings `words` to whoever pressed a button, at the address that came with the press.
    ///
    /// # Errors
    /// Why they did not hear them. Nobody tries again.
    async fn whisper(&self, _at: &str, _words: &str) -> Result<(), Failure> {
        Ok(())
    }

    /// Ends connections that are idle; called when the pool is drained.
    async fn close(&self) {}
}

/// What a channel may need of the rest of Foghorn.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// `[server] name`
    pub server_name: String,
    /// `[server] public_url`, without a slash at the end.
    pub public_url: String,
    /// Where messages of `outbox` channels are kept.
    pub outbox: Arc<Outbox>,
    /// The operator's templates.
    pub templates: Arc<Templates>,
    /// What each user reads.
    pub locales: Arc<Locales>,
    /// Makes links to act with.
    pub links: Option<Links>,
    /// What time it is, for dates in messages.
    pub clock: Clock,
    /// Upper bound of concurrent attempts.
    pub workers: usize,
}

impl Surroundings {
    /// What every message says of this Foghorn.
    fn letterhead(&self) -> Letterhead {
        Letterhead {
            server_name: self.server_name.clone(),
            public_url: self.public_url.clone(),
            templates: Arc::clone(&self.templates),
            locales: Arc::clone(&self.locales),
            links: self.links.clone(),
            reader: None,
        }
    }
}

/// `[channels.NAME]` without the keys that every channel has.
pub type Settings = toml::Table;

/// What is wrong with `[channels.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// The key, if one is at fault.
    pub key: Option<String>,
    /// What, and what to do.
    pub message: String,
}

/// The failure of a job whose words cannot be made; no attempt will change that.
fn unrenderable(fault: &TemplateFault) -> Failure {
    Failure {
        fault: Fault::Permanent(Permanent::Unacceptable),
        code: "template".to_owned(),
        detail: sanitize::line(&fault.to_string(), LONGEST_DETAIL).into_owned(),
    }
}

/// The most characters of a provider's answer that are kept.
const LONGEST_DETAIL: usize = 300;

/// What settings come to: a channel, or everything that is wrong with them.
pub type Built = Result<Arc<dyn Channel>, Vec<SettingsProblem>>;

/// One type of channel.
#[derive(Debug)]
pub struct ChannelType {
    name: &'static str,
    contact: Contact,
    providers: &'static [Provider],
}

/// One who carries messages of a type.
#[derive(Debug)]
struct Provider {
    /// `provider = "…"`
    name: &'static str,
    /// Every key that it understands.
    keys: &'static [&'static str],
    /// The channel of these settings. Does no I/O.
    build: fn(&Settings, &Surroundings) -> Built,
}

impl ChannelType {
    /// `type = "…"`
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What kind of address it needs.
    pub fn contact(&self) -> Contact {
        self.contact
    }

    /// `provider = "…"`, `outbox` included.
    pub fn providers(&self) -> Vec<&'static str> {
        self.providers.iter().map(|provider| provider.name).collect()
    }

    /// Every key that `provider` understands, for messages and references.
    pub fn keys(&self, provider: &str) -> &'static [&'static str] {
        self.provider(provider).map_or(&[], |provider| provider.keys)
    }

    /// How long a delivery on it makes sense, and how it is retried, unless configured otherwise.
    pub fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    /// The channel of these settings. Does no I/O.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, not just the first.
    pub fn build(&self, provider: &str, settings: &Settings, surroundings: &Surroundings) -> Built {
        match self.provider(provider) {
            Some(provider) => (provider.build)(settings, surroundings),
            None => Err(vec![self.has_no(provider)]),
        }
    }

    fn provider(&self, name: &str) -> Option<&'static Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    fn has_no(&self, provider: &str) -> SettingsProblem {
        let message = format!(
            "type \"{}\" has no provider \"{}\"; it has {}",
            self.name,
            sanitize::line(provider, 60),
            self.providers().join(", ")
        );
        SettingsProblem { key: Some("provider".to_owned()), message }
    }
}

/// Every type of channel there is.
pub const CHANNELS: &[ChannelType] =
    &[email::EMAIL, sms::SMS, ios::IOS, android::ANDROID, webhook::WEBHOOK, slack::SLACK, chat::CHAT];

/// The type of this name.
pub fn channel_type(name: &str) -> Option<&'static ChannelType> {
    CHANNELS.iter().find(|channel| channel.name == name)
}

/// An attempt that takes longer is given up, whatever the channel's own timeout.
pub const LONGEST_ATTEMPT: Duration = Duration::from_secs(60);
