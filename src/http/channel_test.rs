//! One real message over a channel, to see that the way works: `POST /api/v1/channels/{name}/test`.
//!
//! It goes the way that the pool's messages go, through the same channel, and is watched on it. It is
//! no delivery: it is no row, nobody tries it again, a paused channel does not hold it, and it counts as
//! a test and nowhere else. It goes on when whoever asked has gone.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use super::flow::is_known;
use super::problem::{Code, Problem};
use super::{Api, Shared, json, targets};
use crate::channels::talk::{Step, Talk};
use crate::domain::Timestamp;
use crate::domain::delivery::{Address, Job, Target};
use crate::domain::event::{Priority, RequestText};
use crate::domain::fault::{Failure, Fault, Outcome, Permanent, Transient};
use crate::domain::ids::{DeliveryId, IncidentId};
use crate::domain::incident::IncidentStatus;
use crate::domain::names::ChannelName;
use crate::domain::notification::{Content, IncidentFacts, NotificationKind};
use crate::domain::retry::later;
use crate::domain::severity::Severity;
use crate::domain::way::{Flow, Way};
use crate::messages::in_use::{InUse, WayOut};
use crate::telemetry::metrics::channel_tested;

/// What the rest of the answer takes.
const MARGIN: Duration = Duration::from_secs(2);

/// After this a test message makes no sense.
const LIFE: Duration = Duration::from_secs(300);

const SUBJECT: &str = "Test message: nothing is wrong";
const TEXT: &str = "Somebody tried this channel with foghorn test channel. Nothing is wrong.";

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ChannelTestRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// A user's name, or an address.
    to: String,
    /// Looks like an incident of this severity; without it, like a direct notification.
    severity: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ChannelTest)]
pub(super) struct Tested {
    channel: ChannelName,
    #[serde(rename = "type")]
    kind: String,
    provider: String,
    recipient: String,
    /// Masked.
    to: String,
    /// More addresses of the same person, which were not tried.
    not_tried: Vec<String>,
    /// An operator shut the channel: deliveries wait, this did not.
    paused: bool,
    outcome: &'static str,
    /// The provider's own id of the message.
    provider_id: Option<String>,
    took_ms: f64,
    steps: Vec<StepView>,
    failure: Option<FailureView>,
    /// Where a message that was kept inside is to be seen.
    link: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ChannelTestStep)]
pub(super) struct StepView {
    step: &'static str,
    heard: Option<String>,
    took_ms: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ChannelTestFailure)]
pub(super) struct FailureView {
    /// The step that it failed in.
    step: Option<&'static str>,
    code: String,
    detail: String,
    /// What to do.
    fix: String,
}

pub(super) async fn test(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Tested>, Problem> {
    let api = &shared.api;
    let in_use = api.in_use.borrow().clone();
    let known: Vec<&str> = in_use.channels.keys().map(ChannelName::as_str).collect();
    is_known("channel", &name, &known)?;
    let wish: Wish = json::read(&shared, request).await?;
    let severity = wish.severity.as_deref().map(|word| severity(word, &in_use)).transpose()?;
    let name = ChannelName::from(name);
    let now = api.clock.now();
    let whom = targets::named(&wish.to)?;
    let (target, not_tried) = targets::of_one(whom, &name, &in_use.routes.directory, now)?;
    let way = &in_use.channels[&name];
    let job = Job {
        priority: Priority::Normal,
        id: DeliveryId::new(now, fastrand::u128(..)),
        target: target.clone(),
        content: Arc::new(content(severity, &name, now)),
        attempt: 1,
        counted: 1,
        crashes: 0,
        created_at: now,
        expires_at: later(now, LIFE),
        rest: Vec::new(),
    };
    let patience = api.limits.request_time.saturating_sub(MARGIN);
    let (outcome, steps, took) = attempt(way, job, patience).await;
    let paused = Way::Channel(name.clone()).flow(&api.peers.borrow().paused) == Flow::Paused;
    Ok(Json(tested(api, way, &target, Seen { not_tried, paused, outcome, steps, took })))
}

fn severity(word: &str, in_use: &InUse) -> Result<Severity, Problem> {
    in_use.words.aliases.resolve(word).ok_or_else(|| {
        let known = Severity::ALL.map(Severity::as_str).join(", ");
        Problem::new(Code::InvalidBody, format!("severity = \"{word}\" is none of {known}"))
    })
}

/// What it says: that nothing is wrong, in the shape that was asked for.
fn content(severity: Option<Severity>, channel: &ChannelName, now: Timestamp) -> Content {
    let Some(severity) = severity else {
        return Content::Direct(RequestText::Plain { subject: SUBJECT.to_owned(), body: TEXT.to_owned() });
    };
    Content::Incident(Box::new(IncidentFacts {
        kind: NotificationKind::Opened,
        id: IncidentId::new(now, fastrand::u128(..)),
        // No incident has this number.
        number: 0,
        version: 0,
        title: SUBJECT.to_owned(),
        severity,
        status: IncidentStatus::Open,
        service: Some(channel.to_string()),
        description: Some(TEXT.to_owned()),
        labels: Default::default(),
        links: Vec::new(),
        source: "foghorn test channel".to_owned(),
        policy: None,
        event_count: 1,
        opened_at: now,
        resolved_at: None,
        acknowledged_by: None,
    }))
}

/// Sends it and watches, in a task of its own: what has begun is finished and counted.
async fn attempt(way: &WayOut, job: Job, patience: Duration) -> (Outcome, Vec<Step>, Duration) {
    let talk = Talk::default();
    let (channel, watching, name) = (Arc::clone(&way.channel), talk.clone(), job.target.channel.clone());
    let sending = tokio::spawn(async move {
        let begun = Instant::now();
        let attempt = AssertUnwindSafe(watching.watch(channel.send(&job))).catch_unwind();
        let outcome = match timeout(patience, attempt).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Crashed("the channel panicked; the log has more".to_owned()),
            Err(_) => too_late(patience),
        };
        let took = begun.elapsed();
        channel_tested(&name, &outcome);
        let took_ms = took.as_millis();
        tracing::info!(channel = %name, outcome = outcome.label(), took_ms, "test message");
        (outcome, took)
    });
    let (outcome, took) = sending
        .await
        .unwrap_or_else(|_| (Outcome::Crashed("the process is ending".to_owned()), Duration::ZERO));
    (outcome, talk.finished(), took)
}

fn too_late(patience: Duration) -> Outcome {
    Outcome::Failed(Failure {
        fault: Fault::Unknown,
        code: "timeout".to_owned(),
        detail: format!("no answer within {} s", patience.as_secs()),
    })
}

/// What was seen of an attempt.
struct Seen {
    not_tried: Vec<Address>,
    paused: bool,
    outcome: Outcome,
    steps: Vec<Step>,
    took: Duration,
}

fn tested(api: &Api, way: &WayOut, target: &Target, seen: Seen) -> Tested {
    let masked = target.address.masked();
    // A provider likes to repeat the address that it was given.
    let clean = |text: String| match target.address.expose() {
        "" => text,
        address => text.replace(address, &masked),
    };
    let last = seen.steps.last().map(|step| step.name);
    let (provider_id, failure) = match &seen.outcome {
        Outcome::Sent(receipt) => (receipt.provider_id.clone(), None),
        Outcome::Failed(failure) => {
            (None, Some((failure.code.clone(), failure.detail.clone(), fix(failure.fault, &target.channel))))
        }
        Outcome::Crashed(why) => {
            (None, Some(("crashed".to_owned(), why.clone(), "please report it".to_owned())))
        }
    };
    let kept = provider_id.as_deref().filter(|_| way.provider == "outbox");
    let link = kept.and_then(|id| id.strip_prefix("outbox-"));
    Tested {
        channel: target.channel.clone(),
        kind: way.kind.clone(),
        provider: way.provider.clone(),
        recipient: target.recipient.to_string(),
        to: masked.clone(),
        not_tried: seen.not_tried.iter().map(Address::masked).collect(),
        paused: seen.paused,
        outcome: seen.outcome.label(),
        took_ms: millis(seen.took),
        steps: seen
            .steps
            .into_iter()
            .map(|step| StepView {
                step: step.name,
                heard: step.heard.map(clean),
                took_ms: millis(step.took),
            })
            .collect(),
        failure: failure.map(|(code, detail, fix)| FailureView {
            step: last,
            code,
            detail: clean(detail),
            fix,
        }),
        link: link.map(|seq| format!("{}/outbox/{seq}", api.public_url)),
        provider_id,
    }
}

fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

/// What to do about it.
fn fix(fault: Fault, channel: &ChannelName) -> String {
    match fault {
        Fault::Misconfigured => format!(
            "correct [channels.{channel}] as the answer says: credentials, sender, encryption; then foghorn reload, and test again"
        ),
        Fault::Permanent(Permanent::RecipientGone) => {
            "the provider knows no such address; correct it, or test with another one".to_owned()
        }
        Fault::Permanent(Permanent::RecipientSuspect) => format!(
            "the provider knows the address, but not for [channels.{channel}]: compare its environment and topic with the app's"
        ),
        Fault::Permanent(Permanent::OptedOut) => {
            "the recipient said STOP to the provider, and only the recipient can take it back".to_owned()
        }
        Fault::Permanent(Permanent::Refused) => {
            "the provider will not take it from this sender; its answer says why".to_owned()
        }
        Fault::Permanent(Permanent::Unacceptable) => {
            "the message itself is at fault; its answer says why".to_owned()
        }
        Fault::Transient(Transient::Unreachable | Transient::Timeout) => format!(
            "check host and port of [channels.{channel}] and what is between; foghorn check --connect tries it without sending"
        ),
        Fault::Transient(Transient::Unavailable | Transient::Deferred) => {
            "the provider cannot now; a delivery would be tried again by itself".to_owned()
        }
        Fault::Throttled { .. } => {
            "the provider wants to be left alone for a while; test again later".to_owned()
        }
        Fault::Unknown => "it may have left: look whether it arrived before you test again".to_owned(),
    }
}
