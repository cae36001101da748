//! `[sources.NAME]` with `type = "kafka"`, and what becomes of it in librdkafka's words.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// How often librdkafka reports its state: how fresh the lag is, and how soon a broker that is
/// back is noticed when it has no records.
pub(super) const STATISTICS_MS: u64 = 1_000;

/// Settings of a Kafka source.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSettings {
    /// `host:port` of some brokers; the others are learned.
    pub brokers: Vec<String>,
    /// Topics to read; each gets a consumer of its own.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group_id: String,
    /// What the records are.
    pub format: RecordFormat,
    /// Where a group begins that never read.
    pub start: Start,
    /// When offsets move.
    pub commit: Commit,
    /// Most records read and not yet stored, per topic; each 16 KiB of one count as one more.
    pub max_in_flight: usize,
    /// Name and password, if the brokers ask for them.
    pub sasl: Option<Sasl>,
    /// Encryption.
    pub tls: Tls,
    /// More settings of librdkafka, by its own names.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            topics: Vec::new(),
            group_id: "foghorn".to_owned(),
            format: RecordFormat::default(),
            start: Start::default(),
            commit: Commit::default(),
            max_in_flight: 2_048,
            sasl: None,
            tls: Tls::default(),
            properties: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for KafkaSettings {
    /// Without the values of `properties`: any of them may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("topics", &self.topics)
            .field("group_id", &self.group_id)
            .field("format", &self.format)
            .field("start", &self.start)
            .field("commit", &self.commit)
            .field("max_in_flight", &self.max_in_flight)
            .field("sasl", &self.sasl)
            .field("tls", &self.tls)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

/// What the records of a source are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordFormat {
    /// Foghorn's own record, bare or as a CloudEvent.
    #[default]
    Foghorn,
}

/// Where a group begins that never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// With the oldest record that is kept.
    #[default]
    Earliest,
    /// With the next record that is written.
    Latest,
}

/// When offsets move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commit {
    /// Once the record is in the store.
    #[default]
    AfterStore,
}

/// Name and password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// How they are shown to the broker.
    pub mechanism: Mechanism,
    /// The name.
    pub username: String,
    /// The password.
    #[serde(deserialize_with = "secret")]
    pub password: SecretString,
}

/// How name and password are shown to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    /// In clear: only over TLS.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge and response.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge and response.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Encryption.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Whether to speak TLS. The broker's certificate and name are always verified.
    pub enabled: bool,
    /// Certificates to trust; empty means the machine's.
    pub ca_file: PathBuf,
    /// Our own certificate, if brokers ask for one.
    pub cert_file: Option<PathBuf>,
    /// Its private key.
    pub key_file: Option<PathBuf>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(Into::into)
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Its key below `[sources.NAME]`.
    pub key: String,
    /// Why not, and what instead.
    pub detail: String,
}

/// What a user may not set through `properties`, and why.
const OURS: [(&str, &str); 11] = [
    ("enable.auto.commit", "offsets move only once a record is stored"),
    ("enable.auto.offset.store", "offsets move only once a record is stored"),
    ("auto.offset.reset", "use start"),
    ("group.id", "use group_id"),
    ("bootstrap.servers", "use brokers"),
    ("metadata.broker.list", "use brokers"),
    ("sasl.password", "use sasl.password, which can be kept out of the file"),
    ("statistics.interval.ms", "the source's health is read from it"),
    ("enable.ssl.certificate.verification", "certificates are always verified"),
    ("ssl.endpoint.identification.algorithm", "the names in certificates are always verified"),
    ("isolation.level", "what a transaction took back is never read"),
];

impl KafkaSettings {
    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let mut objections = Vec::new();
        let mut object = |key: &str, detail: &str| {
            objections.push(Objection { key: key.to_owned(), detail: detail.to_owned() });
        };
        if self.brokers.iter().all(|broker| broker.trim().is_empty()) {
            object("brokers", "name at least one broker, as host:port");
        }
        if self.topics.is_empty() {
            object("topics", "name at least one topic");
        }
        for topic in &self.topics {
            if topic.starts_with('^') {
                object("topics", "patterns are not understood: name each topic");
            } else if !is_topic(topic) {
                object("topics", "a topic has 1 to 249 letters, digits, dots, dashes and underscores");
            }
        }
        if self.group_id.trim().is_empty() {
            object("group_id", "must not be empty");
        }
        if self.max_in_flight == 0 {
            object("max_in_flight", "must be at least 1");
        }
        let plain = self.sasl.as_ref().is_some_and(|sasl| sasl.mechanism == Mechanism::Plain);
        if plain && !self.tls.enabled && !self.brokers.iter().all(|broker| is_here(broker)) {
            object(
                "sasl.mechanism",
                "PLAIN shows the password to whoever is on the way: set tls.enabled, or use SCRAM-SHA-512",
            );
        }
        if self.tls.cert_file.is_some() != self.tls.key_file.is_some() {
            object("tls", "cert_file and key_file go together");
        }
        for (key, reason) in OURS {
            if self.properties.contains_key(key) {
                object(&format!("properties.{key}"), &format!("is not yours to set: {reason}"));
            }
        }
        objections
    }

    /// The same for librdkafka. The user's own properties come first, so that they never undo
    /// what keeps records safe.
    pub(super) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Warning);
        let tuned = [
            ("client.id", "foghorn"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            // Memory: what is read ahead waits in librdkafka, beside the records in flight.
            ("queued.min.messages", "10000"),
            ("queued.max.messages.kbytes", "8192"),
            ("fetch.max.bytes", "8388608"),
            // Not every broker answers a waiting fetch when a record comes in.
            ("fetch.wait.max.ms", "10"),
            ("socket.nagle.disable", "true"),
            ("reconnect.backoff.max.ms", "2000"),
            // How long the records of a partition that was added may wait to be seen.
            ("topic.metadata.refresh.interval.ms", "10000"),
            ("check.crcs", "true"),
        ];
        for (key, value) in tuned {
            config.set(key, value);
        }
        for (key, value) in &self.properties {
            config.set(key.as_str(), value.as_str());
        }
        self.set_access(&mut config);
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set("group.id", &self.group_id)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "false")
            .set("allow.auto.create.topics", "false")
            .set("isolation.level", "read_committed")
            .set("statistics.interval.ms", STATISTICS_MS.to_string());
        config
    }

    fn set_access(&self, config: &mut ClientConfig) {
        let protocol = match (&self.sasl, self.tls.enabled) {
            (None, false) => None,
            (None, true) => Some("ssl"),
            (Some(_), false) => Some("sasl_plaintext"),
            (Some(_), true) => Some("sasl_ssl"),
        };
        if let Some(protocol) = protocol {
            config.set("security.protocol", protocol);
        }
        if let Some(sasl) = &self.sasl {
            config
                .set("sasl.mechanism", sasl.mechanism.as_str())
                .set("sasl.username", &sasl.username)
                .set("sasl.password", sasl.password.expose_secret());
        }
        let files = [
            ("ssl.ca.location", Some(&self.tls.ca_file)),
            ("ssl.certificate.location", self.tls.cert_file.as_ref()),
            ("ssl.key.location", self.tls.key_file.as_ref()),
        ];
        for (key, file) in files {
            if let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) {
                config.set(key, file.to_string_lossy());
            }
        }
    }
}

/// Nobody is on the way to a broker on this machine.
fn is_here(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_topic(name: &str) -> bool {
    (1..=249).contains(&name.len())
        && !matches!(name, "." | "..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> KafkaSettings {
        toml::from_str(text).expect("settings")
    }

    #[test]
    fn the_least_that_can_be_said_is_brokers_and_topics() {
        let settings = settings("brokers = ['a:9092', 'b:9092']\ntopics = ['incidents']");
        assert_eq!(settings.objections(), []);
        let config = settings.client_config();
        assert_eq!(config.get("bootstrap.servers"), Some("a:9092,b:9092"));
        assert_eq!(config.get("auto.offset.reset"), Some("earliest"));
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
        assert_eq!(config.get("isolation.level"), Some("read_committed"));
        assert_eq!(config.get("security.protocol"), None);
    }

    #[test]
    fn properties_never_undo_durability() {
        let settings = settings(
            "brokers = ['a:1']\ntopics = ['t']\nproperties = { 'enable.auto.commit' = 'true', 'fetch.wait.max.ms' = '5' }",
        );
        assert_eq!(settings.objections()[0].key, "properties.enable.auto.commit");
        let config = settings.client_config();
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
        assert_eq!(config.get("fetch.wait.max.ms"), Some("5"));
    }

    #[test]
    fn a_password_reaches_librdkafka_and_nothing_else() {
        let settings = settings(
            "brokers = ['a:1']\ntopics = ['t']\ntls = { enabled = true, ca_file = '' }\n\
             sasl = { mechanism = 'SCRAM-SHA-512', username = 'ada', password = 'canary' }\n\
             properties = { 'ssl.key.password' = 'canary' }",
        );
        let config = settings.client_config();
        assert_eq!(config.get("security.protocol"), Some("sasl_ssl"));
        assert_eq!(config.get("sasl.password"), Some("canary"));
        assert_eq!(config.get("ssl.ca.location"), None);
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn every_objection_is_told() {
        let settings =
            settings("topics = ['^inc.*', 'a b']\ngroup_id = ' '\nmax_in_flight = 0\ntls.key_file = 'k'");
        let keys: Vec<_> = settings.objections().into_iter().map(|o| o.key).collect();
        assert_eq!(keys, ["brokers", "topics", "topics", "group_id", "max_in_flight", "tls"]);
    }

    #[test]
    fn a_password_is_never_sent_in_clear() {
        let objections = |broker: &str, mechanism: &str, tls: bool| {
            settings(&format!(
                "brokers = ['{broker}:1']\ntopics = ['t']\ntls = {{ enabled = {tls} }}\n\
                 sasl = {{ mechanism = '{mechanism}', username = 'ada', password = 'x' }}"
            ))
            .objections()
            .len()
        };
        assert_eq!(objections("kafka-1", "PLAIN", false), 1);
        assert_eq!(objections("kafka-1", "PLAIN", true), 0);
        assert_eq!(objections("kafka-1", "SCRAM-SHA-256", false), 0);
        assert_eq!(objections("[::1]", "PLAIN", false), 0);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(toml::from_str::<KafkaSettings>("topic = 't'").is_err());
        assert!(toml::from_str::<KafkaSettings>("start = 'newest'").is_err());
        assert!(toml::from_str::<KafkaSettings>("commit = 'before_store'").is_err());
        assert!(toml::from_str::<KafkaSettings>("tls = { verify = false }").is_err());
    }
}
