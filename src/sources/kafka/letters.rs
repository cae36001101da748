//! The topic that the dead letters of a source go to, too: `dead_letter_topic`.
//!
//! A record keeps its bytes; where it came from and why it is here is in its headers. It is there when all
//! replicas in sync have it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use super::KafkaSettings;
use crate::brokers::in_words;
use crate::domain::letter::Letter;
use crate::sources::LetterBox;

/// How long brokers have to take a record.
const PATIENCE: Duration = Duration::from_secs(30);

/// A producer for one topic.
pub struct KafkaLetters {
    settings: Arc<KafkaSettings>,
    topic: String,
    /// Made when the first letter comes.
    producer: Mutex<Option<FutureProducer>>,
}

impl fmt::Debug for KafkaLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLetters").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl KafkaLetters {
    /// Nothing is connected before there is a letter.
    pub fn to(settings: &Arc<KafkaSettings>, topic: &str) -> Self {
        Self { settings: Arc::clone(settings), topic: topic.to_owned(), producer: Mutex::default() }
    }

    fn producer(&self) -> Result<FutureProducer, String> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*producer {
            return Ok(producer.clone());
        }
        let made: FutureProducer =
            self.settings.producer_config().create().map_err(|error| in_words(&error))?;
        Ok(producer.insert(made).clone())
    }
}

#[async_trait]
impl LetterBox for KafkaLetters {
    async fn put(&self, letter: &Letter) -> Result<(), String> {
        let headers = letter.headers();
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        });
        let key = letter.id.to_string();
        let record = FutureRecord::to(&self.topic).key(&key).payload(&*letter.raw).headers(headers);
        let sent = self.producer()?.send(record, PATIENCE).await;
        sent.map(drop).map_err(|(error, _)| error.to_string())
    }
}
