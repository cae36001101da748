//! A store that is away.

use async_trait::async_trait;
use foghorn::domain::Timestamp;
use foghorn::domain::audit::AuditEntry;
use foghorn::domain::bulk::Bulk;
use foghorn::domain::dedup::DedupKey;
use foghorn::domain::delivery::{Job, Lease};
use foghorn::domain::idempotency::{Key, Known};
use foghorn::domain::ids::{DeadLetterId, DeliveryId, EventId, IncidentId, JobId};
use foghorn::domain::incident::Incident;
use foghorn::domain::letter::Letter;
use foghorn::domain::names::{ChannelName, NodeName, SinkName, SourceName};
use foghorn::domain::query::{DeadLetterQuery, DeliveryQuery, EventQuery, IncidentQuery, LetterQuery};
use foghorn::domain::receipt::Receipt;
use foghorn::domain::record::Records;
use foghorn::domain::session::Session;
use foghorn::domain::suppression::Suppression;
use foghorn::domain::timer::Timer;
use foghorn::domain::token::{Digest, Token};
use foghorn::domain::way::Paused;
use foghorn::store::batch::{Batch, Committed};
use foghorn::store::views::{
    AttemptView, Backlog, BulkView, Count, DeadLetterRef, DeadLetterView, DeliveryView, EventView,
    IncidentCount, IncidentView, Kept, LettersByReason, MembersView, Page, TimelineView,
};
use foghorn::store::{Paging, Store, StoreError, StoreHealth};
use secrecy::SecretString;

/// Answers nothing.
#[derive(Debug)]
pub(crate) struct AbsentStore;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("password of postgres is hunter2".to_owned()))
}

#[async_trait]
impl Store for AbsentStore {
    async fn commit(&self, _: &Batch) -> Result<Committed, StoreError> {
        away()
    }

    async fn died(&self, _: &NodeName) -> Result<bool, StoreError> {
        away()
    }

    async fn signing_key(&self, _: &str, _: Timestamp) -> Result<SecretString, StoreError> {
        away()
    }

    async fn first_token(&self, _: &Token) -> Result<bool, StoreError> {
        away()
    }

    async fn release(&self, _: &Lease, _: Timestamp) -> Result<(), StoreError> {
        away()
    }

    async fn lease(&self, _: &NodeName, _: Timestamp) -> Result<Lease, StoreError> {
        away()
    }

    async fn next_due(&self, _: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        away()
    }

    async fn receipt(&self, _: DeliveryId) -> Result<Option<Receipt>, StoreError> {
        away()
    }

    async fn job(&self, _: DeliveryId) -> Result<Option<Job>, StoreError> {
        away()
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, StoreError> {
        away()
    }

    async fn due_timers(&self, _: Timestamp, _: usize) -> Result<Vec<(Timer, Incident)>, StoreError> {
        away()
    }

    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        away()
    }

    async fn timers(&self, _: u64) -> Result<Vec<Timer>, StoreError> {
        away()
    }

    async fn records(&self) -> Result<Records, StoreError> {
        away()
    }

    async fn records_revision(&self) -> Result<u64, StoreError> {
        away()
    }

    async fn outgoing(&self, _sink: &SinkName) -> Result<(u64, Option<Timestamp>), StoreError> {
        away()
    }

    async fn paused(&self) -> Result<Paused, StoreError> {
        away()
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        away()
    }

    async fn session(&self, _: &Digest) -> Result<Option<Session>, StoreError> {
        away()
    }

    async fn audit(&self, _: &Paging) -> Result<Page<AuditEntry>, StoreError> {
        away()
    }

    async fn idempotency(&self, _: &Key) -> Result<Option<Known>, StoreError> {
        away()
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        away()
    }

    async fn incidents(&self, _: &IncidentQuery, _: &Paging) -> Result<Page<IncidentView>, StoreError> {
        away()
    }

    async fn incident_number(&self, _: IncidentId) -> Result<Option<u64>, StoreError> {
        away()
    }

    async fn incident_of_key(&self, _: &DedupKey) -> Result<Option<u64>, StoreError> {
        away()
    }

    async fn incident(&self, _: u64) -> Result<Option<IncidentView>, StoreError> {
        away()
    }

    async fn members(&self, _: u64) -> Result<Option<MembersView>, StoreError> {
        away()
    }

    async fn timeline(&self, _: u64) -> Result<Vec<TimelineView>, StoreError> {
        away()
    }

    async fn deliveries(&self, _: &DeliveryQuery, _: &Paging) -> Result<Page<DeliveryView>, StoreError> {
        away()
    }

    async fn delivery(&self, _: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        away()
    }

    async fn attempts(&self, _: DeliveryId) -> Result<Vec<AttemptView>, StoreError> {
        away()
    }

    async fn incident_counts(&self) -> Result<Vec<IncidentCount>, StoreError> {
        away()
    }

    async fn dead_letters(&self, _: &LetterQuery, _: &Paging) -> Result<Page<DeadLetterView>, StoreError> {
        away()
    }

    async fn dead_letter_ids(
        &self,
        _: &DeadLetterQuery,
        _: &Paging,
    ) -> Result<Page<DeadLetterRef>, StoreError> {
        away()
    }

    async fn count_dead_letters(&self, _: &DeadLetterQuery) -> Result<Count, StoreError> {
        away()
    }

    async fn letters_by_reason(&self, _: &DeliveryQuery) -> Result<Vec<LettersByReason>, StoreError> {
        away()
    }

    async fn running_bulks(&self) -> Result<Vec<Bulk>, StoreError> {
        away()
    }

    async fn bulks(&self) -> Result<Vec<BulkView>, StoreError> {
        away()
    }

    async fn bulk(&self, _: JobId) -> Result<Option<BulkView>, StoreError> {
        away()
    }

    async fn unexported(&self, _: &SourceName, _: usize) -> Result<Vec<Letter>, StoreError> {
        away()
    }

    async fn dead_letter_bytes(&self, _: DeadLetterId) -> Result<Option<Kept>, StoreError> {
        away()
    }

    async fn events(&self, _: &EventQuery, _: &Paging) -> Result<Page<EventView>, StoreError> {
        away()
    }

    async fn event(&self, _: EventId) -> Result<Option<EventView>, StoreError> {
        away()
    }

    async fn event_bytes(&self, _: EventId) -> Result<Option<Kept>, StoreError> {
        away()
    }

    async fn dead_letter(&self, _: DeadLetterId) -> Result<Option<DeadLetterView>, StoreError> {
        away()
    }

    async fn check(&self) -> Result<StoreHealth, StoreError> {
        away()
    }
}
