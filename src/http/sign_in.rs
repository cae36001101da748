//! Who is there, as far as this server knows: `GET /api/v1/session`, and signing in and out beside it.
//!
//! A browser shows its token once, with `POST`, and gets a session for it: a cookie that no script reads. Where
//! nobody is asked for a token nobody has to sign in, and is told so.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::callers::Caller;
use super::cookies::Cookie;
use super::credentials::{Proof, digest, random};
use super::doors::Peer;
use super::problem::{Code, Problem};
use super::{Shared, ask};
use crate::domain::Timestamp;
use crate::domain::ids::SessionId;
use crate::domain::retry::later;
use crate::domain::session::{Grounds, Session, SessionChange};
use crate::domain::token::Scopes;
use crate::store::batch::AccessChange;

const PATH: &str = "/api/v1/session";

/// How somebody came in.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[schema(as = SessionVia)]
#[serde(rename_all = "lowercase")]
pub(super) enum Via {
    Socket,
    /// Nobody is asked for anything.
    Network,
    Token,
    Session,
}

/// Whoever asks, as the server sees them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
pub(super) struct View {
    /// Of the session; none has whoever came in without one.
    id: Option<SessionId>,
    /// Who is said to have done what they do.
    who: String,
    via: Via,
    scopes: Scopes,
    /// When they have to come in anew.
    expires_at: Option<Timestamp>,
}

impl View {
    fn of(caller: &Caller) -> Self {
        let (id, via) = match (&caller.proof, caller.peer) {
            (Some(Proof::Session(id, _)), _) => (Some(*id), Via::Session),
            (Some(_), _) => (None, Via::Token),
            (None, Peer::Socket) => (None, Via::Socket),
            (None, Peer::Address(_)) => (None, Via::Network),
        };
        let who = caller.name.to_string();
        Self { id, who, via, scopes: caller.scopes, expires_at: caller.expires_at }
    }

    fn began(session: &Session) -> Self {
        Self {
            id: Some(session.id),
            who: session.who.clone(),
            via: Via::Session,
            scopes: session.scopes,
            expires_at: Some(session.expires_at),
        }
    }
}

pub(super) async fn show(Extension(caller): Extension<Caller>) -> Json<View> {
    Json(View::of(&caller))
}

pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let grounds = match &caller.proof {
        Some(Proof::Made(id)) => Grounds::Token(*id),
        Some(Proof::Configured(name, digest)) => Grounds::Configured(name.to_string(), *digest),
        // Nobody has to sign in who is asked for nothing.
        Some(Proof::Session(..)) | None => return Ok(Json(View::of(&caller)).into_response()),
    };
    let made = made(&shared, &caller.name, grounds, caller.scopes, caller.expires_at).await?;
    let cookie = [(SET_COOKIE, made.cookie)];
    let place = [(LOCATION, PATH)];
    Ok((StatusCode::CREATED, cookie, place, Json(View::began(&made.session))).into_response())
}

/// A session that is kept, and the cookie that shows it.
pub(super) struct Made {
    pub(super) session: Session,
    pub(super) cookie: axum::http::HeaderValue,
}

/// Makes a session for `who`, which ends no later than `end`.
pub(super) async fn made(
    shared: &Shared,
    who: &str,
    grounds: Grounds,
    scopes: Scopes,
    end: Option<Timestamp>,
) -> Result<Made, Problem> {
    let no_numbers = || Problem::new(Code::Internal, "the machine gives no random numbers");
    let secret = random().ok_or_else(no_numbers)?;
    let now = shared.api.clock.now();
    let expires_at = later(now, shared.api.session_ttl);
    let expires_at = end.map_or(expires_at, |end| end.min(expires_at));
    let session = Session {
        id: SessionId::new(now, fastrand::u128(..)),
        digest: digest(&secret),
        who: who.to_owned(),
        grounds,
        scopes,
        created_at: now,
        expires_at,
    };
    let change = AccessChange::Session(SessionChange::Began(session.clone()));
    ask::note(&shared.api, vec![change], shared.api.limits.answer_time).await?;
    let age = Duration::try_from(expires_at.duration_since(now)).unwrap_or_default();
    let cookie = shared.jar.keep(Cookie::Session, &secret, age);
    let cookie = cookie.ok_or_else(|| Problem::new(Code::Internal, "no header holds the cookie"))?;
    Ok(Made { session, cookie })
}

pub(super) async fn end(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    // Whoever has none is not signed in: that is so already.
    if let Some(Proof::Session(id, digest)) = &caller.proof {
        let change = AccessChange::Session(SessionChange::Ended(*id));
        ask::note(&shared.api, vec![change], shared.api.limits.answer_time).await?;
        shared.sessions.ended(digest);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = shared.jar.forget(Cookie::Session) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}
