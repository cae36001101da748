//! A topic of a Kafka-protocol broker: each event a record, structured as JSON. Its key is what the
//! event is about, so that a partition has those in their order.
//!
//! A record is taken when all replicas in sync have it. librdkafka's own retries repeat nothing and keep
//! the order (`enable.idempotence`); what is offered again after that may come twice.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::Metadata;
use rdkafka::producer::future_producer::OwnedDeliveryResult;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};
use serde::Deserialize;
use tokio::time::Instant;

use super::{CONTENT_TYPE, Sink};
use crate::brokers::{
    Objection, Sasl, Tls, access, in_words, objection_to_topic, objections_to_access, objections_to_brokers,
    objections_to_properties,
};
use crate::domain::handover::Taking;
use crate::domain::outgoing::Parcel;

/// Until then a record is tried by librdkafka itself.
const IN_HAND: Duration = Duration::from_secs(20);

/// Settings of a Kafka sink.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSinkSettings {
    /// `host:port` of some brokers; the others are learned.
    pub brokers: Vec<String>,
    /// The topic to write to.
    pub topic: String,
    /// Name and password, if the brokers ask for them.
    pub sasl: Option<Sasl>,
    /// Encryption.
    pub tls: Tls,
    /// More settings of librdkafka, by its own names.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for KafkaSinkSettings {
    /// Without the values of `properties`: any of them may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSinkSettings")
            .field("brokers", &self.brokers)
            .field("topic", &self.topic)
            .field("sasl", &self.sasl)
            .field("tls", &self.tls)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

/// What a user may not set through `properties`, and why.
const OURS: [(&str, &str); 5] = [
    ("acks", "an event is gone from here only when all replicas have it"),
    ("request.required.acks", "an event is gone from here only when all replicas have it"),
    ("enable.idempotence", "the order of events depends on it"),
    ("message.timeout.ms", "another node takes over by it"),
    ("delivery.timeout.ms", "another node takes over by it"),
];

impl KafkaSinkSettings {
    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let mut objections = objections_to_brokers(&self.brokers);
        objections.extend(objection_to_topic("topic", &self.topic));
        objections.extend(objections_to_access(&self.brokers, self.sasl.as_ref(), &self.tls));
        objections.extend(objections_to_properties(&self.properties, &OURS));
        objections
    }

    /// The same for librdkafka. The user's own properties come first, so that they never undo what keeps
    /// events safe.
    fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Critical);
        let tuned = [
            ("client.id", "foghorn"),
            ("linger.ms", "5"),
            ("socket.nagle.disable", "true"),
            ("reconnect.backoff.max.ms", "2000"),
            ("allow.auto.create.topics", "false"),
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
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", IN_HAND.as_millis().to_string());
        config
    }
}

/// A sink that writes to a topic. The connection is made when there is something to say.
pub struct KafkaSink {
    settings: Arc<KafkaSinkSettings>,
    producer: Mutex<Option<FutureProducer>>,
}

impl KafkaSink {
    /// A sink of these settings.
    pub fn new(settings: Arc<KafkaSinkSettings>) -> Self {
        Self { settings, producer: Mutex::new(None) }
    }

    /// The producer, made anew if the last one cannot go on.
    fn producer(&self) -> Result<FutureProducer, KafkaError> {
        let mut kept = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = kept.as_ref().filter(|producer| producer.client().fatal_error().is_none()) {
            return Ok(producer.clone());
        }
        let producer: FutureProducer = self.settings.client_config().create()?;
        Ok(kept.insert(producer).clone())
    }
}

#[async_trait]
impl Sink for KafkaSink {
    async fn publish(&self, parcels: &[Parcel], _until: Instant) -> Vec<Taking> {
        let producer = match self.producer() {
            Ok(producer) => producer,
            Err(error) => return vec![Taking::Away(in_words(&error), None)],
        };
        let mut on_the_way: Vec<Result<DeliveryFuture, KafkaError>> = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            let headers = Header { key: "content-type", value: Some(CONTENT_TYPE) };
            let record = FutureRecord::to(&self.settings.topic)
                .key(parcel.outgoing.about.as_str())
                .payload(parcel.outgoing.payload.as_str())
                .headers(OwnedHeaders::new().insert(headers));
            on_the_way.push(producer.send_result(record).map_err(|(error, _)| error));
        }
        let mut takings = Vec::with_capacity(parcels.len());
        for sent in on_the_way {
            takings.push(match sent {
                Ok(report) => told(report.await),
                Err(error) => meaning(&error),
            });
        }
        takings
    }

    async fn probe(&self, within: Duration) -> Result<String, String> {
        let producer = self.producer().map_err(|error| format!("settings: {}", in_words(&error)))?;
        let topic = self.settings.topic.clone();
        // librdkafka's questions block.
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = producer.client().fetch_metadata(Some(&topic), within);
            metadata
                .map_err(|error| format!("connection: {}", in_words(&error)))
                .and_then(|seen| has(&seen, &topic))
        });
        asked.await.unwrap_or_else(|error| Err(format!("connection: the question was not asked: {error}")))
    }
}

/// What the brokers say of the topic.
fn has(seen: &Metadata, topic: &str) -> Result<String, String> {
    let found = seen.topics().iter().find(|found| found.name() == topic);
    match found.map(|found| (found.error(), found.partitions().len())) {
        Some((None, partitions)) if partitions > 0 => Ok(format!("topic {topic}({partitions})")),
        Some((Some(error), _)) => {
            Err(format!("topic: {topic}: {}", in_words(&KafkaError::MetadataFetch(error.into()))))
        }
        _ => Err(format!("topic: the brokers say nothing of topic \"{topic}\"")),
    }
}

fn told(report: Result<OwnedDeliveryResult, futures::channel::oneshot::Canceled>) -> Taking {
    match report {
        Ok(Ok(_)) => Taking::Taken,
        Ok(Err((error, _))) => meaning(&error),
        Err(_) => Taking::Away("the producer was given up".to_owned(), None),
    }
}

/// Whether it is this record that is at fault, or the way to the broker.
fn meaning(error: &KafkaError) -> Taking {
    let refused = [
        RDKafkaErrorCode::MessageSizeTooLarge,
        RDKafkaErrorCode::InvalidMessage,
        RDKafkaErrorCode::InvalidMessageSize,
        RDKafkaErrorCode::InvalidRecord,
    ];
    match error.rdkafka_error_code() {
        Some(code) if refused.contains(&code) => Taking::Refused(code.to_string()),
        _ => Taking::Away(in_words(error), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_refused_is_named_without_its_value() {
        let mut config = KafkaSinkSettings::default().client_config();
        let error = config.set("sasl.oauthbearer.client.secret", "hunter2").create::<FutureProducer>();
        let told = error.err().map(|error| in_words(&error)).expect("this build cannot do that");
        assert!(told.contains("sasl.oauthbearer.client.secret") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn properties_never_undo_what_keeps_events_safe() {
        let settings: KafkaSinkSettings =
            toml::from_str("brokers = ['a:1']\ntopic = 't'\nproperties = { acks = '0', 'linger.ms' = '50' }")
                .expect("settings");
        assert_eq!(settings.objections()[0].key, "properties.acks");
        let anybody: KafkaSinkSettings = toml::from_str(
            "brokers = ['a:1']\ntopic = 't'\nproperties = { 'ssl.endpoint.identification.algorithm' = 'none' }",
        )
        .expect("settings");
        assert_eq!(anybody.objections()[0].key, "properties.ssl.endpoint.identification.algorithm");
        let config = settings.client_config();
        assert_eq!([config.get("acks"), config.get("linger.ms")], [Some("all"), Some("50")]);
        assert_eq!(config.get("enable.idempotence"), Some("true"));
    }

    #[test]
    fn every_objection_is_told() {
        let settings: KafkaSinkSettings =
            toml::from_str("topic = 'a b'\ntls.key_file = 'k'").expect("settings");
        let keys: Vec<_> = settings.objections().into_iter().map(|o| o.key).collect();
        assert_eq!(keys, ["brokers", "topic", "tls"]);
    }
}
