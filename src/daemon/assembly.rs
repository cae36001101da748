//! From a configuration to the parts of a Foghorn.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{BUDGET_WINDOW, ChannelPart, MAX_RESTARTS, Parts, SourcePart};
use crate::channels::Surroundings;
use crate::channels::oidc::{self, Provider};
use crate::channels::outbox::Outbox;
use crate::channels::sinks::kafka::KafkaSink;
use crate::channels::sinks::rabbitmq::RabbitSink;
use crate::channels::sinks::{Sink, webhook};
use crate::channels::sms;
use crate::clock::Clock;
use crate::config::{Config, Migrate, SinkSettings, SourceConfig, TokenConfig};
use crate::domain::event::Bounds;
use crate::domain::names::{ChannelName, NodeName, SinkName, SourceName};
use crate::domain::restarts::RestartBudget;
use crate::domain::token::ConfiguredToken;
use crate::feed::Feed;
use crate::formats::Words;
use crate::http::digest;
use crate::messages::IngestKey;
use crate::render::Letterhead;
use crate::render::links::Links;
use crate::sources::http::Hooks;
use crate::sources::kafka::{KafkaLetters, KafkaSettings, KafkaSource};
use crate::sources::nats::{self, Reach};
use crate::sources::pubsub;
use crate::sources::rabbitmq;
use crate::sources::redis::{Mode, RedisSettings, open_hybrid, open_stream};
use crate::sources::{Connect, LetterBox, LetterBoxes, Source};
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
    /// An identity provider that cannot be asked.
    #[error("[auth.oidc]: {}", .0.join("; "))]
    Provider(Vec<String>),
    /// A sink of events that cannot be built.
    #[error("[events_out.{name}]: {}", .problems.join("; "))]
    Sink {
        /// Which.
        name: SinkName,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
    /// A channel that cannot be built.
    #[error("[channels.{name}]: {}", .problems.join("; "))]
    Channel {
        /// Which.
        name: ChannelName,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
}

/// Who says who somebody is.
///
/// # Errors
/// Its settings are wrong, such as by a file that is not there any more.
pub fn provider(config: &Config, clock: Clock) -> Result<Option<Arc<Provider>>, AssemblyError> {
    let Some(settings) = &config.oidc else { return Ok(None) };
    let built = oidc::provider(settings, &config.server.public_url, clock);
    built.map(|provider| Some(Arc::new(provider))).map_err(|problems| {
        AssemblyError::Provider(problems.into_iter().map(|problem| problem.message).collect())
    })
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
        links: config.links.clone(),
        formats: config
            .sources
            .iter()
            .map(|(name, source)| (name.clone(), source.format().clone()))
            .collect(),
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
    /// What links in messages are signed with.
    pub link_key: SecretString,
}

/// The parts of the Foghorn that `config` describes.
///
/// # Errors
/// What cannot be built, and why.
pub fn parts(config: &Config, shared: &Shared) -> Result<Parts, AssemblyError> {
    let Shared { store, outbox, clock, health, feed, link_key } = shared.clone();
    let links = Links::new(link_key.expose_secret().as_bytes(), config.ack_link_ttl);
    let letterhead = Letterhead { links: Some(links), ..letterhead(config) };
    Ok(Parts {
        node: config.server.name.clone(),
        store,
        rules: config.incidents.clone(),
        words: words(config),
        routes: config.route_table.clone(),
        tables: Arc::clone(&config.tables),
        channels: channels(config, &letterhead, &outbox, clock)?,
        letterhead,
        retention: config.store.retention,
        tokens: tokens(config),
        sources: sources(config),
        hooks: hooks(config),
        sinks: sinks(config, clock)?,
        letter_boxes: letter_boxes(config),
        budget: RestartBudget::new(MAX_RESTARTS, BUDGET_WINDOW),
        clock,
        health,
        feed,
    })
}

/// Of the secrets only what they are recognised by goes on from here.
fn tokens(config: &Config) -> Vec<ConfiguredToken> {
    let token = |token: &TokenConfig| ConfiguredToken {
        name: token.name.clone(),
        digest: digest(token.secret.expose_secret()),
        scopes: token.scopes,
    };
    config.tokens.iter().map(token).collect()
}

/// What messages of this configuration share.
pub fn letterhead(config: &Config) -> Letterhead {
    Letterhead {
        server_name: config.server.name.to_string(),
        public_url: config.server.public_url.clone(),
        templates: Arc::clone(&config.templates.all),
        locales: Arc::new(config.route_table.directory.readers()),
        ..Letterhead::default()
    }
}

/// The channels of `config`, ready to send.
///
/// # Errors
/// What cannot be built, and why.
pub fn channels(
    config: &Config,
    letterhead: &Letterhead,
    outbox: &Arc<Outbox>,
    clock: Clock,
) -> Result<BTreeMap<ChannelName, ChannelPart>, AssemblyError> {
    let mut parts = BTreeMap::new();
    for (name, channel) in &config.channels {
        let surroundings = Surroundings {
            server_name: config.server.name.to_string(),
            public_url: config.server.public_url.clone(),
            outbox: Arc::clone(outbox),
            templates: Arc::clone(&letterhead.templates),
            locales: Arc::clone(&letterhead.locales),
            links: letterhead.links.clone(),
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
            texts: sms::style(channel.channel_type, &channel.settings),
        };
        parts.insert(name.clone(), part);
    }
    Ok(parts)
}

/// Who is told what changes.
///
/// # Errors
/// What cannot be built, and why.
pub fn sinks(config: &Config, clock: Clock) -> Result<BTreeMap<SinkName, Arc<dyn Sink>>, AssemblyError> {
    let mut parts: BTreeMap<SinkName, Arc<dyn Sink>> = BTreeMap::new();
    for (name, sink) in &config.events_out {
        let built: Arc<dyn Sink> = match &sink.settings {
            SinkSettings::Kafka(settings) => Arc::new(KafkaSink::new(Arc::clone(settings))),
            SinkSettings::RabbitMq(settings) => Arc::new(RabbitSink::new(Arc::clone(settings))),
            SinkSettings::Webhook(settings) => {
                webhook(settings, clock).map_err(|problems| AssemblyError::Sink {
                    name: name.clone(),
                    problems: problems.into_iter().map(|problem| problem.message).collect(),
                })?
            }
        };
        parts.insert(name.clone(), built);
    }
    Ok(parts)
}

fn sources(config: &Config) -> BTreeMap<IngestKey, SourcePart> {
    let node = &config.server.name;
    let of = |(name, source): (&SourceName, &SourceConfig)| {
        let key = |topic| IngestKey { source: name.clone(), topic };
        parts_of(source, node).into_iter().map(|(topic, part)| (key(topic), part)).collect::<Vec<_>>()
    };
    config.sources.iter().flat_map(of).collect()
}

/// What a topic, or what is like one, is called: `None` for requests.
type Topic = Option<Arc<str>>;

/// Each topic of a source.
fn parts_of(source: &SourceConfig, node: &NodeName) -> Vec<(Topic, SourcePart)> {
    let queue = |topic: &str, room, open: Connect| {
        let part = SourcePart { kind: source.kind().to_owned(), connect: Some(open), max_in_flight: room };
        (Some(topic.into()), part)
    };
    match source {
        SourceConfig::Http(_) => {
            let (kind, max_in_flight) = (source.kind().to_owned(), REQUESTS_IN_FLIGHT);
            vec![(None, SourcePart { kind, connect: None, max_in_flight })]
        }
        SourceConfig::Kafka(settings) => {
            let part = |topic: &String| (Some(topic.as_str().into()), topic_part(settings, topic));
            settings.topics.iter().map(part).collect()
        }
        SourceConfig::Redis(settings) => redis_parts(settings, node, queue),
        SourceConfig::Nats(settings) => {
            let part = |reach: Reach| {
                let topic = reach.subject.clone().unwrap_or_else(|| settings.stream.clone());
                let opening = Arc::clone(settings);
                let open: Connect = Arc::new(move || Ok(Arc::new(nats::open(&opening, &reach))));
                queue(&topic, settings.max_in_flight, open)
            };
            settings.reaches().into_iter().map(part).collect()
        }
        SourceConfig::RabbitMq(settings) => {
            let part = |name: &String| {
                let (opening, topic) = (Arc::clone(settings), name.clone());
                let open: Connect = Arc::new(move || Ok(Arc::new(rabbitmq::open(&opening, &topic))));
                queue(name, settings.max_in_flight, open)
            };
            settings.queues.iter().map(part).collect()
        }
        SourceConfig::PubSub(settings) => {
            let part = |name: &String| {
                let (opening, topic) = (Arc::clone(settings), name.clone());
                let open: Connect = Arc::new(move || Ok(Arc::new(pubsub::open(&opening, &topic))));
                queue(name, settings.max_in_flight, open)
            };
            settings.subscriptions.iter().map(part).collect()
        }
    }
}

fn redis_parts(
    settings: &Arc<RedisSettings>,
    node: &NodeName,
    queue: impl Fn(&str, usize, Connect) -> (Topic, SourcePart),
) -> Vec<(Topic, SourcePart)> {
    let room = settings.max_in_flight;
    if settings.mode == Mode::Hybrid {
        let opening = Arc::clone(settings);
        let open: Connect = Arc::new(move || Ok(Arc::new(open_hybrid(&opening)?)));
        return vec![queue(&settings.table.name, room, open)];
    }
    let part = |stream: &String| {
        let (opening, topic, node) = (Arc::clone(settings), stream.clone(), node.clone());
        let open: Connect = Arc::new(move || Ok(Arc::new(open_stream(&opening, &topic, node.as_str())?)));
        queue(stream, room, open)
    };
    settings.streams.iter().map(part).collect()
}

/// What has an address of its own: all but our own API.
fn hooks(config: &Config) -> Hooks {
    let hook = |(name, source): (&SourceName, &SourceConfig)| match source {
        SourceConfig::Http(settings) if !settings.path.is_empty() => {
            Some((name.clone(), Arc::clone(settings)))
        }
        _ => None,
    };
    config.sources.iter().filter_map(hook).collect()
}

/// Where the dead letters of each source go, too.
fn letter_boxes(config: &Config) -> LetterBoxes {
    let topic = |(name, source): (&SourceName, &SourceConfig)| match source {
        SourceConfig::Kafka(settings) => {
            let letters = KafkaLetters::to(settings, settings.dead_letter_topic.as_deref()?);
            Some((name.clone(), Arc::new(letters) as Arc<dyn LetterBox>))
        }
        _ => None,
    };
    config.sources.iter().filter_map(topic).collect()
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
