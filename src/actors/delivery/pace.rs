//! How fast a pool may send. Asking takes a place; whoever gets none hears when there is one.

use std::sync::Arc;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};

use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::delivery::{Address, Job};
use crate::domain::ids::DeliveryId;
use crate::domain::rate::{Rate, Rates};

type Whole = RateLimiter<NotKeyed, InMemoryState, Clock, NoOpMiddleware<Nanos>>;
type Each<K> = RateLimiter<K, DashMapStateStore<K>, Clock, NoOpMiddleware<Nanos>>;

/// The bounds of one pool.
pub(super) struct Pace {
    channel: Option<Whole>,
    recipient: Option<Each<Address>>,
    destination: Option<Each<Arc<str>>>,
    /// Whose address was asked about last and found free: not asked again while the channel is full.
    free: Option<DeliveryId>,
    /// How many were asked about since addresses were last forgotten.
    asked: u32,
}

/// May this one go?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Yes.
    Now,
    /// No: nobody on this channel before then.
    AllWait(Timestamp),
    /// No: its address has had enough until then; others may.
    ThisWaits(Timestamp),
}

/// After so many questions, addresses that have rested are forgotten.
const FORGET_EVERY: u32 = 10_000;

impl Pace {
    pub(super) fn new(rates: Rates, clock: Clock) -> Self {
        Self {
            channel: rates.channel.map(|rate| RateLimiter::direct_with_clock(quota(rate), clock)),
            recipient: rates.recipient.map(|rate| each(rate, clock)),
            destination: rates.destination.map(|rate| each(rate, clock)),
            free: None,
            asked: 0,
        }
    }

    /// Takes a place for `job`, if there is one.
    pub(super) fn ask(&mut self, job: &Job) -> Turn {
        if self.free != Some(job.id) {
            if let Some(until) = self.address_waits(&job.target.address) {
                return Turn::ThisWaits(until);
            }
            self.free = Some(job.id);
        }
        match self.channel.as_ref().map(RateLimiter::check) {
            Some(Err(wait)) => Turn::AllWait(moment(&wait)),
            _ => Turn::Now,
        }
    }

    fn address_waits(&mut self, address: &Address) -> Option<Timestamp> {
        let domain = address.expose().rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase().into());
        let recipient = self.recipient.as_ref().and_then(|each| each.check_key(address).err());
        let waits = match (recipient, &self.destination, domain) {
            (Some(wait), ..) => Some(moment(&wait)),
            (None, Some(each), Some(domain)) => each.check_key(&domain).err().map(|wait| moment(&wait)),
            (None, ..) => None,
        };
        self.asked += 1;
        if self.asked >= FORGET_EVERY {
            self.asked = 0;
            self.recipient.iter().for_each(RateLimiter::retain_recent);
            self.destination.iter().for_each(RateLimiter::retain_recent);
        }
        waits
    }
}

fn each<K: std::hash::Hash + Eq + Clone>(rate: Rate, clock: Clock) -> Each<K> {
    RateLimiter::new(quota(rate), DashMapStateStore::default(), clock)
}

fn quota(rate: Rate) -> Quota {
    let quota = Quota::with_period(rate.interval()).unwrap_or_else(|| Quota::per_second(rate.count));
    quota.allow_burst(rate.burst())
}

fn moment(wait: &NotUntil<Nanos>) -> Timestamp {
    // Rounded up to what the clock can tell apart: a moment too early would ask in vain.
    let millis = wait.earliest_possible().as_u64().div_ceil(1_000_000);
    i64::try_from(millis)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .unwrap_or(Timestamp::MAX)
}
