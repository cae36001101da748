//! What other systems send, in their own formats, to addresses of their own: `/hooks/{name}`, and those that
//! their clients call by themselves.
//!
//! ```text
//! /hooks/{name}                     the format of the source of this name
//! /hooks/{name}/api/v2/alerts       Prometheus, with path_prefix     ┐ prometheus
//! /api/v2/alerts                    Prometheus                       ┘
//! /v2/enqueue, /v2/change/enqueue   PagerDuty's clients              ┐ pager_duty
//! /generic/…/create_event.json      those of version 1               ┘
//! /v2/alerts/…                      Opsgenie's clients                 opsgenie
//! ```
//!
//! The lock of a source is tried on the bytes as they came. Then they are taken apart into events, and
//! answered when all of these are on stable storage or let go, in the words and by the rules of their sender. What is
//! no event is refused, and its neighbours are kept; but what a mapper of the operator's makes no event of is kept as a dead
//! letter, since its sender can do nothing about that.

pub(super) mod opsgenie;
pub(super) mod pager_duty;
pub(super) mod prometheus;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::ask::Submission;
use super::body::Held;
use super::doors::Peer;
use super::envelope::Plain;
use super::events::{is_no_event, once as header};
use super::problem::{Code, Problem};
use super::{Shared, ask, body, callers, events, routes};
use crate::domain::malformed::Malformed;
use crate::domain::names::SourceName;
use crate::domain::token::Scope;
use crate::formats::{self, Format, Parts, Words};
use crate::messages::ingest::Submitted;
use crate::sources::http::{HttpSource, Verdict};

/// A source that this request may be for.
type Hook = (SourceName, Arc<HttpSource>);

/// A request of a sender, who is known.
struct Sent {
    source: SourceName,
    format: Format,
    headers: HeaderMap,
    held: Held,
    /// What its sender calls it, if that is signed.
    called: Option<String>,
}

/// `POST` and `PUT /hooks/{name}`
pub(super) async fn take(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let hooks = of_path(&shared, &name);
    match hooks.first().map(|(_, hook)| hook.format.clone()) {
        None => absent(&shared, request).await,
        Some(Format::PagerDuty) => pager_duty::taken(&shared, &hooks, request).await,
        Some(Format::Opsgenie) => opsgenie::created(&shared, &hooks, request).await,
        Some(Format::AlertmanagerApi) => prometheus::taken(&shared, &hooks, request).await,
        Some(_) => match heard(&shared, &hooks, request).await {
            Ok(sent) => plain(&shared, sent).await.unwrap_or_else(IntoResponse::into_response),
            Err(refused) => refused,
        },
    }
}

/// `OPTIONS /hooks/{name}`: whoever sends CloudEvents may ask whether it is welcome. It is, at any rate.
pub(super) async fn greet(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
    const ALLOWED: HeaderName = HeaderName::from_static("webhook-allowed-origin");
    const RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");
    if of_path(&shared, &name).is_empty() {
        return routes::no_such_method(Method::OPTIONS).await.into_response();
    }
    let mut response = StatusCode::OK.into_response();
    let allowed = response.headers_mut();
    allowed.insert(ALLOW, HeaderValue::from_static("POST, PUT"));
    if let Some(origin) = headers.get(ORIGIN) {
        allowed.insert(ALLOWED, origin.clone());
        allowed.insert(RATE, HeaderValue::from_static("*"));
    }
    response
}

/// Nobody is behind this address. What was sent is heard out, so that its sender sees the answer.
async fn absent(shared: &Shared, request: Request) -> Response {
    let nobody = || Problem::new(Code::NotFound, "no source of type http has this address");
    body::read_plain(shared, request)
        .await
        .map_or_else(IntoResponse::into_response, |_| nobody().into_response())
}

fn of_path(shared: &Shared, name: &str) -> Vec<Hook> {
    hooks(shared, |hook| hook.path == name)
}

fn of_format(shared: &Shared, format: &Format) -> Vec<Hook> {
    hooks(shared, |hook| hook.format == *format)
}

fn hooks(shared: &Shared, wanted: impl Fn(&HttpSource) -> bool) -> Vec<Hook> {
    let in_use = shared.api.in_use.borrow();
    let hooks = in_use.hooks.iter().filter(|(_, hook)| wanted(hook));
    hooks.map(|(name, hook)| (name.clone(), Arc::clone(hook))).collect()
}

/// Reads the request, and finds the one of `hooks` whose lock it opens.
async fn heard(shared: &Shared, hooks: &[Hook], request: Request) -> Result<Sent, Response> {
    if hooks.is_empty() {
        return Err(absent(shared, request).await);
    }
    let peer = request.extensions().get::<Peer>().copied();
    let headers = request.headers().clone();
    let held = body::read_plain(shared, request).await.map_err(IntoResponse::into_response)?;
    let now = shared.api.clock.now();
    let mut asks_for_token = None;
    for (source, hook) in hooks {
        let (source, format) = (source.clone(), hook.format.clone());
        match hook.lock.tried(&|name| header(&headers, name), &held.bytes, now) {
            Verdict::Open(called) => return Ok(Sent { source, format, headers, held, called }),
            Verdict::AskForToken => asks_for_token = Some((source, format)),
            Verdict::Shut => {}
        }
    }
    let Some((source, format)) = asks_for_token else { return Err(refused(shared, peer)) };
    let caller = callers::identify(shared, peer, &headers).await.map_err(not_now)?;
    if caller.has_session() || !caller.scopes.allow(Scope::EventsWrite) {
        return Err(callers::nobody());
    }
    if caller.peer != Peer::Socket && shared.rates.take(|| caller.key()).is_err() {
        // Alertmanager comes again only if it is told so.
        let detail = "this caller asks more often than [http] rate_limit allows";
        return Err(Problem::new(Code::Unavailable, detail).into_response());
    }
    Ok(Sent { source, format, headers, held, called: None })
}

/// Too often is not now: Alertmanager comes again after a 5xx, and after nothing else.
fn not_now(response: Response) -> Response {
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => guessed_too_often(),
        _ => response,
    }
}

fn guessed_too_often() -> Response {
    Problem::new(Code::Unavailable, "too many wrong credentials come from this address").into_response()
}

/// The same words for every reason. Whoever guesses is held up after a while.
fn refused(shared: &Shared, peer: Option<Peer>) -> Response {
    let guesses = peer.filter(|peer| !peer.is_local()).and_then(|peer| shared.rates.failed(peer.ip()).err());
    if guesses.is_some() {
        return guessed_too_often();
    }
    Problem::new(Code::NotTheSender, "this is not from the sender of this source").into_response()
}

impl Sent {
    /// How its events are read.
    fn words(shared: &Shared) -> Arc<Words> {
        Arc::clone(&shared.api.in_use.borrow().words)
    }

    /// Each of its events by itself.
    fn parts(&self, shared: &Shared) -> Result<Vec<Arc<[u8]>>, Malformed> {
        let header = |name: &str| header(&self.headers, name);
        let parts = formats::parts(&self.format, &self.held.bytes, &header, &shared.api.bounds)?;
        Ok(match parts {
            Parts::Whole => vec![Arc::from(self.held.bytes.as_slice())],
            Parts::Each(parts) => parts,
        })
    }

    /// Has these taken in. One answer for each, when all are on stable storage.
    async fn submit(&self, shared: &Shared, items: Vec<Arc<[u8]>>) -> Result<Vec<Submitted>, Problem> {
        let (traceparent, called) = (events::traceparent(&self.headers), self.called.clone());
        ask::submit_to(&shared.api, &self.source, Submission { items, traceparent, called, source: None })
            .await
    }
}

/// Senders that go by the status alone: 202 if everything is kept, or let go.
async fn plain(shared: &Shared, sent: Sent) -> Result<Response, Problem> {
    if matches!(sent.format, Format::CloudEvents | Format::Auto) {
        events::readable(&|name| header(&sent.headers, name))?;
    }
    if sent.format == Format::CloudEvents && is_no_event(&sent.held.bytes) {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let is_mapped = matches!(sent.format, Format::Json(_));
    let parts = match sent.parts(shared) {
        // Whether it is kept is found out by who takes it in.
        Err(_) if is_mapped => vec![Arc::from(sent.held.bytes.as_slice())],
        parts => parts.map_err(events::refused)?,
    };
    let alone = parts.len() == 1;
    let submitted = sent.submit(shared, parts).await?;
    if is_mapped && let Some(answer) = events::kept(&submitted, &shared.api.public_url) {
        return Ok((StatusCode::ACCEPTED, Json(answer)).into_response());
    }
    if !alone && let Some(problem) = rejected(&submitted) {
        return Err(problem);
    }
    let answer = events::answer(submitted, &shared.api.public_url, alone)?;
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// Those that were no events, if there are any.
fn rejected(submitted: &[Submitted]) -> Option<Problem> {
    let bad: Vec<_> = submitted.iter().enumerate().filter(|(_, item)| !events::is_taken(item)).collect();
    if bad.is_empty() {
        return None;
    }
    let (all, kept) = (submitted.len(), submitted.len() - bad.len());
    let flaws = bad.into_iter().flat_map(|(index, item)| {
        events::errors(item.clone()).into_iter().map(move |mut flaw| {
            flaw.detail = format!("event {} of {all}: {}", index + 1, flaw.detail);
            flaw
        })
    });
    let detail = format!("{kept} of {all} events are kept, and the others are none");
    Some(Problem::told(Code::InvalidEvent, detail, flaws.collect()))
}

/// The object that a body is. A list of the same values is none.
fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    is_object.then(|| serde_json::from_slice(body).ok())?
}

/// An answer in the sender's own words, also where it is an error.
fn in_their_words(status: StatusCode, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    response.extensions_mut().insert(Plain);
    response
}
