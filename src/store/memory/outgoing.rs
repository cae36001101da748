//! Events out on plain collections.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;

use super::state::State;
use crate::domain::Timestamp;
use crate::domain::delivery::Lease;
use crate::domain::names::{ChannelName, NodeName, SinkName};
use crate::domain::outgoing::{Outgoing, Parcel};
use crate::store::StoreError;
use crate::store::batch::Turn;
use crate::store::outgoing::{COUNTED, Posts};
use crate::store::write::Candidate;

/// What waits, in its order, and whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    last: i64,
    waiting: BTreeMap<i64, (Parcel, Timestamp)>,
    turns: HashMap<SinkName, (NodeName, Timestamp)>,
}

impl Outbox {
    fn of<'a>(&'a self, sink: &'a SinkName) -> impl Iterator<Item = &'a (Parcel, Timestamp)> {
        self.waiting.values().filter(move |(parcel, _)| parcel.outgoing.sink == *sink)
    }

    pub(super) fn waiting(&self, sink: &SinkName) -> (u64, Option<Timestamp>) {
        let head: Vec<Timestamp> = self.of(sink).take(COUNTED).map(|(parcel, _)| parcel.created_at).collect();
        (head.len() as u64, head.into_iter().min())
    }
}

#[async_trait]
impl Posts for State {
    async fn post(&mut self, now: Timestamp, outgoing: &[Outgoing]) -> Result<(), StoreError> {
        for new in outgoing {
            if self.outbox.of(&new.sink).any(|(parcel, _)| parcel.outgoing.id == new.id) {
                continue;
            }
            self.outbox.last += 1;
            let number = self.outbox.last;
            let parcel = Parcel { number, outgoing: new.clone(), created_at: now, attempts: 0 };
            self.outbox.waiting.insert(number, (parcel, now));
        }
        Ok(())
    }

    async fn handed(&mut self, turn: &Turn) -> Result<(), StoreError> {
        for number in &turn.done {
            self.outbox.waiting.remove(number);
        }
        for (number, at) in &turn.refused {
            if let Some((parcel, due_at)) = self.outbox.waiting.get_mut(number) {
                parcel.attempts += 1;
                *due_at = *at;
            }
        }
        Ok(())
    }

    async fn hold(&mut self, lease: &Lease, now: Timestamp, turn: &Turn) -> Result<bool, StoreError> {
        let theirs = |(node, until): &(NodeName, Timestamp)| *node != lease.node && *until > now;
        if self.outbox.turns.get(&turn.sink).is_some_and(theirs) {
            return Ok(false);
        }
        self.outbox.turns.insert(turn.sink.clone(), (lease.node.clone(), turn.until));
        Ok(true)
    }

    async fn parcels(&mut self, now: Timestamp, turn: &Turn) -> Result<Vec<Parcel>, StoreError> {
        let mut put_off = HashSet::new();
        let mut parcels = Vec::new();
        for (parcel, due_at) in self.outbox.of(&turn.sink) {
            let about = parcel.outgoing.about.as_str();
            if *due_at > now {
                put_off.insert(about);
            } else if !put_off.contains(about) && parcels.len() < turn.limit {
                parcels.push(parcel.clone());
            }
        }
        Ok(parcels)
    }

    async fn held_by(&mut self, lease: &Lease, channel: &ChannelName) -> Result<Vec<Candidate>, StoreError> {
        let of_channel = self.in_hand.iter().filter(|(name, _)| name == channel);
        let stored = of_channel.filter_map(|(_, id)| self.deliveries.get(id));
        let ours = stored.filter(|stored| stored.owner.as_ref().is_some_and(|by| by.node == lease.node));
        Ok(ours.map(|stored| self.candidate(stored)).collect())
    }
}
