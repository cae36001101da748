//! The write path on SQLite: parameters in, rows out, in as few crossings to its thread as can be.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Either, Executor, query::Query, query_as};

use super::params::{self, Raws, list};
use super::{said, statements};
use crate::domain::Timestamp;
use crate::domain::acceptance::Rows;
use crate::domain::delivery::{Lease, Target};
use crate::domain::ids::DeliveryId;
use crate::domain::incident::Incident;
use crate::domain::names::ChannelName;
use crate::domain::timer::{Timer, TimerKind};
use crate::store::StoreError;
use crate::store::batch::{Batch, Quarantined};
use crate::store::incident_rows::{IncidentRow, NewestRow};
use crate::store::intake::dedup_keys;
use crate::store::reading::{NEXT_DUE, only};
use crate::store::repeating::Replay;
use crate::store::rows::{
    CandidateRow, IdRow, NumberRow, Readable, ReplayedRow, Row, SeenRow, TimerRow, ToldRow, column, id, ids,
    number, read_all, time,
};
use crate::store::write::{Candidate, Ending, Ledger, Orphaned, Standing, Taken, kinds};

/// A transaction of the one writer, from [`Ledger::standing`] to [`SqliteLedger::commit`].
pub(super) struct SqliteLedger<'c> {
    connection: &'c mut SqliteConnection,
    /// What is only written waits until something is read, or for the commit: each crossing to
    /// SQLite's thread is two wake-ups, and a quiet system pays them for each event by itself.
    waiting: Option<Writes>,
}

/// The parameters of what is only written, in the order of [`statements`].
struct Writes {
    node: String,
    epoch: i64,
    now: i64,
    endings: Option<String>,
    inserts: Option<Inserts>,
}

struct Inserts {
    lists: [String; 5],
    raws: Raws,
    timers: String,
}

impl<'c> SqliteLedger<'c> {
    pub(super) fn new(connection: &'c mut SqliteConnection) -> Self {
        Self { connection, waiting: None }
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.hand_over(statements::COMMIT).await
    }

    fn waiting(&mut self, lease: &Lease, now: Timestamp) -> &mut Writes {
        self.waiting.get_or_insert_with(|| Writes {
            node: lease.node.to_string(),
            epoch: lease.epoch,
            now: now.as_millisecond(),
            endings: None,
            inserts: None,
        })
    }

    /// Hands what waits to SQLite, and `last` after it.
    async fn hand_over(&mut self, last: &'static str) -> Result<(), StoreError> {
        let query = match self.waiting.take() {
            None => sqlx::query(last),
            Some(Writes { node, epoch, now, endings, inserts }) => {
                let end = if endings.is_some() { statements::END } else { "" };
                let insert = if inserts.is_some() { statements::INSERT } else { "" };
                // Put together of constants only.
                let text = AssertSqlSafe([end, insert, last].concat());
                let query = sqlx::query(text).bind(node).bind(epoch).bind(now).bind(endings);
                match inserts {
                    None => query,
                    Some(Inserts { lists, raws, timers }) => {
                        lists.into_iter().fold(query, Query::bind).bind(raws.into_blob()).bind(timers)
                    }
                }
            }
        };
        query.execute(&mut *self.connection).await.map(drop).map_err(said)
    }

    /// The connection, on which everything so far can be read.
    pub(super) async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.waiting.is_some() {
            self.hand_over("").await?;
        }
        Ok(&mut *self.connection)
    }

    pub(super) async fn run(&mut self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<(), StoreError> {
        query.execute(self.connection().await?).await.map(drop).map_err(said)
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
            let rows: Vec<NumberRow> = epoch.fetch_all(self.connection().await?).await.map_err(said)?;
            return Ok(Standing { epoch: only(rows), ..Standing::default() });
        }
        let keys = dedup_keys(&batch.accepts);
        let questions = sqlx::query(statements::STANDING)
            .bind(node)
            .bind(params::positions(&batch.accepts)?)
            .bind(params::producer_ids(&batch.accepts)?)
            .bind(list(keys.iter().map(|key| (key.keyspace(), key.text.as_str())))?);
        let mut rows = self.connection().await?.fetch_many(questions);
        let mut standing = Standing::default();
        // BEGIN is the first.
        let mut statement = 0;
        while let Some(row) = rows.try_next().await.map_err(said)? {
            match (row, statement) {
                (Either::Left(_), _) => statement += 1,
                (Either::Right(row), 1) => standing.epoch = read::<NumberRow>(&row)?.value,
                (Either::Right(row), 2) => standing.seen.push(read::<SeenRow>(&row)?.read()?),
                (Either::Right(row), 3) => {
                    let (place, incident) = read::<NewestRow>(&row)?.read()?;
                    standing.newest.extend(keys.get(place).cloned().map(|key| (key, incident)));
                }
                (Either::Right(row), _) => {
                    standing.last_number = number(read::<NumberRow>(&row)?.value.unwrap_or(0))?;
                }
            }
        }
        Ok(standing)
    }

    async fn in_hand(
        &mut self,
        lease: &Lease,
        attempts: &[(DeliveryId, u32)],
    ) -> Result<HashSet<DeliveryId>, StoreError> {
        let rows: Vec<IdRow> = query_as(statements::IN_HAND)
            .bind(list(attempts.iter())?)
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .fetch_all(self.connection().await?)
            .await
            .map_err(said)?;
        ids(rows)
    }

    async fn end(&mut self, lease: &Lease, now: Timestamp, endings: &[Ending<'_>]) -> Result<(), StoreError> {
        let endings = list(endings.iter().map(params::ending))?;
        self.waiting(lease, now).endings = Some(endings);
        Ok(())
    }

    async fn told(&mut self, incidents: &[&Incident]) -> Result<Vec<(u64, Target)>, StoreError> {
        let episodes = incidents.iter().map(|i| (i.number, i.opened_at.as_millisecond()));
        let rows: Vec<ToldRow> = query_as(statements::TOLD)
            .bind(list(episodes)?)
            .fetch_all(self.connection().await?)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn insert(&mut self, lease: &Lease, now: Timestamp, rows: &Rows) -> Result<(), StoreError> {
        for (statement, numbers) in
            [(statements::CANCEL, &rows.over), (statements::CANCEL_ALL, &rows.deleted)]
        {
            if !numbers.is_empty() {
                let query = sqlx::query(statement).bind(list(numbers.iter())?).bind(now.as_millisecond());
                self.run(query).await?;
            }
        }
        let kinds = kinds(rows);
        let mut raws = Raws::default();
        let lists = [
            list(rows.events.iter().map(|event| params::event(event, &mut raws)))?,
            list(rows.incidents.iter().map(params::IncidentParam))?,
            list(rows.timeline.iter().map(params::timeline))?,
            list(rows.notifications.iter().map(params::notification))?,
            list(rows.deliveries.iter().map(|new| params::delivery(new, &kinds)))?,
        ];
        let timers = list(rows.timers.iter().map(params::timer))?;
        self.waiting(lease, now).inserts = Some(Inserts { lists, raws, timers });
        Ok(())
    }

    async fn quarantine(&mut self, now: Timestamp, letters: &[&Quarantined]) -> Result<(), StoreError> {
        let mut raws = Raws::default();
        let query = sqlx::query(statements::QUARANTINE)
            .bind(list(letters.iter().map(|letter| params::letter(letter, &mut raws)))?)
            .bind(now.as_millisecond())
            .bind(raws.into_blob());
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
            .fetch_all(self.connection().await?)
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
            .fetch_all(self.connection().await?)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn incidents(&mut self, numbers: &[u64]) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = query_as(statements::INCIDENTS)
            .bind(list(numbers.iter())?)
            .fetch_all(self.connection().await?)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn timers(&mut self, wanted: &[(u64, TimerKind)]) -> Result<Vec<Timer>, StoreError> {
        let wanted = wanted.iter().map(|(incident, kind)| (*incident, kind.as_str()));
        let rows: Vec<TimerRow> = query_as(statements::TIMERS)
            .bind(list(wanted)?)
            .fetch_all(self.connection().await?)
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
            .fetch_all(self.connection().await?)
            .await
            .map_err(said)?;
        only(rows).map(time).transpose()
    }
}
