//! What `outbox` channels kept: `GET /api/v1/outbox` and one of them for programs, `/outbox` and
//! `/outbox/{seq}` for people.
//!
//! The HTML of a mail is shown in a frame of its own that may run and load nothing; recipients are
//! masked as everywhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

use super::Shared;
use super::lists::{found, paged};
use super::pages::written;
use super::problem::Problem;
use super::query::Query;
use crate::channels::outbox::OutboxMessage;
use crate::render::pages;
use crate::store::views::Page;

/// One message, as it would have left.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OutboxMessage)]
pub(super) struct OutboxView {
    seq: u64,
    at: Timestamp,
    channel: String,
    #[serde(rename = "type")]
    channel_type: &'static str,
    delivery: String,
    to: String,
    subject: Option<String>,
    text: String,
    /// Only where one message is asked for, as the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl OutboxView {
    fn of(message: &OutboxMessage) -> Self {
        let draft = &message.draft;
        Self {
            seq: message.seq,
            at: message.at,
            channel: message.channel.to_string(),
            channel_type: message.channel_type,
            delivery: message.delivery.to_string(),
            to: message.to.to_string(),
            subject: draft.subject.clone(),
            text: draft.text.clone(),
            html: None,
            payload: None,
            note: draft.note.clone(),
        }
    }

    fn whole(message: &OutboxMessage) -> Self {
        let draft = &message.draft;
        Self { html: draft.html.clone(), payload: draft.payload.clone(), ..Self::of(message) }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    Ok(paged(&uri, page(&shared, &uri)?))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(seq): Path<String>,
) -> Result<Json<OutboxView>, Problem> {
    Ok(Json(one(&shared, &seq)?))
}

/// The list for people.
pub(super) async fn list_page(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    written(pages::Page::Outbox, page(&shared, &uri)?)
}

/// One message for people.
pub(super) async fn message_page(
    State(shared): State<Arc<Shared>>,
    Path(seq): Path<String>,
) -> Result<Response, Problem> {
    written(pages::Page::Message, one(&shared, &seq)?)
}

/// Newest first.
fn page(shared: &Shared, uri: &Uri) -> Result<Page<OutboxView>, Problem> {
    let paging = Query::parse(uri, &["limit", "cursor"])?.paging::<u64>()?;
    let before = paging.before.and_then(|cursor| cursor.parse::<u64>().ok()).unwrap_or(u64::MAX);
    let kept = shared.api.outbox.messages();
    let mut older = kept.iter().rev().skip_while(|message| message.seq >= before);
    let data: Vec<OutboxView> =
        older.by_ref().take(paging.limit).map(|message| OutboxView::of(message)).collect();
    let next_cursor = older.next().and_then(|_| Some(data.last()?.seq.to_string()));
    Ok(Page { data, next_cursor })
}

fn one(shared: &Shared, seq: &str) -> Result<OutboxView, Problem> {
    let kept = shared.api.outbox.messages();
    let message = kept.iter().find(|message| message.seq.to_string() == seq);
    found(message.map(|message| OutboxView::whole(message)), "message in the outbox")
}
