//! How often a child may die before its parent stops believing in restarts.

use std::collections::VecDeque;
use std::time::Duration;

use super::Timestamp;

/// So many restarts within so much time.
#[derive(Debug, Clone)]
pub struct RestartBudget {
    max_restarts: usize,
    window: Duration,
    deaths: VecDeque<Timestamp>,
}

/// What to do about a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Restart {
    /// Start it again after this wait, which grows with each recent death.
    After(Duration),
    /// The budget is spent: degrade the lane, and start it again after this window.
    GiveUp(Duration),
}

/// The first restart waits this long; each further one twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(10);

impl RestartBudget {
    /// A budget of `max_restarts` within any `window`.
    pub fn new(max_restarts: usize, window: Duration) -> Self {
        Self { max_restarts, window, deaths: VecDeque::new() }
    }

    /// Records a death at `now` and says what to do.
    pub fn died(&mut self, now: Timestamp) -> Restart {
        while self.deaths.front().is_some_and(|death| self.is_old(*death, now)) {
            self.deaths.pop_front();
        }
        if self.deaths.len() >= self.max_restarts {
            return Restart::GiveUp(self.window);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.deaths.len().min(10));
        self.deaths.push_back(now);
        Restart::After(wait)
    }

    fn is_old(&self, death: Timestamp, now: Timestamp) -> bool {
        Duration::try_from(now.duration_since(death)).is_ok_and(|age| age >= self.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn a_budget_is_spent_within_its_window_and_comes_back_after_it() {
        let mut budget = RestartBudget::new(3, Duration::from_secs(60));
        assert_eq!(budget.died(at(0)), Restart::After(Duration::from_millis(10)));
        assert_eq!(budget.died(at(1)), Restart::After(Duration::from_millis(20)));
        assert_eq!(budget.died(at(2)), Restart::After(Duration::from_millis(40)));
        assert_eq!(budget.died(at(3)), Restart::GiveUp(Duration::from_secs(60)));
        assert_eq!(budget.died(at(60)), Restart::After(Duration::from_millis(40)));
        assert_eq!(budget.died(at(60)), Restart::GiveUp(Duration::from_secs(60)));
    }

    #[test]
    fn a_clock_that_goes_backwards_does_not_refill_the_budget() {
        let mut budget = RestartBudget::new(1, Duration::from_secs(60));
        let _ = budget.died(at(100));
        assert_eq!(budget.died(at(0)), Restart::GiveUp(Duration::from_secs(60)));
    }
}
