//! The write path on PostgreSQL: columns in, rows out.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::{Transaction, query, query::Query, query_as};

use super::{said, statements};
use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, Rows};
use crate::domain::bulk::Resolved;
use crate::domain::delivery::{Lease, Target};
use crate::domain::ids::DeliveryId;
use crate::domain::incident::Incident;
use crate::domain::names::ChannelName;
use crate::domain::timer::{Timer, TimerKind};
use crate::store::StoreError;
use crate::store::batch::{Batch, Quarantined};
use crate::store::incident_rows::{IncidentRow, NewestRow};
use crate::store::intake::{Seen, dedup_keys};
use crate::store::reading::{NEXT_DUE, only};
use crate::store::repeating::Replay;
use crate::store::rows::{
    CandidateRow, IdRow, NumberRow, ReplayedRow, SeenRow, TimerRow, ToldRow, column, id, ids, number,
    read_all, time,
};
use crate::store::write::{Candidate, Ending, Ledger, Orphaned, Standing, Taken};

/// An open transaction.
pub(super) struct PostgresLedger {
    pub(super) transaction: Transaction<'static, Postgres>,
}

impl PostgresLedger {
    pub(super) async fn run(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<(), StoreError> {
        query.execute(&mut *self.transaction).await.map(drop).map_err(said)
    }

    /// Which events are known, and the highest incident number.
    async fn seen(&mut self, accepts: &[Accept]) -> Result<(Vec<Seen>, u64), StoreError> {
        let named: Vec<(usize, &str, &str)> = accepts
            .iter()
            .enumerate()
            .filter_map(|(place, accept)| {
                let id = accept.event.producer_id.as_deref()?;
                Some((place, accept.event.source.as_str(), id))
            })
            .collect();
        let rows: Vec<SeenRow> = query_as(statements::SEEN_AND_LAST_NUMBER)
            .bind(each(accepts, |accept| accept.event.source.as_str()))
            .bind(each(accepts, |accept| accept.event.position.to_string()))
            .bind(each(&named, |(place, _, _)| column(*place as u64)))
            .bind(each(&named, |(_, source, _)| *source))
            .bind(each(&named, |(_, _, id)| *id))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        let (seen, last): (Vec<SeenRow>, Vec<SeenRow>) = rows.into_iter().partition(|row| row.place >= 0);
        let last_number = last.first().and_then(|row| row.incident);
        Ok((read_all(seen)?, number(last_number.unwrap_or(0))?))
    }
}

/// One column of a list.
pub(super) fn each<'a, T, C>(rows: &'a [T], value: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(value).collect()
}

pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.as_millisecond())
}

#[async_trait]
impl Ledger for PostgresLedger {
    async fn standing(&mut self, batch: &Batch) -> Result<Standing, StoreError> {
        let node = batch.lease.node.as_str();
        if !batch.decides() {
            let epoch = query_as(statements::EPOCH).bind(node);
            let rows: Vec<NumberRow> = epoch.fetch_all(&mut *self.transaction).await.map_err(said)?;
            return Ok(Standing { epoch: only(rows), ..Standing::default() });
        }
        let rows: Vec<NumberRow> = query_as(statements::EPOCH_AND_LOCK)
            .bind(node)
            .bind(statements::ACCEPTING)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        if batch.accepts.is_empty() {
            return Ok(Standing { epoch: only(rows), ..Standing::default() });
        }
        let (seen, last_number) = self.seen(&batch.accepts).await?;
        let keys = dedup_keys(&batch.accepts);
        let newest: Vec<NewestRow> = query_as(statements::NEWEST)
            .bind(each(&keys, |key| key.keyspace()))
            .bind(each(&keys, |key| key.text.as_str()))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        let newest = read_all(newest)?.into_iter();
        let newest = newest.filter_map(|(place, incident)| Some((keys.get(place)?.clone(), incident)));
        Ok(Standing { epoch: only(rows), seen, newest: newest.collect(), last_number })
    }

    async fn in_hand(
        &mut self,
        lease: &Lease,
        attempts: &[(DeliveryId, u32)],
    ) -> Result<HashSet<DeliveryId>, StoreError> {
        let rows: Vec<IdRow> = query_as(statements::IN_HAND)
            .bind(each(attempts, |(id, _)| id.to_string()))
            .bind(each(attempts, |(_, attempt)| i64::from(*attempt)))
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        ids(rows)
    }

    async fn end(&mut self, lease: &Lease, now: Timestamp, endings: &[Ending<'_>]) -> Result<(), StoreError> {
        let query = query(statements::END)
            .bind(each(endings, |e| e.attempted.id.to_string()))
            .bind(each(endings, |e| i64::from(e.attempted.attempt)))
            .bind(each(endings, |e| e.attempted.at.as_millisecond()))
            .bind(each(endings, |e| e.attempted.took_ms))
            .bind(each(endings, |e| e.attempted.outcome))
            .bind(each(endings, |e| e.attempted.code.as_str()))
            .bind(each(endings, |e| e.attempted.detail.as_str()))
            .bind(each(endings, |e| e.attempted.provider_id.as_deref()))
            .bind(each(endings, |e| e.state.as_str()))
            .bind(each(endings, |e| millis(e.due_at)))
            .bind(each(endings, |e| i64::from(e.held)))
            .bind(each(endings, |e| i64::from(e.crashes)))
            .bind(each(endings, |e| e.dead_reason))
            .bind(lease.node.as_str())
            .bind(lease.epoch)
            .bind(now.as_millisecond())
            .bind(each(endings, |e| e.attempted.moved_to.as_ref().map(ChannelName::as_str)));
        self.run(query).await
    }

    async fn told(&mut self, incidents: &[&Incident]) -> Result<Vec<(u64, Target)>, StoreError> {
        let rows: Vec<ToldRow> = query_as(statements::TOLD)
            .bind(each(incidents, |incident| column(incident.number)))
            .bind(each(incidents, |incident| incident.opened_at.as_millisecond()))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn insert(&mut self, lease: &Lease, now: Timestamp, rows: &Rows) -> Result<(), StoreError> {
        super::insert::insert(self, lease, now, rows).await
    }

    async fn quarantine(&mut self, now: Timestamp, letters: &[&Quarantined]) -> Result<(), StoreError> {
        let query = query(statements::QUARANTINE)
            .bind(each(letters, |letter| letter.id.to_string()))
            .bind(each(letters, |letter| letter.source.as_str()))
            .bind(each(letters, |letter| letter.position.to_string()))
            .bind(each(letters, |letter| letter.reason.as_str()))
            .bind(each(letters, |letter| letter.detail.as_str()))
            .bind(each(letters, |letter| &*letter.raw))
            .bind(now.as_millisecond())
            .bind(each(letters, |letter| i64::from(letter.came_back)));
        self.run(query).await
    }

    async fn replay(
        &mut self,
        now: Timestamp,
        replays: &[Replay],
    ) -> Result<HashMap<DeliveryId, ChannelName>, StoreError> {
        let rows: Vec<ReplayedRow> = query_as(statements::REPLAY)
            .bind(each(replays, |replay| replay.child.to_string()))
            .bind(each(replays, |replay| replay.dead.to_string()))
            .bind(now.as_millisecond())
            .bind(each(replays, |replay| replay.job.map(|job| job.to_string())))
            .bind(each(replays, |replay| i64::from(replay.resolved == Resolved::Include)))
            .bind(each(replays, |replay| replay.to.as_ref().map(|to| to.channel.as_str())))
            .bind(each(replays, |replay| replay.to.as_ref().map(|to| &*to.recipient)))
            .bind(each(replays, |replay| replay.to.as_ref().map(|to| to.address.expose())))
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
        let query = query(statements::ADOPT)
            .bind(lease.node.as_str())
            .bind(channel.as_str())
            .bind(each(holding, ToString::to_string))
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
            .bind(each(numbers, |number| column(*number)))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn timers(&mut self, wanted: &[(u64, TimerKind)]) -> Result<Vec<Timer>, StoreError> {
        let rows: Vec<TimerRow> = query_as(statements::TIMERS)
            .bind(each(wanted, |(incident, _)| column(*incident)))
            .bind(each(wanted, |(_, kind)| kind.as_str()))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(said)?;
        read_all(rows)
    }

    async fn take(&mut self, lease: &Lease, now: Timestamp, taken: &[Taken]) -> Result<(), StoreError> {
        let query = query(statements::TAKE)
            .bind(each(taken, |taken| taken.id.to_string()))
            .bind(each(taken, |taken| taken.state.as_str()))
            .bind(each(taken, |taken| i64::from(taken.attempts)))
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
