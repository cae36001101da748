//! Who is working on what, and what the store has not yet confirmed.
//!
//! A pool keeps every delivery here from the moment it gets it until the store has recorded how
//! the attempt ended. What a dead worker held is found here, and so is everything to say again
//! when the status actor was restarted.

use std::collections::HashMap;
use std::hash::Hash;

/// Deliveries in hand: `K` names a delivery, `W` a worker, `J` is the work, `O` its outcome.
#[derive(Debug)]
pub struct InFlight<K, W, J, O> {
    entries: HashMap<K, Entry<W, J, O>>,
}

#[derive(Debug)]
enum Entry<W, J, O> {
    Claimed { worker: W, job: J },
    Reported(O),
}

impl<K, W, J, O> Default for InFlight<K, W, J, O> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, W: PartialEq, J, O> InFlight<K, W, J, O> {
    /// `worker` starts on `job`.
    pub fn claim(&mut self, key: K, worker: W, job: J) {
        self.entries.insert(key, Entry::Claimed { worker, job });
    }

    /// The attempt ended. Gives the job back, or `None` if it was not being worked on any more.
    pub fn release(&mut self, key: &K) -> Option<J> {
        match self.entries.remove(key)? {
            Entry::Claimed { job, .. } => Some(job),
            reported @ Entry::Reported(_) => {
                self.entries.insert(key.clone(), reported);
                None
            }
        }
    }

    /// Keeps an outcome until the store has it.
    pub fn report(&mut self, key: K, outcome: O) {
        self.entries.insert(key, Entry::Reported(outcome));
    }

    /// The store has it. True if it was waited for.
    pub fn forget(&mut self, key: &K) -> bool {
        matches!(self.entries.get(key), Some(Entry::Reported(_))) && self.entries.remove(key).is_some()
    }

    /// What a dead worker held.
    pub fn orphaned_by(&mut self, dead: &W) -> Option<(K, J)> {
        let key = self.entries.iter().find_map(|(key, entry)| match entry {
            Entry::Claimed { worker, .. } if worker == dead => Some(key.clone()),
            Entry::Claimed { .. } | Entry::Reported(_) => None,
        })?;
        self.release(&key).map(|job| (key, job))
    }

    /// Everything the store has not confirmed.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &O> {
        self.entries.values().filter_map(|entry| match entry {
            Entry::Reported(outcome) => Some(outcome),
            Entry::Claimed { .. } => None,
        })
    }

    /// Everything in hand.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.keys()
    }

    /// How many deliveries are in hand.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when nothing is in hand.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Desk = InFlight<u32, &'static str, &'static str, &'static str>;

    #[test]
    fn a_delivery_leaves_only_when_the_store_has_its_outcome() {
        let mut desk = Desk::default();
        desk.claim(1, "w1", "job");
        assert!(!desk.forget(&1), "not reported yet");
        assert_eq!(desk.release(&1), Some("job"));
        desk.report(1, "sent");
        assert_eq!(desk.release(&1), None, "an outcome is not a job");
        assert_eq!(desk.unconfirmed().collect::<Vec<_>>(), [&"sent"]);
        assert!(desk.forget(&1));
        assert!(desk.is_empty());
    }

    #[test]
    fn a_dead_worker_gives_back_exactly_what_it_held() {
        let mut desk = Desk::default();
        desk.claim(1, "w1", "a");
        desk.claim(2, "w2", "b");
        assert_eq!(desk.orphaned_by(&"w2"), Some((2, "b")));
        assert_eq!(desk.orphaned_by(&"w2"), None);
        assert_eq!(desk.len(), 1);
    }
}
