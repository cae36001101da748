//! A store that tells a test when it writes, and can be told not to answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use foghorn::domain::Timestamp;
use foghorn::domain::audit::AuditEntry;
use foghorn::domain::bulk::Bulk;
use foghorn::domain::dedup::DedupKey;
use foghorn::domain::delivery::{Job, Lease};
use foghorn::domain::event::Body;
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
use tokio::sync::watch;

/// When, around one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

type Hook = Box<dyn FnMut(Moment, usize) + Send>;

pub(crate) struct WatchedStore {
    inner: Arc<dyn Store>,
    commits: AtomicUsize,
    hook: Mutex<Option<Hook>>,
    refusals: AtomicUsize,
    stalled: watch::Sender<bool>,
    /// Events of the write that waits to be let go on.
    held_up: AtomicUsize,
    /// Events of all writes, those that were known already too.
    offered: AtomicUsize,
    cursed: Mutex<Option<&'static str>>,
}

impl WatchedStore {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            commits: AtomicUsize::new(0),
            hook: Mutex::new(None),
            refusals: AtomicUsize::new(0),
            stalled: watch::Sender::new(false),
            held_up: AtomicUsize::new(0),
            offered: AtomicUsize::new(0),
            cursed: Mutex::new(None),
        }
    }

    /// Called before and after each write, with its number from 1.
    pub(crate) fn on_commit(&self, hook: impl FnMut(Moment, usize) + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// The next `times` writes are not answered.
    pub(crate) fn refuse(&self, times: usize) {
        self.refusals.store(times, Ordering::SeqCst);
    }

    /// Writes take until they are let go on.
    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// How many events are in the write that waits to be let go on.
    pub(crate) fn held_up(&self) -> usize {
        self.held_up.load(Ordering::SeqCst)
    }

    /// How many events were written, each as often as it came.
    pub(crate) fn offered(&self) -> usize {
        self.offered.load(Ordering::SeqCst)
    }

    /// A batch with an event of this dedup key cannot be written.
    pub(crate) fn curse(&self, dedup_key: &'static str) {
        *self.cursed.lock().unwrap() = Some(dedup_key);
    }

    fn is_cursed(&self, batch: &Batch) -> bool {
        let cursed = *self.cursed.lock().unwrap();
        batch.accepts.iter().any(|accept| match &accept.event.body {
            Body::Incident(body) => Some(body.dedup_key.as_str()) == cursed,
            Body::Notification(_) => false,
        })
    }

    pub(crate) fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    fn call(&self, moment: Moment, number: usize) {
        if let Some(hook) = self.hook.lock().unwrap().as_mut() {
            hook(moment, number);
        }
    }
}

#[async_trait]
impl Store for WatchedStore {
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        self.held_up.store(batch.accepts.len(), Ordering::SeqCst);
        // The sender lives as long as this store.
        let _ = self.stalled.subscribe().wait_for(|stalled| !stalled).await;
        self.held_up.store(0, Ordering::SeqCst);
        let refused = |left: usize| left.checked_sub(1);
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refused).is_ok() {
            return Err(StoreError::Unavailable("the test says so".to_owned()));
        }
        if self.is_cursed(batch) {
            return Err(StoreError::Corrupt("the test says so".to_owned()));
        }
        let number = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        self.call(Moment::Before, number);
        // Whoever is killed must have the chance to die at this very moment.
        tokio::task::yield_now().await;
        let committed = self.inner.commit(batch).await;
        if committed.is_ok() {
            self.offered.fetch_add(batch.accepts.len(), Ordering::SeqCst);
        }
        self.call(Moment::After, number);
        tokio::task::yield_now().await;
        committed
    }

    async fn died(&self, node: &NodeName) -> Result<bool, StoreError> {
        self.inner.died(node).await
    }

    async fn signing_key(&self, candidate: &str, now: Timestamp) -> Result<SecretString, StoreError> {
        self.inner.signing_key(candidate, now).await
    }

    async fn first_token(&self, token: &Token) -> Result<bool, StoreError> {
        self.inner.first_token(token).await
    }

    async fn release(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.inner.release(lease, now).await
    }

    async fn lease(&self, node: &NodeName, now: Timestamp) -> Result<Lease, StoreError> {
        self.inner.lease(node, now).await
    }

    async fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(channel).await
    }

    async fn receipt(&self, id: DeliveryId) -> Result<Option<Receipt>, StoreError> {
        self.inner.receipt(id).await
    }

    async fn job(&self, id: DeliveryId) -> Result<Option<Job>, StoreError> {
        self.inner.job(id).await
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, StoreError> {
        self.inner.suppressions().await
    }

    async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<(Timer, Incident)>, StoreError> {
        self.inner.due_timers(now, limit).await
    }

    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_timer().await
    }

    async fn timers(&self, number: u64) -> Result<Vec<Timer>, StoreError> {
        self.inner.timers(number).await
    }

    async fn records(&self) -> Result<Records, StoreError> {
        self.inner.records().await
    }

    async fn records_revision(&self) -> Result<u64, StoreError> {
        self.inner.records_revision().await
    }

    async fn outgoing(&self, sink: &SinkName) -> Result<(u64, Option<Timestamp>), StoreError> {
        self.inner.outgoing(sink).await
    }

    async fn paused(&self) -> Result<Paused, StoreError> {
        self.inner.paused().await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.inner.tokens().await
    }

    async fn session(&self, digest: &Digest) -> Result<Option<Session>, StoreError> {
        self.inner.session(digest).await
    }

    async fn audit(&self, paging: &Paging) -> Result<Page<AuditEntry>, StoreError> {
        self.inner.audit(paging).await
    }

    async fn idempotency(&self, key: &Key) -> Result<Option<Known>, StoreError> {
        self.inner.idempotency(key).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.inner.backlog().await
    }

    async fn incidents(
        &self,
        query: &IncidentQuery,
        paging: &Paging,
    ) -> Result<Page<IncidentView>, StoreError> {
        self.inner.incidents(query, paging).await
    }

    async fn incident_number(&self, id: IncidentId) -> Result<Option<u64>, StoreError> {
        self.inner.incident_number(id).await
    }

    async fn incident_of_key(&self, key: &DedupKey) -> Result<Option<u64>, StoreError> {
        self.inner.incident_of_key(key).await
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentView>, StoreError> {
        self.inner.incident(number).await
    }

    async fn members(&self, number: u64) -> Result<Option<MembersView>, StoreError> {
        self.inner.members(number).await
    }

    async fn timeline(&self, number: u64) -> Result<Vec<TimelineView>, StoreError> {
        self.inner.timeline(number).await
    }

    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        paging: &Paging,
    ) -> Result<Page<DeliveryView>, StoreError> {
        self.inner.deliveries(query, paging).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        self.inner.delivery(id).await
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptView>, StoreError> {
        self.inner.attempts(id).await
    }

    async fn incident_counts(&self) -> Result<Vec<IncidentCount>, StoreError> {
        self.inner.incident_counts().await
    }

    async fn dead_letters(
        &self,
        query: &LetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterView>, StoreError> {
        self.inner.dead_letters(query, paging).await
    }

    async fn dead_letter_ids(
        &self,
        query: &DeadLetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterRef>, StoreError> {
        self.inner.dead_letter_ids(query, paging).await
    }

    async fn count_dead_letters(&self, query: &DeadLetterQuery) -> Result<Count, StoreError> {
        self.inner.count_dead_letters(query).await
    }

    async fn letters_by_reason(&self, query: &DeliveryQuery) -> Result<Vec<LettersByReason>, StoreError> {
        self.inner.letters_by_reason(query).await
    }

    async fn running_bulks(&self) -> Result<Vec<Bulk>, StoreError> {
        self.inner.running_bulks().await
    }

    async fn bulks(&self) -> Result<Vec<BulkView>, StoreError> {
        self.inner.bulks().await
    }

    async fn bulk(&self, id: JobId) -> Result<Option<BulkView>, StoreError> {
        self.inner.bulk(id).await
    }

    async fn unexported(&self, source: &SourceName, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.inner.unexported(source, limit).await
    }

    async fn dead_letter_bytes(&self, id: DeadLetterId) -> Result<Option<Kept>, StoreError> {
        self.inner.dead_letter_bytes(id).await
    }

    async fn events(&self, query: &EventQuery, paging: &Paging) -> Result<Page<EventView>, StoreError> {
        self.inner.events(query, paging).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventView>, StoreError> {
        self.inner.event(id).await
    }

    async fn event_bytes(&self, id: EventId) -> Result<Option<Kept>, StoreError> {
        self.inner.event_bytes(id).await
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetterView>, StoreError> {
        self.inner.dead_letter(id).await
    }

    async fn check(&self) -> Result<StoreHealth, StoreError> {
        self.inner.check().await
    }
}
