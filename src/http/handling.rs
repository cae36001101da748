//! `POST /api/v1/deliveries/{id}/cancel` and `/retry`, and `/api/v1/notifications/{id}/cancel`: one
//! delivery is taken back before it is sent, or tried now; a direct notification is taken back as a whole.
//!
//! Answered when it is on stable storage, with what stands there then. Whatever is asked for twice is
//! done once and answered alike.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use super::deliveries::{self, DeliveryWithAttempts, with_attempts};
use super::lists::found;
use super::problem::{Code, Problem};
use super::{Shared, ask};
use crate::domain::handling::{Handled, Handling};
use crate::domain::ids::{DeliveryId, NotificationId};

pub(super) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryWithAttempts>, Problem> {
    let id = deliveries::named(&id)?;
    match ask::handle(&shared.api, Handling::Cancel(id)).await? {
        Handled::Done(_) | Handled::Already => with_attempts(&shared, id).await.map(Json),
        other => refused(&id.to_string(), "canceled", &other),
    }
}

/// Answers with the delivery that is tried now: itself, or the one that repeats it.
pub(super) async fn retry(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryWithAttempts>, Problem> {
    let id = deliveries::named(&id)?;
    match ask::handle(&shared.api, Handling::Retry(id)).await? {
        Handled::Done(_) | Handled::Already => with_attempts(&shared, id).await.map(Json),
        Handled::Repeated(child) => with_attempts(&shared, child).await.map(Json),
        other => refused(&id.to_string(), "tried again", &other),
    }
}

/// A direct notification that was taken back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Withdrawn {
    notification_id: NotificationId,
    /// Those that waited; the others have left, or were canceled before.
    canceled: Vec<DeliveryId>,
}

pub(super) async fn cancel_all(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<Withdrawn>, Problem> {
    let id: NotificationId =
        id.parse().map_err(|_| Problem::new(Code::NotFound, "a notification is named by its id: ntf_…"))?;
    match ask::handle(&shared.api, Handling::CancelAll(id)).await? {
        Handled::Done(canceled) => Ok(Json(Withdrawn { notification_id: id, canceled })),
        Handled::Already => Ok(Json(Withdrawn { notification_id: id, canceled: Vec::new() })),
        Handled::NotFound => found(None, "direct notification"),
        other => refused(&id.to_string(), "canceled", &other),
    }
}

fn refused<T>(id: &str, deed: &str, handled: &Handled) -> Result<T, Problem> {
    match handled {
        Handled::Refused(why) => {
            Err(Problem::new(Code::ActionRefused, format!("{id} cannot be {deed}: {why}")))
        }
        Handled::Done(_) | Handled::Already | Handled::Repeated(_) | Handled::NotFound => {
            found(None, "delivery")
        }
    }
}
