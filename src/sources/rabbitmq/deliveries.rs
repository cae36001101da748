//! Which messages wait for an answer, by the tags of the channel that they came on.
//!
//! A tag counts from one on each channel and means nothing on another. So all are forgotten with their
//! channel, and a message that comes again is answered by the tag that it came with last.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// All that came on one channel and is not answered.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// A message that its producer sent twice is here twice.
    tags: HashMap<Arc<str>, Vec<u64>>,
    open: BTreeSet<u64>,
}

/// What may be said to the broker of messages that are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Answered {
    /// This one and all before it: nothing before it is open.
    pub(super) up_to: Option<u64>,
    /// And these.
    pub(super) single: Vec<u64>,
}

impl Deliveries {
    /// A message came.
    pub(super) fn take(&mut self, id: &Arc<str>, tag: u64) {
        self.tags.entry(Arc::clone(id)).or_default().push(tag);
        self.open.insert(tag);
    }

    /// These are settled: their tags, in order. What did not come on this channel has none.
    pub(super) fn close(&mut self, ids: &[Arc<str>]) -> Vec<u64> {
        let mut tags: Vec<u64> = ids.iter().filter_map(|id| self.tags.remove(id)).flatten().collect();
        tags.sort_unstable();
        for tag in &tags {
            self.open.remove(tag);
        }
        tags
    }

    /// These are stored.
    pub(super) fn answer(&mut self, ids: &[Arc<str>]) -> Answered {
        let mut tags = self.close(ids);
        let least_open = self.open.first().copied().unwrap_or(u64::MAX);
        let single = tags.split_off(tags.partition_point(|tag| *tag < least_open));
        Answered { up_to: tags.pop(), single }
    }

    /// How many are not answered.
    pub(super) fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// The channel is gone.
    pub(super) fn forget(&mut self) {
        self.tags.clear();
        self.open.clear();
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
            deliveries.take(&id, tag);
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
        assert_eq!(deliveries.close(&ids(&["a"])), [1]);
        assert_eq!(deliveries.answer(&ids(&["b"])), answered(Some(2), &[]));
    }

    #[test]
    fn a_message_that_came_twice_is_answered_twice() {
        let mut deliveries = came(&["a", "b", "a"]);
        assert_eq!(deliveries.answer(&ids(&["a"])), answered(Some(1), &[3]));
    }

    #[test]
    fn a_message_that_comes_again_is_answered_by_its_newest_tag() {
        let mut deliveries = came(&["a", "b", "c"]);
        deliveries.forget();
        for (tag, id) in (1..).zip(ids(&["c", "a"])) {
            deliveries.take(&id, tag);
        }
        assert_eq!(deliveries.answer(&ids(&["a", "b"])), answered(None, &[2]));
    }
}
