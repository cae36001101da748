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
use crate::channels::outbox::Draft;
use crate::domain::delivery::DeliveryState;
use crate::domain::fault::Failure;
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;
use crate::domain::query::DeliveryQuery;
use crate::domain::receipt::Receipt;
use crate::store::views::{AttemptView, DeliveryView};

/// A delivery with its attempts, oldest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct DeliveryWithAttempts {
    #[serde(flatten)]
    delivery: DeliveryView,
    attempts: Vec<AttemptView>,
    /// What the provider said later.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// Its words; `None` if its channel is not configured any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    rendered: Option<Rendered>,
}

/// What a delivery says, as an attempt now would say it: what is told of an incident is true at the
/// moment of sending, so an earlier attempt may have said less.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum Rendered {
    /// None, because of this.
    Fault {
        /// What is in the way.
        fault: String,
    },
    /// These words.
    Words {
        /// Where the medium has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        text: String,
        /// What a provider's interface is given, where it takes JSON.
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<serde_json::Value>,
        /// What people should know beside the words.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

impl Rendered {
    fn of(drafted: Result<Draft, Failure>) -> Self {
        match drafted {
            Ok(Draft { subject, text, payload, note, html: _ }) => {
                Self::Words { subject, text, payload, note }
            }
            Err(failure) => Self::Fault { fault: failure.detail },
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["state", "channel", "incident", "filter", "limit", "cursor"])?;
    let states = query.words("state", DeliveryState::parse, &DeliveryState::ALL)?;
    let filter = query.filter(shared.api.clock.now())?.in_states(&states);
    let page =
        shared.api.store.deliveries(&narrowed(filter, &query)?, &query.paging::<DeliveryId>()?).await?;
    Ok(paged(&uri, page))
}

/// Also: on the `channel` and of the `incident` of the request.
pub(super) fn narrowed(mut asked: DeliveryQuery, query: &Query) -> Result<DeliveryQuery, Problem> {
    if let Some(channel) = query.get("channel") {
        asked = asked.on_channel(&ChannelName::from(channel));
    }
    if let Some(number) = query.read::<u32>("incident", "the number of an incident")? {
        asked = asked.of_incident(u64::from(number));
    }
    Ok(asked)
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<DeliveryWithAttempts>, Problem> {
    Query::parse(&uri, &[])?;
    with_attempts(&shared, named(&id)?).await.map(Json)
}

pub(super) fn named(id: &str) -> Result<DeliveryId, Problem> {
    id.parse().map_err(|_| Problem::new(Code::NotFound, "a delivery is named by its id: del_…"))
}

pub(super) async fn with_attempts(shared: &Shared, id: DeliveryId) -> Result<DeliveryWithAttempts, Problem> {
    let delivery = found(shared.api.store.delivery(id).await?, "delivery")?;
    let attempts = shared.api.store.attempts(id).await?;
    let receipt = shared.api.store.receipt(id).await?;
    let way = shared.api.in_use.borrow().channels.get(&delivery.channel).cloned();
    let rendered = match way {
        Some(way) => shared.api.store.job(id).await?.map(|job| Rendered::of(way.channel.draft(&job))),
        None => None,
    };
    Ok(DeliveryWithAttempts { delivery, attempts, receipt, rendered })
}

impl DeliveryWithAttempts {
    pub(super) fn is_dead(&self) -> bool {
        self.delivery.state == DeliveryState::Dead
    }
}
