//! The one clock. Wall time is derived from tokio's monotonic clock, so that a test that pauses
//! tokio moves timers and stored timestamps together, and a jump of the machine's clock never
//! fires a timer twice.

use std::time::Duration;

use governor::nanos::Nanos;
use jiff::Timestamp;
use tokio::time::Instant;

/// Wall time as `epoch + time since start`.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch: Timestamp,
    started: Instant,
}

impl Clock {
    /// A clock that agrees with the machine's now.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn system() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A clock that says `epoch` now.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self { epoch, started: Instant::now() }
    }

    /// What time it is, to the millisecond, which is what the store keeps.
    pub fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = self.epoch.as_millisecond().saturating_add(elapsed);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }

    /// How long until `moment`; zero if it is past.
    pub fn until(&self, moment: Timestamp) -> Duration {
        Duration::try_from(moment.duration_since(self.now())).unwrap_or_default()
    }
}

/// Rates are kept by the same clock.
impl governor::clock::Clock for Clock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let millis = u64::try_from(Self::now(self).as_millisecond()).unwrap_or(0);
        Nanos::from(Duration::from_millis(millis))
    }
}
