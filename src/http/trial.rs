//! `POST /api/v1/sources/{name}/test`: what a record of a source would become, and who would hear of it, by the
//! configuration in use. Nothing is taken in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::flow::is_known;
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Shared, json};
use crate::domain::Timestamp;
use crate::domain::direct_test::DirectAnswer;
use crate::domain::event::Body;
use crate::domain::names::SourceName;
use crate::domain::route_test::Answer;
use crate::formats::{Trial, trials};

/// A record to be tried.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = TriedRecord)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// The record as it would come, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// The same as base64, in its place, of one that is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    /// What it would come with, such as the `ce_` headers of a CloudEvent; only texts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
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
    /// Who would hear of a direct notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_tell: Option<DirectAnswer>,
}

impl Wish {
    /// The bytes of the record.
    fn raw(&self) -> Result<Cow<'_, [u8]>, Problem> {
        let invalid = |why: &'static str| Problem::new(Code::InvalidBody, why);
        match (&self.record, &self.raw) {
            (Some(record), None) => Ok(Cow::Borrowed(record.as_bytes())),
            (None, Some(raw)) => {
                STANDARD.decode(raw).map(Cow::Owned).map_err(|_| invalid("raw is no base64"))
            }
            _ => Err(invalid("say the record as text (record), or as base64 (raw)")),
        }
    }

    /// As whoever reads records finds one: by its name in any case.
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
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
    let (raw, header) = (wish.raw()?, |name: &str| wish.header(name));
    let each = trials(format, Some(&raw), &header, &in_use.words, at).into_iter();
    let events = each.map(|(read, body)| match &body {
        Some(Body::Incident(event)) => {
            Became { read, would: Some(in_use.routes.would(event, &source, at)), would_tell: None }
        }
        Some(Body::Notification(request)) => {
            Became { read, would: None, would_tell: Some(in_use.routes.would_tell(request, at)) }
        }
        None => Became { read, would: None, would_tell: None },
    });
    Ok(Json(Outcome { format: format.as_str(), events: events.collect(), source }))
}
