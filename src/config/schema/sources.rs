//! `[sources.NAME]`: what each type of source may hold.

use super::{DAY, HOUR, Key, Kind, SECOND, Section, key, section};
use crate::config::hooks::SIGNATURES;
use crate::formats::FORMATS;

/// One type of source.
#[derive(Debug)]
pub(in crate::config) struct SourceType {
    /// `type = "…"`
    pub(in crate::config) name: &'static str,
    /// What it may hold.
    pub(in crate::config) section: &'static Section,
    /// What it cannot do without, each key with a line that would do.
    pub(in crate::config) needs: &'static [(&'static str, &'static str)],
}

/// Every type there is. What several types hold under one name means the same in each.
pub(in crate::config) static SOURCES: &[SourceType] = &[
    SourceType {
        name: "kafka",
        section: &KAFKA_SOURCE,
        needs: &[("brokers", r#"brokers = ["kafka-1:9092"]"#), ("topics", r#"topics = ["incidents"]"#)],
    },
    SourceType {
        name: "redis",
        section: &REDIS_SOURCE,
        needs: &[("url", r#"url = "redis://redis-1:6379""#)],
    },
    SourceType {
        name: "nats",
        section: &NATS_SOURCE,
        needs: &[("servers", r#"servers = ["nats://nats-1:4222"]"#), ("stream", r#"stream = "INCIDENTS""#)],
    },
    SourceType {
        name: "rabbitmq",
        section: &RABBITMQ_SOURCE,
        needs: &[("url", r#"url = "amqp://foghorn@rabbit-1:5672/""#), ("queues", r#"queues = ["foghorn"]"#)],
    },
    SourceType {
        name: "pubsub",
        section: &PUBSUB_SOURCE,
        needs: &[
            ("project", r#"project = "acme-prod""#),
            ("subscriptions", r#"subscriptions = ["incidents"]"#),
        ],
    },
    SourceType { name: "http", section: &HTTP_SOURCE, needs: &[] },
];

/// The type of this name.
pub(in crate::config) fn source_type(name: &str) -> Option<&'static SourceType> {
    SOURCES.iter().find(|source| source.name == name)
}

/// Every key of any type of source, each once.
pub(in crate::config) fn source_keys() -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for key in SOURCES.iter().flat_map(|source| source.section.keys) {
        if !keys.iter().any(|known| known.name == key.name) {
            keys.push(*key);
        }
    }
    keys
}

/// What may stand behind a key of some type of source.
pub(super) fn source_kind(name: &str) -> Option<Kind> {
    SOURCES.iter().find_map(|source| source.section.kind(name))
}

/// Types of sources that exist.
pub(in crate::config) const SOURCE_TYPES: &[&str] = &["http", "kafka", "redis", "nats", "rabbitmq", "pubsub"];
/// Types of sources that a later version will know.
pub(in crate::config) const SOURCE_TYPES_LATER: &[&str] = &[];

const TYPE: Key = key("type", Kind::Word(SOURCE_TYPES, SOURCE_TYPES_LATER));
const FORMAT: Key = key("format", Kind::Word(FORMATS, &[]));
/// Which `[mappers.NAME]` reads its records.
const MAPPER: Key = key("mapper", Kind::Text);
const START: Key = key("start", Kind::Word(&["earliest", "latest"], &[]));
const MAX_IN_FLIGHT: Key = key("max_in_flight", Kind::Count(1, 1_000_000));

static HTTP_SOURCE: Section = section(
    &[
        TYPE,
        FORMAT,
        MAPPER,
        key("path", Kind::Text),
        key("token", Kind::Secret),
        key("username", Kind::Text),
        key("password", Kind::Secret),
        key("signature", Kind::Word(SIGNATURES, &[])),
        key("secret", Kind::Secret),
        key("previous_secret", Kind::Secret),
        key("signature_header", Kind::Text),
        key("timestamp_header", Kind::Text),
        key("tolerance", Kind::Duration(SECOND, HOUR)),
    ],
    &[],
);

static KAFKA_SOURCE: Section = section(
    &[
        TYPE,
        key("brokers", Kind::Texts),
        key("topics", Kind::Texts),
        key("group_id", Kind::Text),
        FORMAT,
        MAPPER,
        START,
        key("commit", Kind::Word(&["after_store"], &[])),
        MAX_IN_FLIGHT,
        key("sasl", Kind::Table(&SASL)),
        key("tls", Kind::Table(&TLS)),
        key("dead_letter_topic", Kind::Text),
        key("properties", Kind::Properties),
    ],
    &[],
);

pub(super) static SASL: Section = section(
    &[
        key(
            "mechanism",
            Kind::Word(&["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], &["OAUTHBEARER", "GSSAPI"]),
        ),
        key("username", Kind::Text),
        key("password", Kind::Secret),
    ],
    &[],
);

pub(super) static TLS: Section = section(
    &[
        key("enabled", Kind::Switch),
        key("ca_file", Kind::Text),
        key("cert_file", Kind::Text),
        key("key_file", Kind::Text),
    ],
    &[],
);

/// Whether TLS is spoken is the address's to say.
static TLS_FILES: Section =
    section(&[key("ca_file", Kind::Text), key("cert_file", Kind::Text), key("key_file", Kind::Text)], &[]);

static REDIS_SOURCE: Section = section(
    &[
        TYPE,
        key("url", Kind::Text),
        key("username", Kind::Text),
        key("password", Kind::Secret),
        key("tls", Kind::Table(&TLS_FILES)),
        key("mode", Kind::Word(&["streams", "hybrid"], &[])),
        key("streams", Kind::Texts),
        key("group", Kind::Text),
        key("consumer", Kind::Text),
        FORMAT,
        MAPPER,
        START,
        key("field", Kind::Text),
        key("claim_idle", Kind::Duration(SECOND, DAY)),
        key("channel", Kind::Text),
        key("table", Kind::Table(&TABLE)),
        MAX_IN_FLIGHT,
    ],
    &[],
);

static TABLE: Section = section(
    &[
        key("url", Kind::Text),
        key("password", Kind::Secret),
        key("name", Kind::Text),
        key("id", Kind::Text),
        key("payload", Kind::Text),
        key("status", Kind::Text),
        key("pending", Kind::Text),
        key("done", Kind::Text),
        key("order_by", Kind::Text),
        key("poll_every", Kind::Duration(SECOND, DAY)),
    ],
    &[],
);

static NATS_SOURCE: Section = section(
    &[
        TYPE,
        key("servers", Kind::Texts),
        key("username", Kind::Text),
        key("password", Kind::Secret),
        key("token", Kind::Secret),
        key("tls", Kind::Table(&TLS_FILES)),
        key("stream", Kind::Text),
        key("subjects", Kind::Texts),
        key("consumer", Kind::Text),
        key("declare", Kind::Switch),
        FORMAT,
        MAPPER,
        START,
        key("ack_wait", Kind::Duration(SECOND, DAY)),
        MAX_IN_FLIGHT,
    ],
    &[],
);

static RABBITMQ_SOURCE: Section = section(
    &[
        TYPE,
        key("url", Kind::Text),
        key("password", Kind::Secret),
        key("tls", Kind::Table(&TLS_FILES)),
        key("queues", Kind::Texts),
        key("exchange", Kind::Text),
        key("bindings", Kind::Texts),
        key("declare", Kind::Switch),
        key("reject_to_dlx", Kind::Switch),
        FORMAT,
        MAPPER,
        MAX_IN_FLIGHT,
    ],
    &[],
);

static PUBSUB_SOURCE: Section = section(
    &[
        TYPE,
        key("project", Kind::Text),
        key("subscriptions", Kind::Texts),
        key("service_account", Kind::Secret),
        key("endpoint", Kind::Text),
        FORMAT,
        MAPPER,
        MAX_IN_FLIGHT,
    ],
    &[],
);
