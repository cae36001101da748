//! Callers of the API on SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use sqlx::query_as;

use super::ledger::SqliteLedger;
use super::{SqliteStore, said};
use crate::domain::token::Token;
use crate::store::StoreError;
use crate::store::access::{Access, access, first};
use crate::store::batch::AccessChange;
use crate::store::reading::SIGNING_KEY;
use crate::store::rows::WordRow;

#[async_trait]
impl Access for SqliteLedger<'_> {
    async fn access(&mut self, changes: &[AccessChange]) -> Result<(), StoreError> {
        access!(self, changes)
    }
}

/// Keeps it if it is the first that may do everything.
pub(super) async fn first_token(store: &SqliteStore, token: &Token) -> Result<bool, StoreError> {
    let mut writer = store.writer.lock().await;
    let done = first!(token).execute(writer.idle().await?).await.map_err(said)?;
    Ok(done.rows_affected() > 0)
}

/// The key that links are signed with: the one that is kept, or `candidate` from now on.
pub(super) async fn signing_key(
    store: &SqliteStore,
    candidate: &str,
    now: Timestamp,
) -> Result<SecretString, StoreError> {
    let mut writer = store.writer.lock().await;
    let rows: Vec<WordRow> = query_as(SIGNING_KEY)
        .bind(candidate)
        .bind(now.as_millisecond())
        .fetch_all(writer.idle().await?)
        .await
        .map_err(said)?;
    let key = rows.into_iter().next().map(|row| row.word.into());
    key.ok_or_else(|| StoreError::Corrupt("no key was kept".to_owned()))
}
