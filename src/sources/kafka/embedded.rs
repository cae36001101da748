//! A broker inside this process, that any Kafka client can talk to: librdkafka's mock cluster.
//!
//! For `foghorn dev` and for tests. It keeps records in memory, and it can be taken down and up.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::future_producer::FutureProducerContext;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::util::Timeout;

use super::trouble;
use crate::sources::SourceError;

type Context = FutureProducerContext<DefaultClientContext>;

/// The broker, and a producer for it. It is gone when this is dropped.
pub struct EmbeddedBroker {
    /// Owns the cluster: librdkafka makes it inside the client that asks for it.
    producer: FutureProducer,
    address: String,
}

impl fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedBroker").field("address", &self.address).finish_non_exhaustive()
    }
}

impl EmbeddedBroker {
    /// A broker on a free port of the loopback interface, with these topics and partition counts.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, SourceError> {
        let producer: FutureProducer = ClientConfig::new()
            .set("test.mock.num.brokers", "1")
            .set("linger.ms", "1")
            .set("message.max.bytes", "67108864")
            .create()
            .map_err(|error| trouble::refusal(&error))?;
        let mut broker = Self { producer, address: String::new() };
        for (topic, partitions) in topics {
            broker.create_topic(topic, *partitions)?;
        }
        broker.address = broker.with_cluster(|cluster| Ok(cluster.bootstrap_servers()))?;
        Ok(broker)
    }

    /// `host:port` to connect to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// One more topic.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<(), SourceError> {
        self.with_cluster(|cluster| cluster.create_topic(topic, partitions, 1))
    }

    /// Ends all connections and takes no new ones.
    pub fn take_down(&self) -> Result<(), SourceError> {
        self.with_cluster(|cluster| cluster.broker_down(-1))
    }

    /// Takes connections again.
    pub fn bring_up(&self) -> Result<(), SourceError> {
        self.with_cluster(|cluster| cluster.broker_up(-1))
    }

    /// One record, once the broker has it.
    pub async fn produce(&self, topic: &str, key: &str, payload: &[u8]) -> Result<(), SourceError> {
        self.send(FutureRecord::to(topic).key(key).payload(payload)).await
    }

    /// One record with headers; without a payload it is a tombstone.
    pub async fn produce_with_headers(
        &self,
        topic: &str,
        payload: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(), SourceError> {
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(*value) })
        });
        let record: FutureRecord<'_, str, [u8]> = FutureRecord::to(topic).headers(headers);
        self.send(match payload {
            Some(payload) => record.payload(payload),
            None => record,
        })
        .await
    }

    async fn send(&self, record: FutureRecord<'_, str, [u8]>) -> Result<(), SourceError> {
        const PATIENCE: Timeout = Timeout::After(Duration::from_secs(10));
        match self.producer.send(record, PATIENCE).await {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(SourceError::Lost(error.to_string())),
        }
    }

    fn with_cluster<T>(
        &self,
        act: impl FnOnce(&MockCluster<'_, Context>) -> Result<T, KafkaError>,
    ) -> Result<T, SourceError> {
        let gone = || SourceError::Lost("the embedded broker is gone".to_owned());
        let cluster = self.producer.client().mock_cluster().ok_or_else(gone)?;
        act(&cluster).map_err(|error| SourceError::Lost(error.to_string()))
    }
}
