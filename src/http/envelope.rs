//! What is the same for every request: its id, its deadline, what a panic becomes, its metrics, and
//! that every error leaves as problem+json.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::time::{Instant, timeout};

use super::problem::{Code, Problem, of_status};
use super::serve::Stage;
use super::{Shared, guard};
use crate::telemetry::handles::answered;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An error response that is meant to be as it is: of a probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

/// By what a request is found in the log.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// Runs a request.
pub(super) async fn wrap(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers(), &shared);
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(RequestId(id.as_str().into()));

    let response = match guard::admit(&shared, &request) {
        Ok(()) => run(&shared, request, next, &id).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = as_problem(response, &shared.api.public_url, &path, &id);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        // Where a sender knows its request by another name, that one stays.
        headers.entry(REQUEST_ID).or_insert(id);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if *shared.stage.borrow() != Stage::Running {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }

    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    answered(route, method, response.status().as_u16(), started.elapsed());
    response
}

async fn run(shared: &Shared, request: Request, next: Next, id: &str) -> Response {
    let answer =
        AssertUnwindSafe(timeout(shared.api.limits.request_time, next.run(request))).catch_unwind().await;
    match answer {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::new(Code::Unavailable, "the answer took too long").into_response(),
        Err(_) => {
            tracing::error!(request.id = id, "a request handler panicked");
            Problem::new(Code::Internal, "an unexpected error; the log has more under the request id")
                .into_response()
        }
    }
}

fn as_problem(mut response: Response, public_url: &str, path: &str, id: &str) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Plain>().is_some() {
        return response;
    }
    let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(|| {
        let reason = status.canonical_reason().unwrap_or("refused");
        Problem::new(of_status(status), reason)
    });
    *response.status_mut() = problem.status();
    *response.body_mut() = Body::from(problem.body(public_url, path, id));
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// The client's own id if it is a plain one, so that its logs and ours can be laid side by side.
fn request_id(headers: &HeaderMap, shared: &Shared) -> String {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_plain(id)).map_or_else(
        || {
            let millis = u64::try_from(shared.api.clock.now().as_millisecond()).unwrap_or(0);
            format!("req_{}", ulid::Ulid::from_parts(millis, fastrand::u128(..)))
        },
        str::to_owned,
    )
}

fn is_plain(id: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(letters)
}

/// From a fixed list: a client must not be able to make new series.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_id_of_the_client_is_echoed() {
        assert!(is_plain("req-7.a:b/c+d=_"));
        for id in ["", "a b", "a\"b", "é", &"x".repeat(129)] {
            assert!(!is_plain(id), "{id}");
        }
    }
}
