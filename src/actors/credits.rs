//! Credits bound what is on its way to an actor, because its mailbox does not.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// So many things may be in flight at once. Shared by who hands out and who takes back.
#[derive(Debug)]
pub struct Credits {
    capacity: usize,
    in_use: AtomicUsize,
    returned: Notify,
}

impl Credits {
    /// `capacity` credits, all free.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, in_use: AtomicUsize::new(0), returned: Notify::new() }
    }

    /// How many there are in all.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many are in use; may exceed the capacity by what was taken past it.
    pub fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Acquire)
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.capacity.saturating_sub(self.in_use())
    }

    /// Takes `count` credits, past the capacity if need be: what was read is in hand already.
    pub fn take(&self, count: usize) {
        self.in_use.fetch_add(count, Ordering::AcqRel);
    }

    /// Gives `count` credits back.
    pub fn give_back(&self, count: usize) {
        let _ = self
            .in_use
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |in_use| Some(in_use.saturating_sub(count)));
        self.returned.notify_one();
    }

    /// Waits until some were given back. Cancel safe.
    pub async fn returned(&self) {
        self.returned.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_hand_may_exceed_them_and_nothing_goes_below_zero() {
        let credits = Credits::new(2);
        credits.take(5);
        assert_eq!((credits.free(), credits.in_use()), (0, 5));
        credits.give_back(9);
        assert_eq!(credits.free(), 2);
    }
}
