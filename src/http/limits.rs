//! Every bound of the HTTP server in one place (S12).
//!
//! axum and hyper bound neither the time a client takes nor how many of them there are, so a
//! handful of slow sockets would hold the API for ever. These bounds are plain values, so that a
//! test can make them short.

use std::time::Duration;

use crate::config::RateLimit;

/// Most bytes of a request line and headers together.
pub const HEADER_BYTES: usize = 16 << 10;
/// Most headers of a request.
pub const HEADERS: usize = 64;
/// Most entries of one page of a list.
pub const PAGE: usize = 200;
/// Entries of a page when nobody asks for a number.
pub const DEFAULT_PAGE: usize = 50;
/// Most dead deliveries that one request repeats.
pub const RETRIES: usize = 10_000;
/// Most incidents that one request does something to.
pub const ACTS: usize = 1_000;
/// Most events that one request takes in again.
pub const REPLAYS: usize = 100;

/// The bounds that a configuration or a test may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From accept, or from the end of the last response, to the end of the headers. So it is also
    /// how long an idle connection is kept.
    pub header_time: Duration,
    /// From the headers to the end of the body.
    pub body_time: Duration,
    /// From the headers to the start of the response.
    pub request_time: Duration,
    /// How long a submitted event may take to be on stable storage. Short: whoever submits is better
    /// told to come again than kept waiting for a store that has just died.
    pub commit_time: Duration,
    /// How long an actor may take to answer anything else; less than `request_time`.
    pub answer_time: Duration,
    /// How long a client may let a response wait.
    pub stall_time: Duration,
    /// How long connections may go on after the server was told to stop.
    pub drain_time: Duration,
    /// How long a probe waits for the store.
    pub probe_time: Duration,
    /// Most bytes of one body.
    pub body_bytes: usize,
    /// Most bytes of all bodies that are being read or worked on.
    pub bodies_bytes: usize,
    /// Most bytes of a body that is too large which are read and thrown away, so that its sender
    /// sees the answer instead of a reset.
    pub discard_bytes: usize,
    /// Most connections at once.
    pub connections: usize,
    /// Most connections at once from one address. Loopback is exempt: everything on this machine,
    /// a reverse proxy too, has that one address, and the other bound still holds.
    pub connections_per_address: usize,
    /// Most streams at once; each is a connection too.
    pub streams: usize,
    /// A stream on which nothing happens says so this often.
    pub heartbeat_time: Duration,
    /// How often one caller may ask.
    pub rate: Option<RateLimit>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(5),
            body_time: Duration::from_secs(15),
            request_time: Duration::from_secs(30),
            commit_time: Duration::from_secs(2),
            answer_time: Duration::from_secs(25),
            stall_time: Duration::from_secs(15),
            drain_time: Duration::from_secs(5),
            probe_time: Duration::from_secs(1),
            body_bytes: 1 << 20,
            bodies_bytes: 64 << 20,
            discard_bytes: 4 << 20,
            connections: 1024,
            connections_per_address: 64,
            streams: 128,
            heartbeat_time: Duration::from_secs(15),
            rate: None,
        }
    }
}
