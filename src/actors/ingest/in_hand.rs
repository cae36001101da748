//! Records that are read and not yet on stable storage, in the order of their source.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::event::{Event, Position};
use crate::store::batch::Quarantined;

/// So many bytes of a record count as one more: 2,048 credits are 32 MiB at most, give or take a poll.
const BYTES_OF_A_CREDIT: usize = 16 << 10;

/// How many credits a record of this size takes.
pub(super) fn weight(bytes: usize) -> usize {
    1 + bytes / BYTES_OF_A_CREDIT
}

/// What a record became when it was read.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// An event.
    Event(Arc<Event>),
    /// A record that is none.
    Letter(Quarantined),
}

impl Item {
    /// Where it lies in its source.
    pub(super) fn position(&self) -> &Position {
        match self {
            Self::Event(event) => &event.position,
            Self::Letter(letter) => &letter.position,
        }
    }

    /// How many credits it holds. The bytes of requests are counted where they come in.
    pub(super) fn weight(&self) -> usize {
        let raw = match self {
            Self::Event(event) => &event.raw,
            Self::Letter(letter) => &letter.raw,
        };
        match self.position() {
            Position::Kafka { .. } | Position::Message { .. } => weight(raw.len()),
            Position::Request(_) | Position::Replay { .. } | Position::Retry(_) => 1,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct InHand {
    items: BTreeMap<u64, Item>,
    places: HashMap<Position, u64>,
    next: u64,
}

impl InHand {
    pub(super) fn hold(&mut self, item: Item) {
        self.places.insert(item.position().clone(), self.next);
        self.items.insert(self.next, item);
        self.next += 1;
    }

    /// What was held, if it was.
    pub(super) fn release(&mut self, position: &Position) -> Option<Item> {
        let place = self.places.remove(position)?;
        self.items.remove(&place)
    }

    pub(super) fn contains(&self, position: &Position) -> bool {
        self.places.contains_key(position)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// As the source gave them.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Item> + '_ {
        self.items.values().cloned()
    }
}
