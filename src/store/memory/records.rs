//! Records on plain collections.

use async_trait::async_trait;

use super::state::State;
use crate::domain::record::{RecordChange, Records};
use crate::store::StoreError;
use crate::store::records::Configured;

#[async_trait]
impl Configured for State {
    async fn records(&mut self) -> Result<Records, StoreError> {
        Ok(self.records.clone())
    }

    async fn put_record(&mut self, change: &RecordChange) -> Result<(), StoreError> {
        self.records = self.records.after(change);
        Ok(())
    }
}
