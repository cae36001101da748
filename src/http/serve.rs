//! Accepts connections and serves them, within the bounds that axum has not.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::doors::{Doors, Peer, Stream};
use super::gate::{Gate, Pass};
use super::limits::{HEADER_BYTES, HEADERS, Limits};
use super::problem::{Code, Problem};
use super::stall::Impatient;
use super::{Api, router};

/// Where the server is in its life. It only ever goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// It serves.
    #[default]
    Running,
    /// Probes are answered; everything else hears 503 and `Connection: close`. What was begun is
    /// finished.
    Draining,
    /// Nothing new is accepted, and connections end with the request they are in.
    Stopped,
}

/// How long to wait when the machine has no socket left to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Serves `api` behind `doors` until `stage` is [`Stage::Stopped`], or until its sender is gone, and
/// then for at most [`Limits::drain_time`] more.
pub async fn serve(doors: impl Into<Doors>, api: Api, stage: watch::Receiver<Stage>) {
    let doors = doors.into();
    let limits = api.limits.clone();
    let gate = Gate::new(&limits);
    let public_url = api.public_url.clone();
    let router = router(api, stage.clone());
    let mut connections = JoinSet::new();
    let mut stopped = pin!(stopped(stage.clone()));
    loop {
        tokio::select! {
            () = &mut stopped => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = doors.accept() => match accepted {
                Ok((stream, peer)) => match gate.admit(peer.ip()) {
                    Some(pass) => {
                        let converse = converse(stream, peer, router.clone(), limits.clone(), stage.clone(), pass);
                        connections.spawn(converse);
                    }
                    None => turn_away(stream, &public_url),
                },
                Err(error) if is_about_one_client(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections, trying again");
                    sleep(OUT_OF_SOCKETS).await;
                }
            }
        }
    }
    drop(doors);
    // Dropping the set ends what is left.
    let _ = timeout(limits.drain_time, async { while connections.join_next().await.is_some() {} }).await;
}

async fn stopped(mut stage: watch::Receiver<Stage>) {
    // An error means that the sender is gone, and then there is nothing to wait for either.
    let _ = stage.wait_for(|stage| *stage == Stage::Stopped).await;
}

fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn converse(
    stream: Box<dyn Stream>,
    peer: Peer,
    router: Router,
    limits: Limits,
    stage: watch::Receiver<Stage>,
    _pass: Pass,
) {
    let io = TokioIo::new(Impatient::new(stream, limits.stall_time));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let router = router.clone();
        router.oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(HEADERS)
        .max_header_size(HEADER_BYTES)
        .half_close(true)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    // An error is the client's: it broke off, or it sent what is no HTTP and was told so.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(stage) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Tells a client that there are too many, if that can be told at once.
fn turn_away(mut stream: Box<dyn Stream>, public_url: &str) {
    let body = Problem::new(Code::Unavailable, "there are too many connections").body(public_url, "", "");
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n\
         Retry-After: 2\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    let _ = stream.write_all(&answer).now_or_never();
}
