//! Receipts on SQLite.

use async_trait::async_trait;
use sqlx::query;

use super::ledger::SqliteLedger;
use crate::domain::receipt::Receipt;
use crate::store::StoreError;
use crate::store::receipts::{KEEP, Receipts};

#[async_trait]
impl Receipts for SqliteLedger<'_> {
    async fn receipts(&mut self, receipts: &[Receipt]) -> Result<(), StoreError> {
        for receipt in receipts {
            let query = query(KEEP)
                .bind(receipt.delivery.to_string())
                .bind(receipt.kind.as_str())
                .bind(&receipt.code)
                .bind(&receipt.detail)
                .bind(receipt.at.as_millisecond());
            self.run(query).await?;
        }
        Ok(())
    }
}
