//! What lies in streams: `XRANGE` by the moments that are in the ids of entries, without the group.
//!
//! An id that somebody made up says no moment; such an entry is as old as its id claims to be.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value, cmd};

use super::session::connect;
use super::wire::{self, Entry};
use super::{RedisSettings, trouble};
use crate::domain::Timestamp;
use crate::sources::SourceError;
use crate::sources::past::{Lying, PAGE, Past};

/// How long Redis may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What lies in `streams` since a moment, a past for each that has anything.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answers, [`SourceError::Refused`] if the operator has to act.
pub async fn past_of_streams(
    settings: &Arc<RedisSettings>,
    streams: &[&str],
    since: Timestamp,
) -> Result<Vec<Box<dyn Past>>, SourceError> {
    let mut connection = connect(&settings.client()?, ANSWER).await?;
    let mut pasts: Vec<Box<dyn Past>> = Vec::new();
    for stream in streams {
        let mut newest = cmd("XREVRANGE");
        newest.arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
        let newest = entries(&newest, &mut connection).await?;
        pasts.extend(newest.first().map(|newest| -> Box<dyn Past> {
            Box::new(StreamPast {
                connection: connection.clone(),
                settings: Arc::clone(settings),
                stream: (*stream).into(),
                next: since.as_millisecond().max(0).to_string(),
                last: Arc::clone(newest.id()),
            })
        }));
    }
    Ok(pasts)
}

/// What lies in one stream.
struct StreamPast {
    connection: MultiplexedConnection,
    settings: Arc<RedisSettings>,
    stream: Arc<str>,
    /// What the next page begins with.
    next: String,
    /// The newest entry of it.
    last: Arc<str>,
}

#[async_trait]
impl Past for StreamPast {
    async fn next(&mut self) -> Result<Option<Vec<Lying>>, SourceError> {
        let mut page = cmd("XRANGE");
        page.arg(&*self.stream).arg(&self.next).arg(&*self.last).arg("COUNT").arg(PAGE);
        let page = entries(&page, &mut self.connection).await?;
        let Some(newest) = page.last() else { return Ok(None) };
        // Behind it.
        self.next = format!("({}", newest.id());
        let lying = |entry| match entry {
            Entry::Whole(id, fields) => Some(Lying {
                since: moment(&id),
                record: wire::record(&self.stream, &self.settings.field, wire::called(&id, &fields), fields),
            }),
            Entry::Gone(_) => None,
        };
        Ok(Some(page.into_iter().filter_map(lying).collect()))
    }
}

/// The milliseconds before the dash.
fn moment(id: &str) -> Option<Timestamp> {
    let (ms, _) = id.split_once('-')?;
    Timestamp::from_millisecond(ms.parse().ok()?).ok()
}

async fn entries(
    command: &redis::Cmd,
    connection: &mut MultiplexedConnection,
) -> Result<Vec<Entry>, SourceError> {
    let answer: Value = command.query_async(connection).await.map_err(|error| judged(&error))?;
    let senseless = || SourceError::Lost("Redis gave an answer that makes no sense".to_owned());
    wire::entries(answer).ok_or_else(senseless)
}

fn judged(error: &RedisError) -> SourceError {
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::NoPerm) => SourceError::Refused(format!(
            "not allowed: {}; whoever looks at what lies in a stream needs XRANGE and XREVRANGE on it",
            trouble::in_words(error)
        )),
        _ => trouble::judge(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_of_an_entry_is_in_its_id() {
        assert_eq!(moment("1763700000000-3"), Timestamp::from_millisecond(1_763_700_000_000).ok());
        assert_eq!(moment("odd"), None);
        assert_eq!(moment("99999999999999999999-0"), None);
    }
}
