//! Pauses on plain collections.

use async_trait::async_trait;

use super::state::State;
use crate::domain::Timestamp;
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
}
