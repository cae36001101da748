//! The bus of a source, looked at where it lies; and why that cannot be.

use super::super::connection::Failure;
use crate::config::{Config, SourceConfig};
use crate::domain::Timestamp;
use crate::domain::names::SourceName;
use crate::sources::past::SideBySide;
use crate::sources::redis::{Mode, past_of_streams, past_of_table};
use crate::sources::{SourceError, kafka, nats};

/// What lies on the bus of `source` since a moment: in `topic`, or in all that the source reads.
///
/// The configuration that is to be tried says where the bus is, for a rehearsal is of what it would read: also of a
/// source that is new in it. Where it has no such source, the one that it is compared with says it.
pub(super) async fn past(
    source: &str,
    topic: Option<&str>,
    since: Timestamp,
    new: &Config,
    against: Option<&Config>,
) -> Result<SideBySide, Failure> {
    let name = SourceName::from(source);
    let found = [Some(new), against].into_iter().flatten().find_map(|config| config.sources.get(&name));
    let Some(found) = found else {
        let known: Vec<&str> = new.sources.keys().map(SourceName::as_str).collect();
        let known = known.join(", ");
        return Err(Failure::OutOfSight(format!("there is no source \"{source}\"; there are: {known}")));
    };
    let pasts = match found {
        SourceConfig::Kafka(settings) => {
            let topics = chosen(source, topic, "topic", &settings.topics)?;
            kafka::past(settings, &topics, since).await
        }
        SourceConfig::Redis(settings) if settings.mode == Mode::Streams => {
            let streams = chosen(source, topic, "stream", &settings.streams)?;
            past_of_streams(settings, &streams, since).await
        }
        SourceConfig::Redis(settings) => {
            chosen(source, topic, "table", std::slice::from_ref(&settings.table.name))?;
            past_of_table(&settings.table, since).await.map(|past| vec![past])
        }
        SourceConfig::Nats(settings) => {
            chosen(source, topic, "subject", &settings.subjects)?;
            nats::past(settings, topic, since).await
        }
        SourceConfig::RabbitMq(_) | SourceConfig::PubSub(_) => {
            return Err(unkept(source, found.kind(), "shows a message only to whoever takes it"));
        }
        SourceConfig::Http(_) => return Err(unkept(source, found.kind(), "keeps no requests")),
    };
    pasts.map(SideBySide::of).map_err(|error| unseen(source, error))
}

/// One of what a source reads, or all of it.
fn chosen<'a>(
    source: &str,
    topic: Option<&'a str>,
    what: &str,
    all: &'a [String],
) -> Result<Vec<&'a str>, Failure> {
    match topic {
        None => Ok(all.iter().map(String::as_str).collect()),
        Some(topic) if all.iter().any(|one| one == topic) => Ok(vec![topic]),
        Some(topic) => {
            let known =
                if all.is_empty() { "names none".to_owned() } else { format!("has {}", all.join(", ")) };
            Err(Failure::OutOfSight(format!("source \"{source}\" reads no {what} \"{topic}\"; it {known}")))
        }
    }
}

fn unkept(source: &str, kind: &str, why: &str) -> Failure {
    Failure::OutOfSight(format!(
        "source \"{source}\" is of type {kind}, which {why}: ask the store with --from store:{source}, or name a file"
    ))
}

/// What a bus that cannot be looked at means to the command.
pub(super) fn unseen(source: &str, error: SourceError) -> Failure {
    match error {
        SourceError::Refused(why) => Failure::OutOfSight(format!("source \"{source}\": {why}")),
        SourceError::Lost(why) => Failure::BusAway(format!("source \"{source}\": {why}")),
    }
}
