//! `/api/v1/jobs`, and the wishes that make one: something is done to all dead deliveries that fit,
//! at a pace, so that it can be looked at and stopped. `dry_run` says what would be done.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::lists::found;
use super::problem::{Code, Problem};
use super::query::{Query, not_understood};
use super::{Api, Shared, ask};
use crate::domain::Timestamp;
use crate::domain::bulk::{Bulk, BulkAction, BulkChange, BulkState, Rate, Resolved};
use crate::domain::ids::JobId;
use crate::domain::query::{DeadLetterQuery, DeliveryQuery};
use crate::store::views::{BulkView, Count, LettersByReason, Outcomes, Page};

/// What is to be done to all that fits.
#[derive(Debug, PartialEq, Deserialize, utoipa::ToSchema)]
#[schema(as = JobRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkWish {
    filter: String,
    rate: Option<Rate>,
    #[serde(default)]
    canary: u32,
    #[serde(default)]
    include_resolved: bool,
    #[serde(default)]
    dry_run: bool,
}

/// What a job would do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = JobPreview)]
pub(super) struct Preview {
    action: BulkAction,
    matched: u64,
    /// False if there may be more.
    matched_exact: bool,
    skipped: u64,
    reasons: Vec<LettersByReason>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    rate: Rate,
    estimated_seconds: u64,
}

/// A job as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Job {
    job_id: JobId,
    action: BulkAction,
    filter: String,
    resolved: Resolved,
    rate: Rate,
    canary: u64,
    state: BulkState,
    matched: u64,
    matched_exact: bool,
    skipped: u64,
    done: u64,
    succeeded: u64,
    failed: u64,
    canceled: u64,
    pending: u64,
    eta_seconds: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    cancel: String,
}

impl Job {
    fn of(BulkView { bulk, outcomes }: BulkView) -> Self {
        let left = bulk.matched.saturating_sub(bulk.skipped + bulk.taken);
        let over = matches!(bulk.state, BulkState::Done | BulkState::Stopped);
        Self {
            job_id: bulk.id,
            action: bulk.action,
            filter: bulk.filter,
            resolved: bulk.resolved,
            rate: bulk.rate,
            canary: bulk.canary,
            state: bulk.state,
            matched: bulk.matched,
            matched_exact: bulk.matched_exact,
            // Somebody else was quicker with those that were taken and not done.
            skipped: bulk.skipped + bulk.taken - bulk.done,
            done: bulk.done,
            succeeded: outcomes.sent,
            failed: outcomes.failed,
            canceled: outcomes.canceled,
            pending: outcomes.pending,
            eta_seconds: if over { 0 } else { bulk.rate.time_for(left).as_secs() },
            created_at: bulk.created_at,
            updated_at: bulk.updated_at,
            cancel: format!("/api/v1/jobs/{}", bulk.id),
        }
    }
}

/// Begins a job, or says what it would do.
pub(super) async fn begin(api: &Api, action: BulkAction, wish: BulkWish) -> Result<Response, Problem> {
    let now = api.clock.now();
    let query = match DeadLetterQuery::parse(&wish.filter, None, now).map_err(not_understood)? {
        DeadLetterQuery::Delivery(query) => query,
        DeadLetterQuery::Event(_) => {
            let detail =
                "a job is about deliveries; records that could not become events are named by their ids";
            return Err(Problem::new(Code::InvalidBody, detail));
        }
    };
    let resolved = if wish.include_resolved { Resolved::Include } else { Resolved::Skip };
    let live = match (action, resolved) {
        (BulkAction::Retry, Resolved::Skip) => query.clone().live_calls(),
        _ => query.clone(),
    };
    let matched = count(api, query).await?;
    let wanted = count(api, live.clone()).await?;
    let skipped = matched.value.saturating_sub(wanted.value);
    let rate = wish.rate.unwrap_or(Rate::USUAL);
    if wish.dry_run {
        let reasons = api.store.letters_by_reason(&live).await?;
        return Ok(Json(Preview {
            action,
            matched: matched.value,
            matched_exact: matched.exact,
            skipped,
            first: reasons.iter().map(|line| line.first).min(),
            last: reasons.iter().map(|line| line.last).max(),
            reasons,
            rate,
            estimated_seconds: rate.time_for(wanted.value).as_secs(),
        })
        .into_response());
    }
    let canary = u64::from(wish.canary);
    let bulk = Bulk {
        id: JobId::new(now, fastrand::u128(..)),
        action,
        filter: wish.filter,
        resolved,
        rate,
        canary,
        state: BulkState::Running,
        matched: matched.value,
        matched_exact: matched.exact,
        skipped,
        taken: 0,
        done: 0,
        holds_at: canary,
        cursor: String::new(),
        due_at: now,
        created_at: now,
        updated_at: now,
    };
    let begun = found(ask::bulk(api, BulkChange::Begin(Box::new(bulk))).await?, "job")?;
    let job = Job::of(BulkView { bulk: begun, outcomes: Outcomes::default() });
    let location = [(LOCATION, job.cancel.clone())];
    Ok((StatusCode::ACCEPTED, location, Json(job)).into_response())
}

async fn count(api: &Api, query: DeliveryQuery) -> Result<Count, Problem> {
    Ok(api.store.count_dead_letters(&DeadLetterQuery::Delivery(query)).await?)
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["limit"])?;
    let limit = query.paging::<JobId>()?.limit;
    let newest = shared.api.store.bulks().await?;
    let data = newest.into_iter().take(limit).map(Job::of).collect();
    Ok(Json(Page { data, next_cursor: None }).into_response())
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::parse(&uri, &[])?;
    shown(&shared.api, named(&id)?).await
}

pub(super) async fn stop(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = named(&id)?;
    ask::bulk(&shared.api, BulkChange::Stop(id)).await?;
    shown(&shared.api, id).await
}

pub(super) async fn go_on(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = named(&id)?;
    ask::bulk(&shared.api, BulkChange::Continue(id)).await?;
    shown(&shared.api, id).await
}

async fn shown(api: &Api, id: JobId) -> Result<Response, Problem> {
    let job = found(api.store.bulk(id).await?, "job")?;
    Ok(Json(Job::of(job)).into_response())
}

fn named(id: &str) -> Result<JobId, Problem> {
    id.parse().map_err(|_| Problem::new(Code::NotFound, "a job is named by its id: job_…"))
}
