//! How often somebody is answered by itself. Two machines that answer each other would never end, and
//! every word costs money; what is asked for is done all the same.

use std::num::NonZeroU32;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::domain::delivery::Address;

/// The most answers to one address in an hour.
const HOURLY: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// With so many addresses, those that have rested are forgotten.
const REMEMBERED: usize = 10_000;

/// Who was answered how often.
pub(super) struct Answers(RateLimiter<Address, DashMapStateStore<Address>, Clock, NoOpMiddleware<Nanos>>);

impl Answers {
    pub(super) fn new(clock: Clock) -> Self {
        Self(RateLimiter::new(Quota::per_hour(HOURLY), DashMapStateStore::default(), clock))
    }

    /// Takes one of the answers that there still are for `address`.
    pub(super) fn may_answer(&self, address: &Address) -> bool {
        if self.0.len() > REMEMBERED {
            self.0.retain_recent();
        }
        self.0.check_key(address).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_writes_on_and_on_is_answered_ten_times_an_hour() {
        let answers = Answers::new(Clock::system());
        let (one, other) = (Address::from("+15550111"), Address::from("+15550222"));
        let answered = |address| (0..50).filter(|_| answers.may_answer(address)).count();
        assert_eq!((answered(&one), answered(&other)), (10, 10));
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(answered(&one), 10);
    }
}
