//! What to do after an attempt: the one place that decides between again, wait, done and dead.
//!
//! Exponential with jitter from `base` to `cap`, until `max_attempts` or `max_age` is spent. A
//! provider's `Retry-After` is a floor, clamped by what is left of the delivery's life. Waiting for
//! somebody else's reasons ([`Fault::Throttled`], [`Fault::Misconfigured`]) costs no attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::delivery::DeadReason;
use super::fault::{Failure, Fault, Outcome, Scope};

/// When to try again, and when to stop.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Wait before the second attempt.
    pub base: Duration,
    /// The longest wait between two attempts.
    pub cap: Duration,
    /// How many attempts in all.
    pub max_attempts: u32,
    /// How long after it was made a delivery still makes sense.
    pub max_age: Duration,
    /// Share of each wait that chance may take away, `0.0..=1.0`.
    pub jitter: f64,
    /// What to do when nobody knows whether the provider took the message.
    pub on_unknown: OnUnknown,
}

/// What to do when the connection broke between message and answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Send again with the same id: at least once.
    #[default]
    Retry,
    /// Give it to a person: at most once.
    Hold,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            cap: Duration::from_secs(15 * 60),
            max_attempts: 120,
            max_age: Duration::from_secs(24 * 3600),
            jitter: 0.2,
            on_unknown: OnUnknown::Retry,
        }
    }
}

impl RetryPolicy {
    /// The wait after attempt number `attempt` (1 for the first), without jitter.
    pub fn delay(&self, attempt: u32) -> Duration {
        doubled(self.base, attempt.saturating_sub(1), self.cap)
    }

    /// Every wait there is, without jitter, until attempts or age are spent.
    pub fn schedule(&self) -> Vec<Duration> {
        let mut age = Duration::ZERO;
        (1..self.max_attempts)
            .map(|attempt| self.delay(attempt))
            .take_while(|delay| {
                age = age.saturating_add(*delay);
                age <= self.max_age
            })
            .collect()
    }
}

/// `first`, doubled so many `times`, up to `longest`.
pub fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(longest)
}

/// What the judge needs to know of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Attempts made, this one included.
    pub attempts: u32,
    /// How many of them ended with a dead worker or a dead process, this one included.
    pub crashes: u32,
    /// The moment after which it makes no sense any more.
    pub expires_at: Timestamp,
}

/// What to do with a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The provider has it.
    Done,
    /// Try again; the attempt counts.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// Wait for somebody else's reasons; the attempt does not count.
    Hold {
        /// Until when.
        until: Timestamp,
        /// Who waits.
        scope: Scope,
    },
    /// Nothing more will be tried.
    Park(DeadReason),
    /// Its time is over.
    Expire,
}

/// A worker or process that dies this often over one delivery takes it for poison (I5).
pub const MAX_CRASHES: u32 = 3;

/// How long a lane waits before it looks whether the operator has mended it.
const MISCONFIGURED_WAIT: Duration = Duration::from_secs(60);

/// Judges one attempt. `roll` in `0.0..1.0` is the chance that jitter takes.
pub fn judge(
    policy: &RetryPolicy,
    standing: Standing,
    outcome: &Outcome,
    now: Timestamp,
    roll: f64,
) -> Verdict {
    match outcome {
        Outcome::Sent(_) => Verdict::Done,
        Outcome::Crashed(_) if standing.crashes >= MAX_CRASHES => Verdict::Park(DeadReason::Poison),
        Outcome::Crashed(_) => again(policy, standing, now, roll),
        Outcome::Failed(Failure { fault, .. }) => match *fault {
            Fault::Permanent(_) => Verdict::Park(DeadReason::Rejected),
            Fault::Transient(_) => again(policy, standing, now, roll),
            Fault::Unknown if policy.on_unknown == OnUnknown::Hold => Verdict::Park(DeadReason::Unknown),
            Fault::Unknown => again(policy, standing, now, roll),
            Fault::Throttled { retry_after, scope } => {
                let computed = jittered(policy, policy.delay(1), roll);
                let wait = retry_after.map_or(computed, |floor| floor.max(computed));
                hold(standing, now, wait, scope)
            }
            Fault::Misconfigured => hold(standing, now, MISCONFIGURED_WAIT, Scope::Channel),
        },
    }
}

fn again(policy: &RetryPolicy, standing: Standing, now: Timestamp, roll: f64) -> Verdict {
    if standing.attempts >= policy.max_attempts {
        return Verdict::Park(DeadReason::Exhausted);
    }
    let at = later(now, jittered(policy, policy.delay(standing.attempts), roll));
    if at >= standing.expires_at { Verdict::Park(DeadReason::Exhausted) } else { Verdict::Retry { at } }
}

fn hold(standing: Standing, now: Timestamp, wait: Duration, scope: Scope) -> Verdict {
    if now >= standing.expires_at {
        return Verdict::Expire;
    }
    Verdict::Hold { until: later(now, wait).min(standing.expires_at), scope }
}

fn jittered(policy: &RetryPolicy, delay: Duration, roll: f64) -> Duration {
    let share = 1.0 - policy.jitter.clamp(0.0, 1.0) * roll.clamp(0.0, 1.0);
    // As seconds, the longest of all is a little longer than there are.
    Duration::try_from_secs_f64(delay.as_secs_f64() * share).unwrap_or(delay)
}

/// `now + wait`, at the end of time at the latest.
pub fn later(now: Timestamp, wait: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(wait)
        .ok()
        .and_then(|wait| now.checked_add(wait).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::{Permanent, Receipt, Transient};

    const NO_CHANCE: f64 = 0.0;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            base: Duration::from_secs(5),
            cap: Duration::from_secs(900),
            max_attempts: 12,
            max_age: Duration::from_secs(24 * 3600),
            ..RetryPolicy::default()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn standing(attempts: u32) -> Standing {
        Standing { attempts, crashes: 0, expires_at: at(86_400) }
    }

    fn failed(fault: Fault) -> Outcome {
        Outcome::Failed(Failure { fault, code: "451".into(), detail: String::new() })
    }

    #[test]
    fn the_whole_schedule_is_this_list() {
        let seconds: Vec<_> = policy().schedule().iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
    }

    #[test]
    fn age_ends_the_schedule_before_attempts_do() {
        let short = RetryPolicy { max_age: Duration::from_secs(100), ..policy() };
        let seconds: Vec<_> = short.schedule().iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [5, 10, 20, 40]);
    }

    #[test]
    fn the_default_tries_for_a_day() {
        let default = RetryPolicy::default();
        let total: Duration = default.schedule().iter().sum();
        assert!(total <= default.max_age && total > default.max_age - default.cap);
        assert_eq!(default.schedule().len(), 102);
    }

    #[test]
    fn each_outcome_has_its_verdict() {
        let sent = Outcome::Sent(Receipt { provider_id: None, answer: "250".into() });
        let crashed = Outcome::Crashed("boom".into());
        let throttled = |seconds: u64, scope| {
            failed(Fault::Throttled { retry_after: Some(Duration::from_secs(seconds)), scope })
        };
        let table = [
            (sent, 1, Verdict::Done),
            (failed(Fault::Transient(Transient::Timeout)), 1, Verdict::Retry { at: at(1_005) }),
            (failed(Fault::Transient(Transient::Unavailable)), 4, Verdict::Retry { at: at(1_040) }),
            (failed(Fault::Transient(Transient::Deferred)), 12, Verdict::Park(DeadReason::Exhausted)),
            (failed(Fault::Permanent(Permanent::Refused)), 1, Verdict::Park(DeadReason::Rejected)),
            (failed(Fault::Unknown), 1, Verdict::Retry { at: at(1_005) }),
            (throttled(30, Scope::Recipient), 1, Verdict::Hold { until: at(1_030), scope: Scope::Recipient }),
            (throttled(1, Scope::Channel), 1, Verdict::Hold { until: at(1_005), scope: Scope::Channel }),
            (failed(Fault::Misconfigured), 12, Verdict::Hold { until: at(1_060), scope: Scope::Channel }),
            (crashed, 1, Verdict::Retry { at: at(1_005) }),
        ];
        for (outcome, attempts, expected) in table {
            let verdict = judge(&policy(), standing(attempts), &outcome, at(1_000), NO_CHANCE);
            assert_eq!(verdict, expected, "{outcome:?} at attempt {attempts}");
        }
    }

    #[test]
    fn a_wish_of_ten_years_is_cut_to_the_life_of_the_delivery() {
        let wish =
            Fault::Throttled { retry_after: Some(Duration::from_secs(315_360_000)), scope: Scope::Channel };
        let verdict = judge(&policy(), standing(1), &failed(wish), at(1_000), NO_CHANCE);
        assert_eq!(verdict, Verdict::Hold { until: at(86_400), scope: Scope::Channel });
        let verdict = judge(&policy(), standing(1), &failed(wish), at(86_400), NO_CHANCE);
        assert_eq!(verdict, Verdict::Expire);
    }

    #[test]
    fn the_third_crash_is_poison() {
        let crashed = Outcome::Crashed("boom".into());
        let third = Standing { crashes: 3, ..standing(3) };
        let verdict = judge(&policy(), third, &crashed, at(1_000), NO_CHANCE);
        assert_eq!(verdict, Verdict::Park(DeadReason::Poison));
    }

    #[test]
    fn unknown_is_held_where_the_channel_wants_it() {
        let careful = RetryPolicy { on_unknown: OnUnknown::Hold, ..policy() };
        let verdict = judge(&careful, standing(1), &failed(Fault::Unknown), at(1_000), NO_CHANCE);
        assert_eq!(verdict, Verdict::Park(DeadReason::Unknown));
    }

    #[test]
    fn jitter_only_ever_shortens_and_never_past_its_share() {
        let delay = |roll| match judge(&policy(), standing(4), &failed(Fault::Unknown), at(0), roll) {
            Verdict::Retry { at } => at.as_millisecond(),
            other => panic!("{other:?}"),
        };
        assert_eq!(delay(0.0), 40_000);
        assert_eq!(delay(1.0), 32_000);
        assert_eq!(delay(0.5), 36_000);
    }

    #[test]
    fn no_arithmetic_overflows_however_large_the_numbers() {
        let huge = RetryPolicy {
            base: Duration::MAX,
            cap: Duration::MAX,
            max_attempts: u32::MAX,
            max_age: Duration::MAX,
            ..RetryPolicy::default()
        };
        assert!(huge.delay(u32::MAX) > Duration::from_secs(1));
        let forever = Standing { attempts: 70, crashes: 0, expires_at: Timestamp::MAX };
        let verdict = judge(&huge, forever, &failed(Fault::Unknown), at(0), NO_CHANCE);
        assert_eq!(verdict, Verdict::Park(DeadReason::Exhausted));
    }
}
