//! Pauses on plain collections.

use async_trait::async_trait;

use super::state::{State, Stored};
use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::names::ChannelName;
use crate::domain::way::{Flow, FlowChange};
use crate::store::StoreError;
use crate::store::flow::Flows;

#[async_trait]
impl Flows for State {
    async fn flow(&mut self, _now: Timestamp, changes: &[FlowChange]) -> Result<(), StoreError> {
        for FlowChange { way, flow } in changes {
            match flow {
                Flow::Paused => self.paused.insert(way.clone()),
                Flow::Running => self.paused.remove(way),
            };
        }
        Ok(())
    }

    async fn expire(&mut self, now: Timestamp, channel: &ChannelName) -> Result<(), StoreError> {
        let late = self.deliveries.values().filter(|stored| {
            stored.waits() && stored.delivery.target.channel == *channel && stored.delivery.expires_at <= now
        });
        let late: Vec<_> = late.map(|stored| stored.delivery.id).collect();
        for id in late {
            if let Some(stored) = self.pick(id) {
                self.put(Stored { state: DeliveryState::Expired, updated_at: now, ..stored });
            }
        }
        Ok(())
    }
}
