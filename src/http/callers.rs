//! Who asks: over the socket, with a token, with a session, or unasked where nobody is asked for anything.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::cookies::Cookie;
use super::credentials::{Keys, Owner, Proof, digest, shown};
use super::doors::Peer;
use super::problem::{Code, Problem};
use crate::config::AuthMode;
use crate::domain::Timestamp;
use crate::domain::session::{Grounds, Session};
use crate::domain::token::Scopes;

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The name of the token, of whoever is signed in, or `socket`, `loopback` or `network`.
    pub(super) name: Arc<str>,
    /// What they showed, where something has to be shown.
    pub(super) proof: Option<Proof>,
    pub(super) scopes: Scopes,
    /// When that ends by itself.
    pub(super) expires_at: Option<Timestamp>,
    pub(super) peer: Peer,
}

impl Caller {
    fn with(owner: Owner, peer: Peer) -> Self {
        let Owner { name, proof, scopes, expires_at } = owner;
        Self { name, proof: Some(proof), scopes, expires_at, peer }
    }

    /// Tells callers apart, also those of one name.
    pub(super) fn key(&self) -> Arc<str> {
        match (&self.proof, self.peer) {
            (Some(Proof::Made(id)), _) => id.to_string().into(),
            (Some(Proof::Configured(name, _)), _) => format!("config:{name}").into(),
            (Some(Proof::Session(id, _)), _) => id.to_string().into(),
            (None, Peer::Socket) => "socket".into(),
            (None, Peer::Address(_)) => format!("ip:{}", self.peer.ip()).into(),
        }
    }

    /// Where they are, for the audit log; empty over the socket.
    pub(super) fn from(peer: Peer) -> String {
        match peer {
            Peer::Socket => String::new(),
            Peer::Address(_) => peer.ip().to_string(),
        }
    }

    /// Are they signed in?
    pub(super) fn has_session(&self) -> bool {
        matches!(self.proof, Some(Proof::Session(..)))
    }

    /// May they go on with what they began?
    pub(super) async fn still_may(&self, shared: &Shared) -> bool {
        match &self.proof {
            None => true,
            Some(Proof::Configured(name, digest)) => Keys::configured(&shared.api, name, digest).is_some(),
            Some(Proof::Made(id)) => matches!(shared.keys.made(&shared.api, *id).await, Ok(Some(_))),
            Some(Proof::Session(_, digest)) => match shared.sessions.find(&shared.api, digest).await {
                Ok(Some(session)) => matches!(holder(shared, session).await, Ok(Some(_))),
                _ => false,
            },
        }
    }
}

/// Who asks with these headers from there; or what to answer to nobody.
pub(super) async fn identify(
    shared: &Shared,
    peer: Option<Peer>,
    headers: &HeaderMap,
) -> Result<Caller, Response> {
    let peer = peer.ok_or_else(|| Problem::new(Code::Internal, "nobody knows who asks").into_response())?;
    let everything =
        |name: &str| Caller { name: name.into(), proof: None, scopes: Scopes::all(), expires_at: None, peer };
    match (peer, shared.api.auth) {
        (Peer::Socket, _) => return Ok(everything("socket")),
        (Peer::Address(_), AuthMode::None | AuthMode::TrustedNetwork) => {
            let name = if peer.is_local() { "loopback" } else { "network" };
            return Ok(everything(name));
        }
        (Peer::Address(_), AuthMode::Token) => {}
    }
    // Whoever shows a token means it, a browser with a cookie too.
    if headers.contains_key(AUTHORIZATION) {
        let Some(secret) = shown(headers) else { return Err(nobody()) };
        let owner = shared.keys.owner(&shared.api, secret).await.map_err(IntoResponse::into_response)?;
        return owner.map(|owner| Caller::with(owner, peer)).ok_or_else(|| wrong(shared, peer.ip()));
    }
    match shared.jar.shown(headers, Cookie::Session) {
        Some(secret) => signed_in(shared, peer, secret).await,
        None => Err(nobody()),
    }
}

/// Whoever shows this cookie.
async fn signed_in(shared: &Shared, peer: Peer, secret: &str) -> Result<Caller, Response> {
    let found = shared.sessions.find(&shared.api, &digest(secret)).await;
    let Some(session) = found.map_err(IntoResponse::into_response)? else {
        return Err(forgetting(shared, wrong(shared, peer.ip())));
    };
    // It was one of ours, so nobody guesses here.
    let owner = holder(shared, session).await.map_err(IntoResponse::into_response)?;
    owner.map(|owner| Caller::with(owner, peer)).ok_or_else(|| forgetting(shared, nobody()))
}

/// Whose session this is, if it counts, and so does what it was made for.
async fn holder(shared: &Shared, session: Session) -> Result<Option<Owner>, Problem> {
    let api = &shared.api;
    if !session.counts(api.clock.now()) {
        return Ok(None);
    }
    let scopes = match &session.grounds {
        Grounds::Token(id) => shared.keys.made(api, *id).await?.map(|owner| owner.scopes),
        Grounds::Configured(name, digest) => Keys::configured(api, name, digest).map(|owner| owner.scopes),
        // Whoever is asked now is the one whose word it was.
        Grounds::Provider(issuer) => {
            api.provider.as_ref().filter(|provider| provider.issuer() == issuer).map(|_| session.scopes)
        }
    };
    Ok(scopes.map(|scopes| Owner {
        name: session.who.as_str().into(),
        proof: Proof::Session(session.id, session.digest),
        scopes,
        expires_at: Some(session.expires_at),
    }))
}

/// Has the browser forget a session that is none.
fn forgetting(shared: &Shared, mut response: Response) -> Response {
    if let Some(cookie) = shared.jar.forget(Cookie::Session) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn wrong(shared: &Shared, address: IpAddr) -> Response {
    match shared.rates.failed(address) {
        Ok(()) => nobody(),
        Err(wait) => too_often(wait, "too many wrong tokens come from this address"),
    }
}

/// The same words for every reason.
pub(super) fn nobody() -> Response {
    let detail = "this needs a token that counts: Authorization: Bearer fh_…";
    let mut response = Problem::new(Code::NoToken, detail).into_response();
    let challenge = HeaderValue::from_static("Bearer realm=\"foghorn\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

pub(super) fn too_often(wait: Duration, detail: &'static str) -> Response {
    let mut response = Problem::new(Code::TooOften, detail).into_response();
    // A whole second is enough for a turn, and is never too little.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}
