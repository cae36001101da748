//! `GET /notifications/history/{userid}`: what a user was told, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Serialize;

use super::NotificationStatus;
use crate::domain::Timestamp;
use crate::domain::event::RequestText;
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;
use crate::domain::notification::Content;
use crate::domain::query::DeliveryQuery;
use crate::http::Shared;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::store::views::DeliveryView;
use crate::store::{Paging, StoreError};

/// A list that passes over much may come in parts: so many are put together.
const PARTS: usize = 8;

/// What a user was told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct History {
    userid: String,
    notifications: Vec<Entry>,
    /// To be given as `cursor` for what is older.
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = HistoryEntry)]
struct Entry {
    id: DeliveryId,
    /// The template, or `incident`.
    notification_type: Option<String>,
    subject: Option<String>,
    channel: ChannelName,
    /// Masked.
    recipient: String,
    status: NotificationStatus,
    retry_count: u32,
    error: Option<String>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
}

/// The longest name of a user, bytes; other systems name theirs as they like.
const LONGEST: usize = 512;

pub(in crate::http) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(userid): Path<String>,
    uri: Uri,
) -> Result<Json<History>, Problem> {
    let query = Query::parse(&uri, &["limit", "cursor"])?;
    // Not every database can even be asked for it.
    if userid.len() > LONGEST || userid.contains(char::is_control) {
        return Err(Problem::new(Code::NotFound, "nobody has such a name"));
    }
    let Paging { mut before, limit } = query.paging::<DeliveryId>()?;
    let asked = DeliveryQuery::default().to(&userid);
    let mut found: Vec<DeliveryView> = Vec::new();
    for _ in 0..PARTS {
        let paging = Paging { before: before.take(), limit: limit - found.len() };
        let page = shared.api.store.deliveries(&asked, &paging).await?;
        found.extend(page.data);
        before = page.next_cursor;
        if before.is_none() || found.len() == limit {
            break;
        }
    }
    let mut notifications = Vec::with_capacity(found.len());
    for delivery in found {
        notifications.push(entry(&shared, delivery).await?);
    }
    Ok(Json(History { userid, notifications, next_cursor: before }))
}

async fn entry(shared: &Shared, delivery: DeliveryView) -> Result<Entry, StoreError> {
    let job = shared.api.store.job(delivery.id).await?;
    let (notification_type, subject) = match job.as_ref().map(|job| &*job.content) {
        Some(Content::Direct(RequestText::Template { name, subject, .. })) => {
            (Some(name.clone()), subject.clone())
        }
        Some(Content::Direct(RequestText::Plain { subject, .. })) => (None, Some(subject.clone())),
        Some(Content::Incident(facts)) => (Some("incident".to_owned()), Some(facts.title.clone())),
        Some(Content::Bundle(_)) | None => (None, None),
    };
    let status = NotificationStatus::of_one(delivery.state);
    Ok(Entry {
        id: delivery.id,
        notification_type,
        subject,
        channel: delivery.channel,
        recipient: delivery.to,
        status,
        retry_count: delivery.attempts.saturating_sub(1),
        error: delivery.reason.filter(|_| status == NotificationStatus::Failed),
        created_at: delivery.created_at,
        sent_at: (status == NotificationStatus::Sent).then_some(delivery.updated_at),
    })
}
