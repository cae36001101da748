//! A channel that does what its script says, one step an attempt, and then accepts everything.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use foghorn::channels::Channel;
use foghorn::domain::delivery::Job;
use foghorn::domain::fault::{Failure, Fault, Outcome, Permanent, Receipt, Scope, Transient};
use foghorn::domain::ids::DeliveryId;

/// What one attempt does.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Accept,
    Panic,
    Fail(Fault),
    /// Never answers.
    Hang,
    /// Accepts after this long.
    Slow(Duration),
}

impl Step {
    pub const TRANSIENT: Self = Self::Fail(Fault::Transient(Transient::Deferred));
    pub const UNREACHABLE: Self = Self::Fail(Fault::Transient(Transient::Unreachable));
    pub const PERMANENT: Self = Self::Fail(Fault::Permanent(Permanent::RecipientGone));
    pub const UNKNOWN: Self = Self::Fail(Fault::Unknown);
    pub const MISCONFIGURED: Self = Self::Fail(Fault::Misconfigured);

    pub fn throttled(wait: Duration) -> Self {
        Self::Fail(Fault::Throttled { retry_after: Some(wait), scope: Scope::Channel })
    }
}

#[derive(Debug, Default)]
pub struct ScriptedChannel {
    script: Mutex<VecDeque<Step>>,
    attempts: Mutex<Vec<Job>>,
    accepted: Mutex<Vec<DeliveryId>>,
}

impl ScriptedChannel {
    pub fn new(script: impl IntoIterator<Item = Step>) -> Self {
        Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() }
    }

    /// Every attempt so far, in order.
    pub fn attempts(&self) -> Vec<Job> {
        self.attempts.lock().unwrap().clone()
    }

    /// Every delivery this provider said yes to, in order, as often as it did.
    pub fn accepted(&self) -> Vec<DeliveryId> {
        self.accepted.lock().unwrap().clone()
    }

    fn accept(&self, job: &Job) -> Outcome {
        self.accepted.lock().unwrap().push(job.id);
        Outcome::Sent(Receipt { provider_id: None, answer: "ok".into() })
    }
}

#[async_trait]
impl Channel for ScriptedChannel {
    async fn send(&self, job: &Job) -> Outcome {
        self.attempts.lock().unwrap().push(job.clone());
        let step = self.script.lock().unwrap().pop_front().unwrap_or(Step::Accept);
        match step {
            Step::Accept => self.accept(job),
            Step::Panic => panic!("the script says so"),
            Step::Fail(fault) => Outcome::Failed(Failure {
                fault,
                code: fault.label().to_owned(),
                detail: "the script says so".to_owned(),
            }),
            Step::Hang => std::future::pending().await,
            Step::Slow(wait) => {
                tokio::time::sleep(wait).await;
                self.accept(job)
            }
        }
    }

    async fn probe(&self) -> Result<String, String> {
        Ok("scripted".to_owned())
    }
}
