//! What lies in the table of the hybrid: all of its rows since a moment, waiting or done, by the column that says which
//! one is older. The session may not write.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Columns, TableSettings, connected, judge, quoted};
use crate::domain::Timestamp;
use crate::domain::event::Position;
use crate::sources::past::{Lying, PAGE, Past};
use crate::sources::{Record, SourceError};

/// What lies in the table since a moment.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answers, [`SourceError::Refused`] if the operator has to act, or if rows say no moment.
pub async fn past_of_table(settings: &TableSettings, since: Timestamp) -> Result<Box<dyn Past>, SourceError> {
    let pool = connected(settings, &[("default_transaction_read_only", "on")]).await?;
    let columns = Columns::of(&pool, settings).await?;
    let order = quoted(&settings.order_by);
    let moment = "to_timestamp($1::double precision / 1000)";
    let begin = match columns.order_type.as_str() {
        "timestamp with time zone" => moment.to_owned(),
        "timestamp without time zone" => format!("({moment} AT TIME ZONE 'UTC')"),
        other => {
            return Err(SourceError::Refused(format!(
                "nobody knows when a row came: table.order_by is \"{}\", which is of type {other} and no timestamp",
                settings.order_by
            )));
        }
    };
    let query = format!(
        "SELECT (extract(epoch FROM {order}) * 1000)::bigint, {id}::text, {record} FROM {table} AS waiting \
         WHERE {order} >= {begin} ORDER BY {order}, {id}",
        id = quoted(&settings.id),
        record = columns.record,
        table = columns.table,
    );
    let (pages, coming) = mpsc::channel(1);
    let name: Arc<str> = settings.name.as_str().into();
    let mut reading = JoinSet::new();
    reading.spawn(async move {
        if let Err(error) = read(&pool, query, since, &name, &pages).await {
            // Nobody is there who would hear of it.
            let _ = pages.send(Err(judge(&error))).await;
        }
    });
    Ok(Box::new(TablePast { coming, _reading: reading }))
}

/// One statement, so all rows are of one moment. The database sends them as they are wanted.
async fn read(
    pool: &PgPool,
    query: String,
    since: Timestamp,
    name: &Arc<str>,
    pages: &mpsc::Sender<Result<Vec<Lying>, SourceError>>,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(AssertSqlSafe(query)).bind(since.as_millisecond()).fetch(pool);
    let mut rows = rows.ready_chunks(PAGE);
    while let Some(chunk) = rows.next().await {
        let page: Result<Vec<Lying>, _> = chunk.into_iter().map(|row| lying(&row?, name)).collect();
        if pages.send(Ok(page?)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn lying(row: &PgRow, name: &Arc<str>) -> Result<Lying, sqlx::Error> {
    let (ms, id): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    let payload: Option<Vec<u8>> = row.try_get(2)?;
    let record = Record {
        position: Position::Message { stream: Arc::clone(name), id: id.into() },
        payload: payload.map(Into::into),
        left_out: 0,
        headers: Vec::new(),
    };
    Ok(Lying { since: Timestamp::from_millisecond(ms).ok(), record })
}

/// Rows on their way here.
struct TablePast {
    coming: mpsc::Receiver<Result<Vec<Lying>, SourceError>>,
    /// Ends with this.
    _reading: JoinSet<()>,
}

#[async_trait]
impl Past for TablePast {
    async fn next(&mut self) -> Result<Option<Vec<Lying>>, SourceError> {
        self.coming.recv().await.transpose()
    }
}
