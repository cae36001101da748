//! What attempts say about addresses.

use std::sync::Arc;

use crate::domain::ids::SuppressionId;
use crate::domain::suppression::{AddressChange, Suppression};
use crate::store::batch::{Attempted, Lesson};

/// What an attempt says about its address, as a row.
pub(super) fn learned(attempted: &Attempted) -> Option<AddressChange> {
    let target = &attempted.about.as_ref()?.target;
    let (channel, address) = (target.channel.clone(), target.address.clone());
    match attempted.lesson {
        Lesson::Nothing => None,
        Lesson::Reached => Some(AddressChange::Reached(channel, address)),
        Lesson::Marked(mark) => Some(AddressChange::Marked(Suppression {
            id: SuppressionId::new(attempted.at, fastrand::u128(..)),
            channel,
            address,
            recipient: Arc::clone(&target.recipient),
            mark,
            strikes: 1,
            code: attempted.code.clone(),
            detail: attempted.detail.clone(),
            delivery: attempted.id,
            since: attempted.at,
            last_at: attempted.at,
        })),
    }
}
