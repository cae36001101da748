//! `POST /v2/enqueue`, and `/generic/2010-04-15/create_event.json` of version 1: clients of PagerDuty take
//! Foghorn for it.
//!
//! The routing key, or service key, is the credential: it is the token of the source that an event is for. An
//! event about a key that nobody knows is taken, as PagerDuty takes it, and changes nothing; so is one about
//! what another integration began.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Hook, Sent, absent, in_their_words, object, of_format};
use crate::domain::event::Body;
use crate::domain::malformed::{Malformation, Malformed};
use crate::formats::{self, Format, Read, Reading};
use crate::http::doors::Peer;
use crate::http::problem::{Code, Problem};
use crate::http::{Shared, body, events};
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

/// The same in version 1.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PagerDutyTakenFirst)]
pub(in crate::http) struct TakenFirst {
    status: &'static str,
    message: &'static str,
    /// What it was, or what it is from now on.
    incident_key: String,
}

/// Why an event is none.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PagerDutyRefused)]
pub(in crate::http) struct Refused {
    status: &'static str,
    message: &'static str,
    errors: Vec<String>,
}

/// Which of PagerDuty's APIs is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    First,
    Second,
}

impl Version {
    /// What its credential is called.
    fn credential(self) -> &'static str {
        match self {
            Self::First => "service_key",
            Self::Second => "routing_key",
        }
    }
}

/// `/v2/enqueue`
pub(in crate::http) async fn enqueue(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let hooks = of_format(&shared, &Format::PagerDuty);
    heard(&shared, &hooks, request, Some(Version::Second)).await
}

/// `/generic/2010-04-15/create_event.json`
pub(in crate::http) async fn create_event(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let hooks = of_format(&shared, &Format::PagerDuty);
    heard(&shared, &hooks, request, Some(Version::First)).await
}

/// `/v2/change/enqueue`: what changed is no incident.
pub(in crate::http) async fn change(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if of_format(&shared, &Format::PagerDuty).is_empty() {
        return absent(&shared, request).await;
    }
    // Heard out, so that its sender sees the answer.
    if let Err(problem) = body::read_plain(&shared, request).await {
        return unreadable(problem);
    }
    invalid(vec!["change events are not taken here: send events with an event_action".to_owned()])
}

#[derive(Deserialize)]
struct Keys {
    routing_key: Option<Value>,
    service_key: Option<Value>,
}

impl Keys {
    /// What is spoken where either may be.
    fn version(&self) -> Version {
        match (&self.service_key, &self.routing_key) {
            (Some(_), None) => Version::First,
            _ => Version::Second,
        }
    }

    fn of(self, version: Version) -> Option<Value> {
        match version {
            Version::First => self.service_key,
            Version::Second => self.routing_key,
        }
    }
}

/// Either version, at the address of a source.
pub(super) async fn taken(shared: &Shared, hooks: &[Hook], request: Request) -> Response {
    heard(shared, hooks, request, None).await
}

async fn heard(shared: &Shared, hooks: &[Hook], request: Request, version: Option<Version>) -> Response {
    if hooks.is_empty() {
        return absent(shared, request).await;
    }
    let peer = request.extensions().get::<Peer>().copied();
    let headers = request.headers().clone();
    let held = match body::read_plain(shared, request).await {
        Ok(held) => held,
        Err(problem) => return unreadable(problem),
    };
    if held.bytes.len() > LARGEST {
        return too_large();
    }
    let Some(keys) = object::<Keys>(&held.bytes) else { return no_json() };
    let version = version.unwrap_or(keys.version());
    let shown = match keys.of(version) {
        None => return invalid(vec![format!("'{}' is missing or blank", version.credential())]),
        Some(Value::String(shown)) => shown,
        Some(_) => return invalid(vec![format!("'{}': must be text", version.credential())]),
    };
    let opens = |(_, hook): &&Hook| matches!(&hook.lock, Lock::Token(token) if token.is(&shown));
    let Some((source, _)) = hooks.iter().find(opens) else { return unknown_key(shared, peer, version) };
    let sent = Sent { source: source.clone(), format: Format::PagerDuty, headers, held, called: None };
    let words = Sent::words(shared);
    let reading =
        formats::read(&sent.format, Some(&sent.held.bytes), &|_| None, &words, shared.api.clock.now());
    let dedup_key = match reading {
        Ok(Read::Event(Reading { body: Body::Incident(event), .. })) => event.dedup_key,
        Ok(_) => return no_json(),
        Err(malformed) => return not_valid(&malformed),
    };
    let submitted = sent.submit(shared, vec![Arc::from(sent.held.bytes.as_slice())]).await;
    match submitted.and_then(events::single) {
        Ok(_) => processed(version, dedup_key),
        Err(problem) => problem.into_response(),
    }
}

fn processed(version: Version, key: String) -> Response {
    let (status, message) = ("success", "Event processed");
    match version {
        Version::First => Json(TakenFirst { status, message, incident_key: key }).into_response(),
        Version::Second => {
            (StatusCode::ACCEPTED, Json(Taken { status, message, dedup_key: key })).into_response()
        }
    }
}

fn unreadable(problem: Problem) -> Response {
    match problem.code() {
        Code::TooLarge => too_large(),
        _ => problem.into_response(),
    }
}

fn too_large() -> Response {
    invalid(vec!["the event is larger than 512 KB".to_owned()])
}

/// Whoever tries many keys is held up after a while, by the status after which clients of this version try
/// again.
fn unknown_key(shared: &Shared, peer: Option<Peer>, version: Version) -> Response {
    let guesses = peer.filter(|peer| !peer.is_local()).and_then(|peer| shared.rates.failed(peer.ip()).err());
    if guesses.is_some() {
        let code = match version {
            Version::First => StatusCode::FORBIDDEN,
            Version::Second => StatusCode::TOO_MANY_REQUESTS,
        };
        return refused(code, "throttle exceeded", "Too many requests", Vec::new());
    }
    invalid(vec![format!("'{}' is the key of no integration", version.credential())])
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
