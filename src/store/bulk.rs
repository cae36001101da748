//! Bulk jobs: a step of a job and what it does to dead letters are one transaction, so a crash neither
//! loses a step nor does it twice.
//!
//! Both SQL stores ask the same questions; a ledger only runs them ([`Asks`]).

use std::collections::HashSet;

use async_trait::async_trait;

use super::StoreError;
use super::batch::{Batch, Committed};
use super::reading::{Ask, Dialect, Fetch, MAX_PAGE};
use super::repeating::{Replay, repeat};
use super::rows::{IdRow, Row, column, ids, read_all};
use super::view_rows::{BulkRow, OutcomeRow};
use super::views::{BulkView, Outcomes};
use super::write::Ledger;
use crate::domain::Timestamp;
use crate::domain::bulk::{Bulk, BulkAction, BulkChange, BulkState, BulkStep};
use crate::domain::ids::{DeliveryId, JobId};

/// What an open transaction can do about bulk jobs.
#[async_trait]
pub(super) trait Bulks: Send {
    /// A job, which nobody else changes until the end of this transaction.
    async fn bulk(&mut self, id: JobId) -> Result<Option<Bulk>, StoreError>;

    /// Writes a job as it is now.
    async fn put_bulk(&mut self, bulk: &Bulk) -> Result<(), StoreError>;

    /// These are no dead letters any more; says which of them were.
    async fn settle(&mut self, now: Timestamp, ids: &[DeliveryId])
    -> Result<HashSet<DeliveryId>, StoreError>;
}

/// Does what the batch says about jobs.
pub(super) async fn drive<L: Ledger + Bulks>(
    ledger: &mut L,
    batch: &Batch,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    for change in &batch.bulks {
        let found = match change {
            BulkChange::Begin(bulk) => {
                if ledger.bulk(bulk.id).await?.is_none() {
                    ledger.put_bulk(bulk).await?;
                }
                Some((**bulk).clone())
            }
            BulkChange::Stop(id) => changed(ledger, *id, |bulk| bulk.stop(batch.now)).await?,
            BulkChange::Continue(id) => changed(ledger, *id, |bulk| bulk.go_on(batch.now)).await?,
            BulkChange::Step(step) => take(ledger, batch, step, committed).await?,
        };
        committed.bulks.push(found);
    }
    Ok(())
}

async fn changed<L: Bulks>(
    ledger: &mut L,
    id: JobId,
    change: impl FnOnce(&mut Bulk) + Send,
) -> Result<Option<Bulk>, StoreError> {
    let Some(mut bulk) = ledger.bulk(id).await? else { return Ok(None) };
    let before = bulk.clone();
    change(&mut bulk);
    if bulk != before {
        ledger.put_bulk(&bulk).await?;
    }
    Ok(Some(bulk))
}

async fn take<L: Ledger + Bulks>(
    ledger: &mut L,
    batch: &Batch,
    step: &BulkStep,
    committed: &mut Committed,
) -> Result<Option<Bulk>, StoreError> {
    let Some(mut bulk) = ledger.bulk(step.job).await? else { return Ok(None) };
    if !bulk.takes(step, batch.now) {
        return Ok(Some(bulk));
    }
    let done = match bulk.action {
        BulkAction::Discard => ledger.settle(batch.now, &step.ids).await?.len() as u64,
        BulkAction::Retry => {
            let replays = step.ids.iter().map(|dead| Replay {
                dead: *dead,
                child: DeliveryId::new(batch.now, fastrand::u128(..)),
                job: Some(bulk.id),
                resolved: bulk.resolved,
                to: None,
            });
            let repeated = repeat(ledger, batch.now, &replays.collect::<Vec<_>>(), committed).await?;
            let done = repeated.len() as u64;
            committed.repeated_by_jobs.0 += done;
            committed.repeated_by_jobs.1 += step.ids.len() as u64 - done;
            done
        }
    };
    bulk.stepped(step, done, batch.now);
    ledger.put_bulk(&bulk).await?;
    Ok(Some(bulk))
}

/// An open transaction that can be asked.
#[async_trait]
pub(super) trait Asks: Send {
    /// Where the databases differ.
    const DIALECT: Dialect;

    async fn ask<T: Row>(&mut self, ask: Ask) -> Result<Vec<T>, StoreError>;
}

const BULK: &str = "SELECT id, action, filter, resolved, per_minute, canary, state, matched, matched_exact, \
     skipped, taken, done, holds_at, cursor, due_at, created_at, updated_at FROM job";

#[async_trait]
impl<L: Asks> Bulks for L {
    async fn bulk(&mut self, id: JobId) -> Result<Option<Bulk>, StoreError> {
        let ask = Ask::new(BULK).push(" WHERE id = ").text(id).push(match L::DIALECT {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE",
        });
        Ok(read_all(self.ask::<BulkRow>(ask).await?)?.pop())
    }

    async fn put_bulk(&mut self, bulk: &Bulk) -> Result<(), StoreError> {
        let ask = Ask::new(
            "INSERT INTO job (id, action, filter, resolved, per_minute, canary, state, matched, matched_exact, \
             skipped, taken, done, holds_at, cursor, due_at, created_at, updated_at) VALUES (",
        );
        let words =
            [bulk.id.to_string(), bulk.action.to_string(), bulk.filter.clone(), bulk.resolved.to_string()];
        let ask = words.into_iter().fold(ask, |ask, word| ask.text(word).push(", "));
        let ask = ask.number(i64::from(bulk.rate.as_per_minute())).push(", ").number(column(bulk.canary));
        let ask = ask.push(", ").text(bulk.state);
        let counts =
            [bulk.matched, u64::from(bulk.matched_exact), bulk.skipped, bulk.taken, bulk.done, bulk.holds_at];
        let ask = counts.into_iter().fold(ask, |ask, count| ask.push(", ").number(column(count)));
        let ask = ask.push(", ").text(&bulk.cursor);
        let times = [bulk.due_at, bulk.created_at, bulk.updated_at];
        let ask = times.into_iter().fold(ask, |ask, at| ask.push(", ").number(at.as_millisecond()));
        let ask = ask.push(
            ") ON CONFLICT (id) DO UPDATE SET state = excluded.state, taken = excluded.taken, \
             done = excluded.done, holds_at = excluded.holds_at, cursor = excluded.cursor, \
             due_at = excluded.due_at, updated_at = excluded.updated_at RETURNING id",
        );
        self.ask::<IdRow>(ask).await.map(drop)
    }

    async fn settle(
        &mut self,
        now: Timestamp,
        letters: &[DeliveryId],
    ) -> Result<HashSet<DeliveryId>, StoreError> {
        if letters.is_empty() {
            return Ok(HashSet::new());
        }
        let ask = Ask::new("UPDATE delivery SET settled_at = ").number(now.as_millisecond());
        let ask = ask.push(" WHERE state = 'dead' AND settled_at IS NULL AND id IN (").among(letters);
        ids(self.ask::<IdRow>(ask.push(") RETURNING id")).await?)
    }
}

/// Jobs that go on, oldest first.
pub(super) async fn running(source: &impl Fetch) -> Result<Vec<Bulk>, StoreError> {
    let ask = Ask::new(BULK).push(" WHERE state = '").push(BulkState::Running.as_str());
    read_all(source.fetch::<BulkRow>(ask.push("' ORDER BY id")).await?)
}

/// The newest jobs, with what became of what they repeated.
pub(super) async fn newest(source: &impl Fetch) -> Result<Vec<BulkView>, StoreError> {
    let ask = Ask::new(BULK).push(" ORDER BY id DESC LIMIT ").number(column(MAX_PAGE as u64));
    viewed(source, read_all(source.fetch::<BulkRow>(ask).await?)?).await
}

/// One job, with what became of what it repeated.
pub(super) async fn one(source: &impl Fetch, id: JobId) -> Result<Option<BulkView>, StoreError> {
    let ask = Ask::new(BULK).push(" WHERE id = ").text(id);
    Ok(viewed(source, read_all(source.fetch::<BulkRow>(ask).await?)?).await?.pop())
}

async fn viewed(source: &impl Fetch, bulks: Vec<Bulk>) -> Result<Vec<BulkView>, StoreError> {
    let of: Vec<JobId> = bulks.iter().map(|bulk| bulk.id).collect();
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let ask = Ask::new("SELECT job, state, count(*) AS count FROM delivery WHERE job IN (").among(&of);
    let rows: Vec<OutcomeRow> = source.fetch(ask.push(") GROUP BY job, state")).await?;
    let counts = read_all(rows)?;
    Ok(bulks
        .into_iter()
        .map(|bulk| {
            let mut outcomes = Outcomes::default();
            counts.iter().filter(|(job, ..)| *job == bulk.id).for_each(|(_, state, count)| {
                *outcomes.of(*state) += count;
            });
            BulkView { bulk, outcomes }
        })
        .collect())
}
