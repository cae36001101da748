//! Records on PostgreSQL.

use async_trait::async_trait;
use sqlx::query;

use super::ledger::PostgresLedger;
use crate::domain::record::{RecordChange, Records};
use crate::store::StoreError;
use crate::store::bulk::Asks;
use crate::store::records::{Configured, all, of_rows, put};

/// Keeps other writers out and lets readers in.
const LOCK: &str = "LOCK TABLE record IN SHARE ROW EXCLUSIVE MODE";

#[async_trait]
impl Configured for PostgresLedger {
    async fn records(&mut self) -> Result<Records, StoreError> {
        self.run(query(LOCK)).await?;
        of_rows(self.ask(all()).await?)
    }

    async fn put_record(&mut self, change: &RecordChange) -> Result<(), StoreError> {
        self.run(put!(change)).await
    }
}
