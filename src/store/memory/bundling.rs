//! Messages that go out together, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::state::State;
use crate::domain::Timestamp;
use crate::domain::bundle::Class;
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;
use crate::domain::retry::later;
use crate::store::StoreError;
use crate::store::bundling::{Bundles, MOST};
use crate::store::write::Candidate;

#[async_trait]
impl Bundles for State {
    async fn last_sent(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
    ) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let sent_at = |address: &&str| {
            let sent_at = self.bundles.get(&(channel.clone(), class, (*address).to_owned()))?;
            Some(((*address).to_owned(), *sent_at))
        };
        Ok(addresses.iter().filter_map(sent_at).collect())
    }

    async fn gathered(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
        now: Timestamp,
    ) -> Result<Vec<Candidate>, StoreError> {
        let waiting = self.waiting.iter().filter(|(name, ..)| name == channel);
        let stored = waiting.filter_map(|(_, _, _, id)| self.deliveries.get(id));
        let goes = stored.filter(|stored| {
            let delivery = &stored.delivery;
            delivery.bundle.is_some()
                && Class::of(stored.kind) == class
                && addresses.contains(&delivery.target.address.expose())
                && (class == Class::Direct || delivery.due_at <= now)
        });
        let mut goes: Vec<Candidate> = goes.map(|stored| self.candidate(stored)).collect();
        goes.sort_by_key(|one| (one.priority, one.id));
        goes.truncate(MOST);
        Ok(goes)
    }

    async fn put_off(&mut self, class: Class, ids: &[DeliveryId]) -> Result<(), StoreError> {
        for id in ids {
            let Some(mut stored) = self.pick(*id) else { continue };
            let target = &stored.delivery.target;
            let key = (target.channel.clone(), class, target.address.expose().to_owned());
            if let (Some(sent_at), Some(bundle)) = (self.bundles.get(&key), stored.delivery.bundle) {
                stored.delivery.due_at = later(*sent_at, bundle);
            }
            self.put(stored);
        }
        Ok(())
    }

    async fn went(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let keys = addresses.iter().map(|address| (channel.clone(), class, (*address).to_owned()));
        self.bundles.extend(keys.map(|key| (key, now)));
        Ok(())
    }
}
