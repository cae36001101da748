//! What lies in a stream: read by a consumer that the server forgets, which acknowledges nothing and starts with a
//! moment. The durable consumer is asked at most which subjects it reads.
//!
//! A stream that is a work queue has no past: a message is there until somebody took it, and is shown to nobody else.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, DeliverPolicy, pull};
use async_nats::jetstream::stream::{RetentionPolicy, Stream};
use async_nats::jetstream::{self, Message};
use async_nats::{Client, datetime};
use async_trait::async_trait;
use futures::StreamExt;
use tokio::time::timeout;

use super::config::{NatsSettings, Reach};
use super::session::{connect, record};
use super::trouble;
use crate::domain::Timestamp;
use crate::sources::SourceError;
use crate::sources::past::{Lying, Past};

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a look waits for messages that are there.
const EXPIRES: Duration = Duration::from_secs(2);
/// The server forgets a consumer that nobody pulls from for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// Most messages of a page; a server may have been told to take such of 64 MiB.
const MOST: usize = 50;

/// What lies in the stream since a moment, of `subject` or of all that the source reads; a past for each consumer of
/// the source.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answers, [`SourceError::Refused`] if the operator has to act.
pub async fn past(
    settings: &NatsSettings,
    subject: Option<&str>,
    since: Timestamp,
) -> Result<Vec<Box<dyn Past>>, SourceError> {
    let (client, events) = connect(settings).await?;
    let opened = opened(settings, subject, since, &client).await;
    opened.map_err(|error| events.explain(error))
}

async fn opened(
    settings: &NatsSettings,
    subject: Option<&str>,
    since: Timestamp,
    client: &Client,
) -> Result<Vec<Box<dyn Past>>, SourceError> {
    let context = jetstream::new(client.clone());
    let stream = context.get_stream(&settings.stream).await;
    let stream = stream.map_err(|error| trouble::no_stream(&error, &settings.stream))?;
    if stream.cached_info().config.retention == RetentionPolicy::WorkQueue {
        return Err(SourceError::Refused(format!(
            "stream \"{}\" is a work queue: what was taken is gone, and what waits is shown to one consumer alone",
            settings.stream
        )));
    }
    let mut pasts: Vec<Box<dyn Past>> = Vec::new();
    for reach in settings.reaches() {
        if subject.is_some() && reach.subject.as_deref() != subject {
            continue;
        }
        let subjects = match &reach.subject {
            Some(subject) => vec![subject.clone()],
            None if settings.declare => Vec::new(),
            None => subjects_of(&stream, &reach).await?,
        };
        pasts.extend(look(settings, &stream, subjects, since).await?);
    }
    Ok(pasts)
}

/// What the consumer reads that somebody else made.
async fn subjects_of(stream: &Stream, reach: &Reach) -> Result<Vec<String>, SourceError> {
    let consumer: Result<Consumer<pull::Config>, _> = stream.get_consumer(&reach.consumer).await;
    let consumer = consumer
        .map_err(|error| SourceError::Refused(format!("consumer \"{}\": {error}", reach.consumer)))?;
    let config = &consumer.cached_info().config;
    let one = Some(config.filter_subject.clone()).filter(|subject| !subject.is_empty());
    Ok(one.into_iter().chain(config.filter_subjects.iter().cloned()).collect())
}

/// Nothing, if nothing lies there.
async fn look(
    settings: &NatsSettings,
    stream: &Stream,
    subjects: Vec<String>,
    since: Timestamp,
) -> Result<Option<Box<dyn Past>>, SourceError> {
    let start_time = datetime::from_nanos(since.as_nanosecond())
        .map_err(|error| SourceError::Refused(format!("{since} is too long ago: {error}")))?;
    let name = format!("foghorn-look-{:016x}", fastrand::u64(..));
    let mut wanted = pull::Config {
        name: Some(name.clone()),
        deliver_policy: DeliverPolicy::ByStartTime { start_time },
        ack_policy: jetstream::consumer::AckPolicy::None,
        inactive_threshold: FORGOTTEN_AFTER,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    // Servers before 2.10 know a single one only.
    match <[String; 1]>::try_from(subjects) {
        Ok([subject]) => wanted.filter_subject = subject,
        Err(subjects) => wanted.filter_subjects = subjects,
    }
    let reach = Reach { consumer: name, subject: None };
    let consumer =
        stream.create_consumer(wanted).await.map_err(|error| trouble::no_consumer(&error, &reach))?;
    let left = consumer.cached_info().num_pending;
    let past =
        StreamPast { stream: stream.clone(), name: settings.stream.as_str().into(), consumer, left, seen: 0 };
    if left == 0 {
        past.forget().await;
        return Ok(None);
    }
    Ok(Some(Box::new(past)))
}

/// What lies in a stream for one consumer.
struct StreamPast {
    stream: Stream,
    name: Arc<str>,
    consumer: Consumer<pull::Config>,
    /// What was there at the beginning and was not looked at yet; what the server has deleted meanwhile counts.
    left: u64,
    /// How many messages came.
    seen: u64,
}

impl StreamPast {
    /// What there is of the next page; nothing if the server has nothing more.
    async fn page(&self) -> Result<Vec<Message>, SourceError> {
        let lost = |error: &dyn std::fmt::Display| SourceError::Lost(trouble::in_words(error));
        let most = usize::try_from(self.left).unwrap_or(MOST).min(MOST);
        let batch = self.consumer.batch().max_messages(most).expires(EXPIRES);
        let mut batch = batch.messages().await.map_err(|error| lost(&error))?;
        let mut page = Vec::with_capacity(most);
        while let Some(message) = batch.next().await {
            page.push(message.map_err(|error| lost(&error))?);
        }
        Ok(page)
    }

    fn take(&mut self, message: Message) -> Result<Lying, SourceError> {
        let info = message.info().map_err(|error| SourceError::Lost(trouble::in_words(&error)))?;
        self.seen += 1;
        if info.consumer_sequence != self.seen {
            let missing = "a message got lost on its way here: look again".to_owned();
            return Err(SourceError::Lost(missing));
        }
        let nanos = info.published.unix_timestamp_nanos();
        let id = format!("{}@{nanos}", info.stream_sequence);
        let since = Timestamp::from_nanosecond(nanos).ok();
        self.left = self.left.saturating_sub(1).min(info.pending);
        let (message, _) = message.split();
        Ok(Lying { since, record: record(&self.name, id.into(), message) })
    }

    /// The server would do it by itself, later.
    async fn forget(&self) {
        let name = &self.consumer.cached_info().name;
        let _ = self.stream.delete_consumer(name).await;
    }
}

#[async_trait]
impl Past for StreamPast {
    async fn next(&mut self) -> Result<Option<Vec<Lying>>, SourceError> {
        let silent = || SourceError::Lost(format!("nothing came for {} s", PATIENCE.as_secs()));
        while self.left > 0 {
            let page = timeout(PATIENCE, self.page()).await.unwrap_or_else(|_| Err(silent()))?;
            if !page.is_empty() {
                return page
                    .into_iter()
                    .map(|message| self.take(message))
                    .collect::<Result<_, _>>()
                    .map(Some);
            }
            // What is left may have been deleted, or be slow to come.
            let info = timeout(PATIENCE, self.consumer.get_info()).await.map_err(|_| silent())?;
            let info = info.map_err(|error| SourceError::Lost(trouble::in_words(&error)))?;
            self.left = self.left.min(info.num_pending);
        }
        self.forget().await;
        Ok(None)
    }
}
