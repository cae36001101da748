//! Ends that came before their beginnings, on PostgreSQL.

use async_trait::async_trait;
use sqlx::{query, query_as};

use super::ledger::{PostgresLedger, each};
use super::said;
use crate::domain::Timestamp;
use crate::domain::late::Tombstone;
use crate::domain::names::SourceName;
use crate::store::StoreError;
use crate::store::late::{KnownEnd, TombstoneRow, Tombstones};
use crate::store::rows::read_all;

/// `$1` dedup keys, `$2` sources, `$3` now.
const TOMBSTONES: &str = "
SELECT t.dedup_key, t.source, t.ended_at
FROM unnest($1::text[], $2::text[]) AS k (dedup_key, source)
JOIN tombstone AS t ON t.dedup_key = k.dedup_key AND t.source = k.source
WHERE t.expires_at > $3";

/// `$1` dedup keys, `$2` sources, `$3` ends, `$4` until when, `$5` now. The same key twice counts once.
const BURY: &str = "
WITH passed AS (
    DELETE FROM tombstone WHERE expires_at <= $5
      AND (dedup_key, source) NOT IN (SELECT * FROM unnest($1::text[], $2::text[]))
)
INSERT INTO tombstone (dedup_key, source, ended_at, expires_at)
SELECT dedup_key, source, max(ended_at), max(expires_at)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS t (dedup_key, source, ended_at, expires_at)
GROUP BY dedup_key, source
ON CONFLICT (dedup_key, source) DO UPDATE SET
    ended_at = greatest(tombstone.ended_at, excluded.ended_at), expires_at = excluded.expires_at";

#[async_trait]
impl Tombstones for PostgresLedger {
    async fn tombstones(
        &mut self,
        now: Timestamp,
        keys: &[(&str, &SourceName)],
    ) -> Result<Vec<KnownEnd>, StoreError> {
        let rows: Vec<TombstoneRow> = query_as(TOMBSTONES)
            .bind(each(keys, |(key, _)| *key))
            .bind(each(keys, |(_, source)| source.as_str()))
            .bind(now.as_millisecond())
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn bury(&mut self, now: Timestamp, tombstones: &[Tombstone]) -> Result<(), StoreError> {
        let bury = query(BURY)
            .bind(each(tombstones, |tombstone| tombstone.dedup_key.as_str()))
            .bind(each(tombstones, |tombstone| tombstone.source.as_str()))
            .bind(each(tombstones, |tombstone| tombstone.ended_at.as_millisecond()))
            .bind(each(tombstones, |tombstone| tombstone.expires_at.as_millisecond()))
            .bind(now.as_millisecond());
        self.run(bury).await
    }
}
