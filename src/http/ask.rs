//! Questions to actors. The actor is looked up for each question, because it may have been
//! restarted since the last one.

use std::sync::Arc;
use std::time::Duration;

use ractor::RpcReplyPort;

use super::Api;
use super::problem::{Code, Problem};
use crate::domain::action::{Act, Acted};
use crate::domain::bulk::{Bulk, BulkChange};
use crate::domain::delivery::Repeat;
use crate::domain::handling::{Handled, Handling};
use crate::domain::ids::{DeliveryId, SuppressionId};
use crate::domain::names::SourceName;
use crate::domain::receipt::Receipt;
use crate::domain::suppression::AddressChange;
use crate::domain::way::{Flow, FlowChange, Way};
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::{IngestMessage, Replay, Submitted};
use crate::messages::post::tell;
use crate::messages::status::StatusMessage;
use crate::store::batch::AccessChange;
use crate::telemetry::health::{Condition, Phase};

/// Has events accepted. One answer for each item, when all are on stable storage.
pub(super) async fn submit(
    api: &Api,
    items: Vec<Arc<[u8]>>,
    traceparent: Option<String>,
) -> Result<Vec<Submitted>, Problem> {
    submit_to(api, &api.source, Submission { items, traceparent, ..Submission::default() }).await
}

/// Records for one source.
#[derive(Debug, Default)]
pub(super) struct Submission {
    pub(super) items: Vec<Arc<[u8]>>,
    pub(super) traceparent: Option<String>,
    /// What its sender calls the request.
    pub(super) called: Option<String>,
    /// They are records of this source, whoever takes them in.
    pub(super) source: Option<SourceName>,
}

/// The same for another source than our own.
pub(super) async fn submit_to(
    api: &Api,
    source: &SourceName,
    submission: Submission,
) -> Result<Vec<Submitted>, Problem> {
    let Submission { items, traceparent, called, source: records_of } = submission;
    let asked = items.len();
    let submit = |reply| IngestMessage::Submit { items, traceparent, called, source: records_of, reply };
    taken_in(api, source, asked, submit).await
}

/// Has events taken in again. One answer for each, when all are on stable storage.
pub(super) async fn replay(api: &Api, items: Vec<Replay>) -> Result<Vec<Submitted>, Problem> {
    match items.len() {
        0 => Ok(Vec::new()),
        asked => taken_in(api, &api.source, asked, |reply| IngestMessage::Replay { items, reply }).await,
    }
}

async fn taken_in(
    api: &Api,
    source: &SourceName,
    asked: usize,
    message: impl FnOnce(RpcReplyPort<Vec<Submitted>>) -> IngestMessage,
) -> Result<Vec<Submitted>, Problem> {
    refuse_without_store(api)?;
    if api.health.report().phase == Phase::Draining {
        return Err(Problem::new(Code::Unavailable, "draining: no events are taken in any more"));
    }
    let way = Way::Source(source.clone());
    if way.flow(&api.peers.borrow().paused) == Flow::Paused {
        let detail = format!("source {source} is paused; open it with: foghorn source resume {source}");
        return Err(Problem::new(Code::Unavailable, detail));
    }
    let ingest = api.peers.borrow().http_ingest(source).cloned();
    let ingest =
        ingest.ok_or_else(|| Problem::new(Code::Unavailable, "intake is not running at the moment"))?;
    let answer = ingest.ask(message, api.limits.commit_time).await;
    let answers = answer.ok_or_else(not_confirmed)?;
    if answers.len() == asked {
        Ok(answers)
    } else {
        tracing::error!(asked, answered = answers.len(), "intake answered for another number of events");
        Err(Problem::new(Code::Internal, "intake answered for another number of events"))
    }
}

/// Has dead deliveries repeated. One answer for each.
pub(super) async fn retry(api: &Api, repeats: Vec<Repeat>) -> Result<Vec<Option<DeliveryId>>, Problem> {
    refuse_without_store(api)?;
    let dlq = api.peers.borrow().dlq.clone();
    let dlq = dlq.ok_or_else(|| Problem::new(Code::Unavailable, "the DLQ is not running at the moment"))?;
    dlq.ask(|reply| DlqMessage::Retry { repeats, reply }, api.limits.answer_time).await.ok_or_else(no_answer)
}

/// Has something become of a bulk job. `None` if there is no such job.
pub(super) async fn bulk(api: &Api, change: BulkChange) -> Result<Option<Bulk>, Problem> {
    refuse_without_store(api)?;
    let dlq = api.peers.borrow().dlq.clone();
    let dlq = dlq.ok_or_else(|| Problem::new(Code::Unavailable, "the DLQ is not running at the moment"))?;
    let ask = |reply| DlqMessage::Bulk { change: Box::new(change), reply };
    dlq.ask(ask, api.limits.answer_time).await.ok_or_else(no_answer)
}

/// Has something done to an incident; answered when it is on stable storage.
pub(super) async fn act(api: &Api, act: Act) -> Result<Acted, Problem> {
    refuse_without_store(api)?;
    let status = api.peers.borrow().status.clone();
    let status = status.ok_or_else(|| Problem::new(Code::Unavailable, "nobody writes at the moment"))?;
    let ask = |reply| StatusMessage::Act { act: Box::new(act), reply };
    status.ask(ask, api.limits.answer_time).await.ok_or_else(no_answer)
}

/// Has something done to a delivery; answered when it is on stable storage.
pub(super) async fn handle(api: &Api, handling: Handling) -> Result<Handled, Problem> {
    refuse_without_store(api)?;
    let status = api.peers.borrow().status.clone();
    let status = status.ok_or_else(|| Problem::new(Code::Unavailable, "nobody writes at the moment"))?;
    let ask = |reply| StatusMessage::Handle { handling, reply };
    status.ask(ask, api.limits.answer_time).await.ok_or_else(no_answer)
}

/// Has a way shut or opened; answered when it is on stable storage.
pub(super) async fn flow(api: &Api, change: FlowChange) -> Result<(), Problem> {
    refuse_without_store(api)?;
    let status = api.peers.borrow().status.clone();
    let status = status.ok_or_else(|| Problem::new(Code::Unavailable, "nobody writes at the moment"))?;
    let ask = |reply| StatusMessage::Flow { changes: vec![change], reply };
    status.ask(ask, api.limits.answer_time).await.ok_or_else(no_answer)
}

/// Has what was learned of deliveries and addresses kept; answered when it is on stable storage.
pub(super) async fn learn(
    api: &Api,
    receipts: Vec<Receipt>,
    addresses: Vec<AddressChange>,
) -> Result<(), Problem> {
    refuse_without_store(api)?;
    let status = api.peers.borrow().status.clone();
    let status = status.ok_or_else(|| Problem::new(Code::Unavailable, "nobody writes at the moment"))?;
    let ask = |reply| StatusMessage::Receipts { receipts, addresses, reply };
    status.ask(ask, api.limits.answer_time).await.ok_or_else(no_answer)
}

/// Has what is known against an address taken back; answered when it is on stable storage.
pub(super) async fn lift(api: &Api, id: SuppressionId) -> Result<(), Problem> {
    refuse_without_store(api)?;
    let status = api.peers.borrow().status.clone();
    let status = status.ok_or_else(|| Problem::new(Code::Unavailable, "nobody writes at the moment"))?;
    status.ask(|reply| StatusMessage::Lift { id, reply }, api.limits.answer_time).await.ok_or_else(no_answer)
}

/// Has what is new about callers written; answered when it is on stable storage.
pub(super) async fn note(api: &Api, changes: Vec<AccessChange>, patience: Duration) -> Result<(), Problem> {
    refuse_without_store(api)?;
    let status = api.peers.borrow().status.clone();
    let status = status.ok_or_else(|| Problem::new(Code::Unavailable, "nobody writes at the moment"))?;
    let ask = |reply| StatusMessage::Access { changes, reply: Some(reply) };
    status.ask(ask, patience).await.ok_or_else(no_answer)
}

/// The same, for what nobody waits for.
pub(super) fn mention(api: &Api, change: AccessChange) {
    let message = StatusMessage::Access { changes: vec![change], reply: None };
    tell(api.peers.borrow().status.as_ref(), message);
}

/// A store that is known to be away is not worth a wait.
pub(super) fn refuse_without_store(api: &Api) -> Result<(), Problem> {
    match api.health.report().store {
        Condition::Down(_) => Err(Problem::new(Code::Unavailable, "the store is away")),
        _ => Ok(()),
    }
}

fn not_confirmed() -> Problem {
    Problem::new(
        Code::Unavailable,
        "not confirmed in time to be on stable storage, so it may have been kept or not: \
         send it again with the same event_id, and it counts once",
    )
}

fn no_answer() -> Problem {
    Problem::new(Code::Unavailable, "no confirmation in time; it may or may not have been done")
}
