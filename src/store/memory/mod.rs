//! The store in memory: for tests and `foghorn dev`. Nothing survives the process.
//!
//! It runs the same write path and the same laws as the two SQL stores. A clone is the same store,
//! so a test can start a daemon anew over what the last one left.

mod access;
mod addresses;
mod bulk;
mod bundling;
mod facts;
mod flow;
mod groups;
mod handling;
mod late;
mod ledger;
mod outgoing;
mod receipts;
mod records;
mod state;
mod timers;
mod trial;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::batch::{Batch, Committed};
use super::claim;
use super::in_doubt::InDoubt;
use super::reading::{cursor, page};
use super::views::{
    AttemptView, Backlog, BulkView, Count, DeadLetterRef, DeadLetterView, DeliveryCounts, DeliveryView,
    EventView, IncidentCount, IncidentView, Kept, LettersByReason, MembersView, Page, TimelineView,
};
use super::write::{Ledger, write};
use super::{MOST_IDS, Paging, Store, StoreError, StoreHealth};
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
use crate::domain::timer::{Timer, TimerKind};
use crate::domain::token::{Digest, Token};
use crate::domain::way::Paused;
use state::State;

/// A store in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl State {
    fn view(&self, incident: &Incident) -> IncidentView {
        let mut counts = DeliveryCounts::default();
        for id in self.of_incident.get(&incident.number).into_iter().flatten() {
            if let Some(stored) = self.deliveries.get(id) {
                *counts.of(stored.state) += 1;
            }
        }
        IncidentView::of(incident.clone(), counts)
    }
}

/// The part of a list, newest first, that comes before the cursor.
fn before<T, K: std::str::FromStr + PartialOrd>(
    newest_first: impl Iterator<Item = T>,
    paging: &Paging,
    key: impl Fn(&T) -> K,
    write: impl Fn(&T) -> String,
) -> Page<T> {
    let rest = newest_first.filter(|row| match cursor::<K>(paging) {
        None => true,
        Some(before) => before.is_some_and(|before| key(row) < before),
    });
    let longest = paging.limit.clamp(1, super::reading::MAX_PAGE);
    page(rest.take(longest + 1).collect(), paging, write)
}

impl MemoryStore {
    /// How many records are on trial, for tests.
    pub async fn suspects(&self) -> usize {
        self.state.lock().await.trials.len()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let mut state = self.state.lock().await;
        let written = write(&mut *state, batch, &InDoubt::default()).await?;
        Ok(written.committed)
    }

    async fn died(&self, node: &NodeName) -> Result<bool, StoreError> {
        Ok(self.state.lock().await.died(node))
    }

    async fn lease(&self, node: &NodeName, _now: Timestamp) -> Result<Lease, StoreError> {
        let mut state = self.state.lock().await;
        state.ended.remove(node);
        let epoch = state.nodes.entry(node.clone()).or_default();
        *epoch += 1;
        Ok(Lease { node: node.clone(), epoch: *epoch })
    }

    async fn signing_key(&self, candidate: &str, _now: Timestamp) -> Result<SecretString, StoreError> {
        let mut state = self.state.lock().await;
        Ok(state.signing_key.get_or_insert_with(|| candidate.to_owned()).clone().into())
    }

    async fn first_token(&self, token: &Token) -> Result<bool, StoreError> {
        Ok(self.state.lock().await.first_token(token))
    }

    async fn release(&self, lease: &Lease, _now: Timestamp) -> Result<(), StoreError> {
        self.state.lock().await.release(lease);
        Ok(())
    }

    async fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        self.state.lock().await.next_due(channel).await
    }

    async fn receipt(&self, id: DeliveryId) -> Result<Option<Receipt>, StoreError> {
        Ok(self.state.lock().await.receipts.get(&id).cloned())
    }

    async fn job(&self, id: DeliveryId) -> Result<Option<Job>, StoreError> {
        let state = self.state.lock().await;
        let Some(candidate) = state.deliveries.get(&id).map(|stored| state.candidate(stored)) else {
            return Ok(None);
        };
        let incident = candidate.incident.and_then(|number| state.incidents.get(&number));
        claim::seen(candidate, incident).map(Some)
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, StoreError> {
        let mut all = self.state.lock().await.suppressions.clone();
        all.sort_by_key(|one| std::cmp::Reverse((one.last_at, one.id)));
        Ok(all)
    }

    async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<(Timer, Incident)>, StoreError> {
        Ok(self.state.lock().await.due_timers(now, limit))
    }

    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state.lock().await.timers_due.first().map(|(due_at, _, _)| *due_at))
    }

    async fn timers(&self, number: u64) -> Result<Vec<Timer>, StoreError> {
        let wanted = TimerKind::ALL.map(|kind| (number, kind));
        self.state.lock().await.timers(&wanted).await
    }

    async fn outgoing(&self, sink: &SinkName) -> Result<(u64, Option<Timestamp>), StoreError> {
        Ok(self.state.lock().await.outbox.waiting(sink))
    }

    async fn paused(&self) -> Result<Paused, StoreError> {
        Ok(self.state.lock().await.paused.clone())
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        Ok(self.state.lock().await.tokens.values().rev().cloned().collect())
    }

    async fn session(&self, digest: &Digest) -> Result<Option<Session>, StoreError> {
        let state = self.state.lock().await;
        Ok(state.sessions.values().find(|session| session.digest.bytes() == digest.bytes()).cloned())
    }

    async fn audit(&self, paging: &Paging) -> Result<Page<AuditEntry>, StoreError> {
        let state = self.state.lock().await;
        let entries = state.audit.values().rev().cloned();
        Ok(before(entries, paging, |entry| entry.id, |entry| entry.id.to_string()))
    }

    async fn idempotency(&self, key: &Key) -> Result<Option<Known>, StoreError> {
        Ok(self.state.lock().await.keys.get(key).map(|claimed| claimed.known.clone()))
    }

    async fn records(&self) -> Result<Records, StoreError> {
        Ok(self.state.lock().await.records.clone())
    }

    async fn records_revision(&self) -> Result<u64, StoreError> {
        Ok(self.state.lock().await.records.revision)
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        Ok(self.state.lock().await.backlog())
    }

    async fn incidents(
        &self,
        query: &IncidentQuery,
        paging: &Paging,
    ) -> Result<Page<IncidentView>, StoreError> {
        let state = self.state.lock().await;
        let present = state.incidents.values().rev().filter(|incident| incident.deleted_at.is_none());
        let found = present.filter(|incident| query.matches(*incident));
        let page = before(found, paging, |i| i.number, |i| i.number.to_string());
        Ok(Page {
            data: page.data.into_iter().map(|i| state.view(i)).collect(),
            next_cursor: page.next_cursor,
        })
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentView>, StoreError> {
        let state = self.state.lock().await;
        let found = state.incidents.get(&number).filter(|incident| incident.deleted_at.is_none());
        Ok(found.map(|incident| state.view(incident)))
    }

    async fn incident_number(&self, id: IncidentId) -> Result<Option<u64>, StoreError> {
        let state = self.state.lock().await;
        let found = state.incidents.values().find(|one| one.id == id && one.deleted_at.is_none());
        Ok(found.map(|incident| incident.number))
    }

    async fn incident_of_key(&self, key: &DedupKey) -> Result<Option<u64>, StoreError> {
        Ok(self.state.lock().await.newest_of(key))
    }

    async fn members(&self, number: u64) -> Result<Option<MembersView>, StoreError> {
        Ok(self.state.lock().await.members_of(number))
    }

    async fn timeline(&self, number: u64) -> Result<Vec<TimelineView>, StoreError> {
        let state = self.state.lock().await;
        let lines = state.timeline.range((number, 0)..=(number, u64::MAX));
        Ok(lines.map(|(_, line)| line.clone()).collect())
    }

    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        paging: &Paging,
    ) -> Result<Page<DeliveryView>, StoreError> {
        let state = self.state.lock().await;
        let found = state.deliveries.values().rev().filter(|stored| query.matches(&state.tell(stored)));
        let views = found.map(state::Stored::view);
        Ok(before(views, paging, |view| view.id, |view| view.id.to_string()))
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        Ok(self.state.lock().await.deliveries.get(&id).map(state::Stored::view))
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptView>, StoreError> {
        let state = self.state.lock().await;
        let attempts = state.attempts.range((id, 0)..=(id, u32::MAX));
        Ok(attempts.map(|(_, attempt)| attempt.clone()).collect())
    }

    async fn incident_counts(&self) -> Result<Vec<IncidentCount>, StoreError> {
        Ok(self.state.lock().await.incident_counts())
    }

    async fn dead_letter_ids(
        &self,
        query: &DeadLetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterRef>, StoreError> {
        let ids = self.state.lock().await.dead_letters(query);
        let text = |id: &DeadLetterRef| id.to_string();
        let rest =
            ids.into_iter().filter(|id| paging.before.as_ref().is_none_or(|before| text(id) < *before));
        let limit = paging.limit.clamp(1, MOST_IDS);
        let mut data: Vec<DeadLetterRef> = rest.take(limit + 1).collect();
        let more = data.len() > limit;
        data.truncate(limit);
        Ok(Page { next_cursor: data.last().filter(|_| more).map(text), data })
    }

    async fn count_dead_letters(&self, query: &DeadLetterQuery) -> Result<Count, StoreError> {
        Ok(Count::of(self.state.lock().await.dead_letters(query).len() as u64, true))
    }

    async fn letters_by_reason(&self, query: &DeliveryQuery) -> Result<Vec<LettersByReason>, StoreError> {
        Ok(self.state.lock().await.letters_by_reason(query))
    }

    async fn running_bulks(&self) -> Result<Vec<Bulk>, StoreError> {
        Ok(self.state.lock().await.running_bulks())
    }

    async fn bulks(&self) -> Result<Vec<BulkView>, StoreError> {
        let state = self.state.lock().await;
        let newest = state.bulks.values().rev().take(super::reading::MAX_PAGE);
        Ok(newest.map(|bulk| state.bulk_view(bulk)).collect())
    }

    async fn bulk(&self, id: JobId) -> Result<Option<BulkView>, StoreError> {
        let state = self.state.lock().await;
        Ok(state.bulks.get(&id).map(|bulk| state.bulk_view(bulk)))
    }

    async fn unexported(&self, source: &SourceName, limit: usize) -> Result<Vec<Letter>, StoreError> {
        Ok(self.state.lock().await.unexported(source, limit))
    }

    async fn dead_letter_bytes(&self, id: DeadLetterId) -> Result<Option<Kept>, StoreError> {
        Ok(self.state.lock().await.letter_bytes.get(&id).cloned())
    }

    async fn events(&self, query: &EventQuery, paging: &Paging) -> Result<Page<EventView>, StoreError> {
        let state = self.state.lock().await;
        let found = state.events.values().rev().filter(|event| query.matches(*event));
        Ok(before(found.map(|event| event.view.clone()), paging, |view| view.id, |view| view.id.to_string()))
    }

    async fn event(&self, id: EventId) -> Result<Option<EventView>, StoreError> {
        let state = self.state.lock().await;
        Ok(state.events.get(&id).map(|event| {
            let payload = String::from_utf8_lossy(&event.kept.raw).into_owned();
            EventView { payload: Some(payload), ..event.view.clone() }
        }))
    }

    async fn event_bytes(&self, id: EventId) -> Result<Option<Kept>, StoreError> {
        Ok(self.state.lock().await.events.get(&id).map(|event| event.kept.clone()))
    }

    async fn dead_letters(
        &self,
        query: &LetterQuery,
        paging: &Paging,
    ) -> Result<Page<DeadLetterView>, StoreError> {
        let state = self.state.lock().await;
        let found = state.letters.values().rev().filter(|letter| query.matches(*letter));
        let found = found.map(|letter| DeadLetterView { payload: None, ..letter.clone() });
        Ok(before(found, paging, |view| view.id, |view| view.id.to_string()))
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetterView>, StoreError> {
        Ok(self.state.lock().await.letters.get(&id).cloned())
    }

    async fn check(&self) -> Result<StoreHealth, StoreError> {
        Ok(StoreHealth { kind: "memory", schema: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::acceptance::IncidentRules;
    use crate::domain::delivery::{Delivery, DeliveryState, Target};
    use crate::domain::event::{Priority, RequestText};
    use crate::domain::ids::{EventId, NotificationId};
    use crate::domain::notification::{Notification, NotificationKind};
    use crate::store::batch::{Adopt, Claim};
    use state::Stored;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// A state with one delivery that waits on "email".
    fn waiting() -> State {
        let mut state = State::default();
        let notification = Notification {
            id: NotificationId::new(NOW, 1),
            event: Some(EventId::new(NOW, 1)),
            incident: None,
            kind: NotificationKind::Direct,
            created_at: NOW,
            text: Some(RequestText::Plain { subject: "hello".into(), body: String::new() }),
        };
        let delivery = Delivery {
            id: DeliveryId::new(NOW, 1),
            notification: notification.id,
            incident: None,
            target: Target { recipient: "ada".into(), channel: "email".into(), address: "ada@x".into() },
            priority: Priority::Normal,
            due_at: NOW,
            expires_at: Timestamp::MAX,
            replay_of: None,
            bundle: None,
        };
        state.notifications.insert(notification.id, notification);
        state.put(Stored::new(delivery, NotificationKind::Direct, NOW));
        state.nodes.insert("node".into(), 1);
        state
    }

    fn batch(channel: &str) -> Batch {
        let lease = Lease { node: "node".into(), epoch: 1 };
        let claim = Claim { channel: channel.into(), limit: 5, adopt: Adopt::Nothing, holding: Vec::new() };
        Batch { claims: vec![claim], ..Batch::empty(lease, NOW, IncidentRules::default()) }
    }

    #[tokio::test]
    async fn what_a_commit_that_was_not_heard_of_gave_out_is_given_out_by_the_next() {
        let (mut state, in_doubt) = (waiting(), InDoubt::default());
        let unheard = write(&mut state, &batch("email"), &in_doubt).await.expect("it works");
        in_doubt.committing(&unheard);
        let job = unheard.committed.claimed[0].jobs[0].clone();

        let other = write(&mut state, &batch("sms"), &in_doubt).await.expect("it works");
        in_doubt.committing(&other);
        assert!(in_doubt.committed(other).claimed[0].jobs.is_empty(), "nobody listens for email here");

        let again = write(&mut state, &batch("email"), &in_doubt).await.expect("it works");
        in_doubt.committing(&again);
        assert_eq!(in_doubt.committed(again).claimed[0].jobs, [job]);
        let after = write(&mut state, &batch("email"), &in_doubt).await.expect("it works");
        assert!(after.committed.claimed[0].jobs.is_empty(), "once");
        assert_eq!(state.deliveries.values().next().expect("one").state, DeliveryState::Sending);
    }

    #[tokio::test]
    async fn what_such_a_commit_did_not_write_is_given_out_once() {
        let (mut state, in_doubt) = (waiting(), InDoubt::default());
        let mut lost = waiting();
        let unheard = write(&mut lost, &batch("email"), &in_doubt).await.expect("it works");
        in_doubt.committing(&unheard);
        let again = write(&mut state, &batch("email"), &in_doubt).await.expect("it works");
        assert_eq!(in_doubt.committed(again).claimed[0].jobs.len(), 1);
    }
}
