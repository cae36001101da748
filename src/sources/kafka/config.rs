//! `[sources.NAME]` with `type = "kafka"`, and what becomes of it in librdkafka's words.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use serde::Deserialize;

pub use crate::brokers::{Mechanism, Objection, Sasl, Tls};
use crate::brokers::{
    access, objection_to_topic, objections_to_access, objections_to_brokers, objections_to_properties,
};
use crate::formats::Format;

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
    pub format: Format,
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
    /// Where what could not become an event goes, too.
    pub dead_letter_topic: Option<String>,
    /// More settings of librdkafka, by its own names.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            topics: Vec::new(),
            group_id: "foghorn".to_owned(),
            format: Format::default(),
            start: Start::default(),
            commit: Commit::default(),
            max_in_flight: 2_048,
            sasl: None,
            tls: Tls::default(),
            dead_letter_topic: None,
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
            .field("dead_letter_topic", &self.dead_letter_topic)
            .field("properties", &self.properties.keys())
            .finish()
    }
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

/// What a user may not set through `properties`, and why.
const OURS: [(&str, &str); 6] = [
    ("enable.auto.commit", "offsets move only once a record is stored"),
    ("enable.auto.offset.store", "offsets move only once a record is stored"),
    ("auto.offset.reset", "use start"),
    ("group.id", "use group_id"),
    ("statistics.interval.ms", "the source's health is read from it"),
    ("isolation.level", "what a transaction took back is never read"),
];

impl KafkaSettings {
    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let mut objections = objections_to_brokers(&self.brokers);
        if self.topics.is_empty() {
            objections.push(Objection::to("topics", "name at least one topic"));
        }
        for topic in &self.topics {
            if topic.starts_with('^') {
                objections.push(Objection::to("topics", "patterns are not understood: name each topic"));
            } else {
                objections.extend(objection_to_topic("topics", topic));
            }
        }
        let letters = self.dead_letter_topic.iter();
        objections.extend(letters.filter_map(|topic| objection_to_topic("dead_letter_topic", topic)));
        let mut object = |key: &str, detail: &str| objections.push(Objection::to(key, detail));
        if self.group_id.trim().is_empty() {
            object("group_id", "must not be empty");
        }
        if self.max_in_flight == 0 {
            object("max_in_flight", "must be at least 1");
        }
        objections.extend(objections_to_access(&self.brokers, self.sasl.as_ref(), &self.tls));
        objections.extend(objections_to_properties(&self.properties, &OURS));
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
        for (key, value) in access(self.sasl.as_ref(), &self.tls) {
            config.set(key, value);
        }
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

    /// For writing dead letters: only how the brokers are reached is the user's.
    pub(super) fn producer_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Warning);
        for (key, value) in self.properties.iter().filter(|(key, _)| is_access(key)) {
            config.set(key.as_str(), value.as_str());
        }
        for (key, value) in access(self.sasl.as_ref(), &self.tls) {
            config.set(key, value);
        }
        config
            .set("client.id", "foghorn")
            .set("bootstrap.servers", self.brokers.join(","))
            .set("acks", "all")
            .set("linger.ms", "0")
            // What a source may hand over, and its headers.
            .set("message.max.bytes", "33554432")
            .set("message.timeout.ms", "30000");
        config
    }
}

/// How brokers are reached, and not how records are read.
fn is_access(property: &str) -> bool {
    ["ssl.", "sasl.", "socket.", "broker.", "security.", "reconnect."]
        .iter()
        .any(|start| property.starts_with(start))
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
