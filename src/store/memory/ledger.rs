//! The write path on plain collections. Whoever has the state has the transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::state::{KeptEvent, KnownEvent, State, Stored};
use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, DecidedEvent, Rows};
use crate::domain::bulk::Resolved;
use crate::domain::dedup::DedupKey;
use crate::domain::delivery::{Delivery, DeliveryState, Lease, Target};
use crate::domain::event::Priority;
use crate::domain::ids::DeliveryId;
use crate::domain::incident::{Calls, Incident};
use crate::domain::names::ChannelName;
use crate::domain::timer::{Timer, TimerKind};
use crate::store::StoreError;
use crate::store::batch::{Batch, Quarantined};
use crate::store::intake::{Seen, SeenBy, dedup_keys};
use crate::store::repeating::Replay;
use crate::store::views::{DeadLetterView, EventView, Kept, TimelineView};
use crate::store::write::{Candidate, Ending, Ledger, Orphaned, Standing, Taken, UNKNOWN, kinds};

impl State {
    fn holds(&self, lease: &Lease, id: DeliveryId, attempt: u32) -> bool {
        self.deliveries.get(&id).is_some_and(|stored| {
            stored.state == DeliveryState::Sending
                && stored.attempts == attempt
                && stored.owner.as_ref() == Some(lease)
        })
    }

    pub(super) fn is_over(&self, stored: &Stored) -> bool {
        let incident = stored.delivery.incident.and_then(|number| self.incidents.get(&number));
        stored.kind.calls_for_action() && incident.is_some_and(|incident| incident.calls == Calls::Off)
    }

    pub(super) fn candidate(&self, stored: &Stored) -> Candidate {
        let delivery = &stored.delivery;
        let notification = self.notifications.get(&delivery.notification);
        Candidate {
            id: delivery.id,
            incident: delivery.incident,
            kind: stored.kind,
            target: delivery.target.clone(),
            priority: delivery.priority,
            attempts: stored.attempts,
            held: stored.held,
            crashes: stored.crashes,
            created_at: stored.created_at,
            expires_at: delivery.expires_at,
            even_if_over: stored.even_if_over,
            bundle: delivery.bundle,
            text: notification.and_then(|notification| notification.text.clone()),
        }
    }

    /// The lane's deliveries, the first due first.
    fn lane(&self, channel: &ChannelName, lane: Priority) -> impl Iterator<Item = (Timestamp, DeliveryId)> {
        let least = DeliveryId::new(Timestamp::UNIX_EPOCH, 0);
        let from = (channel.clone(), lane.rank(), Timestamp::MIN, least);
        let until = (channel.clone(), lane.rank() + 1, Timestamp::MIN, least);
        let rows = self.waiting.range(from..until);
        rows.map(|(_, _, due_at, id)| (*due_at, *id))
    }

    fn seen(&self, accepts: &[Accept]) -> Vec<Seen> {
        let mut seen = Vec::new();
        for (index, accept) in accepts.iter().enumerate() {
            let event = &accept.event;
            let position = (event.source.clone(), event.position.clone());
            let found = self.positions.get(&position);
            seen.extend(found.map(|known| Seen {
                index,
                event: known.id,
                incident: known.incident,
                by: SeenBy::Position,
            }));
            if let Some(id) = &event.producer_id {
                let found = self.producer_ids.get(&(event.source.clone(), id.clone()));
                seen.extend(found.map(|(known, raw)| Seen {
                    index,
                    event: known.id,
                    incident: known.incident,
                    by: SeenBy::ProducerId(raw.to_vec()),
                }));
            }
        }
        seen
    }

    fn insert_events(&mut self, rows: &Rows) {
        for decided in &rows.events {
            let event = &decided.event;
            let known = KnownEvent { id: event.id, incident: decided.incident };
            let source = event.source.clone();
            self.events.insert(event.id, kept(decided));
            self.positions.insert((source.clone(), event.position.clone()), known);
            if let Some(id) = &event.producer_id {
                self.producer_ids.insert((source, id.clone()), (known, event.raw.clone()));
            }
        }
    }
}

fn kept(decided: &DecidedEvent) -> KeptEvent {
    let event = &decided.event;
    let view = EventView {
        id: event.id,
        source: event.source.to_string(),
        position: event.position.to_string(),
        event_id: event.producer_id.clone(),
        received_at: event.received_at,
        decision: decided.decision.as_str(),
        incident_number: decided.incident,
        bytes: event.raw.len() as u64,
        payload: None,
    };
    let (traceparent, raw) = (event.traceparent.clone(), Arc::clone(&event.raw));
    KeptEvent { view, kept: Kept { source: event.source.clone(), traceparent, raw } }
}

#[async_trait]
impl Ledger for State {
    async fn standing(&mut self, batch: &Batch) -> Result<Standing, StoreError> {
        let newest = dedup_keys(&batch.accepts).into_iter().filter_map(|key| {
            let number = self.newest_of(&key)?;
            Some((key, self.incidents.get(&number)?.clone()))
        });
        Ok(Standing {
            epoch: self.nodes.get(&batch.lease.node).copied(),
            seen: self.seen(&batch.accepts),
            newest: newest.collect(),
            last_number: self.incidents.last_key_value().map_or(0, |(number, _)| *number),
        })
    }

    async fn in_hand(
        &mut self,
        lease: &Lease,
        attempts: &[(DeliveryId, u32)],
    ) -> Result<HashSet<DeliveryId>, StoreError> {
        let held = attempts.iter().filter(|(id, attempt)| self.holds(lease, *id, *attempt));
        Ok(held.map(|(id, _)| *id).collect())
    }

    async fn end(&mut self, lease: &Lease, now: Timestamp, endings: &[Ending<'_>]) -> Result<(), StoreError> {
        for ending in endings {
            let attempted = ending.attempted;
            if !self.holds(lease, attempted.id, attempted.attempt) {
                continue;
            }
            if let Some(attempt) = self.attempts.get_mut(&(attempted.id, attempted.attempt)) {
                attempt.took_ms = Some(attempted.took_ms);
                attempt.outcome = Some(attempted.outcome.to_owned());
                attempt.code = Some(attempted.code.clone());
                attempt.detail = Some(attempted.detail.clone());
                attempt.provider_id.clone_from(&attempted.provider_id);
            }
            if let Some(mut stored) = self.pick(attempted.id) {
                let pointless =
                    ending.state == DeliveryState::Retrying && !stored.even_if_over && self.is_over(&stored);
                stored.state = if pointless { DeliveryState::Canceled } else { ending.state };
                stored.delivery.due_at = ending.due_at.unwrap_or(stored.delivery.due_at);
                if let Some(channel) = &attempted.moved_to {
                    stored.delivery.target.channel = channel.clone();
                }
                stored.held += ending.held;
                stored.crashes += ending.crashes;
                stored.dead_reason = ending.dead_reason;
                stored.last_outcome = Some(attempted.outcome);
                stored.updated_at = now;
                self.put(stored);
            }
        }
        Ok(())
    }

    async fn told(&mut self, incidents: &[&Incident]) -> Result<Vec<(u64, Target)>, StoreError> {
        let mut told = HashSet::new();
        for incident in incidents {
            for id in self.of_incident.get(&incident.number).into_iter().flatten() {
                let Some(stored) = self.deliveries.get(id) else {
                    continue;
                };
                if stored.created_at >= incident.opened_at
                    && stored.kind.calls_for_action()
                    && matches!(stored.state, DeliveryState::Sent | DeliveryState::Sending)
                {
                    told.insert((incident.number, stored.delivery.target.clone()));
                }
            }
        }
        Ok(told.into_iter().collect())
    }

    async fn insert(&mut self, lease: &Lease, now: Timestamp, rows: &Rows) -> Result<(), StoreError> {
        for number in rows.over.iter().chain(&rows.deleted) {
            let all = rows.deleted.contains(number);
            for id in self.of_incident.get(number).cloned().unwrap_or_default() {
                if let Some(mut stored) = self.pick(id) {
                    if stored.waits() && (all || stored.kind.calls_for_action()) {
                        stored.state = DeliveryState::Canceled;
                        stored.updated_at = now;
                    }
                    self.put(stored);
                }
            }
        }
        self.insert_events(rows);
        for incident in &rows.incidents {
            let newest = self.newest.entry(DedupKey::of_incident(incident)).or_default();
            *newest = incident.number.max(*newest);
            self.incidents.insert(incident.number, incident.clone());
        }
        for entry in &rows.timeline {
            let line = TimelineView {
                at: entry.at,
                version: entry.version,
                kind: entry.transition,
                event_id: entry.event,
                by: entry.by.as_ref().map(|by| by.who.to_string()),
                via: entry.by.as_ref().map(|by| by.via),
                detail: entry.detail.clone(),
                step: entry.step.clone(),
            };
            self.timeline.insert((entry.incident, entry.version), line);
        }
        for ((incident, kind), due_at) in &rows.timers {
            self.arm(*incident, *kind, *due_at);
        }
        let kinds = kinds(rows);
        let notifications = rows.notifications.iter().map(|n| (n.id, n.clone()));
        self.notifications.extend(notifications);
        for new in &rows.deliveries {
            let Some(kind) = kinds.get(&new.delivery.notification) else {
                continue;
            };
            let mut stored = Stored::new(new.delivery.clone(), *kind, now);
            stored.state = new.state;
            if new.state == DeliveryState::Sending {
                stored.attempts = 1;
                stored.owner = Some(lease.clone());
                self.begin_attempt(new.delivery.id, 1, now);
            }
            if let Some(number) = new.delivery.incident {
                self.of_incident.entry(number).or_default().push(new.delivery.id);
            }
            self.put(stored);
        }
        Ok(())
    }

    async fn quarantine(&mut self, now: Timestamp, letters: &[&Quarantined]) -> Result<(), StoreError> {
        for letter in letters {
            if self.quarantined.insert((letter.source.clone(), letter.position.clone())) {
                let view = DeadLetterView {
                    id: letter.id,
                    source: letter.source.to_string(),
                    position: letter.position.to_string(),
                    reason: letter.reason.as_str().to_owned(),
                    detail: letter.detail.clone(),
                    quarantined_at: now,
                    bytes: letter.raw.len() as u64,
                    payload: Some(String::from_utf8_lossy(&letter.raw).into_owned()),
                };
                self.stays(letter);
                self.letters.insert(letter.id, view);
                let (source, raw) = (letter.source.clone(), Arc::clone(&letter.raw));
                self.letter_bytes.insert(letter.id, Kept { source, traceparent: None, raw });
            }
        }
        Ok(())
    }

    async fn replay(
        &mut self,
        now: Timestamp,
        replays: &[Replay],
    ) -> Result<HashMap<DeliveryId, ChannelName>, StoreError> {
        let mut repeated = HashMap::new();
        for replay in replays {
            let dead = self.deliveries.get(&replay.dead);
            let Some(dead) = dead.filter(|stored| stored.is_dead_letter()).cloned() else {
                continue;
            };
            if !self.replayed.insert(replay.dead) {
                continue;
            }
            let life = dead.delivery.expires_at.duration_since(dead.created_at);
            let child = Delivery {
                id: replay.child,
                due_at: now,
                expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
                replay_of: Some(replay.dead),
                bundle: None,
                target: replay.to.clone().unwrap_or(dead.delivery.target),
                ..dead.delivery
            };
            repeated.insert(child.id, child.target.channel.clone());
            if let Some(number) = child.incident {
                self.of_incident.entry(number).or_default().push(child.id);
            }
            let (job, even_if_over) = (replay.job, replay.resolved == Resolved::Include);
            self.put(Stored { job, even_if_over, ..Stored::new(child, dead.kind, now) });
        }
        Ok(repeated)
    }

    async fn adopt(
        &mut self,
        lease: &Lease,
        now: Timestamp,
        channel: &ChannelName,
        orphaned: Orphaned,
        holding: &[DeliveryId],
    ) -> Result<(), StoreError> {
        let ours = |id: &DeliveryId| {
            let owner = self.deliveries.get(id).and_then(|stored| stored.owner.as_ref());
            owner.is_some_and(|owner| owner.node == lease.node)
        };
        let in_hand = self.in_hand.iter().filter(|(name, _)| name == channel).map(|(_, id)| *id);
        let lost: Vec<DeliveryId> = in_hand.filter(|id| !holding.contains(id) && ours(id)).collect();
        for id in lost {
            let Some(mut stored) = self.pick(id) else { continue };
            if let Some(attempt) = self.attempts.get_mut(&(id, stored.attempts)) {
                attempt.outcome = Some(UNKNOWN.to_owned());
            }
            stored.state = orphaned.state;
            stored.dead_reason = orphaned.dead_reason;
            stored.last_outcome = Some(UNKNOWN);
            stored.delivery.due_at = now;
            stored.updated_at = now;
            self.put(stored);
        }
        Ok(())
    }

    async fn due(
        &mut self,
        channel: &ChannelName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let due = Priority::ALL
            .into_iter()
            .flat_map(|lane| self.lane(channel, lane).take_while(|(due_at, _)| *due_at <= now))
            .filter_map(|(_, id)| self.deliveries.get(&id));
        Ok(due.take(limit).map(|stored| self.candidate(stored)).collect())
    }

    async fn incidents(&mut self, numbers: &[u64]) -> Result<Vec<Incident>, StoreError> {
        let found = numbers.iter().filter_map(|number| self.incidents.get(number));
        Ok(found.cloned().collect())
    }

    async fn timers(&mut self, wanted: &[(u64, TimerKind)]) -> Result<Vec<Timer>, StoreError> {
        let armed = |(incident, kind): &(u64, TimerKind)| {
            let due_at = *self.timers.get(&(*incident, *kind))?;
            Some(Timer { incident: *incident, kind: *kind, due_at })
        };
        Ok(wanted.iter().filter_map(armed).collect())
    }

    async fn take(&mut self, lease: &Lease, now: Timestamp, taken: &[Taken]) -> Result<(), StoreError> {
        for taken in taken {
            let Some(mut stored) = self.pick(taken.id) else {
                continue;
            };
            stored.state = taken.state;
            stored.attempts = taken.attempts;
            stored.owner = Some(lease.clone());
            stored.updated_at = now;
            if taken.state == DeliveryState::Sending {
                self.begin_attempt(taken.id, taken.attempts, now);
            }
            self.put(stored);
        }
        Ok(())
    }

    async fn next_due(&mut self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        let heads = Priority::ALL.into_iter().filter_map(|lane| self.lane(channel, lane).next());
        Ok(heads.map(|(due_at, _)| due_at).min())
    }
}
