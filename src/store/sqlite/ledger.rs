//! The write path on SQLite: parameters in, rows out.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{Either, Executor, Transaction, query::Query, query_as};

use super::params::{self, list};
use super::{said, statements};
use crate::domain::Timestamp;
use crate::domain::acceptance::Rows;
use crate::domain::delivery::{Job, Lease, Target};
use crate::domain::ids::DeliveryId;
use crate::domain::incident::Incident;
use crate::domain::names::ChannelName;
use crate::store::StoreError;
use crate::store::batch::{Batch, Quarantined};
use crate::store::intake::dedup_keys;
use crate::store::reading::{NEXT_DUE, only};
use crate::store::rows::{
    CandidateRow, IdRow, IncidentRow, NumberRow, Readable, ReplayedRow, Row, SeenRow, ToldRow, column, id,
    ids, number, read_all, time,
};
use crate::store::write::{Candidate, Ending, Ledger, Orphaned, Replay, Standing, Taken, kinds};

/// An open transaction of the one writer.
pub(super) struct SqliteLedger<'c> {
    pub(super) transaction: Transaction<'c, Sqlite>,
}

impl SqliteLedger<'_> {
    async fn run(&mut self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<(), StoreError> {
        query.execute(&mut *self.transaction).await.map(drop).map_err(said)
    }
}

fn read<T: Row>(row: &SqliteRow) -> Result<T, StoreError> {
    T::from_row(row).map_err(said)
}

#[async_trait]
impl Ledger for SqliteLedger<'_> {
    async fn standing(&mut self, batch: &Batch) -> Result<Standing, StoreError> {
        let node = batch.lease.node.as_str();
        if batch.accepts.is_empty() {
            let epoch = query_as(statements::EPOCH).bind(node);
            let rows: Vec<NumberRow> = epoch.fetch_all(&mut *self.transaction).await.map_err(said)?;
            return Ok(Standing { epoch: only(rows), ..Standing::default() });
        }
        let questions = sqlx::query(statements::STANDING)
            .bind(node)
            .bind(params::positions(&batch.accepts)?)
            .bind(params::producer_ids(&batch.accepts)?)
            .bind(list(dedup_keys(&batch.accepts).into_iter())?);
        let mut rows = (&mut *self.transaction).fetch_many(questions);
        let mut standing = Standing::default();
        let mut statement = 0;
        while let Some(row) = rows.try_next().await.map_err(said)? {
            match (row, statement) {
                (Either::Left(_), _) => statement += 1,
                (Either::Right(row), 0) => standing.epoch = read::<NumberRow>(&row)?.value,
                (Either::Right(row), 1) => standing.seen.push(read::<SeenRow>(&row)?.read()?),
                (Either::Right(row), 2) => standing.newest.push(read::<IncidentRow>(&row)?.read()?),
                (Either::Right(row), _) => {
                    standing.last_number = number(read::<NumberRow>(&row)?.value.unwrap_or(0))?;
                }
            }
        }
        Ok(standing)
    }

    async fn in_hand(&mut self, lease: &Lease, jobs: &[Job]) -> Result<HashSet<DeliveryId>, StoreError> {
        let rows: Vec<IdRow> = query_as(statements::IN_HAND)
            .bind(list(jobs.iter().map(params::job))?)
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        ids(rows)
    }

    async fn end(&mut self, lease: &Lease, now: Timestamp, endings: &[Ending<'_>]) -> Result<(), StoreError> {
        let query = sqlx::query(statements::END)
            .bind(list(endings.iter().map(params::ending))?)
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .bind(now.as_millisecond());
        self.run(query).await
    }

    async fn told(&mut self, incidents: &[&Incident]) -> Result<Vec<(u64, Target)>, StoreError> {
        let episodes = incidents.iter().map(|i| (i.number, i.opened_at.as_millisecond()));
        let rows: Vec<ToldRow> = query_as(statements::TOLD)
            .bind(list(episodes)?)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn insert(&mut self, lease: &Lease, now: Timestamp, rows: &Rows) -> Result<(), StoreError> {
        if !rows.over.is_empty() {
            let query =
                sqlx::query(statements::CANCEL).bind(list(rows.over.iter())?).bind(now.as_millisecond());
            self.run(query).await?;
        }
        let kinds = kinds(rows);
        let query = sqlx::query(statements::INSERT)
            .bind(list(rows.events.iter().map(params::event))?)
            .bind(list(rows.incidents.iter().map(params::IncidentParam))?)
            .bind(list(rows.timeline.iter().map(params::timeline))?)
            .bind(list(rows.notifications.iter().map(params::notification))?)
            .bind(list(rows.deliveries.iter().map(|new| params::delivery(new, &kinds)))?)
            .bind(now.as_millisecond())
            .bind(lease.node.as_str())
            .bind(lease.epoch);
        self.run(query).await
    }

    async fn quarantine(&mut self, now: Timestamp, letters: &[&Quarantined]) -> Result<(), StoreError> {
        let query = sqlx::query(statements::QUARANTINE)
            .bind(list(letters.iter().map(|letter| params::letter(letter)))?)
            .bind(now.as_millisecond());
        self.run(query).await
    }

    async fn replay(
        &mut self,
        now: Timestamp,
        replays: &[Replay],
    ) -> Result<HashMap<DeliveryId, ChannelName>, StoreError> {
        let rows: Vec<ReplayedRow> = query_as(statements::REPLAY)
            .bind(list(replays.iter().map(params::replay))?)
            .bind(now.as_millisecond())
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        rows.into_iter().map(|row| Ok((id(&row.id)?, row.channel.into()))).collect()
    }

    async fn adopt(
        &mut self,
        lease: &Lease,
        now: Timestamp,
        channel: &ChannelName,
        orphaned: Orphaned,
        holding: &[DeliveryId],
    ) -> Result<(), StoreError> {
        let query = sqlx::query(statements::ADOPT)
            .bind(lease.node.as_str())
            .bind(channel.as_str())
            .bind(list(holding.iter())?)
            .bind(orphaned.state.as_str())
            .bind(orphaned.dead_reason)
            .bind(now.as_millisecond());
        self.run(query).await
    }

    async fn due(
        &mut self,
        channel: &ChannelName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let rows: Vec<CandidateRow> = query_as(statements::DUE)
            .bind(channel.as_str())
            .bind(now.as_millisecond())
            .bind(column(limit as u64))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn incidents(&mut self, numbers: &[u64]) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = query_as(statements::INCIDENTS)
            .bind(list(numbers.iter())?)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn take(&mut self, lease: &Lease, now: Timestamp, taken: &[Taken]) -> Result<(), StoreError> {
        let query = sqlx::query(statements::TAKE)
            .bind(list(taken.iter().map(params::taken))?)
            .bind(now.as_millisecond())
            .bind(lease.node.as_str())
            .bind(lease.epoch);
        self.run(query).await
    }

    async fn next_due(&mut self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        let rows: Vec<NumberRow> = query_as(NEXT_DUE)
            .bind(channel.as_str())
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        only(rows).map(time).transpose()
    }
}
