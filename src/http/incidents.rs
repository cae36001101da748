//! `GET /api/v1/incidents`, one of them, and its history; `/incidents/{number}` for people.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Shared;
use super::lists::{found, paged};
use super::pages::written;
use super::problem::{Code, Problem};
use super::query::Query;
use crate::domain::Timestamp;
use crate::domain::incident::IncidentStatus;
use crate::domain::names::ChannelName;
use crate::domain::query::{DeliveryQuery, IncidentQuery};
use crate::domain::timer::TimerKind;
use crate::render::pages::Page;
use crate::store::Paging;
use crate::store::views::{self, DeliveryView, IncidentView, MembersView, TimelineView};

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["status", "filter", "limit", "cursor"])?;
    let statuses = query.words("status", IncidentStatus::parse, &IncidentStatus::ALL)?;
    let asked = IncidentQuery::of_statuses(&statuses).with(query.filter(shared.api.clock.now())?);
    let page = shared.api.store.incidents(&asked, &query.paging::<u64>()?).await?;
    Ok(paged(&uri, page))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Query::parse(&uri, &[])?;
    let incident = shared.api.store.incident(number_of(&number)?).await?;
    let incident = found(incident, "incident")?;
    let etag = etag(incident.version);
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let members = shared.api.store.members(incident.number).await?;
    let next_step = next_step(&shared, &incident).await?;
    Ok(([(ETAG, etag)], Json(Alone { incident, members, next_step })).into_response())
}

/// One incident by itself.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = IncidentWithNextStep)]
pub(super) struct Alone {
    #[serde(flatten)]
    incident: IncidentView,
    /// What it stands for, where its route makes one incident of several things.
    members: Option<MembersView>,
    next_step: Option<NextStep>,
}

/// What its policy does next, if nobody takes it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct NextStep {
    /// 1 for the first of the policy.
    number: u32,
    /// 1 for the first.
    round: u32,
    at: Timestamp,
    notify: Vec<String>,
    via: Vec<ChannelName>,
}

pub(super) async fn next_step(shared: &Shared, incident: &IncidentView) -> Result<Option<NextStep>, Problem> {
    let timers = shared.api.store.timers(incident.number).await?;
    let Some(timer) = timers.iter().find(|timer| timer.kind == TimerKind::Step) else { return Ok(None) };
    let in_use = shared.api.in_use.borrow().clone();
    let policy = incident.policy.as_deref().and_then(|name| in_use.routes.policies.get(name));
    let Some(policy) = policy else { return Ok(None) };
    let steps = &policy.steps[policy.at(incident.position)];
    if steps.is_empty() {
        return Ok(None);
    }
    let mut via: Vec<ChannelName> = steps.iter().flat_map(|step| step.via.iter().cloned()).collect();
    via.sort();
    via.dedup();
    Ok(Some(NextStep {
        number: incident.position.step + 1,
        round: incident.position.round + 1,
        at: timer.due_at,
        notify: steps.iter().flat_map(|step| &step.notify).map(ToString::to_string).collect(),
        via,
    }))
}

pub(super) async fn timeline(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    uri: Uri,
) -> Result<Json<views::Page<TimelineView>>, Problem> {
    Query::parse(&uri, &[])?;
    let number = number_of(&number)?;
    found(shared.api.store.incident(number).await?, "incident")?;
    let data = shared.api.store.timeline(number).await?;
    Ok(Json(views::Page { data, next_cursor: None }))
}

/// What the page of an incident shows.
#[derive(Serialize)]
struct IncidentPage {
    incident: IncidentView,
    deliveries: Vec<DeliveryView>,
    timeline: Vec<TimelineView>,
}

/// One incident for people: where the links of messages lead.
pub(super) async fn page(shared: &Shared, number: u64) -> Result<Response, Problem> {
    let store = &shared.api.store;
    let incident = found(store.incident(number).await?, "incident")?;
    let of_it = DeliveryQuery::default().of_incident(number);
    let deliveries = store.deliveries(&of_it, &Paging { before: None, limit: MOST_DELIVERIES }).await?.data;
    let timeline = store.timeline(number).await?;
    written(Page::Incident, IncidentPage { incident, deliveries, timeline })
}

/// The newest of an incident that its page shows.
const MOST_DELIVERIES: usize = 200;

/// Which version of an incident an answer is about.
pub(super) fn etag(version: u64) -> String {
    format!("\"v{version}\"")
}

pub(super) fn number_of(text: &str) -> Result<u64, Problem> {
    // Stores keep numbers as signed 64-bit integers.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && i64::try_from(*number).is_ok());
    number.ok_or_else(|| Problem::new(Code::NotFound, "an incident is named by its number"))
}
