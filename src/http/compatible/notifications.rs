//! `POST /send-notification` and `POST /notifications/send`: direct notifications, in the words of two other
//! systems. Answered when they are on stable storage; what becomes of them the history tells.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::NotificationStatus;
use crate::domain::ids::EventId;
use crate::formats::presets::{self, Shape};
use crate::http::problem::Problem;
use crate::http::{Shared, ask, body, events};

/// What became of a request to tell somebody something.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = NotificationTaken)]
pub(in crate::http) struct Taken {
    status: NotificationStatus,
    message: &'static str,
    /// Under which our own API knows it.
    event_id: EventId,
}

/// `{"content", "channels", "destination", "user"}`
pub(in crate::http) async fn send_over_channels(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    send(&shared, Shape::Channels, request).await
}

/// `{"notification_type", "recipient_email", "subject", "content", "template_vars"}`
pub(in crate::http) async fn send_to_address(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    send(&shared, Shape::Request, request).await
}

async fn send(shared: &Shared, shape: Shape, request: Request) -> Result<Response, Problem> {
    let traceparent = events::traceparent(request.headers());
    let held = body::read_json(shared, request).await?;
    let words = Arc::clone(&shared.api.in_use.borrow().words);
    // Here it can have no other shape; a source would not know what was meant.
    presets::parse(shape, &held.bytes, &words, shared.api.clock.now()).map_err(events::refused)?;
    let record = Arc::from(held.bytes.as_slice());
    let accepted = events::single(ask::submit(&shared.api, vec![record], traceparent).await?)?;
    let taken = Taken {
        status: NotificationStatus::Pending,
        message: "the notification is accepted",
        event_id: accepted.event,
    };
    Ok((StatusCode::ACCEPTED, Json(taken)).into_response())
}
