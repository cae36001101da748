//! Trials on plain collections.

use async_trait::async_trait;

use super::state::{State, Tried};
use crate::domain::Timestamp;
use crate::domain::delivery::Lease;
use crate::domain::event::Position;
use crate::domain::names::SourceName;
use crate::store::StoreError;
use crate::store::batch::Trial;
use crate::store::trial::{STORED, Trials};

#[async_trait]
impl Trials for State {
    async fn ends(&mut self, lease: &Lease, trials: &[Trial]) -> Result<Vec<i64>, StoreError> {
        let ends = |trial: &Trial| {
            let key = (trial.source.clone(), trial.position.clone());
            if self.positions.contains_key(&key) || self.quarantined.contains(&key) {
                return STORED;
            }
            self.trials.get(&key).map_or(0, |tried| {
                let own = tried.by.as_ref() == Some(lease);
                i64::from(tried.ends) - i64::from(own)
            })
        };
        Ok(trials.iter().map(ends).collect())
    }

    async fn begin(
        &mut self,
        lease: &Lease,
        _now: Timestamp,
        begun: &[(&Trial, u32)],
    ) -> Result<(), StoreError> {
        for (trial, ends) in begun {
            let key = (trial.source.clone(), trial.position.clone());
            self.trials.insert(key, Tried { ends: *ends, by: Some(lease.clone()) });
        }
        Ok(())
    }

    async fn acquit(&mut self, records: &[(SourceName, Position)]) -> Result<(), StoreError> {
        for record in records {
            self.trials.remove(record);
        }
        Ok(())
    }
}

impl State {
    /// See [`crate::store::Store::died`].
    pub(super) fn died(&self, node: &crate::domain::names::NodeName) -> bool {
        self.nodes.contains_key(node) && !self.ended.contains(node)
    }

    /// See [`crate::store::Store::release`].
    pub(super) fn release(&mut self, lease: &Lease) {
        if self.nodes.get(&lease.node) == Some(&lease.epoch) {
            self.ended.insert(lease.node.clone());
        }
        for tried in self.trials.values_mut().filter(|tried| tried.by.as_ref() == Some(lease)) {
            tried.ends -= 1;
            tried.by = None;
        }
    }
}
