//! Trials on SQLite.

use async_trait::async_trait;
use sqlx::query_as;

use super::ledger::SqliteLedger;
use super::params::{list, record};
use super::said;
use crate::domain::Timestamp;
use crate::domain::delivery::Lease;
use crate::domain::event::Position;
use crate::domain::names::SourceName;
use crate::store::StoreError;
use crate::store::batch::Trial;
use crate::store::rows::CountedRow;
use crate::store::trial::Trials;

/// `$1` [source, position], `$2` node, `$3` epoch.
pub(super) const ENDS: &str = "
SELECT CASE
    WHEN EXISTS (SELECT 1 FROM event AS known
                 WHERE known.source = k.value ->> 0 AND known.position = k.value ->> 1)
      OR EXISTS (SELECT 1 FROM dead_letter AS kept
                 WHERE kept.source = k.value ->> 0 AND kept.position = k.value ->> 1) THEN -1
    ELSE coalesce((SELECT tried.ends - (tried.node = $2 AND tried.epoch = $3) FROM trial AS tried
                   WHERE tried.source = k.value ->> 0 AND tried.position = k.value ->> 1), 0)
    END AS count
FROM jsonb_each($1) AS k ORDER BY k.key";

/// `$1` [source, position, ends], `$2` node, `$3` epoch, `$4` now.
pub(super) const BEGIN: &str = "
INSERT INTO trial (source, position, ends, node, epoch, tried_at)
SELECT value ->> 0, value ->> 1, value ->> 2, $2, $3, $4 FROM jsonb_each($1) WHERE true
ON CONFLICT (source, position) DO UPDATE SET
    ends = excluded.ends, node = excluded.node, epoch = excluded.epoch, tried_at = excluded.tried_at";

/// `$1` [source, position].
pub(super) const ACQUIT: &str = "
DELETE FROM trial
WHERE (source, position) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each($1))";

#[async_trait]
impl Trials for SqliteLedger<'_> {
    async fn ends(&mut self, lease: &Lease, trials: &[Trial]) -> Result<Vec<i64>, StoreError> {
        let rows: Vec<CountedRow> = query_as(ENDS)
            .bind(list(trials.iter().map(|trial| record(&trial.source, &trial.position)))?)
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .fetch_all(self.connection().await?)
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
        let rows = begun.iter().map(|(trial, ends)| {
            let (source, position) = record(&trial.source, &trial.position);
            (source, position, *ends)
        });
        let query = sqlx::query(BEGIN)
            .bind(list(rows)?)
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .bind(now.as_millisecond());
        self.run(query).await
    }

    async fn acquit(&mut self, records: &[(SourceName, Position)]) -> Result<(), StoreError> {
        let rows = list(records.iter().map(|(source, position)| record(source, position)))?;
        self.run(sqlx::query(ACQUIT).bind(rows)).await
    }
}
