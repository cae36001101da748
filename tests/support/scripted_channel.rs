//! A channel that does what its script says, one step an attempt, and then accepts everything.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use foghorn::channels::Channel;
use foghorn::channels::outbox::Draft;
use foghorn::domain::delivery::Job;
use foghorn::domain::fault::{Failure, Fault, Outcome, Permanent, Receipt, Scope, Transient};
use foghorn::domain::ids::DeliveryId;
use foghorn::domain::notification::Content;

/// What one attempt does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Accept,
    Panic,
    Fail(Fault),
    /// Never answers.
    Hang,
    /// Accepts after this long.
    Slow(Duration),
}

impl Step {
    pub(crate) const TRANSIENT: Self = Self::Fail(Fault::Transient(Transient::Deferred));
    pub(crate) const UNREACHABLE: Self = Self::Fail(Fault::Transient(Transient::Unreachable));
    pub(crate) const PERMANENT: Self = Self::Fail(Fault::Permanent(Permanent::RecipientGone));
    pub(crate) const UNKNOWN: Self = Self::Fail(Fault::Unknown);
    pub(crate) const MISCONFIGURED: Self = Self::Fail(Fault::Misconfigured);

    pub(crate) fn throttled(wait: Duration) -> Self {
        Self::Fail(Fault::Throttled { retry_after: Some(wait), scope: Scope::Channel })
    }
}

/// What an attempt does by what it is an attempt of: the incident's title and the attempt's number.
pub(crate) type Rule = fn(title: &str, attempt: u32) -> Step;

#[derive(Debug, Default)]
pub(crate) struct ScriptedChannel {
    rule: Option<Rule>,
    script: Mutex<VecDeque<Step>>,
    attempts: Mutex<Vec<Job>>,
    accepted: Mutex<Vec<DeliveryId>>,
}

impl ScriptedChannel {
    pub(crate) fn new(script: impl IntoIterator<Item = Step>) -> Self {
        Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() }
    }

    /// Follows a rule rather than a script.
    pub(crate) fn ruled(rule: Rule) -> Self {
        Self { rule: Some(rule), ..Self::default() }
    }

    fn step(&self, job: &Job) -> Step {
        match (self.rule, &*job.content) {
            (Some(rule), Content::Incident(facts)) => rule(&facts.title, job.attempt),
            _ => self.script.lock().unwrap().pop_front().unwrap_or(Step::Accept),
        }
    }

    /// Every attempt so far, in order.
    pub(crate) fn attempts(&self) -> Vec<Job> {
        self.attempts.lock().unwrap().clone()
    }

    /// Every delivery this provider said yes to, in order, as often as it did.
    pub(crate) fn accepted(&self) -> Vec<DeliveryId> {
        self.accepted.lock().unwrap().clone()
    }

    /// From now on everything is accepted.
    pub(crate) fn heal(&self) {
        self.script.lock().unwrap().clear();
    }

    fn accept(&self, job: &Job) -> Outcome {
        self.accepted.lock().unwrap().push(job.id);
        Outcome::Sent(Receipt { provider_id: None, answer: "ok".into() })
    }
}

#[async_trait]
impl Channel for ScriptedChannel {
    fn draft(&self, _job: &Job) -> Result<Draft, Failure> {
        Ok(Draft { text: "as the script says".to_owned(), ..Draft::default() })
    }

    async fn send(&self, job: &Job) -> Outcome {
        self.attempts.lock().unwrap().push(job.clone());
        match self.step(job) {
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
