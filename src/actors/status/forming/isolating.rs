//! What to do about an event that the store cannot write: find it, and put it where it holds nobody.

use std::sync::Arc;

use super::{Forming, Seats};
use crate::actors::status::deciding::Deciding;
use crate::domain::acceptance::Grants;
use crate::domain::ids::DeadLetterId;
use crate::domain::malformed::Malformation;
use crate::store::batch::{Batch, Quarantined};

impl Forming {
    /// The same work with each event by itself, so that one that the store cannot write does not hold
    /// the others (I5). Places that were granted go back to their pools.
    pub(in crate::actors::status) fn isolate(self, batch: &Batch, seats: &mut Seats) -> Vec<(Batch, Self)> {
        for (channel, pool, places) in &self.granted {
            if let Some(seat) = seats.0.get_mut(channel).filter(|seat| seat.pool.id() == *pool) {
                seat.places += places;
            }
        }
        let empty = || Batch::empty(batch.lease.clone(), batch.now, batch.rules.clone());
        let mut parts = Vec::with_capacity(batch.accepts.len() + 1);
        let mut accepts = batch.accepts.iter();
        for (count, from) in &self.accepts_from {
            for accept in accepts.by_ref().take(*count) {
                let alone = Self { accepts_from: vec![(1, from.clone())], ..Self::default() };
                parts.push((Batch { accepts: vec![accept.clone()], ..empty() }, alone));
            }
        }
        for (part, deciding) in self.deciding.isolate(batch) {
            parts.push((part, Self { deciding, ..Self::default() }));
        }
        let rest = Batch {
            accepts: Vec::new(),
            acts: Vec::new(),
            firings: Vec::new(),
            grants: Grants::new(),
            ..batch.clone()
        };
        if !rest.is_empty() {
            let (accepts_from, granted, deciding) = (Vec::new(), Vec::new(), Deciding::default());
            parts.push((rest, Self { accepts_from, granted, deciding, ..self }));
        }
        parts
    }

    /// The one event of this batch as a dead letter, if the batch is nothing else.
    pub(in crate::actors::status) fn condemn(&self, batch: &Batch, why: &str) -> Option<(Batch, Self)> {
        let ([accept], [(1, from)]) = (batch.accepts.as_slice(), self.accepts_from.as_slice()) else {
            return None;
        };
        let nothing_else = Batch { accepts: Vec::new(), ..batch.clone() }.is_empty();
        if !nothing_else {
            return None;
        }
        let event = &accept.event;
        let letter = Quarantined {
            id: DeadLetterId::new(batch.now, fastrand::u128(..)),
            source: event.source.clone(),
            position: event.position.clone(),
            reason: Malformation::Poison,
            detail: why.to_owned(),
            came_back: event.came_back,
            raw: Arc::clone(&event.raw),
        };
        let condemned = Self { letters_from: vec![(1, from.clone())], ..Self::default() };
        let batch = Batch { accepts: Vec::new(), quarantined: vec![letter], ..batch.clone() };
        Some((batch, condemned))
    }
}
