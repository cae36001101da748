//! From the end of an attempt to what is written down about it. Pure.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::delivery::{About, DeliveryState, Job};
use crate::domain::fault::{Fault, Outcome, Transient};
use crate::domain::lane::Sign;
use crate::domain::retry::{RetryPolicy, Standing, Verdict, judge};
use crate::domain::suppression::Mark;
use crate::store::batch::{Attempted, Lesson, Next};

/// What follows from an attempt.
pub(super) struct Judged {
    /// What is written down.
    pub(super) attempted: Attempted,
    /// What it says about the channel.
    pub(super) sign: Sign,
}

/// Judges an attempt of `job` that ended `now`, after `took`. A worker's death is an outcome like
/// any other. `roll` is the chance that jitter takes.
pub(super) fn conclude(
    policy: &RetryPolicy,
    job: &Job,
    outcome: &Outcome,
    took: Duration,
    now: Timestamp,
    roll: f64,
) -> Judged {
    let crashed = matches!(outcome, Outcome::Crashed(_));
    let crashes = job.crashes + u32::from(crashed);
    let standing = Standing { attempts: job.counted, crashes, expires_at: job.expires_at };
    let verdict = judge(policy, standing, outcome, now, roll);
    let sign = sign(outcome, &verdict);
    let next = match verdict {
        Verdict::Done => Next::Sent,
        Verdict::Retry { at } => Next::Retrying { due_at: at, crashed },
        Verdict::Hold { until, .. } => Next::Held { due_at: until },
        Verdict::Park(reason) => Next::Dead(reason),
        Verdict::Expire => Next::Expired,
    };
    let mut attempted = written(job, now, outcome.label(), next);
    attempted.took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    match outcome {
        Outcome::Sent(receipt) => {
            attempted.detail.clone_from(&receipt.answer);
            attempted.provider_id.clone_from(&receipt.provider_id);
        }
        Outcome::Failed(failure) => {
            attempted.lesson = Mark::of(failure.fault).map_or(Lesson::Nothing, Lesson::Marked);
            attempted.code.clone_from(&failure.code);
            attempted.detail.clone_from(&failure.detail);
        }
        Outcome::Crashed(why) => attempted.detail.clone_from(why),
    }
    Judged { attempted, sign }
}

/// The end that a delivery comes to, if this is one.
pub(super) fn end_of(next: Next) -> Option<DeliveryState> {
    match next {
        Next::Sent => Some(DeliveryState::Sent),
        Next::Dead(_) => Some(DeliveryState::Dead),
        Next::Expired => Some(DeliveryState::Expired),
        Next::Retrying { .. } | Next::Held { .. } => None,
    }
}

/// The outcome of an attempt that was given back unused when the pool drained.
pub(super) const RETURNED: &str = "returned";
/// The outcome of an attempt that was put off: its address has had enough for now.
pub(super) const PACED: &str = "paced";
/// The outcome of an attempt that was not made here: it goes over another channel.
pub(super) const FAILED_OVER: &str = "failed_over";
/// The outcome of an attempt that came too late to be made.
pub(super) const EXPIRED: &str = "expired";

/// What is written down of an attempt about which there is nothing to say.
pub(super) fn written(job: &Job, at: Timestamp, outcome: &'static str, next: Next) -> Attempted {
    Attempted {
        id: job.id,
        attempt: job.attempt,
        at,
        took_ms: 0,
        outcome,
        code: String::new(),
        detail: String::new(),
        provider_id: None,
        next,
        moved_to: None,
        lesson: Lesson::Nothing,
        about: Some(About::of(job)),
    }
}

/// What an attempt says about the channel as a whole.
fn sign(outcome: &Outcome, verdict: &Verdict) -> Sign {
    let failure = match outcome {
        Outcome::Sent(_) => return Sign::Well,
        Outcome::Crashed(_) => return Sign::Nothing,
        Outcome::Failed(failure) => failure,
    };
    match (failure.fault, verdict) {
        (Fault::Permanent(_) | Fault::Transient(Transient::Deferred), _) => Sign::Well,
        (Fault::Transient(_), _) => Sign::Unwell,
        (Fault::Unknown, _) => Sign::Nothing,
        (fault, Verdict::Hold { until, .. }) if fault.concerns_the_channel() => Sign::WaitUntil(*until),
        (Fault::Throttled { .. } | Fault::Misconfigured, _) => Sign::Well,
    }
}
