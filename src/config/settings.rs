//! The values of a configuration, ready to use.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::heartbeat::Heartbeat;
use crate::channels::sinks::kafka::KafkaSinkSettings;
use crate::channels::sinks::rabbitmq::RabbitSinkSettings;
use crate::channels::{ChannelType, Settings};
use crate::domain::acceptance::IncidentRules;
use crate::domain::names::{ChannelName, MapperName, MessageType, NodeName, SinkName, SourceName};
use crate::domain::pattern::Pattern;
use crate::domain::rate::Rates;
use crate::domain::record::Tables;
use crate::domain::retention::Retention;
use crate::domain::retry::RetryPolicy;
use crate::domain::routes::RouteTable;
use crate::domain::severity::{Severity, SeverityAliases};
use crate::domain::token::Scopes;
use crate::formats::Format;
use crate::formats::mapper::Mapper;
use crate::render::Templates;
use crate::sources::http::HttpSource;
use crate::sources::kafka::KafkaSettings;
use crate::sources::nats::NatsSettings;
use crate::sources::pubsub::PubSubSettings;
use crate::sources::rabbitmq::RabbitSettings;
use crate::sources::redis::RedisSettings;

/// Everything the operator can say.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: ServerConfig,
    /// `[http]`
    pub http: HttpConfig,
    /// `[auth] mode`
    pub auth: AuthMode,
    /// `[auth.oidc]`
    pub oidc: Option<Settings>,
    /// `[auth] session_ttl`
    pub session_ttl: Duration,
    /// `[auth] ack_link_ttl`
    pub ack_link_ttl: Duration,
    /// `[tokens]`
    pub tokens: Vec<TokenConfig>,
    /// `[store]`
    pub store: StoreConfig,
    /// `[sources]`; `api` is always there.
    pub sources: BTreeMap<SourceName, SourceConfig>,
    /// `[mappers]`
    pub mappers: BTreeMap<MapperName, Arc<Mapper>>,
    /// `[channels]`
    pub channels: BTreeMap<ChannelName, ChannelConfig>,
    /// `[events_out]`
    pub events_out: BTreeMap<SinkName, SinkConfig>,
    /// `[users]`, `[teams]`, `[[routes]]`, `[policies]`
    pub route_table: RouteTable,
    /// The tables that could also stand in the store, and where each of them stands.
    pub tables: Arc<Tables>,
    /// `[incidents]`, for the router.
    pub incidents: IncidentRules,
    /// `[incidents]`, for whoever reads records.
    pub severities: SeverityWords,
    /// `[notifications.TYPE] link`, for whoever reads records.
    pub links: BTreeMap<MessageType, String>,
    /// `[templates]`
    pub templates: TemplatesConfig,
    /// `[telemetry.logs]`
    pub logs: LogsConfig,
    /// `[telemetry.metrics]`
    pub metrics: MetricsConfig,
}

/// `[events_out.NAME]`
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// Whom to tell.
    pub settings: SinkSettings,
    /// What of; nothing means everything.
    pub only: Vec<Pattern>,
}

/// What `type` says, with its settings.
#[derive(Clone)]
pub enum SinkSettings {
    /// A topic.
    Kafka(Arc<KafkaSinkSettings>),
    /// An exchange.
    RabbitMq(Arc<RabbitSinkSettings>),
    /// An address.
    Webhook(Settings),
}

impl fmt::Debug for SinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka(settings) => settings.fmt(f),
            Self::RabbitMq(settings) => settings.fmt(f),
            // Any of them may be a secret.
            Self::Webhook(settings) => f.debug_set().entries(settings.keys()).finish(),
        }
    }
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Shown in messages, and the name that rows are held under.
    pub name: NodeName,
    /// What links in messages start with, without a slash at the end.
    pub public_url: String,
    /// IANA name of the zone of times in messages.
    pub timezone: String,
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// How long a drain may take.
    pub shutdown_grace: Duration,
    /// Who outside is told that all is well.
    pub heartbeat: Option<Heartbeat>,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// One port for API, probes and metrics.
    pub listen: SocketAddr,
    /// Names this server goes by, besides localhost and the host of `public_url`; in lower case.
    pub hosts: Vec<String>,
    /// The unix socket beside the port.
    pub socket: SocketPlace,
    /// Longest body, bytes.
    pub max_body: usize,
    /// From the first byte of a request to the last of its answer.
    pub request_timeout: Duration,
    /// How often one caller may ask.
    pub rate: Option<RateLimit>,
    /// `docs`
    pub explorer: Explorer,
}

/// `[http] docs`: whether `/docs` shows the API to look at and to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explorer {
    /// It does.
    Served,
    /// It is not there.
    Off,
}

/// `[http] rate_limit`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// So often, on and on.
    pub per_second: NonZeroU32,
    /// So often at once, after a rest.
    pub burst: NonZeroU32,
}

/// `[tokens.NAME]`
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// Its name.
    pub name: String,
    /// What whoever has it shows.
    pub secret: SecretString,
    /// What it is good for.
    pub scopes: Scopes,
}

/// `[http] socket`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketPlace {
    /// There is none.
    Off,
    /// Nobody asked for it: one that cannot be had is only warned of.
    Usual(PathBuf),
    /// It has to be there.
    At(PathBuf),
}

/// `[auth] mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthMode {
    /// Whoever can connect may do everything: loopback only.
    #[default]
    None,
    /// The same, on any address: somebody else decides who can connect, and whoever wrote this
    /// knows who that is.
    TrustedNetwork,
    /// Whoever shows a token may do what it is good for.
    Token,
}

/// `[store]`
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Which store.
    pub url: StoreUrl,
    /// The database's password, if the URL has none.
    pub password: Option<SecretString>,
    /// Upper bound of connections.
    pub max_connections: u32,
    /// Who brings the schema up to date.
    pub migrate: Migrate,
    /// `[store.retention]`
    pub retention: Retention,
}

/// `[store] migrate`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Migrate {
    /// Foghorn, at start.
    #[default]
    Auto,
    /// A person, with `foghorn db migrate`.
    Manual,
}

/// The address of a store. Printed without the password that it may hold.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// The address of `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The address itself: for whoever opens the store, never for logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The last @, because a password may hold one that should have been escaped.
        let credentials = self.0.split_once("://").and_then(|(scheme, rest)| {
            let (user, host) = rest.rsplit_once('@')?;
            Some((scheme, user.split(':').next().unwrap_or_default(), host))
        });
        let Some((scheme, user, host)) = credentials else {
            let bare = self.0.split('?').next().unwrap_or_default();
            return f.write_str(bare);
        };
        write!(f, "{scheme}://{user}@{}", host.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// `[sources.NAME]`
#[derive(Debug, Clone)]
pub enum SourceConfig {
    /// Requests: `POST /api/v1/events`, or those of one sender in a format of its own.
    Http(Arc<HttpSource>),
    /// Topics of a Kafka-protocol broker.
    Kafka(Arc<KafkaSettings>),
    /// Streams of a Redis.
    Redis(Arc<RedisSettings>),
    /// A stream of a NATS JetStream.
    Nats(Arc<NatsSettings>),
    /// Queues of a RabbitMQ.
    RabbitMq(Arc<RabbitSettings>),
    /// Subscriptions of Google Pub/Sub.
    PubSub(Arc<PubSubSettings>),
}

impl SourceConfig {
    /// `type = "…"`
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Kafka(_) => "kafka",
            Self::Redis(_) => "redis",
            Self::Nats(_) => "nats",
            Self::RabbitMq(_) => "rabbitmq",
            Self::PubSub(_) => "pubsub",
        }
    }

    /// What its records are.
    pub fn format(&self) -> &Format {
        match self {
            Self::Http(settings) => &settings.format,
            Self::Kafka(settings) => &settings.format,
            Self::Redis(settings) => &settings.format,
            Self::Nats(settings) => &settings.format,
            Self::RabbitMq(settings) => &settings.format,
            Self::PubSub(settings) => &settings.format,
        }
    }
}

/// `[channels.NAME]`
#[derive(Clone)]
pub struct ChannelConfig {
    /// What it is.
    pub channel_type: &'static ChannelType,
    /// Who carries it.
    pub provider: String,
    /// Upper bound of concurrent attempts.
    pub workers: usize,
    /// How fast it may go.
    pub rates: Rates,
    /// When to try again, and when to stop.
    pub retry: RetryPolicy,
    /// Everything else, for [`ChannelType::build`]. Secrets are in the clear.
    pub settings: Settings,
}

impl fmt::Debug for ChannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelConfig")
            .field("type", &self.channel_type.name())
            .field("provider", &self.provider)
            .field("workers", &self.workers)
            .field("retry", &self.retry)
            .field("settings", &Keys(&self.settings))
            .finish()
    }
}

/// The keys of settings without their values, which may be secrets.
struct Keys<'a>(&'a Settings);

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `[incidents] default_severity`, `severity_aliases`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityWords {
    /// Of an event that names none.
    pub default: Severity,
    /// The operator's own words.
    pub aliases: SeverityAliases,
}

/// `[templates]`
#[derive(Debug, Clone, Default)]
pub struct TemplatesConfig {
    /// Where the operator's own are.
    pub dir: Option<PathBuf>,
    /// What is read by those of whom nothing is known.
    pub locale: Option<String>,
    /// Those that lay there, and those of the store: read and compiled.
    pub all: Arc<Templates>,
}

/// `[telemetry.logs]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// `[telemetry.metrics]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsConfig {
    /// `GET /metrics` answers.
    pub enabled: bool,
}
