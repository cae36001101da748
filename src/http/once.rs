//! `Idempotency-Key`: what is sent again is done once, and answered with the first answer.
//!
//! The key is claimed before anything is done, in a row, so that one of many wins, on whatever node and
//! over a restart; and the answer is kept before it is given. What is wrong on our side (5xx) is not kept:
//! it may be tried again.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http_body_util::BodyExt;

use super::callers::Caller;
use super::credentials::{hex, sha256};
use super::envelope::{Plain, RequestId};
use super::problem::{Code, Problem};
use super::rule::{Repeats, Rule};
use super::{Shared, ask, body};
use crate::domain::idempotency::{Answer, Claim, Key, KeyChange, Verdict, judge};
use crate::store::batch::AccessChange;

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key.
const LONGEST: usize = 255;
/// A larger answer is not kept.
const LARGEST: usize = 1 << 20;

/// Does what `request` asks for, unless that was done before.
pub(super) async fn run(
    shared: &Shared,
    caller: &Caller,
    rule: &Rule,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = Key { caller: caller.key().to_string(), key: key(request.headers())? };
    if rule.repeats == Repeats::Never {
        let detail = "the answer of this address holds a secret, which is told once: send no Idempotency-Key";
        return Err(Problem::new(Code::BadRequest, detail));
    }
    let id = request.extensions().get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default();
    let path = request.uri().path().to_owned();
    let (mut parts, content) = request.into_parts();
    // Read for its bounds, too.
    let held = body::read_bytes(shared, Request::from_parts(parts.clone(), content)).await?;
    parts.headers.remove(axum::http::header::EXPECT);
    let fingerprint = fingerprint(&parts, &held.bytes);
    let by = format!("{:032x}", fastrand::u128(..));
    match claim(shared, &key, &by, &fingerprint).await? {
        Verdict::Refuse => {
            let detail =
                "this Idempotency-Key was sent with another body, or to another address, not long ago";
            return Err(Problem::new(Code::KeyReused, detail));
        }
        Verdict::Wait => return Ok(not_yet()),
        Verdict::Repeat(answer) => return Ok(again(answer)),
        Verdict::Do => {}
    }
    let request = Request::from_parts(parts, Body::from(held.bytes.clone()));
    let done = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = match done {
        Ok(response) => response,
        Err(panic) => {
            keep(shared, KeyChange::Released { key, by }).await;
            std::panic::resume_unwind(panic);
        }
    };
    let (response, answer) = taken(shared, response, &path, &id).await;
    let change = match answer {
        Some(answer) => KeyChange::Answered { key, by, answer },
        None => KeyChange::Released { key, by },
    };
    keep(shared, change).await;
    Ok(response)
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let fits = |key: &&str| {
        (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
    };
    let key = key.filter(fits).map(str::to_owned);
    let detail = "there may be one Idempotency-Key, of 1 to 255 visible ASCII characters";
    key.ok_or_else(|| Problem::new(Code::BadRequest, detail))
}

/// Tells requests apart: where they go and what they hold.
fn fingerprint(parts: &axum::http::request::Parts, bytes: &[u8]) -> String {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let head = format!("{} {path}\n", parts.method);
    hex(&sha256(&[head.as_bytes(), bytes].concat()))
}

async fn claim(shared: &Shared, key: &Key, by: &str, fingerprint: &str) -> Result<Verdict, Problem> {
    let (api, now) = (&shared.api, shared.api.clock.now());
    let far = || Problem::new(Code::Internal, "the clock is at its end");
    // Nobody works on a request for longer, so whoever claimed it then is no more.
    let stale_before = now.checked_sub(api.limits.request_time * 2).map_err(|_| far())?;
    let claim = Claim {
        key: key.clone(),
        by: by.to_owned(),
        fingerprint: fingerprint.to_owned(),
        at: now,
        expires_at: now.checked_add(api.retention.idempotency_keys).map_err(|_| far())?,
        stale_before,
    };
    let change = AccessChange::Key(KeyChange::Claimed(claim));
    ask::note(api, vec![change], api.limits.commit_time).await?;
    Ok(judge(api.store.idempotency(key).await?, by, fingerprint))
}

async fn keep(shared: &Shared, change: KeyChange) {
    let kept = ask::note(&shared.api, vec![AccessChange::Key(change)], shared.api.limits.commit_time).await;
    if kept.is_err() {
        tracing::warn!("what came of an Idempotency-Key was not confirmed in time to be kept");
    }
}

/// The response, and what of it is to be said again.
async fn taken(shared: &Shared, response: Response, path: &str, id: &str) -> (Response, Option<Answer>) {
    let status = response.status();
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passing.contains(&status) {
        return (response, None);
    }
    let (content_type, location) = (text(&response, CONTENT_TYPE), text(&response, LOCATION));
    // A problem gets its body on the way out.
    if let Some(problem) = response.extensions().get::<Problem>() {
        let content = problem.body(&shared.api.public_url, path, id);
        return (response, Some(Answer { status: status.as_u16(), content_type, location, body: content }));
    }
    let (parts, content) = response.into_parts();
    match content.collect().await {
        Ok(content) => {
            let content = content.to_bytes();
            let small = content.len() <= LARGEST;
            let body = content.to_vec();
            let answer = Answer { status: status.as_u16(), content_type, location, body };
            (Response::from_parts(parts, Body::from(content)), small.then_some(answer))
        }
        Err(_) => (Problem::new(Code::Internal, "the answer broke off").into_response(), None),
    }
}

fn text(response: &Response, name: HeaderName) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn not_yet() -> Response {
    let detail = "the first request with this Idempotency-Key has no answer yet";
    let mut response = Problem::new(Code::KeyRuns, detail).into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The first answer, as it was.
fn again(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in [(CONTENT_TYPE, answer.content_type), (LOCATION, answer.location)] {
        if let Some(value) = HeaderValue::from_str(&value).ok().filter(|value| !value.is_empty()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response.extensions_mut().insert(Plain);
    response
}
