//! `GET /api/v1/incidents`, one of them, and its history; `/incidents/{number}` for people.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;

use super::Shared;
use super::lists::{found, paged};
use super::pages::written;
use super::problem::{Code, Problem};
use super::query::Query;
use crate::domain::incident::IncidentStatus;
use crate::domain::query::{DeliveryQuery, IncidentQuery};
use crate::render::pages::Page;
use crate::store::Paging;
use crate::store::views::{self, DeliveryView, IncidentView, TimelineView};

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
) -> Result<Json<IncidentView>, Problem> {
    Query::parse(&uri, &[])?;
    let incident = shared.api.store.incident(number_of(&number)?).await?;
    Ok(Json(found(incident, "incident")?))
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
pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let (store, number) = (&shared.api.store, number_of(&number)?);
    let incident = found(store.incident(number).await?, "incident")?;
    let of_it = DeliveryQuery::default().of_incident(number);
    let deliveries = store.deliveries(&of_it, &Paging { before: None, limit: MOST_DELIVERIES }).await?.data;
    let timeline = store.timeline(number).await?;
    written(Page::Incident, IncidentPage { incident, deliveries, timeline })
}

/// The newest of an incident that its page shows.
const MOST_DELIVERIES: usize = 200;

fn number_of(text: &str) -> Result<u64, Problem> {
    // Stores keep numbers as signed 64-bit integers.
    let number = text.parse().ok().filter(|number| i64::try_from(*number).is_ok());
    number.ok_or_else(|| Problem::new(Code::NotFound, "an incident is named by its number"))
}
