//! Callers of the API on PostgreSQL.

use async_trait::async_trait;

use super::ledger::PostgresLedger;
use crate::store::StoreError;
use crate::store::access::{Access, access};
use crate::store::batch::AccessChange;

#[async_trait]
impl Access for PostgresLedger {
    async fn access(&mut self, changes: &[AccessChange]) -> Result<(), StoreError> {
        access!(self, changes)
    }
}
