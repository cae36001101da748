//! The store in PostgreSQL, for several nodes.
//!
//! A batch is one transaction. Accepts take an advisory lock, so that one node at a time numbers
//! incidents and decides; claims skip what another node is about to take. A server that does not
//! keep commits through a power cut is refused.

mod access;
mod addresses;
mod bulk;
mod flow;
mod insert;
mod late;
mod ledger;
mod opening;
mod outgoing;
mod receipts;
mod records;
mod statements;
mod trial;
pub(super) mod upkeep;

use async_trait::async_trait;
use secrecy::SecretString;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, query_as};

use super::access as known_access;
use super::addresses as known_addresses;
use super::batch::{Batch, Committed};
use super::bulk as bulks;
use super::claim;
use super::exporting;
use super::flow as flows;
use super::groups;
use super::in_doubt::InDoubt;
use super::lists;
use super::outgoing as posts;
use super::reading::{self, Ask, Dialect, Fetch, LEASE, SIGNING_KEY, Value, only};
use super::receipts as known_receipts;
use super::records as known_records;
use super::rows::{NumberRow, Row, WordRow};
use super::sessions;
use super::timers as known_timers;
use super::trial::{EXCUSE, RELEASE};
use super::views::{
    AttemptView, Backlog, BulkView, Count, DeadLetterRef, DeadLetterView, DeliveryView, EventView,
    IncidentCount, IncidentView, Kept, LettersByReason, MembersView, Page, TimelineView,
};
use super::write::write;
use super::{Paging, Store, StoreError, StoreHealth};
use crate::domain::Timestamp;
use crate::domain::audit::AuditEntry;
use crate::domain::bulk::Bulk;
use crate::domain::dedup::DedupKey;
use crate::domain::delivery::{Job, Lease};
use crate::domain::idempotency::{Key, Known};
use crate::domain::ids::{DeadLetterId, DeliveryId, EventId, IncidentId, JobId};
use crate::domain::incident::Incident;
use crate::domain::letter::Letter;
use crate::domain::names::{ChannelName, NodeName, SinkName, SourceName};
use crate::domain::query::{DeadLetterQuery, DeliveryQuery, EventQuery, IncidentQuery, LetterQuery};
use crate::domain::receipt::Receipt;
use crate::domain::record::Records;
use crate::domain::session::Session;
use crate::domain::suppression::Suppression;
use crate::domain::timer::Timer;
use crate::domain::token::{Digest, Token};
use crate::domain::way::Paused;
use ledger::PostgresLedger;

/// One PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    pool: PgPool,
    in_doubt: InDoubt,
}

/// Says an error of the database in the store's words.
///
/// Only a statement that cannot be right is our fault (SQLSTATE classes 22, 23, 42 and XX); all else is
/// weather: the server restarts, fails over, is full, or a deadlock was broken at our cost.
fn said(error: sqlx::Error) -> StoreError {
    let words = error.to_string();
    match &error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // Privileges that were taken away can be given back.
            Some("42501") => StoreError::Unavailable(words),
            Some(code) if ["22", "23", "42", "XX"].iter().any(|class| code.starts_with(class)) => {
                StoreError::Corrupt(words)
            }
            _ => StoreError::Unavailable(words),
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable(words),
        _ => StoreError::Corrupt(words),
    }
}

async fn fetch<'c, T: Row>(
    on: impl sqlx::Executor<'c, Database = sqlx::Postgres>,
    ask: Ask,
) -> Result<Vec<T>, sqlx::Error> {
    // Built by `reading` from literals; every value of people's is bound.
    let mut query = query_as(AssertSqlSafe(ask.sql));
    for value in ask.values {
        query = match value {
            Value::Number(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
        };
    }
    query.fetch_all(on).await
}

#[async_trait]
impl Fetch for PostgresStore {
    const DIALECT: Dialect = Dialect::Postgres;

    async fn fetch<T: Row>(&self, ask: Ask) -> Result<Vec<T>, StoreError> {
        fetch(&self.pool, ask).await.map_err(said)
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let transaction = self.pool.begin().await.map_err(said)?;
        let mut ledger = PostgresLedger { transaction };
        let written = write(&mut ledger, batch, &self.in_doubt).await?;
        self.in_doubt.committing(&written);
        ledger.transaction.commit().await.map_err(said)?;
        Ok(self.in_doubt.committed(written))
    }

    async fn died(&self, node: &NodeName) -> Result<bool, StoreError> {
        reading::died(self, node).await
    }

    async fn lease(&self, node: &NodeName, now: Timestamp) -> Result<Lease, StoreError> {
        let rows: Vec<NumberRow> = query_as(LEASE)
            .bind(node.as_str())
            .bind(now.as_millisecond())
            .fetch_all(&self.pool)
            .await
            .map_err(said)?;
        let epoch = only(rows).ok_or_else(|| StoreError::Corrupt("no epoch was given".to_owned()))?;
        Ok(Lease { node: node.clone(), epoch })
    }

    async fn signing_key(&self, candidate: &str, now: Timestamp) -> Result<SecretString, StoreError> {
        let rows: Vec<WordRow> = query_as(SIGNING_KEY)
            .bind(candidate)
            .bind(now.as_millisecond())
            .fetch_all(&self.pool)
            .await
            .map_err(said)?;
        let key = rows.into_iter().next().map(|row| row.word.into());
        key.ok_or_else(|| StoreError::Corrupt("no key was kept".to_owned()))
    }

    async fn first_token(&self, token: &Token) -> Result<bool, StoreError> {
        let done = known_access::first!(token).execute(&self.pool).await.map_err(said)?;
        Ok(done.rows_affected() > 0)
    }

    async fn release(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await.map_err(said)?;
        let ended = sqlx::query(RELEASE).bind(lease.node.as_str()).bind(lease.epoch);
        ended.bind(now.as_millisecond()).execute(&mut *transaction).await.map_err(said)?;
        let excused = sqlx::query(EXCUSE).bind(lease.node.as_str()).bind(lease.epoch);
        excused.execute(&mut *transaction).await.map_err(said)?;
        transaction.commit().await.map_err(said)
    }

    async fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        reading::next_due(self, channel).await
    }

    async fn receipt(&self, id: DeliveryId) -> Result<Option<Receipt>, StoreError> {
        known_receipts::receipt(self, id).await
    }

    async fn job(&self, id: DeliveryId) -> Result<Option<Job>, StoreError> {
        claim::job(self, id).await
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, StoreError> {
        known_addresses::suppressions(self).await
    }

    async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<(Timer, Incident)>, StoreError> {
        known_timers::due_timers(self, now, limit).await
    }

    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        known_timers::next_timer(self).await
    }

    async fn timers(&self, number: u64) -> Result<Vec<Timer>, StoreError> {
        known_timers::timers(self, number).await
    }

    async fn outgoing(&self, sink: &SinkName) -> Result<(u64, Option<Timestamp>), StoreError> {
        posts::waiting(self, sink).await
    }

    async fn paused(&self) -> Result<Paused, StoreError> {
        flows::paused(self).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        known_access::tokens(self).await
    }

    async fn session(&self, digest: &Digest) -> Result<Option<Session>, StoreError> {
        sessions::session(self, digest).await
    }

    async fn audit(&self, paging: &Paging) -> Result<Page<AuditEntry>, StoreError> {
        known_access::audit(self, paging).await
    }

    async fn idempotency(&self, key: &Key) -> Result<Option<Known>, StoreError> {
        known_access::idempotency(self, key).await
    }

    async fn records(&self) -> Result<Records, StoreError> {
        known_records::records(self).await
    }

    async fn records_revision(&self) -> Result<u64, StoreError> {
        known_records::revision(self).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        reading::backlog(self).await
    }

    async fn incident_counts(&self) -> Result<Vec<IncidentCount>, StoreError> {
        lists::incident_counts(self).await
    }

    async fn incidents(
        &self,
        query: &IncidentQuery,
        paging: &Paging,
    ) -> Result<Page<IncidentView>, StoreError> {
        lists::incidents(self, query, paging).await
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentView>, StoreError> {
        reading::incident(self, number).await
    }

    async fn incident_number(&self, id: IncidentId) -> Result<Option<u64>, StoreError> {
        reading::incident_number(self, id).await
    }

    async fn incident_of_key(&self, key: &DedupKey) -> Result<Option<u64>, StoreError> {
        reading::incident_of_key(self, key).await
    }

    async fn members(&self, number: u64) -> Result<Option<MembersView>, StoreError> {
        groups::view(self, number).await
    }

    async fn timeline(&self, number: u64) -> Result<Vec<TimelineView>, StoreError> {
        reading::timeline(self, number).await
    }

    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        paging: &Paging,
    ) -> Result<Page<DeliveryView>, StoreError> {
        lists::deliveries(self, query, paging).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        reading::delivery(self, id).await
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptView>, StoreError> {
        reading::attempts(self, id).await
    }

    async fn dead_letters(
        &self,
        query: &LetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterView>, StoreError> {
        lists::dead_letters(self, query, paging).await
    }

    async fn dead_letter_ids(
        &self,
        query: &DeadLetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterRef>, StoreError> {
        lists::dead_letter_ids(self, query, paging).await
    }

    async fn count_dead_letters(&self, query: &DeadLetterQuery) -> Result<Count, StoreError> {
        lists::count_dead_letters(self, query).await
    }

    async fn letters_by_reason(&self, query: &DeliveryQuery) -> Result<Vec<LettersByReason>, StoreError> {
        lists::letters_by_reason(self, query).await
    }

    async fn running_bulks(&self) -> Result<Vec<Bulk>, StoreError> {
        bulks::running(self).await
    }

    async fn bulks(&self) -> Result<Vec<BulkView>, StoreError> {
        bulks::newest(self).await
    }

    async fn bulk(&self, id: JobId) -> Result<Option<BulkView>, StoreError> {
        bulks::one(self, id).await
    }

    async fn unexported(&self, source: &SourceName, limit: usize) -> Result<Vec<Letter>, StoreError> {
        exporting::unexported(self, source, limit).await
    }

    async fn dead_letter_bytes(&self, id: DeadLetterId) -> Result<Option<Kept>, StoreError> {
        reading::dead_letter_bytes(self, id).await
    }

    async fn events(&self, query: &EventQuery, paging: &Paging) -> Result<Page<EventView>, StoreError> {
        lists::events(self, query, paging).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventView>, StoreError> {
        reading::event(self, id).await
    }

    async fn event_bytes(&self, id: EventId) -> Result<Option<Kept>, StoreError> {
        reading::event_bytes(self, id).await
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetterView>, StoreError> {
        reading::dead_letter(self, id).await
    }

    async fn check(&self) -> Result<StoreHealth, StoreError> {
        Ok(StoreHealth { kind: "postgres", schema: reading::schema(self).await? })
    }
}
