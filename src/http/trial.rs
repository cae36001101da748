//! `POST /api/v1/sources/{name}/test`: what a record of a source would become, and who would hear of it, by the
//! configuration in use. Nothing is taken in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use serde::{Deserialize, Serialize};

use super::flow::is_known;
use super::problem::Problem;
use super::query::Query;
use super::{Shared, json};
use crate::domain::Timestamp;
use crate::domain::names::SourceName;
use crate::domain::route_test::Answer;
use crate::formats::{Trial, trials};

/// A record to be tried.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = TriedRecord)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// The record as it would come, byte for byte.
    record: String,
    /// When it would come; now unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

/// What a record would become.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RecordTrial)]
pub(super) struct Outcome {
    /// Of which source.
    source: SourceName,
    /// How its records are read.
    format: &'static str,
    /// Each event of it; most records hold one.
    events: Vec<Became>,
}

/// One event, and who would hear.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EventTrial)]
pub(super) struct Became {
    /// How it was read.
    #[serde(flatten)]
    read: Trial,
    /// Who would hear if it opened an incident; nothing of what opens none.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<Answer>,
}

pub(super) async fn test(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    uri: Uri,
    request: Request,
) -> Result<Json<Outcome>, Problem> {
    Query::parse(&uri, &[])?;
    let wish: Wish = json::read(&shared, request).await?;
    let in_use = shared.api.in_use.borrow().clone();
    let known: Vec<&str> = in_use.words.formats.keys().map(SourceName::as_str).collect();
    is_known("source", &name, &known)?;
    let source = SourceName::from(name);
    let format = in_use.words.format_of(&source);
    let at = wish.at.unwrap_or_else(|| shared.api.clock.now());
    let each = trials(format, wish.record.as_bytes(), &in_use.words, at).into_iter();
    let events = each.map(|(read, event)| {
        let would = event.map(|event| in_use.routes.would(&event, &source, at));
        Became { read, would }
    });
    Ok(Json(Outcome { format: format.as_str(), events: events.collect(), source }))
}
