//! The lives of a node on SQLite: how one begins, and how it ends in order.

use sqlx::{AssertSqlSafe, query_as};

use super::{SqliteStore, Transaction, said};
use crate::domain::Timestamp;
use crate::domain::delivery::Lease;
use crate::domain::names::NodeName;
use crate::store::StoreError;
use crate::store::reading::{LEASE, only};
use crate::store::rows::NumberRow;
use crate::store::trial::{EXCUSE, RELEASE};

/// Starts a new life of `node`.
pub(super) async fn lease(store: &SqliteStore, node: &NodeName, now: Timestamp) -> Result<Lease, StoreError> {
    let mut writer = store.writer.lock().await;
    let rows: Vec<NumberRow> = query_as(LEASE)
        .bind(node.as_str())
        .bind(now.as_millisecond())
        .fetch_all(writer.idle().await?)
        .await
        .map_err(said)?;
    let epoch = only(rows).ok_or_else(|| StoreError::Corrupt("no epoch was given".to_owned()))?;
    Ok(Lease { node: node.clone(), epoch })
}

/// This life ends in order.
pub(super) async fn release(store: &SqliteStore, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
    let mut writer = store.writer.lock().await;
    let text = AssertSqlSafe(["BEGIN IMMEDIATE; ", RELEASE, "; ", EXCUSE, "; COMMIT"].concat());
    let query = sqlx::query(text).bind(lease.node.as_str()).bind(lease.epoch).bind(now.as_millisecond());
    let done = query.execute(writer.begin().await?).await;
    match done {
        Ok(_) => writer.transaction = Transaction::None,
        Err(_) => drop(writer.roll_back().await),
    }
    done.map(drop).map_err(said)
}
