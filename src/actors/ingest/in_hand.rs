//! Records that are read and not yet on stable storage, in the order of their source.
//!
//! A record may hold several events, and each of them is an item. The record is in hand until the last of
//! its items is released.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::event::{Event, Position};
use crate::domain::names::SourceName;
use crate::messages::ingest::{Settled, SettledAs};
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
    /// One that is let go: nobody has to write it down.
    Ignored {
        /// Whose it is.
        source: SourceName,
        /// Where it lies.
        position: Position,
        /// By which rule.
        rule: String,
    },
}

impl Item {
    /// Where it lies in its source.
    pub(super) fn position(&self) -> &Position {
        match self {
            Self::Event(event) => &event.position,
            Self::Letter(letter) => &letter.position,
            Self::Ignored { position, .. } => position,
        }
    }

    /// What settles it without anybody else, if that is so.
    pub(super) fn settled_by_itself(&self) -> Option<Settled> {
        match self {
            Self::Event(_) | Self::Letter(_) => None,
            Self::Ignored { position, rule, .. } => {
                Some(Settled { position: position.clone(), as_what: SettledAs::Ignored(rule.clone()) })
            }
        }
    }

    /// How many credits it holds. The bytes of requests are counted where they come in.
    pub(super) fn weight(&self) -> usize {
        let raw = match self {
            Self::Event(event) => &event.raw,
            Self::Letter(letter) => &letter.raw,
            Self::Ignored { .. } => return 1,
        };
        match self.position().whole() {
            Position::Kafka { .. } | Position::Message { .. } => weight(raw.len()),
            Position::Request(_) | Position::Replay { .. } | Position::Retry(_) | Position::Part { .. } => 1,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct InHand {
    items: BTreeMap<u64, Item>,
    places: HashMap<Position, u64>,
    /// Records that are items of several parts: how many of them are still held.
    wholes: HashMap<Position, usize>,
    next: u64,
}

/// What is not held any more.
#[derive(Debug)]
pub(super) struct Released {
    pub(super) item: Item,
    /// The record that it was the last of, which may be settled now.
    pub(super) record: Option<Position>,
}

impl InHand {
    pub(super) fn hold(&mut self, item: Item) {
        if let Position::Part { of, .. } = item.position() {
            *self.wholes.entry((**of).clone()).or_default() += 1;
        }
        self.places.insert(item.position().clone(), self.next);
        self.items.insert(self.next, item);
        self.next += 1;
    }

    /// What was held, if it was.
    pub(super) fn release(&mut self, position: &Position) -> Option<Released> {
        let place = self.places.remove(position)?;
        let item = self.items.remove(&place)?;
        let record = match position {
            Position::Part { of, .. } => self.is_last_of(of).then(|| (**of).clone()),
            whole => Some(whole.clone()),
        };
        Some(Released { item, record })
    }

    /// One part less is held of a record. Was it the last?
    fn is_last_of(&mut self, record: &Position) -> bool {
        let Some(left) = self.wholes.get_mut(record) else { return true };
        *left -= 1;
        let is_last = *left == 0;
        if is_last {
            self.wholes.remove(record);
        }
        is_last
    }

    /// Is this item held, or any part of this record?
    pub(super) fn contains(&self, position: &Position) -> bool {
        self.places.contains_key(position) || self.wholes.contains_key(position)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// As the source gave them.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Item> + '_ {
        self.items.values().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::ids::DeadLetterId;
    use crate::domain::malformed::Malformation;

    fn item(position: &Position) -> Item {
        Item::Letter(Quarantined {
            id: DeadLetterId::new(Timestamp::UNIX_EPOCH, 1),
            source: "topic".into(),
            position: position.clone(),
            reason: Malformation::Schema,
            detail: String::new(),
            came_back: 0,
            raw: Arc::from([]),
        })
    }

    #[test]
    fn a_record_is_in_hand_until_the_last_of_its_parts_is_released() {
        let record = Position::Message { stream: "alerts".into(), id: "7".into() };
        let part = |number| Position::Part { of: Box::new(record.clone()), number };
        let mut held = InHand::default();
        (1..=3).for_each(|number| held.hold(item(&part(number))));
        assert!(held.contains(&record) && held.contains(&part(2)) && !held.contains(&part(4)));
        for (number, settled) in [(2, None), (1, None), (3, Some(&record))] {
            assert!(held.contains(&record), "before part {number}");
            let released = held.release(&part(number)).expect("it was held");
            assert_eq!(released.record.as_ref(), settled, "after part {number}");
            assert!(held.release(&part(number)).is_none(), "once");
        }
        assert!(held.is_empty() && !held.contains(&record));
    }

    #[test]
    fn a_record_of_one_event_is_settled_with_it() {
        let record = Position::Message { stream: "alerts".into(), id: "7".into() };
        let mut held = InHand::default();
        held.hold(item(&record));
        assert_eq!(held.release(&record).and_then(|released| released.record), Some(record));
    }
}
