//! Which offset of a partition may be committed when records settle out of order (I11).
//!
//! A record is *taken* when it is read and *settled* once it is on stable storage. What may be
//! committed is the offset after the longest settled run: never past a record that is not stored.
//! Offsets may have gaps (transactions, compaction); only taken offsets are waited for.

use std::collections::BTreeMap;

/// The ledger of one partition in one assignment of it.
#[derive(Debug, Clone, Default)]
pub struct OffsetLedger {
    /// Taken and not yet given up, each with whether it is settled.
    open: BTreeMap<i64, Settlement>,
    committed: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settlement {
    Waiting,
    Settled,
}

impl OffsetLedger {
    /// A record was read. Reading it again (after a seek) changes nothing.
    pub fn take(&mut self, offset: i64) {
        if self.committed.is_none_or(|committed| offset >= committed) {
            self.open.entry(offset).or_insert(Settlement::Waiting);
        }
    }

    /// A record is on stable storage. Returns the offset to commit, if it moved.
    #[must_use]
    pub fn settle(&mut self, offset: i64) -> Option<i64> {
        *self.open.get_mut(&offset)? = Settlement::Settled;
        let mut safe = None;
        while let Some(first) = self.open.first_entry()
            && *first.get() == Settlement::Settled
        {
            safe = Some(first.remove_entry().0 + 1);
        }
        self.committed = safe.or(self.committed);
        safe
    }

    /// How many records are taken and not settled.
    pub fn waiting(&self) -> usize {
        self.open.values().filter(|settlement| **settlement == Settlement::Waiting).count()
    }

    /// True when nothing taken is unsettled.
    pub fn is_drained(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ledger(taken: &[i64]) -> OffsetLedger {
        let mut ledger = OffsetLedger::default();
        taken.iter().for_each(|offset| ledger.take(*offset));
        ledger
    }

    #[test]
    fn settling_in_order_moves_one_by_one() {
        let mut ledger = ledger(&[0, 1, 2]);
        assert_eq!(ledger.settle(0), Some(1));
        assert_eq!(ledger.settle(1), Some(2));
        assert_eq!(ledger.settle(2), Some(3));
        assert!(ledger.is_drained());
    }

    #[test]
    fn the_first_unsettled_record_holds_everything_behind_it() {
        let mut ledger = ledger(&[0, 1, 2]);
        assert_eq!(ledger.settle(2), None);
        assert_eq!(ledger.settle(1), None);
        assert_eq!(ledger.settle(0), Some(3));
    }

    #[test]
    fn gaps_in_the_log_are_stepped_over() {
        let mut ledger = ledger(&[5, 9, 40]);
        assert_eq!(ledger.settle(9), None);
        assert_eq!(ledger.settle(5), Some(10));
        assert_eq!(ledger.settle(40), Some(41));
    }

    #[test]
    fn settling_twice_or_something_never_taken_changes_nothing() {
        let mut ledger = ledger(&[0, 1]);
        assert_eq!(ledger.settle(0), Some(1));
        assert_eq!(ledger.settle(0), None);
        assert_eq!(ledger.settle(77), None);
        ledger.take(0);
        assert_eq!(ledger.waiting(), 1);
    }

    proptest! {
        /// The reference: the largest n such that every taken offset below n is settled.
        #[test]
        fn what_is_committed_is_what_the_reference_says(
            taken in proptest::collection::btree_set(0_i64..60, 1..40),
            order in proptest::collection::vec(0_usize..1000, 0..80),
        ) {
            let offsets: Vec<i64> = taken.iter().copied().collect();
            let mut ledger = ledger(&offsets);
            let mut settled = std::collections::BTreeSet::new();
            let mut committed = None;
            for pick in order {
                let offset = offsets[pick % offsets.len()];
                settled.insert(offset);
                if let Some(moved) = ledger.settle(offset) {
                    prop_assert!(committed < Some(moved), "commits only move forward");
                    committed = Some(moved);
                }
                let reference =
                    offsets.iter().take_while(|offset| settled.contains(offset)).last().map(|o| o + 1);
                prop_assert_eq!(committed, reference);
            }
        }
    }
}
