//! From a configuration to the parts of a Foghorn.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BUDGET_WINDOW, ChannelPart, MAX_RESTARTS, Parts, SourcePart};
use crate::channels::Surroundings;
use crate::channels::outbox::Outbox;
use crate::clock::Clock;
use crate::config::{Config, Migrate, SourceConfig};
use crate::domain::event::Bounds;
use crate::domain::names::{ChannelName, SourceName};
use crate::domain::restarts::RestartBudget;
use crate::feed::Feed;
use crate::formats::Words;
use crate::messages::IngestKey;
use crate::render::{Letterhead, Templates};
use crate::sources::Source;
use crate::sources::kafka::{KafkaSettings, KafkaSource};
use crate::store::Store;
use crate::store::open::{self, StoreSettings};
use crate::telemetry::handles::{ConfiguredChannel, ConfiguredSource};
use crate::telemetry::health::{Health, Roster};

/// A source of requests has room for this many events in flight.
const REQUESTS_IN_FLIGHT: usize = 4096;

/// What a configuration cannot be made into. `foghorn check` finds most of it without I/O; the rest
/// depends on files.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// Templates that cannot be read or compiled.
    #[error("[templates]: {}", .0.join("; "))]
    Templates(Vec<String>),
    /// A channel that cannot be built.
    #[error("[channels.{name}]: {}", .problems.join("; "))]
    Channel {
        /// Which.
        name: ChannelName,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
}

/// Which store the configuration names.
pub fn store_settings(config: &Config) -> StoreSettings {
    StoreSettings {
        url: config.store.url.expose().to_owned(),
        password: config.store.password.clone(),
        max_connections: config.store.max_connections,
        migrate: match config.store.migrate {
            Migrate::Auto => open::Migrate::Auto,
            Migrate::Manual => open::Migrate::Manual,
        },
    }
}

/// How records are read.
pub fn words(config: &Config) -> Words {
    Words {
        bounds: Bounds { bytes: config.http.max_body, ..Bounds::default() },
        aliases: config.severities.aliases.clone(),
        default_severity: config.severities.default,
    }
}

/// Everybody who is configured.
pub fn roster(config: &Config) -> Roster {
    let source = |(name, source): (&SourceName, &SourceConfig)| ConfiguredSource {
        name: name.clone(),
        kind: source.kind().to_owned(),
    };
    Roster {
        sources: config.sources.iter().map(source).collect(),
        channels: config
            .channels
            .iter()
            .map(|(name, channel)| ConfiguredChannel {
                name: name.clone(),
                kind: channel.channel_type.name().to_owned(),
                provider: channel.provider.clone(),
            })
            .collect(),
    }
}

/// What stays the same whatever the configuration says.
#[derive(Clone)]
pub struct Shared {
    /// The open store.
    pub store: Arc<dyn Store>,
    /// Where messages of `outbox` channels are kept.
    pub outbox: Arc<Outbox>,
    /// The time.
    pub clock: Clock,
    /// The notice board.
    pub health: Health,
    /// Where what was committed is told.
    pub feed: Feed,
}

/// The parts of the Foghorn that `config` describes.
///
/// # Errors
/// What cannot be built, and why.
pub fn parts(config: &Config, shared: &Shared) -> Result<Parts, AssemblyError> {
    let Shared { store, outbox, clock, health, feed } = shared.clone();
    let letterhead = letterhead(config)?;
    Ok(Parts {
        node: config.server.name.clone(),
        store,
        rules: config.incidents.clone(),
        words: words(config),
        routes: config.route_table.clone(),
        channels: channels(config, &letterhead.templates, &outbox, clock)?,
        letterhead,
        sources: sources(config),
        budget: RestartBudget::new(MAX_RESTARTS, BUDGET_WINDOW),
        clock,
        health,
        feed,
    })
}

/// What messages of this configuration share, its templates read and compiled.
///
/// # Errors
/// Templates that cannot be read or compiled.
pub fn letterhead(config: &Config) -> Result<Letterhead, AssemblyError> {
    let templates = Templates::load(config.templates.dir.as_deref()).map_err(AssemblyError::Templates)?;
    Ok(Letterhead {
        server_name: config.server.name.to_string(),
        public_url: config.server.public_url.clone(),
        templates: Arc::new(templates),
    })
}

/// The channels of `config`, ready to send.
///
/// # Errors
/// What cannot be built, and why.
pub fn channels(
    config: &Config,
    templates: &Arc<Templates>,
    outbox: &Arc<Outbox>,
    clock: Clock,
) -> Result<BTreeMap<ChannelName, ChannelPart>, AssemblyError> {
    let mut parts = BTreeMap::new();
    for (name, channel) in &config.channels {
        let surroundings = Surroundings {
            server_name: config.server.name.to_string(),
            public_url: config.server.public_url.clone(),
            outbox: Arc::clone(outbox),
            templates: Arc::clone(templates),
            workers: channel.workers,
            clock,
        };
        let built = channel.channel_type.build(&channel.provider, &channel.settings, &surroundings);
        let built = built.map_err(|problems| AssemblyError::Channel {
            name: name.clone(),
            problems: problems.into_iter().map(|problem| problem.message).collect(),
        })?;
        let part = ChannelPart {
            kind: channel.channel_type.name().to_owned(),
            provider: channel.provider.clone(),
            channel: built,
            workers: channel.workers,
            rates: channel.rates,
            retry: channel.retry.clone(),
        };
        parts.insert(name.clone(), part);
    }
    Ok(parts)
}

fn sources(config: &Config) -> BTreeMap<IngestKey, SourcePart> {
    let mut parts = BTreeMap::new();
    for (name, source) in &config.sources {
        match source {
            SourceConfig::Http => {
                let key = IngestKey { source: name.clone(), topic: None };
                let part = SourcePart {
                    kind: source.kind().to_owned(),
                    connect: None,
                    max_in_flight: REQUESTS_IN_FLIGHT,
                };
                parts.insert(key, part);
            }
            SourceConfig::Kafka(settings) => {
                for topic in &settings.topics {
                    let key = IngestKey { source: name.clone(), topic: Some(topic.as_str().into()) };
                    parts.insert(key, topic_part(settings, topic));
                }
            }
        }
    }
    parts
}

/// Each topic has a consumer of its own, so that one that is lost or slow does not hold another.
fn topic_part(settings: &Arc<KafkaSettings>, topic: &str) -> SourcePart {
    let (opening, topic) = (Arc::clone(settings), topic.to_owned());
    SourcePart {
        kind: "kafka".to_owned(),
        connect: Some(Arc::new(move || {
            KafkaSource::open(&opening, &topic).map(|source| Arc::new(source) as Arc<dyn Source>)
        })),
        max_in_flight: settings.max_in_flight,
    }
}
