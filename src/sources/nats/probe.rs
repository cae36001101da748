//! Asks a NATS about the stream of a source, for `foghorn check --connect`: nothing is read, and no consumer is
//! made.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{Consumer, pull};
use tokio::time::timeout;

use super::NatsSettings;
use super::session::connect;
use super::trouble;
use crate::sources::SourceError;

/// Logs in and asks for the stream and, if they are not made by the source, its consumer. Says what was seen.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answered, [`SourceError::Refused`] if the operator has to act.
pub async fn probe(settings: &NatsSettings, deadline: Duration) -> Result<String, SourceError> {
    let asked = timeout(deadline, ask(settings)).await;
    asked.unwrap_or_else(|_| Err(SourceError::Lost("NATS does not answer".to_owned())))
}

async fn ask(settings: &NatsSettings) -> Result<String, SourceError> {
    let (client, _events) = connect(settings).await?;
    let context = jetstream::new(client);
    let stream = context.get_stream(&settings.stream).await;
    let stream = stream.map_err(|error| trouble::no_stream(&error, &settings.stream))?;
    let messages = stream.cached_info().state.messages;
    if !settings.declare {
        for reach in settings.reaches() {
            let consumer: Result<Consumer<pull::Config>, _> =
                context.get_consumer_from_stream(&reach.consumer, &settings.stream).await;
            consumer.map_err(|error| trouble::no_consumer(&error, &reach))?;
        }
    }
    Ok(format!("{}, stream {}({messages})", settings.address(), settings.stream))
}
