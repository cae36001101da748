//! How often somebody may ask, so that one caller does not take everybody's turn; and how often somebody
//! may come with a token that is none.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::gate::one_party;
use crate::clock::Clock;
use crate::config::RateLimit;

type Each<K> = RateLimiter<K, DashMapStateStore<K>, Clock, NoOpMiddleware<Nanos>>;

/// Wrong tokens from one address in a minute. Whoever has a right one is not held up by others who come
/// from there, as behind a proxy.
const FAILURES: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Sign-ins with the identity provider from one address in a minute: each has it asked.
const SIGN_INS: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// With so many callers, those that have rested are forgotten.
const REMEMBERED: usize = 10_000;

/// Who asked how often.
pub(super) struct Rates {
    callers: Option<Each<Arc<str>>>,
    failures: Each<IpAddr>,
    sign_ins: Each<IpAddr>,
    clock: Clock,
}

impl Rates {
    pub(super) fn new(rate: Option<RateLimit>, clock: Clock) -> Self {
        let callers = rate.map(|rate| {
            let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
            RateLimiter::new(quota, DashMapStateStore::default(), clock)
        });
        let each = |quota| RateLimiter::new(Quota::per_minute(quota), DashMapStateStore::default(), clock);
        Self { callers, failures: each(FAILURES), sign_ins: each(SIGN_INS), clock }
    }

    /// Takes one of the caller's turns, or says when there is one again.
    pub(super) fn take(&self, caller: impl FnOnce() -> Arc<str>) -> Result<(), Duration> {
        match &self.callers {
            None => Ok(()),
            Some(callers) => check(callers, &caller(), self.clock),
        }
    }

    /// Somebody at this address had a wrong token. `Err` if that was once too often.
    pub(super) fn failed(&self, address: IpAddr) -> Result<(), Duration> {
        check(&self.failures, &one_party(address), self.clock)
    }

    /// Somebody at this address signs in with the provider, or comes back from it.
    pub(super) fn sign_in(&self, address: IpAddr) -> Result<(), Duration> {
        check(&self.sign_ins, &one_party(address), self.clock)
    }
}

fn check<K: Clone + Eq + std::hash::Hash>(each: &Each<K>, who: &K, clock: Clock) -> Result<(), Duration> {
    if each.len() > REMEMBERED {
        each.retain_recent();
    }
    let now = governor::clock::Clock::now(&clock);
    each.check_key(who).map_err(|wait| wait.wait_time_from(now))
}
