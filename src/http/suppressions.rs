//! Addresses that providers have spoken against: `GET /api/v1/suppressions`, and
//! `DELETE /api/v1/suppressions/{id}` to take one back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Serialize;

use super::problem::{Code, Problem};
use super::query::Query;
use super::{Shared, ask};
use crate::domain::Timestamp;
use crate::domain::suppression::{Mark, Suppression};
use crate::store::views::Page;

/// One of them as the API shows it, also when it was just taken back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Suppression)]
pub(super) struct View {
    id: String,
    channel: String,
    recipient: String,
    /// Masked; empty for a channel that knows its way.
    address: String,
    mark: Mark,
    /// How many deliveries in a row heard it.
    strikes: u32,
    code: String,
    detail: String,
    /// The last delivery that heard it.
    delivery: String,
    since: Timestamp,
    last_at: Timestamp,
}

impl From<Suppression> for View {
    fn from(one: Suppression) -> Self {
        let address = if one.address.expose().is_empty() { String::new() } else { one.address.masked() };
        Self {
            id: one.id.to_string(),
            channel: one.channel.to_string(),
            recipient: one.recipient.to_string(),
            address,
            mark: one.mark,
            strikes: one.strikes,
            code: one.code,
            detail: one.detail,
            delivery: one.delivery.to_string(),
            since: one.since,
            last_at: one.last_at,
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Json<Page<View>>, Problem> {
    // Short, and comes whole.
    Query::parse(&uri, &["limit", "cursor"])?;
    let known = shared.api.store.suppressions().await?;
    Ok(Json(Page { data: known.into_iter().map(View::from).collect(), next_cursor: None }))
}

pub(super) async fn lift(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<View>, Problem> {
    let nothing = || {
        Problem::new(Code::NotFound, format!("there is no suppression {id}; see: foghorn suppression list"))
    };
    let wanted = id.parse().map_err(|_| nothing())?;
    let known = shared.api.store.suppressions().await?;
    let known = known.into_iter().find(|one| one.id == wanted).ok_or_else(nothing)?;
    ask::lift(&shared.api, wanted).await?;
    Ok(Json(View::from(known)))
}
