//! `POST /v2/enqueue`: clients of PagerDuty take Foghorn for it.
//!
//! The routing key is the credential: it is the token of the source that an event is for. An event about a
//! key that nobody knows is taken, as PagerDuty takes it, and changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Hook, Sent, absent, in_their_words, of_format, read};
use crate::domain::event::Body;
use crate::domain::malformed::{Malformation, Malformed};
use crate::formats::{self, Format};
use crate::http::doors::Peer;
use crate::http::{Shared, events};
use crate::sources::http::Lock;

/// Most bytes of an event.
const LARGEST: usize = 512 << 10;

/// What became of an event.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PagerDutyTaken)]
pub(in crate::http) struct Taken {
    status: &'static str,
    message: &'static str,
    /// What it was, or what it is from now on.
    dedup_key: String,
}

/// Why an event is none.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PagerDutyRefused)]
pub(in crate::http) struct Refused {
    status: &'static str,
    message: &'static str,
    errors: Vec<String>,
}

/// `/v2/enqueue`
pub(in crate::http) async fn enqueue(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    taken(&shared, &of_format(&shared, &Format::PagerDuty), request).await
}

/// `/v2/change/enqueue`: what changed is no incident.
pub(in crate::http) async fn change(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if of_format(&shared, &Format::PagerDuty).is_empty() {
        return absent(&shared, request).await;
    }
    invalid(vec!["change events are not taken here: send events with an event_action".to_owned()])
}

#[derive(Deserialize)]
struct Key {
    routing_key: Option<String>,
}

pub(super) async fn taken(shared: &Shared, hooks: &[Hook], request: Request) -> Response {
    if hooks.is_empty() {
        return absent(shared, request).await;
    }
    let peer = request.extensions().get::<Peer>().copied();
    let headers = request.headers().clone();
    let held = match read(shared, request).await {
        Ok(held) => held,
        Err(problem) => return problem.into_response(),
    };
    if held.bytes.len() > LARGEST {
        return invalid(vec!["the event is larger than 512 KB".to_owned()]);
    }
    let Ok(Key { routing_key }) = serde_json::from_slice::<Key>(&held.bytes) else { return no_json() };
    let Some(routing_key) = routing_key else {
        return invalid(vec!["'routing_key' is missing or blank".to_owned()]);
    };
    let opens = |(_, hook): &&Hook| matches!(&hook.lock, Lock::Token(token) if token.is(&routing_key));
    let Some((source, _)) = hooks.iter().find(opens) else { return unknown_key(shared, peer) };
    let sent = Sent { source: source.clone(), format: Format::PagerDuty, headers, held, called: None };
    let words = Sent::words(shared);
    let reading =
        formats::read(&sent.format, Some(&sent.held.bytes), &|_| None, &words, shared.api.clock.now());
    let dedup_key = match reading.map(|reading| reading.body) {
        Ok(Body::Incident(event)) => event.dedup_key,
        Ok(Body::Notification(_)) => return no_json(),
        Err(malformed) => return not_valid(&malformed),
    };
    let submitted = sent.submit(shared, vec![Arc::from(sent.held.bytes.as_slice())]).await;
    match submitted.and_then(events::single) {
        Ok(_) => {
            let taken = Taken { status: "success", message: "Event processed", dedup_key };
            (StatusCode::ACCEPTED, Json(taken)).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whoever tries many keys is held up after a while; clients try again then.
fn unknown_key(shared: &Shared, peer: Option<Peer>) -> Response {
    let guesses = peer.filter(|peer| !peer.is_local()).and_then(|peer| shared.rates.failed(peer.ip()).err());
    if guesses.is_some() {
        return refused(StatusCode::TOO_MANY_REQUESTS, "throttle exceeded", "Too many requests", Vec::new());
    }
    invalid(vec!["'routing_key' is the key of no integration".to_owned()])
}

fn not_valid(malformed: &Malformed) -> Response {
    if malformed.reason == Malformation::Parse {
        return no_json();
    }
    let told = |pointer: &str| pointer.trim_start_matches('/').replace('/', ".");
    let errors = malformed.problems.iter().map(|flaw| match told(&flaw.pointer) {
        place if place.is_empty() => flaw.detail.clone(),
        place if matches!(flaw.code, "missing" | "empty") => format!("'{place}' is missing or blank"),
        place => format!("'{place}': {}", flaw.detail),
    });
    invalid(errors.collect())
}

fn invalid(errors: Vec<String>) -> Response {
    refused(StatusCode::BAD_REQUEST, "invalid event", "Event object is invalid", errors)
}

fn no_json() -> Response {
    let message = "Event object format is unrecognized";
    refused(StatusCode::BAD_REQUEST, "Unrecognized object", message, vec!["JSON parse error".to_owned()])
}

fn refused(code: StatusCode, status: &'static str, message: &'static str, errors: Vec<String>) -> Response {
    in_their_words(code, Json(Refused { status, message, errors }))
}
