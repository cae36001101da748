//! Records on SQLite.

use async_trait::async_trait;

use super::ledger::SqliteLedger;
use crate::domain::record::{RecordChange, Records};
use crate::store::StoreError;
use crate::store::bulk::Asks;
use crate::store::records::{Configured, all, of_rows, put};

#[async_trait]
impl Configured for SqliteLedger<'_> {
    async fn records(&mut self) -> Result<Records, StoreError> {
        of_rows(self.ask(all()).await?)
    }

    async fn put_record(&mut self, change: &RecordChange) -> Result<(), StoreError> {
        self.run(put!(change)).await
    }
}
