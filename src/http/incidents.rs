//! `GET /api/v1/incidents`, one of them, and its history.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use super::Shared;
use super::lists::{found, paged};
use super::problem::{Code, Problem};
use super::query::Query;
use crate::domain::incident::IncidentStatus;
use crate::store::views::{IncidentView, Page, TimelineView};

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["status", "limit", "cursor"])?;
    let statuses = query.words("status", IncidentStatus::parse, &IncidentStatus::ALL)?;
    let page = shared.api.store.incidents(&statuses, &query.paging::<u64>()?).await?;
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
) -> Result<Json<Page<TimelineView>>, Problem> {
    Query::parse(&uri, &[])?;
    let number = number_of(&number)?;
    found(shared.api.store.incident(number).await?, "incident")?;
    let data = shared.api.store.timeline(number).await?;
    Ok(Json(Page { data, next_cursor: None }))
}

fn number_of(text: &str) -> Result<u64, Problem> {
    // Stores keep numbers as signed 64-bit integers.
    let number = text.parse().ok().filter(|number| i64::try_from(*number).is_ok());
    number.ok_or_else(|| Problem::new(Code::NotFound, "an incident is named by its number"))
}
