//! `POST /api/v2/alerts`: Prometheus takes Foghorn for an Alertmanager.
//!
//! As of an Alertmanager: 200 and no body if all alerts were taken; 400 and a JSON text if some are none,
//! with the others taken; and never 429, which would not be tried again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Hook, heard, in_their_words, of_format, of_path, rejected};
use crate::formats::Format;
use crate::http::Shared;
use crate::http::events::is_no_event;
use crate::http::problem::{Code, Problem};
use crate::messages::ingest::Submitted;

/// `/api/v2/alerts`
pub(in crate::http) async fn alerts(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    taken(&shared, &of_format(&shared, &Format::AlertmanagerApi), request).await
}

/// `/hooks/{name}/api/v2/alerts`
pub(in crate::http) async fn alerts_of(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let mut hooks = of_path(&shared, &name);
    hooks.retain(|(_, hook)| hook.format == Format::AlertmanagerApi);
    taken(&shared, &hooks, request).await
}

pub(super) async fn taken(shared: &Shared, hooks: &[Hook], request: Request) -> Response {
    let sent = match heard(shared, hooks, request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    if is_no_event(&sent.held.bytes) {
        return StatusCode::OK.into_response();
    }
    let parts = match sent.parts(shared) {
        Ok(parts) => parts,
        Err(malformed) => return invalid(malformed.to_string()),
    };
    let submitted = match sent.submit(shared, parts).await {
        Ok(submitted) => submitted,
        Err(problem) => return problem.into_response(),
    };
    match (rejected(&submitted), submitted.as_slice()) {
        (None, _) => StatusCode::OK.into_response(),
        (Some(_), [Submitted::Malformed(malformed)]) => invalid(malformed.to_string()),
        (Some(problem), _) => invalid(words(&problem)),
    }
}

fn invalid(why: String) -> Response {
    in_their_words(StatusCode::BAD_REQUEST, Json(why))
}

fn words(problem: &Problem) -> String {
    debug_assert_eq!(problem.code(), Code::InvalidEvent);
    problem.words()
}
