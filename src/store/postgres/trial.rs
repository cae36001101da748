//! Trials on PostgreSQL.

use async_trait::async_trait;
use sqlx::{query, query_as};

use super::ledger::{PostgresLedger, each};
use super::said;
use crate::domain::Timestamp;
use crate::domain::delivery::Lease;
use crate::domain::event::Position;
use crate::domain::names::SourceName;
use crate::store::StoreError;
use crate::store::batch::Trial;
use crate::store::rows::CountedRow;
use crate::store::trial::Trials;

/// `$1` sources, `$2` positions, `$3` node, `$4` epoch.
const ENDS: &str = "
SELECT CASE
    WHEN EXISTS (SELECT 1 FROM event AS e WHERE e.source = k.source AND e.position = k.position)
      OR EXISTS (SELECT 1 FROM dead_letter AS d WHERE d.source = k.source AND d.position = k.position)
    THEN -1
    ELSE coalesce((SELECT t.ends - (t.node = $3 AND t.epoch = $4)::int FROM trial AS t
                   WHERE t.source = k.source AND t.position = k.position), 0)
    END AS count
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (source, position, place) ORDER BY k.place";

/// `$1` sources, `$2` positions, `$3` ends, `$4` node, `$5` epoch, `$6` now.
const BEGIN: &str = "
INSERT INTO trial (source, position, ends, node, epoch, tried_at)
SELECT *, $4, $5, $6 FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (source, position) DO UPDATE SET
    ends = excluded.ends, node = excluded.node, epoch = excluded.epoch, tried_at = excluded.tried_at";

/// `$1` sources, `$2` positions.
const ACQUIT: &str = "
DELETE FROM trial USING unnest($1::text[], $2::text[]) AS k (source, position)
WHERE trial.source = k.source AND trial.position = k.position";

#[async_trait]
impl Trials for PostgresLedger {
    async fn ends(&mut self, lease: &Lease, trials: &[Trial]) -> Result<Vec<i64>, StoreError> {
        let rows: Vec<CountedRow> = query_as(ENDS)
            .bind(each(trials, |trial| trial.source.as_str()))
            .bind(each(trials, |trial| trial.position.to_string()))
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        Ok(rows.into_iter().map(|row| row.count).collect())
    }

    async fn begin(
        &mut self,
        lease: &Lease,
        now: Timestamp,
        begun: &[(&Trial, u32)],
    ) -> Result<(), StoreError> {
        let query = query(BEGIN)
            .bind(each(begun, |(trial, _)| trial.source.as_str()))
            .bind(each(begun, |(trial, _)| trial.position.to_string()))
            .bind(each(begun, |(_, ends)| i64::from(*ends)))
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .bind(now.as_millisecond());
        self.run(query).await
    }

    async fn acquit(&mut self, records: &[(SourceName, Position)]) -> Result<(), StoreError> {
        let query = query(ACQUIT)
            .bind(each(records, |(source, _)| source.as_str()))
            .bind(each(records, |(_, position)| position.to_string()));
        self.run(query).await
    }
}
