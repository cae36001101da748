//! The store in one SQLite file: WAL, `synchronous=FULL`, one writer, `BEGIN IMMEDIATE`.
//!
//! A commit has one `fsync`, whatever the size of its batch. Readers have connections of their own
//! that cannot write; WAL lets them read while the writer writes. Other processes are kept out by a
//! lock file beside the database, because a node's life is a lock's life here.

mod access;
mod addresses;
mod bulk;
pub(super) mod copies;
mod flow;
mod late;
mod ledger;
mod lives;
mod lock;
mod opening;
mod outgoing;
mod params;
mod receipts;
mod records;
mod statements;
mod trial;
mod unfinished;
pub(super) mod upkeep;

use async_trait::async_trait;
use secrecy::SecretString;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, query_as};
use tokio::sync::Mutex;

use super::access as known_access;
use super::addresses as known_addresses;
use super::batch::{Batch, Committed};
use super::bulk as bulks;
use super::claim;
use super::exporting;
use super::flow as flows;
use super::groups;
use super::in_doubt::InDoubt;
use super::reading::{self, Ask, Dialect, Fetch, Value};
use super::receipts as known_receipts;
use super::records as known_records;
use super::rows::Row;
use super::timers as known_timers;
use super::views::{
    AttemptView, Backlog, BulkView, Count, DeadLetterRef, DeadLetterView, DeliveryView, EventView,
    IncidentCount, IncidentView, Kept, LettersByReason, MembersView, Page, TimelineView,
};
use super::write::write;
use super::{Paging, Store, StoreError, StoreHealth, lists, outgoing as posts, sessions};
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
use ledger::SqliteLedger;
use lock::FileLock;

/// One SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Mutex<Writer>,
    readers: SqlitePool,
    in_doubt: InDoubt,
    /// Released when the store is dropped, after its connections.
    _lock: FileLock,
}

/// The one connection that writes.
#[derive(Debug)]
struct Writer {
    connection: SqliteConnection,
    transaction: Transaction,
}

/// Whether the writer's connection may have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// Begun, and not known to have ended.
    Begun,
}

impl Writer {
    /// The connection without a transaction: one that somebody was torn out of is rolled back.
    async fn idle(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.transaction == Transaction::Begun {
            self.roll_back().await?;
        }
        Ok(&mut self.connection)
    }

    /// The connection for a transaction, which begins with the first statement.
    async fn begin(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.idle().await?;
        self.transaction = Transaction::Begun;
        Ok(&mut self.connection)
    }

    async fn roll_back(&mut self) -> Result<(), StoreError> {
        match sqlx::query(statements::ROLLBACK).execute(&mut self.connection).await {
            Ok(_) => {}
            // After some errors SQLite has done so by itself, and has nothing left to roll back.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("1") => {}
            Err(error) => return Err(said(error)),
        }
        self.transaction = Transaction::None;
        Ok(())
    }
}

/// Says an error of the database in the store's words.
fn said(error: sqlx::Error) -> StoreError {
    let words = error.to_string();
    match &error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<i32>().ok());
            code.map_or_else(|| StoreError::Corrupt(words.clone()), |code| meaning_of(code, words.clone()))
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            StoreError::Unavailable(words)
        }
        sqlx::Error::WorkerCrashed => StoreError::Broken(words),
        _ => StoreError::Corrupt(words),
    }
}

/// What an extended result code means.
fn meaning_of(code: i32, words: String) -> StoreError {
    match (code & 0xff, code) {
        // BUSY, LOCKED, READONLY, FULL, CANTOPEN, and out of memory while reading. SHMSIZE: there is no
        // room for the index of the log, and nothing was written yet.
        (5 | 6 | 8 | 13 | 14, _) | (_, 3082 | 4874) => StoreError::Unavailable(words),
        // IOERR of any kind: what was written before is unsure.
        (10, _) => StoreError::Broken(words),
        _ => StoreError::Corrupt(words),
    }
}

async fn fetch<'c, T: Row>(
    on: impl sqlx::Executor<'c, Database = sqlx::Sqlite>,
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
impl Fetch for SqliteStore {
    const DIALECT: Dialect = Dialect::Sqlite;

    async fn fetch<T: Row>(&self, ask: Ask) -> Result<Vec<T>, StoreError> {
        fetch(&self.readers, ask).await.map_err(said)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let mut writer = self.writer.lock().await;
        let connection = writer.begin().await?;
        let mut ledger = SqliteLedger::new(connection);
        let done = match write(&mut ledger, batch, &self.in_doubt).await {
            Ok(written) => {
                self.in_doubt.committing(&written);
                ledger.commit().await.map(|()| written)
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(written) => {
                writer.transaction = Transaction::None;
                Ok(self.in_doubt.committed(written))
            }
            Err(error) => {
                // Should this fail too, the next transaction begins with it.
                drop(writer.roll_back().await);
                Err(error)
            }
        }
    }

    async fn died(&self, node: &NodeName) -> Result<bool, StoreError> {
        reading::died(self, node).await
    }

    async fn lease(&self, node: &NodeName, now: Timestamp) -> Result<Lease, StoreError> {
        lives::lease(self, node, now).await
    }

    async fn signing_key(&self, candidate: &str, now: Timestamp) -> Result<SecretString, StoreError> {
        access::signing_key(self, candidate, now).await
    }

    async fn first_token(&self, token: &Token) -> Result<bool, StoreError> {
        access::first_token(self, token).await
    }

    async fn release(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        lives::release(self, lease, now).await
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
        Ok(StoreHealth { kind: "sqlite", schema: reading::schema(self).await? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::acceptance::IncidentRules;
    use crate::domain::event::Position;
    use crate::domain::malformed::Malformation;
    use crate::store::batch::Quarantined;
    use crate::store::open::Migrate;

    /// Every step of the plans of a text's statements.
    async fn plan(store: &SqliteStore, text: &str) -> Vec<String> {
        let mut steps = Vec::new();
        for statement in text.split(';').filter(|statement| !statement.trim().is_empty()) {
            let sql = format!("EXPLAIN QUERY PLAN {statement}");
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&store.readers).await.expect("a plan");
            steps.extend(rows.iter().map(|row| sqlx::Row::get::<String, _>(row, "detail")));
        }
        steps
    }

    fn letter(position: i64, raw: &[u8]) -> Quarantined {
        Quarantined {
            id: DeadLetterId::new(Timestamp::UNIX_EPOCH, fastrand::u128(..)),
            source: "kafka".into(),
            position: Position::Kafka { topic: "t".into(), partition: 0, offset: position, timestamp_ms: 0 },
            reason: Malformation::Parse,
            detail: "no event".to_owned(),
            came_back: 0,
            raw: raw.into(),
        }
    }

    #[tokio::test]
    async fn a_database_without_room_is_weather_and_goes_on_when_there_is_some() {
        let directory = tempfile::tempdir().expect("a directory");
        let store =
            SqliteStore::open(&directory.path().join("foghorn.db"), Migrate::Auto).await.expect("opens");
        let now = Timestamp::UNIX_EPOCH;
        let lease = store.lease(&"node".into(), now).await.expect("a lease");
        let letters = vec![letter(1, &[b'x'; 1 << 20])];
        let batch = Batch { quarantined: letters, ..Batch::empty(lease, now, IncidentRules::default()) };
        let pages = async |most: &str| {
            let mut writer = store.writer.lock().await;
            let pragma = format!("PRAGMA max_page_count = {most}");
            sqlx::query(AssertSqlSafe(pragma)).execute(&mut writer.connection).await.expect("a pragma");
        };
        // As many as there are: SQLite takes no fewer.
        pages("1").await;
        for _ in 0..2 {
            let error = store.commit(&batch).await.expect_err("there is no room");
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            assert_eq!(store.backlog().await.expect("reading goes on").dead_letters, 0);
        }
        pages("1000000").await;
        store.commit(&batch).await.expect("there is room");
        assert_eq!(store.backlog().await.expect("a backlog").dead_letters, 1);
    }

    #[test]
    fn a_failed_sync_is_no_weather() {
        // What the file system says cannot be had from a file: tests/it/failed_sync.rs has the real one.
        for (code, broken) in [(10, true), (1034, true), (778, true), (13, false), (5, false), (3082, false)]
        {
            let meaning = meaning_of(code, String::new());
            assert_eq!(matches!(meaning, StoreError::Broken(_)), broken, "{code}: {meaning:?}");
            assert_eq!(matches!(meaning, StoreError::Unavailable(_)), !broken, "{code}: {meaning:?}");
        }
        assert!(matches!(meaning_of(19, String::new()), StoreError::Corrupt(_)), "a constraint");
    }

    #[tokio::test]
    async fn no_statement_of_the_write_path_reads_a_whole_table() {
        let directory = tempfile::tempdir().expect("a directory");
        let store =
            SqliteStore::open(&directory.path().join("foghorn.db"), Migrate::Auto).await.expect("opens");
        let texts = [
            statements::EPOCH,
            statements::IN_HAND,
            statements::END,
            statements::STANDING,
            statements::TOLD,
            statements::CANCEL,
            statements::CANCEL_ALL,
            statements::INSERT,
            statements::QUARANTINE,
            statements::REPLAY,
            statements::ADOPT,
            statements::DUE,
            statements::INCIDENTS,
            statements::TAKE,
            trial::ENDS,
            trial::BEGIN,
            trial::ACQUIT,
            reading::NEXT_DUE,
        ];
        let tables = [
            "event",
            "incident",
            "delivery",
            "attempt",
            "notification",
            "dead_letter",
            "trial",
            "d",
            "n",
            "known",
            "kept",
            "tried",
        ];
        for text in texts {
            for step in plan(&store, text).await {
                let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
                assert!(table.is_none_or(|table| !tables.contains(&table)), "{step}\n{text}");
            }
        }
    }

    #[tokio::test]
    async fn a_list_is_walked_once_and_not_again_for_each_row() {
        let directory = tempfile::tempdir().expect("a directory");
        let store =
            SqliteStore::open(&directory.path().join("foghorn.db"), Migrate::Auto).await.expect("opens");
        for text in [statements::IN_HAND, statements::END, statements::TAKE, statements::REPLAY] {
            for statement in text.split(';').filter(|statement| statement.contains("FROM jsonb_each")) {
                let steps = plan(&store, statement).await;
                assert!(steps[0].starts_with("SCAN ") && steps[0].contains("VIRTUAL TABLE"), "{steps:#?}");
            }
        }
    }

    #[tokio::test]
    async fn no_list_reads_more_than_it_shows_or_sorts_what_it_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let store =
            SqliteStore::open(&directory.path().join("foghorn.db"), Migrate::Auto).await.expect("opens");
        let table = [
            ("status:open", ["i USING INDEX incident_unresolved (number<?)", "", "", ""]),
            ("-status:resolved", ["i USING INDEX incident_unresolved (number<?)", "", "", ""]),
            ("status:open severity:high", ["i USING INDEX incident_unresolved (number<?)", "", "", ""]),
            ("severity:critical", ["i USING INTEGER PRIMARY KEY (rowid<?)", "", "", ""]),
            ("state:sent", ["", "d USING PRIMARY KEY (id<?)", "", ""]),
            ("state:dead channel:x", ["", "d USING INDEX delivery_dead (id<?)", "", ""]),
            (
                "incident:7",
                [
                    "",
                    "d USING INDEX delivery_incident (incident=? AND id<?)",
                    "",
                    "e USING INDEX event_id (id<?)",
                ],
            ),
            (
                "",
                [
                    "i USING INTEGER PRIMARY KEY (rowid<?)",
                    "d USING PRIMARY KEY (id<?)",
                    "l USING INDEX sqlite_autoindex_dead_letter_1 (id<?)",
                    "e USING INDEX event_id (id<?)",
                ],
            ),
        ];
        for (text, expected) in table {
            for (sql, way) in lists::sqlite_texts(text).into_iter().zip(expected) {
                let Some(sql) = sql.filter(|_| !way.is_empty()) else { continue };
                assert_eq!(plan(&store, &sql).await, [format!("SEARCH {way}")], "{text}");
            }
        }
    }

    #[tokio::test]
    async fn claiming_seeks_the_head_of_each_lane() {
        let directory = tempfile::tempdir().expect("a directory");
        let store =
            SqliteStore::open(&directory.path().join("foghorn.db"), Migrate::Auto).await.expect("opens");
        let head =
            "SEARCH delivery USING COVERING INDEX delivery_waiting (channel=? AND priority=? AND due_at<?)";
        let steps = plan(&store, statements::DUE).await;
        assert_eq!(steps.iter().filter(|step| *step == head).count(), 4, "{steps:#?}");
        let steps = plan(&store, reading::NEXT_DUE).await;
        let lane = "SEARCH delivery USING COVERING INDEX delivery_waiting (channel=? AND priority=?)";
        assert_eq!(steps.iter().filter(|step| *step == lane).count(), 4, "{steps:#?}");
        let steps = plan(&store, statements::ADOPT).await;
        assert!(
            steps.iter().any(|step| step.contains("delivery_in_hand (owner=? AND channel=?)")),
            "{steps:#?}"
        );
    }
}
