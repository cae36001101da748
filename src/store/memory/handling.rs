//! What operators do to single deliveries, on plain collections.

use std::sync::Arc;

use async_trait::async_trait;

use super::state::{State, Stored};
use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::handling::{Afterlife, Handling, Standing};
use crate::domain::ids::{DeadLetterId, DeliveryId};
use crate::domain::letter::Letter;
use crate::domain::malformed::Malformation;
use crate::domain::names::SourceName;
use crate::domain::notification::NotificationKind;
use crate::store::StoreError;
use crate::store::batch::Quarantined;
use crate::store::handling::Handlings;

impl State {
    fn stands(&self, stored: &Stored) -> Standing {
        let delivery = &stored.delivery;
        let child = || self.deliveries.values().find(|other| other.delivery.replay_of == Some(delivery.id));
        let afterlife = match stored.settled_at {
            None => Afterlife::Open,
            Some(_) => child().map_or(Afterlife::Discarded, |child| Afterlife::Repeated(child.delivery.id)),
        };
        Standing {
            id: delivery.id,
            state: stored.state,
            target: delivery.target.clone(),
            kind: stored.kind,
            incident: delivery.incident,
            priority: delivery.priority,
            afterlife,
        }
    }
}

impl State {
    /// It is not in its topic yet. One that goes round never gets there.
    pub(super) fn stays(&mut self, letter: &Quarantined) {
        if letter.reason != Malformation::Loop {
            let kept = Letter {
                id: letter.id,
                source: letter.source.clone(),
                position: letter.position.to_string(),
                reason: letter.reason.as_str().to_owned(),
                came_back: letter.came_back,
                raw: Arc::clone(&letter.raw),
            };
            self.here.insert(letter.id, kept);
        }
    }

    pub(super) fn unexported(&self, source: &SourceName, limit: usize) -> Vec<Letter> {
        self.here.values().filter(|letter| letter.source == *source).take(limit).cloned().collect()
    }
}

#[async_trait]
impl Handlings for State {
    async fn exported(&mut self, _: Timestamp, ids: &[DeadLetterId]) -> Result<(), StoreError> {
        ids.iter().for_each(|id| drop(self.here.remove(id)));
        Ok(())
    }

    async fn standings(&mut self, wish: Handling) -> Result<Vec<Standing>, StoreError> {
        let found: Vec<&Stored> = match wish {
            Handling::Cancel(id) | Handling::Retry(id) => self.deliveries.get(&id).into_iter().collect(),
            Handling::CancelAll(id) => {
                let of_it = |stored: &&Stored| {
                    stored.delivery.notification == id && stored.kind == NotificationKind::Direct
                };
                self.deliveries.values().filter(of_it).collect()
            }
        };
        Ok(found.into_iter().map(|stored| self.stands(stored)).collect())
    }

    async fn cancel(&mut self, now: Timestamp, ids: &[DeliveryId]) -> Result<(), StoreError> {
        for id in ids {
            if let Some(mut stored) = self.pick(*id) {
                stored.state = DeliveryState::Canceled;
                stored.updated_at = now;
                self.put(stored);
            }
        }
        Ok(())
    }

    async fn hurry(&mut self, now: Timestamp, id: DeliveryId) -> Result<(), StoreError> {
        if let Some(mut stored) = self.pick(id) {
            stored.delivery.due_at = now;
            stored.updated_at = now;
            self.put(stored);
        }
        Ok(())
    }
}
