//! Which messages wait for an answer, by the tags of the channel that they came on.
//!
//! A tag counts from one on each channel and means nothing on another. So all are forgotten with their
//! channel, and a message that comes again is answered by the tag that it came with last.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One that came back from the queue's place for dead letters more often than this does not go there again.
pub(super) const MOST_ROUNDS: u32 = 3;

/// All that came on one channel and is not answered.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// A message that its producer sent twice is here twice.
    tags: HashMap<Arc<str>, Vec<u64>>,
    /// How often each was rejected from this queue before.
    open: BTreeMap<u64, u32>,
}

/// What may be said to the broker of messages that are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Answered {
    /// This one and all before it: nothing before it is open.
    pub(super) up_to: Option<u64>,
    /// And these.
    pub(super) single: Vec<u64>,
}

/// What may be said to the broker of messages that are dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Dead {
    /// They go where the queue has a place for such.
    pub(super) rejected: Vec<u64>,
    /// They were there often enough.
    pub(super) kept: Vec<u64>,
}

impl Deliveries {
    /// A message came.
    pub(super) fn take(&mut self, id: &Arc<str>, tag: u64, rounds: u32) {
        self.tags.entry(Arc::clone(id)).or_default().push(tag);
        self.open.insert(tag, rounds);
    }

    /// These are settled: their tags, in order, and how often each was rejected. What did not come on this channel
    /// has none.
    fn close(&mut self, ids: &[Arc<str>]) -> BTreeMap<u64, u32> {
        let tags = ids.iter().filter_map(|id| self.tags.remove(id)).flatten();
        tags.filter_map(|tag| self.open.remove(&tag).map(|rounds| (tag, rounds))).collect()
    }

    /// These are dead letters.
    pub(super) fn reject(&mut self, ids: &[Arc<str>]) -> Dead {
        let mut dead = Dead::default();
        for (tag, rounds) in self.close(ids) {
            if rounds < MOST_ROUNDS { dead.rejected.push(tag) } else { dead.kept.push(tag) }
        }
        dead
    }

    /// These are stored.
    pub(super) fn answer(&mut self, ids: &[Arc<str>]) -> Answered {
        let mut tags: Vec<u64> = self.close(ids).into_keys().collect();
        let least_open = self.open.keys().next().copied().unwrap_or(u64::MAX);
        let single = tags.split_off(tags.partition_point(|tag| *tag < least_open));
        Answered { up_to: tags.pop(), single }
    }

    /// How many are not answered.
    pub(super) fn open(&self) -> u64 {
        self.open.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    fn came(names: &[&str]) -> Deliveries {
        let mut deliveries = Deliveries::default();
        for (tag, id) in (1..).zip(ids(names)) {
            deliveries.take(&id, tag, 0);
        }
        deliveries
    }

    fn answered(up_to: Option<u64>, single: &[u64]) -> Answered {
        Answered { up_to, single: single.to_vec() }
    }

    #[test]
    fn a_run_is_answered_at_once_and_what_lies_behind_a_gap_one_by_one() {
        let mut deliveries = came(&["a", "b", "c", "d", "e"]);
        assert_eq!(deliveries.answer(&ids(&["b", "d"])), answered(None, &[2, 4]));
        assert_eq!(deliveries.answer(&ids(&["a"])), answered(Some(1), &[]));
        assert_eq!(deliveries.answer(&ids(&["e", "c"])), answered(Some(5), &[]));
    }

    #[test]
    fn nothing_is_answered_twice_and_nothing_that_did_not_come() {
        let mut deliveries = came(&["a", "b"]);
        assert_eq!(deliveries.answer(&ids(&["a", "x"])), answered(Some(1), &[]));
        assert_eq!(deliveries.answer(&ids(&["a"])), answered(None, &[]));
    }

    #[test]
    fn what_was_rejected_holds_nothing_up() {
        let mut deliveries = came(&["a", "b", "c"]);
        assert_eq!(deliveries.reject(&ids(&["a"])), Dead { rejected: vec![1], kept: Vec::new() });
        assert_eq!(deliveries.answer(&ids(&["b"])), answered(Some(2), &[]));
    }

    #[test]
    fn a_message_that_came_twice_is_answered_twice() {
        let mut deliveries = came(&["a", "b", "a"]);
        assert_eq!(deliveries.answer(&ids(&["a"])), answered(Some(1), &[3]));
    }

    #[test]
    fn what_was_rejected_often_enough_is_not_rejected_again() {
        let mut deliveries = Deliveries::default();
        for (tag, id) in (1..).zip(ids(&["a", "b", "c"])) {
            deliveries.take(&id, tag, MOST_ROUNDS + 1 - u32::try_from(tag).expect("small"));
        }
        assert_eq!(deliveries.reject(&ids(&["a", "b", "c"])), Dead { rejected: vec![2, 3], kept: vec![1] });
        assert_eq!(deliveries.open(), 0);
    }
}
