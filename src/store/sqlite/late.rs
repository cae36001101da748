//! Ends that came before their beginnings, on SQLite.

use async_trait::async_trait;
use sqlx::{query, query_as};

use super::ledger::SqliteLedger;
use super::params::list;
use super::said;
use crate::domain::Timestamp;
use crate::domain::late::Tombstone;
use crate::domain::names::SourceName;
use crate::store::StoreError;
use crate::store::late::{KnownEnd, TombstoneRow, Tombstones};
use crate::store::rows::read_all;

/// `$1` [dedup key, source], `$2` now.
const TOMBSTONES: &str = "
SELECT t.dedup_key, t.source, t.ended_at
FROM jsonb_each($1) AS k
CROSS JOIN tombstone AS t ON t.dedup_key = k.value ->> 0 AND t.source = k.value ->> 1
WHERE t.expires_at > $2";

/// `$1` [dedup key, source, end, until when], `$2` now.
const BURY: &str = "
DELETE FROM tombstone WHERE expires_at <= $2;

INSERT INTO tombstone (dedup_key, source, ended_at, expires_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each($1) WHERE true
ON CONFLICT (dedup_key, source) DO UPDATE SET
    ended_at = max(tombstone.ended_at, excluded.ended_at), expires_at = excluded.expires_at;";

#[async_trait]
impl Tombstones for SqliteLedger<'_> {
    async fn tombstones(
        &mut self,
        now: Timestamp,
        keys: &[(&str, &SourceName)],
    ) -> Result<Vec<KnownEnd>, StoreError> {
        let rows: Vec<TombstoneRow> = query_as(TOMBSTONES)
            .bind(list(keys.iter())?)
            .bind(now.as_millisecond())
            .fetch_all(self.connection().await?)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn bury(&mut self, now: Timestamp, tombstones: &[Tombstone]) -> Result<(), StoreError> {
        let rows = tombstones.iter().map(|tombstone| {
            let Tombstone { dedup_key, source, ended_at, expires_at } = tombstone;
            (dedup_key, source, ended_at.as_millisecond(), expires_at.as_millisecond())
        });
        self.run(query(BURY).bind(list(rows)?).bind(now.as_millisecond())).await
    }
}
