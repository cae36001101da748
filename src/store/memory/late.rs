//! Ends that came before their beginnings, in memory.

use async_trait::async_trait;

use super::state::State;
use crate::domain::Timestamp;
use crate::domain::late::Tombstone;
use crate::domain::names::SourceName;
use crate::store::StoreError;
use crate::store::late::{KnownEnd, Tombstones};

#[async_trait]
impl Tombstones for State {
    async fn tombstones(
        &mut self,
        now: Timestamp,
        keys: &[(&str, &SourceName)],
    ) -> Result<Vec<KnownEnd>, StoreError> {
        let kept = |(key, source): &(&str, &SourceName)| {
            let tombstone = self.tombstones.get(&((*key).to_owned(), (*source).clone()))?;
            let named = (tombstone.dedup_key.clone(), tombstone.source.clone());
            (tombstone.expires_at > now).then_some((named, tombstone.ended_at))
        };
        Ok(keys.iter().filter_map(kept).collect())
    }

    async fn bury(&mut self, now: Timestamp, tombstones: &[Tombstone]) -> Result<(), StoreError> {
        self.tombstones.retain(|_, tombstone| tombstone.expires_at > now);
        for new in tombstones {
            let named = (new.dedup_key.clone(), new.source.clone());
            let kept = self.tombstones.entry(named).or_insert_with(|| new.clone());
            kept.ended_at = kept.ended_at.max(new.ended_at);
            kept.expires_at = new.expires_at;
        }
        Ok(())
    }
}
