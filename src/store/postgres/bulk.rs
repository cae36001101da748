//! Bulk jobs are asked about in the open transaction.

use async_trait::async_trait;

use super::ledger::PostgresLedger;
use super::{fetch, said};
use crate::store::StoreError;
use crate::store::bulk::Asks;
use crate::store::reading::{Ask, Dialect};
use crate::store::rows::Row;

#[async_trait]
impl Asks for PostgresLedger {
    const DIALECT: Dialect = Dialect::Postgres;

    async fn ask<T: Row>(&mut self, ask: Ask) -> Result<Vec<T>, StoreError> {
        fetch(&mut *self.transaction, ask).await.map_err(said)
    }
}
