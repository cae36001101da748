//! Whether a channel may be used right now.
//!
//! A lane is *open* until its provider fails several times in a row in a way that concerns the
//! channel and not one message; then it is *held* for a while that doubles each time, and reopened
//! by one successful *probe*. Deliveries wait meanwhile and burn no attempts. A provider's own wish
//! to wait, or a credential it refuses, holds the lane at once.

use std::time::Duration;

use super::Timestamp;
use super::retry::later;

/// This many channel faults in a row, with no success between, hold the lane.
pub const FAULTS_TO_HOLD: u32 = 5;
/// The first hold, after which one probe goes out.
pub const FIRST_HOLD: Duration = Duration::from_secs(1);
/// The longest hold: how stale a recovered provider may go unnoticed.
pub const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// The state of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    state: State,
    /// Channel faults since the last success.
    faults: u32,
    /// Holds since the last success.
    holds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Held { until: Timestamp },
    Probing,
}

/// May an attempt start?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Yes.
    Freely,
    /// One, and no more until it has ended.
    OneProbe,
    /// Not before this moment.
    NotBefore(Timestamp),
    /// Not while the probe is out.
    AfterProbe,
}

/// What an attempt said about the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The provider answered, whatever it said about the message.
    Well,
    /// The provider cannot, or cannot be reached.
    Unwell,
    /// The provider, or our credential, asks the whole channel to wait until then.
    WaitUntil(Timestamp),
    /// It says nothing about the channel.
    Nothing,
}

/// A change worth telling people about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Still as it was.
    None,
    /// Now held.
    Held,
    /// Open again.
    Reopened,
}

impl Default for Lane {
    fn default() -> Self {
        Self { state: State::Open, faults: 0, holds: 0 }
    }
}

impl Lane {
    /// May an attempt start at `now`? Asking does not start one.
    pub fn may_start(&self, now: Timestamp) -> Start {
        match self.state {
            State::Open => Start::Freely,
            State::Held { until } if now >= until => Start::OneProbe,
            State::Held { until } => Start::NotBefore(until),
            State::Probing => Start::AfterProbe,
        }
    }

    /// An attempt starts.
    pub fn started(&mut self, now: Timestamp) {
        if let State::Held { until } = self.state
            && now >= until
        {
            self.state = State::Probing;
        }
    }

    /// An attempt ended with this sign.
    pub fn ended(&mut self, sign: Sign, now: Timestamp) -> Change {
        match sign {
            Sign::Well => {
                let change = if self.state == State::Open { Change::None } else { Change::Reopened };
                *self = Self::default();
                change
            }
            Sign::WaitUntil(until) => self.hold(until),
            Sign::Unwell => {
                self.faults += 1;
                if self.faults < FAULTS_TO_HOLD && self.state == State::Open {
                    return Change::None;
                }
                match self.state {
                    // What was already under way when the lane was held says nothing new.
                    State::Held { .. } => Change::None,
                    State::Open | State::Probing => {
                        let wait = FIRST_HOLD.saturating_mul(1 << self.holds.min(10)).min(LONGEST_HOLD);
                        self.hold(later(now, wait))
                    }
                }
            }
            Sign::Nothing => {
                if self.state == State::Probing {
                    self.state = State::Held { until: now };
                }
                Change::None
            }
        }
    }

    fn hold(&mut self, until: Timestamp) -> Change {
        let change = if self.state == State::Open { Change::Held } else { Change::None };
        let until = match self.state {
            State::Held { until: already } => already.max(until),
            State::Open | State::Probing => until,
        };
        self.state = State::Held { until };
        self.holds += 1;
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn held_at_zero() -> Lane {
        let mut lane = Lane::default();
        for _ in 1..FAULTS_TO_HOLD {
            assert_eq!(lane.ended(Sign::Unwell, at(0)), Change::None);
        }
        assert_eq!(lane.ended(Sign::Unwell, at(0)), Change::Held);
        lane
    }

    #[test]
    fn a_success_in_between_keeps_the_lane_open() {
        let mut lane = Lane::default();
        for _ in 0..20 {
            for _ in 1..FAULTS_TO_HOLD {
                lane.ended(Sign::Unwell, at(0));
            }
            lane.ended(Sign::Well, at(0));
        }
        assert_eq!(lane.may_start(at(0)), Start::Freely);
    }

    #[test]
    fn one_probe_at_a_time_until_one_succeeds() {
        let mut lane = held_at_zero();
        assert_eq!(lane.may_start(at(0)), Start::NotBefore(at(1)));
        assert_eq!(lane.may_start(at(1)), Start::OneProbe);
        lane.started(at(1));
        assert_eq!(lane.may_start(at(1)), Start::AfterProbe);
        assert_eq!(lane.ended(Sign::Well, at(2)), Change::Reopened);
        assert_eq!(lane.may_start(at(2)), Start::Freely);
    }

    #[test]
    fn holds_double_to_this_list() {
        let mut lane = held_at_zero();
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let Start::NotBefore(until) = lane.may_start(now) else { panic!("not held") };
            waits.push(until.as_second() - now.as_second());
            now = until;
            lane.started(now);
            lane.ended(Sign::Unwell, now);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn late_failures_of_attempts_under_way_do_not_lengthen_the_hold() {
        let mut lane = held_at_zero();
        for _ in 0..50 {
            assert_eq!(lane.ended(Sign::Unwell, at(0)), Change::None);
        }
        assert_eq!(lane.may_start(at(0)), Start::NotBefore(at(1)));
    }

    #[test]
    fn the_providers_own_wish_is_kept_and_never_shortened() {
        let mut lane = Lane::default();
        assert_eq!(lane.ended(Sign::WaitUntil(at(30)), at(0)), Change::Held);
        assert_eq!(lane.ended(Sign::WaitUntil(at(10)), at(0)), Change::None);
        assert_eq!(lane.may_start(at(29)), Start::NotBefore(at(30)));
    }

    #[test]
    fn a_probe_that_says_nothing_lets_the_next_one_go() {
        let mut lane = held_at_zero();
        lane.started(at(1));
        lane.ended(Sign::Nothing, at(1));
        assert_eq!(lane.may_start(at(1)), Start::OneProbe);
    }
}
