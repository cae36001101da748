//! The API, the probes and `/metrics`, on one port and on a unix socket beside it.
//!
//! Reading goes straight to the store's read side; writing is a message to an actor, and a request
//! is answered when the actor says that its events are on stable storage. Nothing here decides
//! anything about events, incidents or deliveries.
//!
//! A request passes, from the outside in:
//!
//! ```text
//! doors     the port and the socket
//! serve     connection cap, header deadline, stalled writes, drain
//! envelope  request id, deadline, panics, metrics; every error leaves as problem+json
//! guard     draining? our name? a page of another site?
//! access    who asks (callers), may they, not too often; the same request again; who did what
//! body      deadline and size of the body, bytes of all bodies together
//! a handler events, hooks, incidents, deliveries, dead_letters, outbox, callbacks, stream, probes
//! ```
//!
//! All bounds are in [`limits`]. Errors that hyper finds before there is a request (a broken
//! request line, too many headers) are answered by hyper with a bare 400 or 431 and the end of the
//! connection; a client that does not finish its headers in time gets the end of the connection.

mod access;
mod actions;
mod answers;
mod archive;
mod ask;
mod audit;
mod body;
mod callbacks;
mod callers;
mod channel_test;
mod compatible;
mod control;
mod cookies;
mod credentials;
mod dead_letters;
mod deliveries;
mod doors;
mod envelope;
mod events;
mod explanation;
mod explorer;
mod flow;
mod gate;
mod guard;
mod handling;
mod hooks;
mod incidents;
mod jobs;
mod json;
pub mod limits;
mod links;
mod lists;
mod many;
mod oidc;
mod on_call;
mod once;
pub mod openapi;
mod outbox;
mod pages;
mod probes;
pub mod problem;
mod query;
mod rates;
mod records;
mod replays;
mod replies;
pub mod routes;
mod routing;
mod rule;
mod serve;
mod sessions;
mod sign_in;
mod silences;
mod stall;
mod status;
mod stream;
mod suppressions;
mod targets;
mod templates;
mod tokens;
mod trial;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::sync::{Semaphore, watch};

use crate::channels::oidc::Provider;
use crate::channels::outbox::Outbox;
use crate::clock::Clock;
use crate::config::{AuthMode, Explorer};
use crate::domain::Timestamp;
use crate::domain::event::Bounds;
use crate::domain::names::SourceName;
use crate::domain::retention::Retention;
use crate::feed::Feed;
use crate::messages::Peers;
use crate::messages::control::Control;
use crate::messages::in_use::InUse;
use crate::store::Store;
use crate::telemetry::health::Health;
use answers::Answers;
use cookies::Jar;
use credentials::Keys;
pub use credentials::{digest, fresh_secret};
pub use doors::{Doors, SocketFile};
use limits::Limits;
use problem::{Code, Problem};
use rates::Rates;
pub use serve::{Stage, serve};
use sessions::Sessions;

/// What the API needs of the rest of Foghorn.
#[derive(Clone)]
pub struct Api {
    /// For lists and people.
    pub store: Arc<dyn Store>,
    /// Whom to tell; changes when an actor is restarted.
    pub peers: watch::Receiver<Arc<Peers>>,
    /// What it works by; changes when the configuration does.
    pub in_use: watch::Receiver<Arc<InUse>>,
    /// Whom to ask for what concerns the process itself.
    pub control: Control,
    /// What channels kept instead of sending it.
    pub outbox: Arc<Outbox>,
    /// What the probes tell.
    pub health: Health,
    /// What the stream tells.
    pub feed: Feed,
    /// Renders `/metrics` in the Prometheus text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// The time.
    pub clock: Clock,
    /// Bounds on connections and requests.
    pub limits: Limits,
    /// Bounds on events.
    pub bounds: Bounds,
    /// The source that posted events belong to: `api`.
    pub source: SourceName,
    /// `[server] public_url`, without a slash at the end.
    pub public_url: String,
    /// `[auth] mode`
    pub auth: AuthMode,
    /// `[auth.oidc]`
    pub provider: Option<Arc<Provider>>,
    /// `[auth] session_ttl`
    pub session_ttl: Duration,
    /// `[store.retention]`
    pub retention: Retention,
    /// `[http] docs`
    pub explorer: Explorer,
    /// `[http] hosts`
    pub hosts: Vec<String>,
    /// Where it listens.
    pub address: SocketAddr,
    /// When the process began to serve.
    pub started_at: Timestamp,
}

/// What handlers share.
struct Shared {
    api: Api,
    /// The names that a request may be for: of `public_url`, and of `hosts`.
    hosts: Vec<String>,
    /// Where the server is in its life.
    stage: watch::Receiver<Stage>,
    /// Bytes of bodies that may still be held.
    bodies: Arc<Semaphore>,
    /// Streams that there may still be.
    streams: Arc<Semaphore>,
    /// Who was answered by itself, and how often.
    answers: Answers,
    /// Whose token it is.
    keys: Keys,
    /// Who is signed in.
    sessions: Sessions,
    /// How cookies are written.
    jar: Jar,
    /// How often somebody may ask.
    rates: Rates,
}

fn router(api: Api, stage: watch::Receiver<Stage>) -> Router {
    let public = url::Url::parse(&api.public_url).ok();
    let public = public.as_ref().and_then(|url| url.host_str()).map(str::to_ascii_lowercase);
    let shared = Arc::new(Shared {
        bodies: Arc::new(Semaphore::new(api.limits.bodies_bytes)),
        streams: Arc::new(Semaphore::new(api.limits.streams)),
        answers: Answers::new(api.clock),
        keys: Keys::default(),
        sessions: Sessions::default(),
        jar: Jar { secure: api.public_url.starts_with("https:") },
        rates: Rates::new(api.limits.rate, api.clock),
        hosts: api.hosts.iter().cloned().chain(public).collect(),
        stage,
        api,
    });
    routes::router(&shared)
        .fallback(async || Problem::new(Code::NotFound, "nothing is served at this path"))
        .method_not_allowed_fallback(routes::no_such_method)
        .layer(from_fn_with_state(Arc::clone(&shared), envelope::wrap))
        .with_state(shared)
}
