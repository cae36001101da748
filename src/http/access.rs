//! Who asks, and may they? Every route but the open ones is behind this.
//!
//! Whoever comes through the socket may do everything, and so may everybody where `[auth]` asks for no
//! token. Otherwise it takes a token or a session, with the scope of the route. What changes something is
//! written down with who did it, before it is answered, and goes on when whoever asked has gone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::callers::{Caller, identify, nobody, too_often};
use super::doors::Peer;
use super::envelope::RequestId;
use super::problem::{Code, Problem};
use super::rule::{Needs, Rule};
use super::{Shared, ask, guard, once};
use crate::domain::audit::AuditEntry;
use crate::domain::ids::AuditId;
use crate::domain::token::Scope;
use crate::store::batch::AccessChange;

/// Answers a request, if it may be asked.
pub(super) async fn enter(
    State((shared, rule)): State<(Arc<Shared>, Rule)>,
    mut request: Request,
    next: Next,
) -> Response {
    if rule.needs == Needs::Nothing {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().copied();
    let caller = match known(&shared, rule.needs, peer, (request.method(), request.headers())).await {
        Ok(caller) => caller,
        Err(response) => {
            // Somebody who tried to sign in and could not.
            if rule.needs == Needs::Token && response.status() == StatusCode::UNAUTHORIZED {
                let from = peer.map(Caller::from).unwrap_or_default();
                write_down(&shared, ("", from), &rule, &Asked::of(&request), response.status()).await;
            }
            return response;
        }
    };
    if caller.peer != Peer::Socket
        && let Err(wait) = shared.rates.take(|| caller.key())
    {
        return too_often(wait, "this caller asks more often than [http] rate_limit allows");
    }
    let noted = changes(request.method(), &rule.needs);
    let who = (Arc::clone(&caller.name), Caller::from(caller.peer));
    if let Needs::Scope(scope) = rule.needs
        && !caller.scopes.allow(scope)
    {
        let response = missing(scope);
        if noted {
            write_down(&shared, (&who.0, who.1), &rule, &Asked::of(&request), response.status()).await;
        }
        return response;
    }
    request.extensions_mut().insert(caller.clone());
    let keyed = request.method() == Method::POST && request.headers().contains_key(once::IDEMPOTENCY_KEY);
    if !noted && !keyed {
        return next.run(request).await;
    }
    // In a task of its own: it is done, written down and kept for the next try, whoever hangs up.
    let work = tokio::spawn(async move {
        let asked = Asked::of(&request);
        let response = if keyed {
            let done = once::run(&shared, &caller, &rule, request, next).await;
            done.unwrap_or_else(IntoResponse::into_response)
        } else {
            next.run(request).await
        };
        if noted {
            write_down(&shared, (&who.0, who.1), &rule, &asked, response.status()).await;
        }
        response
    });
    match work.await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            // As if it had happened here.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Problem::new(Code::Unavailable, "shutting down").into_response(),
        },
    }
}

/// Who asks, and in a way that they may ask this in. A session is no token, and what is asked with one comes
/// from our own page.
async fn known(
    shared: &Shared,
    needs: Needs,
    peer: Option<Peer>,
    (method, headers): (&Method, &HeaderMap),
) -> Result<Caller, Response> {
    let caller = identify(shared, peer, headers).await?;
    if caller.has_session() {
        if needs == Needs::Token {
            return Err(nobody());
        }
        guard::own_page(method, headers).map_err(IntoResponse::into_response)?;
    }
    Ok(caller)
}

/// Reports of events are rows of their own.
fn changes(method: &Method, needs: &Needs) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && *needs != Needs::Scope(Scope::EventsWrite)
}

fn missing(scope: Scope) -> Response {
    let detail = format!("this needs the scope \"{scope}\", which the token does not have");
    let mut response = Problem::new(Code::ScopeMissing, detail).into_response();
    let challenge = format!("Bearer realm=\"foghorn\", error=\"insufficient_scope\", scope=\"{scope}\"");
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// What is left of a request once it is under way.
pub(super) struct Asked {
    target: String,
    request_id: String,
}

/// More of a path is nobody's id.
const LONGEST_TARGET: usize = 512;

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let id = request.extensions().get::<RequestId>();
        Self {
            target: request.uri().path().chars().take(LONGEST_TARGET).collect(),
            request_id: id.map(|id| id.0.to_string()).unwrap_or_default(),
        }
    }
}

/// Writes down who did what. What was done is done: if this cannot be written, the log has it.
pub(super) async fn write_down(
    shared: &Shared,
    (who, from): (&str, String),
    rule: &Rule,
    asked: &Asked,
    status: StatusCode,
) {
    let now = shared.api.clock.now();
    let entry = AuditEntry {
        id: AuditId::new(now, fastrand::u128(..)),
        at: now,
        who: who.to_owned(),
        from,
        action: format!("{} {}", rule.method.as_str(), rule.path),
        target: asked.target.clone(),
        status: status.as_u16(),
        request_id: asked.request_id.clone(),
    };
    let (who, action, target, status) = (&entry.who, &entry.action, &entry.target, entry.status);
    tracing::info!(who, action, target, status, "done by request");
    let change = AccessChange::Audit(entry.clone());
    if ask::note(&shared.api, vec![change], shared.api.limits.commit_time).await.is_err() {
        tracing::warn!(id = %entry.id, who, action, target, status, "not confirmed in time to be in the audit log");
    }
}
