//! Bulk jobs on plain collections.

use std::collections::HashSet;

use async_trait::async_trait;

use super::state::{State, Stored};
use crate::domain::Timestamp;
use crate::domain::bulk::{Bulk, BulkState};
use crate::domain::ids::{DeliveryId, JobId};
use crate::domain::query::DeliveryQuery;
use crate::store::StoreError;
use crate::store::bulk::Bulks;
use crate::store::lists::MOST_COUNTED;
use crate::store::views::{BulkView, LettersByReason, Outcomes};

#[async_trait]
impl Bulks for State {
    async fn bulk(&mut self, id: JobId) -> Result<Option<Bulk>, StoreError> {
        Ok(self.bulks.get(&id).cloned())
    }

    async fn put_bulk(&mut self, bulk: &Bulk) -> Result<(), StoreError> {
        self.bulks.insert(bulk.id, bulk.clone());
        Ok(())
    }

    async fn settle(
        &mut self,
        now: Timestamp,
        ids: &[DeliveryId],
    ) -> Result<HashSet<DeliveryId>, StoreError> {
        let mut settled = HashSet::new();
        for id in ids {
            if let Some(stored) = self.deliveries.get_mut(id).filter(|stored| stored.is_dead_letter()) {
                stored.settled_at = Some(now);
                settled.insert(*id);
            }
        }
        Ok(settled)
    }
}

impl State {
    pub(super) fn running_bulks(&self) -> Vec<Bulk> {
        self.bulks.values().filter(|bulk| bulk.state == BulkState::Running).cloned().collect()
    }

    pub(super) fn bulk_view(&self, bulk: &Bulk) -> BulkView {
        let mut outcomes = Outcomes::default();
        for stored in self.deliveries.values().filter(|stored| stored.job == Some(bulk.id)) {
            *outcomes.of(stored.state) += 1;
        }
        BulkView { bulk: bulk.clone(), outcomes }
    }

    pub(super) fn letters_by_reason(&self, query: &DeliveryQuery) -> Vec<LettersByReason> {
        let mut reasons: Vec<LettersByReason> = Vec::new();
        let fit = |stored: &&Stored| query.matches(&self.tell(stored));
        for stored in self.deliveries.values().rev().filter(fit).take(MOST_COUNTED as usize) {
            let (reason, at) = (stored.dead_reason.unwrap_or("unknown"), stored.updated_at);
            match reasons.iter_mut().find(|line| line.reason == reason) {
                Some(line) => {
                    line.count += 1;
                    line.first = line.first.min(at);
                    line.last = line.last.max(at);
                }
                None => {
                    reasons.push(LettersByReason {
                        reason: reason.to_owned(),
                        count: 1,
                        first: at,
                        last: at,
                    });
                }
            }
        }
        reasons.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        reasons
    }
}
