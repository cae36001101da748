//! Asks a Redis about the streams of a source, for `foghorn check --connect`: nothing is read, and no group
//! is made.

use std::time::Duration;

use redis::{Value, cmd};
use tokio::time::timeout;

use super::session::connect;
use super::table::Table;
use super::trouble;
use super::{Mode, RedisSettings};
use crate::sources::SourceError;

/// Logs in and asks for every stream of `settings`. Says what was seen.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answered, [`SourceError::Refused`] if the operator has to act.
pub async fn probe(settings: &RedisSettings, deadline: Duration) -> Result<String, SourceError> {
    let asked = timeout(deadline, ask(settings, deadline)).await;
    asked.unwrap_or_else(|_| Err(SourceError::Lost("Redis does not answer".to_owned())))
}

async fn ask(settings: &RedisSettings, deadline: Duration) -> Result<String, SourceError> {
    let mut connection = connect(&settings.client()?, deadline).await?;
    if settings.mode == Mode::Hybrid {
        let table = Table::open(&settings.table).await?;
        let (name, waiting) = (&settings.table.name, table.count().await?);
        return Ok(format!("{}, table {name}({waiting} waiting)", settings.address()));
    }
    let mut seen = Vec::new();
    for stream in &settings.streams {
        let mut kind = cmd("TYPE");
        let kind = kind.arg(stream).query_async::<String>(&mut connection).await;
        match kind.map_err(|error| trouble::judge(&error))?.as_str() {
            "none" => seen.push(format!("{stream}(not there yet; serve makes it)")),
            "stream" => {
                let mut length = cmd("XLEN");
                let length = length.arg(stream).query_async::<Value>(&mut connection).await;
                match length.map_err(|error| trouble::judge(&error))? {
                    Value::Int(length) => seen.push(format!("{stream}({length})")),
                    _ => seen.push(stream.clone()),
                }
            }
            other => {
                let what = format!("\"{stream}\" is no stream but a {other}");
                return Err(SourceError::Refused(what));
            }
        }
    }
    Ok(format!("{}, streams {}", settings.address(), seen.join(" ")))
}
