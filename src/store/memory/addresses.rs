//! Addresses on plain collections.

use async_trait::async_trait;

use super::state::State;
use crate::domain::receipt::ReceiptKind;
use crate::domain::suppression::{AddressChange, Suppression};
use crate::store::StoreError;
use crate::store::addresses::Addresses;

#[async_trait]
impl Addresses for State {
    async fn addresses(&mut self, changes: &[AddressChange]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                AddressChange::Marked(new) => self.mark(new),
                AddressChange::Reached(channel, address) => {
                    let receipts = &self.receipts;
                    let came_back = |one: &Suppression| {
                        receipts.get(&one.delivery).is_some_and(|known| known.kind == ReceiptKind::Bounced)
                    };
                    self.suppressions
                        .retain(|one| one.channel != *channel || one.address != *address || came_back(one));
                }
                AddressChange::Lifted(id) => self.suppressions.retain(|one| one.id != *id),
            }
        }
        Ok(())
    }
}

impl State {
    fn mark(&mut self, new: &Suppression) {
        let same = |one: &&mut Suppression| one.channel == new.channel && one.address == new.address;
        let Some(known) = self.suppressions.iter_mut().find(same) else {
            return self.suppressions.push(Suppression { strikes: 1, since: new.last_at, ..new.clone() });
        };
        let strikes = known.strikes + u32::from(known.delivery != new.delivery);
        let (id, since) = (known.id, known.since);
        *known = Suppression { id, since, strikes, ..new.clone() };
    }
}
