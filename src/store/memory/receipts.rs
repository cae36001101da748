//! Receipts on plain collections.

use async_trait::async_trait;

use super::state::State;
use crate::domain::receipt::Receipt;
use crate::store::StoreError;
use crate::store::receipts::Receipts;

#[async_trait]
impl Receipts for State {
    async fn receipts(&mut self, receipts: &[Receipt]) -> Result<(), StoreError> {
        for receipt in receipts {
            if self.deliveries.contains_key(&receipt.delivery) {
                self.receipts.entry(receipt.delivery).or_insert_with(|| receipt.clone());
            }
        }
        Ok(())
    }
}
