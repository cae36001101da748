//! Asks a cluster about the topics of a source, for `foghorn check --connect`: nothing is read, and
//! the consumer group is not joined.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use tokio::time::Instant;

use super::KafkaSettings;
use super::trouble::{self, Trouble};
use crate::sources::SourceError;

/// How long one question may take before what librdkafka reported is looked at.
const STEP: Duration = Duration::from_millis(500);

/// So many questions more are asked when all brokers are down: a name may have several addresses, and
/// only the last may be the right one.
const PATIENCE: u32 = 2;

/// What a cluster says of the topics of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// How many brokers it has.
    pub brokers: usize,
    /// Each topic with the number of its partitions.
    pub topics: Vec<(String, usize)>,
}

/// Logs in and asks for every topic of `settings`, until `deadline` is over.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answered, [`SourceError::Refused`] if the operator has to act.
pub async fn probe(settings: &KafkaSettings, deadline: Duration) -> Result<Cluster, SourceError> {
    let (settings, until) = (settings.clone(), Instant::now() + deadline);
    // librdkafka's questions block.
    let asked = tokio::task::spawn_blocking(move || ask(&settings, until)).await;
    asked.unwrap_or_else(|error| Err(SourceError::Lost(format!("the question was not asked: {error}"))))
}

fn ask(settings: &KafkaSettings, until: Instant) -> Result<Cluster, SourceError> {
    let consumer: BaseConsumer<Heard> = settings
        .client_config()
        .create_with_context(Heard::default())
        .map_err(|error| trouble::refusal(&error))?;
    let mut cluster = Cluster { brokers: 0, topics: Vec::new() };
    for topic in settings.topics.iter().chain(&settings.dead_letter_topic) {
        let metadata = metadata(&consumer, topic, until)?;
        cluster.brokers = metadata.brokers().len();
        cluster.topics.push((topic.clone(), partitions(&metadata, topic)?));
    }
    Ok(cluster)
}

pub(super) fn partitions(metadata: &Metadata, topic: &str) -> Result<usize, SourceError> {
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Err(SourceError::Lost(format!("the brokers say nothing of topic \"{topic}\"")));
    };
    let Some(error) = found.error() else {
        return Ok(found.partitions().len());
    };
    let error = KafkaError::MetadataFetch(error.into());
    match trouble::judge(&error, topic, None) {
        Trouble::Over(over) => Err(over),
        _ => Err(SourceError::Lost(format!("topic \"{topic}\" is not ready: {error}"))),
    }
}

pub(super) fn metadata(
    consumer: &BaseConsumer<Heard>,
    topic: &str,
    until: Instant,
) -> Result<Metadata, SourceError> {
    let mut patience = None;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let error = match consumer.fetch_metadata(Some(topic), left.min(STEP)) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        let mut heard = vec![error];
        heard.extend(std::iter::from_fn(|| consumer.poll(Duration::ZERO)?.err()));
        let reason = consumer.context().reason();
        for error in &heard {
            match trouble::judge(error, topic, reason.as_deref()) {
                Trouble::Over(over) => return Err(over),
                Trouble::Unreachable => patience = patience.or(Some(PATIENCE)),
                Trouble::Passing | Trouble::Unreadable(_) => {}
            }
        }
        if patience == Some(0) || left.is_zero() {
            let reason = reason.unwrap_or_else(|| "it may be on its way for too long".to_owned());
            return Err(SourceError::Lost(format!("no broker answers: {reason}")));
        }
        patience = patience.map(|left| left - 1);
    }
}

/// What librdkafka reported last.
#[derive(Default)]
pub(super) struct Heard(Mutex<Option<String>>);

impl Heard {
    pub(super) fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Heard {
    fn error(&self, error: KafkaError, reason: &str) {
        // That all are down says nothing of why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }

    /// The answer tells it all.
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, "{message}");
    }
}

impl ConsumerContext for Heard {}
