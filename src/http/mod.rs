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
//! body      deadline and size of the body, bytes of all bodies together
//! a handler events, incidents, deliveries, dead_letters, outbox, callbacks, stream, probes
//! ```
//!
//! All bounds are in [`limits`]. Errors that hyper finds before there is a request (a broken
//! request line, too many headers) are answered by hyper with a bare 400 or 431 and the end of the
//! connection; a client that does not finish its headers in time gets the end of the connection.

mod ask;
mod body;
mod callbacks;
mod channel_test;
mod control;
mod dead_letters;
mod deliveries;
mod doors;
mod envelope;
mod events;
mod flow;
mod gate;
mod guard;
mod incidents;
mod jobs;
pub mod limits;
mod lists;
mod outbox;
mod pages;
mod probes;
pub mod problem;
mod query;
mod replays;
mod replies;
mod routing;
mod serve;
mod stall;
mod status;
mod stream;
mod suppressions;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use tokio::sync::{Semaphore, watch};

use crate::channels::outbox::Outbox;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::event::Bounds;
use crate::domain::names::SourceName;
use crate::feed::Feed;
use crate::messages::Peers;
use crate::messages::control::Control;
use crate::messages::in_use::InUse;
use crate::store::Store;
use crate::telemetry::health::Health;
pub use doors::{Doors, SocketFile};
use limits::Limits;
use problem::{Code, PAGES, Problem};
pub use serve::{Stage, serve};

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
}

fn router(api: Api, stage: watch::Receiver<Stage>) -> Router {
    let public = url::Url::parse(&api.public_url).ok();
    let public = public.as_ref().and_then(|url| url.host_str()).map(str::to_ascii_lowercase);
    let shared = Arc::new(Shared {
        bodies: Arc::new(Semaphore::new(api.limits.bodies_bytes)),
        streams: Arc::new(Semaphore::new(api.limits.streams)),
        hosts: api.hosts.iter().cloned().chain(public).collect(),
        stage,
        api,
    });
    Router::new()
        .route("/api/v1/events", post(events::submit).get(events::list))
        .route("/api/v1/events/replay", post(replays::replay))
        .route("/api/v1/events/{id}", get(events::show))
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/incidents/{number}", get(incidents::show))
        .route("/api/v1/incidents/{number}/timeline", get(incidents::timeline))
        .route("/api/v1/deliveries", get(deliveries::list))
        .route("/api/v1/deliveries/{id}", get(deliveries::show))
        .route("/api/v1/dead-letters", get(dead_letters::list))
        .route("/api/v1/dead-letters/retry", post(dead_letters::retry))
        .route("/api/v1/dead-letters/discard", post(dead_letters::discard))
        .route("/api/v1/jobs", get(jobs::list))
        .route("/api/v1/jobs/{id}", get(jobs::show).delete(jobs::stop))
        .route("/api/v1/jobs/{id}/continue", post(jobs::go_on))
        .route("/api/v1/dead-letters/{id}", get(dead_letters::show))
        .route("/api/v1/status", get(status::show))
        .route("/api/v1/sources", get(status::sources))
        .route("/api/v1/sources/{name}/{flow}", post(flow::source))
        .route("/api/v1/channels", get(status::channels))
        .route("/api/v1/channels/{name}/{flow}", post(flow::channel))
        .route("/api/v1/channels/{name}/test", post(channel_test::test))
        .route("/api/v1/routes", get(routing::routes))
        .route("/api/v1/routes/test", post(routing::test))
        .route("/api/v1/policies", get(routing::policies))
        .route("/api/v1/policies/{name}", get(routing::policy))
        .route("/api/v1/admin/reload", post(control::reload))
        .route("/api/v1/admin/drain", post(control::drain))
        .route("/api/v1/admin/log-level", get(control::log_level).put(control::set_log_level))
        .route("/api/v1/suppressions", get(suppressions::list))
        .route("/api/v1/suppressions/{id}", delete(suppressions::lift))
        .route("/api/v1/outbox", get(outbox::list))
        .route("/api/v1/outbox/{seq}", get(outbox::show))
        .route("/callbacks/{channel}", post(callbacks::hear))
        .route("/api/v1/stream", get(stream::follow))
        .route("/incidents/{number}", get(incidents::page))
        .route("/outbox", get(outbox::list_page))
        .route("/outbox/{seq}", get(outbox::message_page))
        .route(PAGES, get(async || Code::list()))
        .route(&format!("{PAGES}/{{code}}"), get(explain))
        .route(probes::LIVEZ, get(probes::livez))
        .route(probes::READYZ, get(probes::readyz))
        .route(probes::HEALTHZ, get(probes::readyz))
        .route(probes::STARTUPZ, get(probes::startupz))
        .route(probes::METRICS, get(probes::metrics))
        .fallback(async || Problem::new(Code::NotFound, "nothing is served at this path"))
        .method_not_allowed_fallback(async |method: Method| {
            Problem::new(Code::Method, format!("{method} is not possible here"))
        })
        .layer(from_fn_with_state(Arc::clone(&shared), envelope::wrap))
        .with_state(shared)
}

/// The page that `type` of a problem leads to.
async fn explain(Path(code): Path<String>) -> Result<String, Problem> {
    let known = Code::named(&code).ok_or_else(|| Problem::new(Code::NotFound, "no error has this code"))?;
    Ok(known.page())
}
