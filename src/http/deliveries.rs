//! `GET /api/v1/deliveries`, and one of them with its attempts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;

use super::Shared;
use super::lists::{found, paged};
use super::problem::{Code, Problem};
use super::query::Query;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;
use crate::store::DeliveryFilter;
use crate::store::views::{AttemptView, DeliveryView};

/// A delivery with its attempts, oldest first.
#[derive(Debug, Serialize)]
pub(super) struct DeliveryWithAttempts {
    #[serde(flatten)]
    delivery: DeliveryView,
    attempts: Vec<AttemptView>,
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["state", "channel", "incident", "limit", "cursor"])?;
    let filter = DeliveryFilter {
        states: query.words("state", DeliveryState::parse, &DeliveryState::ALL)?,
        channel: query.get("channel").map(ChannelName::from),
        incident: query.read::<u32>("incident", "the number of an incident")?.map(u64::from),
    };
    let page = shared.api.store.deliveries(&filter, &query.paging::<DeliveryId>()?).await?;
    Ok(paged(&uri, page))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<DeliveryWithAttempts>, Problem> {
    Query::parse(&uri, &[])?;
    let id = id.parse().map_err(|_| Problem::new(Code::NotFound, "a delivery is named by its id: del_…"))?;
    with_attempts(&shared, id).await.map(Json)
}

pub(super) async fn with_attempts(shared: &Shared, id: DeliveryId) -> Result<DeliveryWithAttempts, Problem> {
    let delivery = found(shared.api.store.delivery(id).await?, "delivery")?;
    let attempts = shared.api.store.attempts(id).await?;
    Ok(DeliveryWithAttempts { delivery, attempts })
}

impl DeliveryWithAttempts {
    pub(super) fn is_dead(&self) -> bool {
        self.delivery.state == DeliveryState::Dead
    }
}
