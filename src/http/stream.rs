//! `GET /api/v1/stream`: what happens, as it happens, as server-sent events.
//!
//! The stream is a position in the feed. It is moved on only when the socket takes more, so a reader
//! that does not read costs nothing but its connection, which `stall` ends; whoever comes back too
//! late hears `reset`. It ends when the server stops, and when the token of its reader does.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::callers::Caller;
use super::problem::{Code, Problem};
use super::query::Query;
use super::serve::Stage;
use crate::feed::{Filter, Heard, Told, Topic, Watch};
use crate::telemetry::handles::StreamCount;

/// When to come back after the stream broke, milliseconds.
const RETRY: u32 = 3_000;
/// For so long a reader may go on whose token has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn follow(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["topics", "filter", "last_event_id"])?;
    let topics = query.words("topics", Topic::parse, &Topic::ALL)?;
    let filter = Filter::parse(topics, query.get("filter").unwrap_or_default(), shared.api.clock.now());
    let filter = filter.map_err(|why| Problem::new(Code::Query, format!("filter: {why}")))?;
    let after = last_event_id(&headers, &query)?;
    let place = Arc::clone(&shared.streams).try_acquire_owned();
    let place = place.map_err(|_| Problem::new(Code::Unavailable, "there are too many streams"))?;
    let watch = shared.api.feed.watch(after);
    let following = Following {
        greeting: Some(format!("retry: {RETRY}\nid: {}\n\n", watch.position())),
        watch,
        filter,
        stage: shared.stage.clone(),
        caller,
        looked_at: Instant::now(),
        heartbeat: shared.api.limits.heartbeat_time,
        shared,
        _place: place,
        _count: StreamCount::begin(),
    };
    Ok(([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(following.chunks())).into_response())
}

/// Where the reader was. A header goes before a parameter: a browser sends it when it comes back.
fn last_event_id(headers: &HeaderMap, query: &Query) -> Result<Option<u64>, Problem> {
    let header = headers.get("last-event-id").filter(|value| !value.is_empty());
    match header {
        None => query.read("last_event_id", "an id that the stream gave out"),
        // What is none of ours is as good as too old.
        Some(value) => Ok(Some(value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(0))),
    }
}

/// A reader, and all that it holds.
struct Following {
    greeting: Option<String>,
    watch: Watch,
    filter: Filter,
    stage: watch::Receiver<Stage>,
    shared: Arc<Shared>,
    caller: Caller,
    /// When it was last made sure that the reader may still read.
    looked_at: Instant,
    heartbeat: Duration,
    _place: OwnedSemaphorePermit,
    _count: StreamCount,
}

impl Following {
    fn chunks(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, async |mut following| {
            let chunk = following.next().await?;
            following.may_go_on().await.then(|| (Ok(Bytes::from(chunk)), following))
        })
    }

    /// A stream outlives the request; it does not outlive the token.
    async fn may_go_on(&mut self) -> bool {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return true;
        }
        self.looked_at = Instant::now();
        self.caller.still_may(&self.shared).await
    }

    /// What to send next; `None` when the server stops.
    async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let heartbeat = Instant::now() + self.heartbeat;
        loop {
            let heard = tokio::select! {
                // What was told before the server stopped is still sent.
                biased;
                heard = self.watch.next() => Some(heard),
                // An error means that the server is gone.
                _ = self.stage.wait_for(|stage| *stage == Stage::Stopped) => return None,
                () = sleep_until(heartbeat) => None,
            };
            let chunk = heard.map(|heard| self.written(heard)).unwrap_or_default();
            if !chunk.is_empty() {
                return Some(chunk);
            }
            if Instant::now() >= heartbeat {
                // The id, so that a reader of rare facts knows how far it has come.
                return Some(format!(": ping\nid: {}\n\n", self.watch.position()));
            }
        }
    }

    fn written(&self, heard: Heard) -> String {
        match heard {
            Heard::Missed => {
                format!("id: {}\nevent: reset\ndata: {{}}\n\n", self.watch.position())
            }
            Heard::Facts(facts) => {
                let wanted = facts.iter().filter(|told| self.filter.wants(&told.fact));
                wanted.fold(String::new(), |chunk, told| with(chunk, told))
            }
        }
    }
}

fn with(mut chunk: String, Told { id, fact }: &Told) -> String {
    // Writing to a string cannot fail.
    let _ = write!(chunk, "id: {id}\nevent: {}\ndata: {}\n\n", fact.name(), fact.json());
    chunk
}
