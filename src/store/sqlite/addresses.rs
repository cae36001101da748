//! Addresses on SQLite.

use async_trait::async_trait;
use sqlx::query;

use super::ledger::SqliteLedger;
use crate::domain::suppression::AddressChange;
use crate::store::StoreError;
use crate::store::addresses::{Addresses, LIFT, REACHED, mark};

#[async_trait]
impl Addresses for SqliteLedger<'_> {
    async fn addresses(&mut self, changes: &[AddressChange]) -> Result<(), StoreError> {
        for change in changes {
            let query = match change {
                AddressChange::Marked(suppression) => mark!(suppression),
                AddressChange::Reached(channel, address) => {
                    query(REACHED).bind(channel.as_str()).bind(address.expose())
                }
                AddressChange::Lifted(id) => query(LIFT).bind(id.to_string()),
            };
            self.run(query).await?;
        }
        Ok(())
    }
}
