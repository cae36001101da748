//! The store: the truth about every event, incident and delivery. The only place with SQL.
//!
//! All writing goes through [`Store::commit`]: one [`Batch`], one transaction, set-based statements.
//! The status actor is the only caller, and forms the next batch while the last one commits (group
//! commit). When `commit` returns `Ok`, everything in the batch is on stable storage (I1).
//!
//! Every write says which node in which life of it writes ([`Lease`]). A node that was replaced
//! gets [`StoreError::Fenced`] and must stop sending (I9).
//!
//! Reading is for people and lists: it never blocks the writer.

mod access;
mod addresses;
pub mod batch;
mod bulk;
mod bundling;
mod claim;
mod conditions;
mod deciding;
mod exporting;
mod flow;
mod groups;
mod handling;
mod in_doubt;
mod incident_rows;
mod intake;
mod late;
mod lists;
pub mod memory;
pub mod open;
mod outgoing;
pub mod postgres;
mod reading;
mod receipts;
mod records;
mod repeating;
mod rows;
mod sessions;
pub mod sqlite;
mod timers;
mod trial;
pub mod upkeep;
mod view_rows;
pub mod views;
mod write;

use async_trait::async_trait;
use secrecy::SecretString;

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
use batch::{Batch, Committed};
use views::{
    AttemptView, Backlog, BulkView, Count, DeadLetterRef, DeadLetterView, DeliveryView, EventView,
    IncidentCount, IncidentView, Kept, LettersByReason, MembersView, Page, TimelineView,
};

/// Why the store could not do what was asked, told by what the caller should do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Weather: keep what you have and try again.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// Another process took over this node's name: stop sending.
    #[error("another process has taken over node \"{node}\" (epoch {epoch})")]
    Fenced {
        /// The node.
        node: NodeName,
        /// The epoch that lost.
        epoch: i64,
    },
    /// Stable storage failed a sync: what was written before is unsure. Exit and start again.
    #[error("stable storage failed: {0}")]
    Broken(String),
    /// A bug, or a row that this version cannot read.
    #[error("the store holds something unexpected: {0}")]
    Corrupt(String),
}

/// Why a store was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is none of a store.
    #[error(
        "\"{0}\" is no store: write sqlite:///path/to/foghorn.db, postgres://user@host/database or memory:"
    )]
    Url(String),
    /// A newer Foghorn wrote it.
    #[error("the database was written by a newer Foghorn (schema {found}, this binary knows {known})")]
    NewerSchema {
        /// Schema version in the database.
        found: i64,
        /// Newest schema version this binary knows.
        known: i64,
    },
    /// An older Foghorn wrote it, or nobody yet, and this one may not bring it up to date.
    #[error("the schema of the database is {found}, and this binary needs {known}")]
    OlderSchema {
        /// Schema version in the database; 0 if it has none yet.
        found: i64,
        /// The version that this binary works on.
        known: i64,
    },
    /// Another program's database.
    #[error("{path} is a database, but not one of Foghorn's")]
    Foreign {
        /// The file, or the database's name.
        path: String,
    },
    /// It cannot be written.
    #[error("cannot write {path}: {why}")]
    ReadOnly {
        /// The file.
        path: String,
        /// The operating system's or the database's words.
        why: String,
    },
    /// Another Foghorn has it open.
    #[error("{path} is in use by another Foghorn (pid {pid})")]
    InUse {
        /// The file.
        path: String,
        /// Who has it.
        pid: String,
    },
    /// It would not keep what it promised.
    #[error("the database does not keep commits through a power cut: {setting}")]
    NotDurable {
        /// The setting that is at fault.
        setting: String,
    },
    /// It cannot be reached or opened.
    #[error("cannot open the store: {0}")]
    Unreachable(String),
}

/// What a store is found to be before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// `sqlite`, `postgres` or `memory`.
    pub kind: &'static str,
    /// The version of its schema; `None` if there is none yet.
    pub schema: Option<i64>,
    /// The newest version this binary knows; opening the store brings it there.
    pub newest: i64,
}

/// Most ids of dead letters on one page.
pub const MOST_IDS: usize = 1_000;

/// Which part of a list: newest first, those before `before`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// Cursor of the page before, if any.
    pub before: Option<String>,
    /// At most this many, 1–200.
    pub limit: usize,
}

/// The truth.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Writes a batch in one transaction, or nothing of it. Repeating a batch changes nothing.
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError>;

    /// Did the last life of `node` end without a word? To be asked before [`Store::lease`].
    async fn died(&self, node: &NodeName) -> Result<bool, StoreError>;

    /// Starts a new life of `node`: all rows held by its earlier lives are free to be adopted.
    async fn lease(&self, node: &NodeName, now: Timestamp) -> Result<Lease, StoreError>;

    /// What links are signed with: `candidate`, unless some node was earlier.
    async fn signing_key(&self, candidate: &str, now: Timestamp) -> Result<SecretString, StoreError>;

    /// Keeps this token as the first one, unless one with the scope admin was made before, by whatever node
    /// and in whatever way, ended or not. Was it kept?
    async fn first_token(&self, token: &Token) -> Result<bool, StoreError>;

    /// This life ends in order: no record on trial is to blame for it.
    async fn release(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError>;

    /// The earliest `due_at` of a waiting delivery on `channel`, if one waits.
    async fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError>;

    /// Timers that are due, the first due first, each with its incident; at most `limit`.
    async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<(Timer, Incident)>, StoreError>;

    /// When the next timer is due, if one is armed.
    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The timers of an incident.
    async fn timers(&self, number: u64) -> Result<Vec<Timer>, StoreError>;

    /// How many events wait for a sink, up to 10,000, and since when.
    async fn outgoing(&self, sink: &SinkName) -> Result<(u64, Option<Timestamp>), StoreError>;

    /// The sources and channels that are paused.
    async fn paused(&self) -> Result<Paused, StoreError>;

    /// What the provider of a delivery said later.
    async fn receipt(&self, id: DeliveryId) -> Result<Option<Receipt>, StoreError>;

    /// A delivery as an attempt on it would see it now; its address in the clear.
    async fn job(&self, id: DeliveryId) -> Result<Option<Job>, StoreError>;

    /// Everything that is known against addresses, the newest first.
    async fn suppressions(&self) -> Result<Vec<Suppression>, StoreError>;

    /// Every token of the store, those that ended too, the newest first.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// The session whose secret has this digest, if its time is over too.
    async fn session(&self, digest: &Digest) -> Result<Option<Session>, StoreError>;

    /// Who did what, newest first.
    async fn audit(&self, paging: &Paging) -> Result<Page<AuditEntry>, StoreError>;

    /// What is known of an `Idempotency-Key`.
    async fn idempotency(&self, key: &Key) -> Result<Option<Known>, StoreError>;
    /// What the API owns of the configuration.
    async fn records(&self) -> Result<Records, StoreError>;

    /// The number of the last change of the records, to see cheaply whether they are the same.
    async fn records_revision(&self) -> Result<u64, StoreError>;

    /// How many deliveries wait, by channel and state, and since when; how many are dead.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// How many incidents are not over, by status and severity; none of those that have no incident.
    async fn incident_counts(&self) -> Result<Vec<IncidentCount>, StoreError>;

    /// Incidents, newest first.
    async fn incidents(
        &self,
        query: &IncidentQuery,
        paging: &Paging,
    ) -> Result<Page<IncidentView>, StoreError>;

    /// One incident by number.
    async fn incident(&self, number: u64) -> Result<Option<IncidentView>, StoreError>;

    /// The number of the incident with this id.
    async fn incident_number(&self, id: IncidentId) -> Result<Option<u64>, StoreError>;

    /// The number of the newest incident of this key, also where it is a member of it.
    async fn incident_of_key(&self, key: &DedupKey) -> Result<Option<u64>, StoreError>;

    /// What an incident of a group stands for; `None` of one that is by itself.
    async fn members(&self, number: u64) -> Result<Option<MembersView>, StoreError>;

    /// The history of an incident, oldest first.
    async fn timeline(&self, number: u64) -> Result<Vec<TimelineView>, StoreError>;

    /// Deliveries, newest first.
    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        paging: &Paging,
    ) -> Result<Page<DeliveryView>, StoreError>;

    /// One delivery.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError>;

    /// The attempts of a delivery, oldest first.
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptView>, StoreError>;

    /// Records that could not become events, newest first.
    async fn dead_letters(
        &self,
        query: &LetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterView>, StoreError>;

    /// Dead letters of either kind by their ids alone, newest first, up to [`MOST_IDS`] at once.
    async fn dead_letter_ids(
        &self,
        query: &DeadLetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterRef>, StoreError>;

    /// How many dead letters there are, up to 10,000 and among the newest 200,000.
    async fn count_dead_letters(&self, query: &DeadLetterQuery) -> Result<Count, StoreError>;

    /// Dead deliveries by why they are dead, the most first; the newest 10,000 of the newest 200,000.
    async fn letters_by_reason(&self, query: &DeliveryQuery) -> Result<Vec<LettersByReason>, StoreError>;

    /// Bulk jobs that go on, oldest first.
    async fn running_bulks(&self) -> Result<Vec<Bulk>, StoreError>;

    /// The newest 200 bulk jobs.
    async fn bulks(&self) -> Result<Vec<BulkView>, StoreError>;

    /// One bulk job.
    async fn bulk(&self, id: JobId) -> Result<Option<BulkView>, StoreError>;

    /// The oldest such records of a source that are not in its topic of dead letters yet.
    async fn unexported(&self, source: &SourceName, limit: usize) -> Result<Vec<Letter>, StoreError>;

    /// The bytes of such a record.
    async fn dead_letter_bytes(&self, id: DeadLetterId) -> Result<Option<Kept>, StoreError>;

    /// Accepted events, newest first.
    async fn events(&self, query: &EventQuery, paging: &Paging) -> Result<Page<EventView>, StoreError>;

    /// One event, with its bytes as text.
    async fn event(&self, id: EventId) -> Result<Option<EventView>, StoreError>;

    /// The bytes of an event.
    async fn event_bytes(&self, id: EventId) -> Result<Option<Kept>, StoreError>;

    /// One such record, with its bytes.
    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetterView>, StoreError>;

    /// Does it answer, and is its schema the current one? Says what it is, for people.
    async fn check(&self) -> Result<StoreHealth, StoreError>;
}

/// What `/readyz` says of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// `sqlite`, `postgres` or `memory`.
    pub kind: &'static str,
    /// Version of the schema.
    pub schema: i64,
}
