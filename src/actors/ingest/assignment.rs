//! The partitions that are ours: which offsets may be committed, and which partitions are to be
//! given up as soon as nothing of them is in flight (I11).

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::event::Position;
use crate::domain::offsets::OffsetLedger;
use crate::messages::ingest::SettledAs;
use crate::sources::Source;

type Partition = (Arc<str>, i32);

/// The ledgers of all partitions.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    ledgers: HashMap<Partition, OffsetLedger>,
    revoking: Vec<Partition>,
}

/// What a source may be told of.
#[derive(Debug, Default)]
pub(super) struct Safe {
    /// Offsets that may be committed: topic, partition, and the offset after the last stored one.
    offsets: HashMap<Partition, i64>,
    /// Messages that are stored as events, or let go.
    messages: Vec<Arc<str>>,
    /// Messages that are stored as dead letters.
    letters: Vec<Arc<str>>,
}

impl Safe {
    pub(super) fn tell(self, source: &dyn Source) {
        for ((topic, partition), offset) in self.offsets {
            source.settle(&topic, partition, offset);
        }
        if !self.messages.is_empty() {
            source.acknowledge(&self.messages);
        }
        if !self.letters.is_empty() {
            source.set_aside(&self.letters);
        }
    }
}

impl Assignment {
    /// A record was read.
    pub(super) fn take(&mut self, position: &Position) {
        if let Position::Kafka { topic, partition, offset, .. } = position {
            self.ledgers.entry((Arc::clone(topic), *partition)).or_default().take(*offset);
        }
    }

    /// A record is on stable storage, all parts of it that are to be kept.
    pub(super) fn settle(&mut self, position: &Position, as_what: &SettledAs, safe: &mut Safe) {
        match position {
            Position::Kafka { topic, partition, offset, .. } => {
                let key = (Arc::clone(topic), *partition);
                let ledger = self.ledgers.get_mut(&key);
                if let Some(moved) = ledger.and_then(|ledger| ledger.settle(*offset)) {
                    safe.offsets.insert(key, moved);
                }
            }
            Position::Message { id, .. } => {
                let kept = match as_what {
                    SettledAs::Event(_) | SettledAs::Ignored(_) => &mut safe.messages,
                    SettledAs::DeadLetter(_) => &mut safe.letters,
                };
                kept.push(Arc::clone(id));
            }
            // A part is not what a source gave.
            Position::Request(_) | Position::Replay { .. } | Position::Retry(_) | Position::Part { .. } => {}
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
