//! Pauses on SQLite.

use async_trait::async_trait;
use sqlx::query;

use super::ledger::SqliteLedger;
use crate::domain::Timestamp;
use crate::domain::names::ChannelName;
use crate::domain::way::{Flow, FlowChange};
use crate::store::StoreError;
use crate::store::flow::{EXPIRE, Flows, PAUSE, RESUME};

#[async_trait]
impl Flows for SqliteLedger<'_> {
    async fn flow(&mut self, now: Timestamp, changes: &[FlowChange]) -> Result<(), StoreError> {
        for FlowChange { way, flow } in changes {
            let query = match flow {
                Flow::Paused => query(PAUSE).bind(way.kind()).bind(way.name()).bind(now.as_millisecond()),
                Flow::Running => query(RESUME).bind(way.kind()).bind(way.name()),
            };
            self.run(query).await?;
        }
        Ok(())
    }

    async fn expire(&mut self, now: Timestamp, channel: &ChannelName) -> Result<(), StoreError> {
        self.run(query(EXPIRE).bind(channel.as_str()).bind(now.as_millisecond())).await
    }
}
