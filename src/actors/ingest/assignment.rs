//! The partitions that are ours: which offsets may be committed, and which partitions are to be
//! given up as soon as nothing of them is in flight (I11).

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::event::Position;
use crate::domain::offsets::OffsetLedger;

type Partition = (Arc<str>, i32);

/// The ledgers of all partitions.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    ledgers: HashMap<Partition, OffsetLedger>,
    revoking: Vec<Partition>,
}

/// Offsets that may be committed: topic, partition, and the offset after the last stored one.
#[derive(Debug, Default)]
pub(super) struct Safe(HashMap<Partition, i64>);

impl Safe {
    pub(super) fn into_iter(self) -> impl Iterator<Item = (Partition, i64)> {
        self.0.into_iter()
    }
}

impl Assignment {
    /// A record was read.
    pub(super) fn take(&mut self, position: &Position) {
        if let Position::Kafka { topic, partition, offset, .. } = position {
            self.ledgers.entry((Arc::clone(topic), *partition)).or_default().take(*offset);
        }
    }

    /// A record is on stable storage.
    pub(super) fn settle(&mut self, position: &Position, safe: &mut Safe) {
        if let Position::Kafka { topic, partition, offset, .. } = position {
            let key = (Arc::clone(topic), *partition);
            let ledger = self.ledgers.get_mut(&key);
            if let Some(moved) = ledger.and_then(|ledger| ledger.settle(*offset)) {
                safe.0.insert(key, moved);
            }
        }
    }

    /// The log of this partition starts again; what is in flight of the old one settles without a ledger.
    pub(super) fn start_again(&mut self, topic: &Arc<str>, partition: i32) {
        self.ledgers.remove(&(Arc::clone(topic), partition));
    }

    /// These partitions are to be given up.
    pub(super) fn revoke(&mut self, partitions: Vec<Partition>) {
        self.revoking.extend(partitions);
    }

    /// Gives up what is to be given up, if nothing of it is in flight. True if it was.
    pub(super) fn give_up(&mut self) -> bool {
        let waits = |key: &Partition| self.ledgers.get(key).is_some_and(|ledger| ledger.waiting() > 0);
        if self.revoking.is_empty() || self.revoking.iter().any(waits) {
            return false;
        }
        for partition in self.revoking.drain(..) {
            self.ledgers.remove(&partition);
        }
        true
    }
}
