//! Servers and programs that a test needs and that may not be there.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Where each service is looked for.
const SERVICES: [(&str, &str); 5] = [
    ("postgres", "127.0.0.1:5432"),
    ("redis", "127.0.0.1:6379"),
    ("nats", "127.0.0.1:4222"),
    ("rabbitmq", "127.0.0.1:5672"),
    ("pubsub", "127.0.0.1:8085"),
];

/// True if `service` answers. If not, says so, or fails where `FOGHORN_REQUIRE_SERVICES=1`.
pub(crate) fn require(service: &str) -> bool {
    let (_, address) = SERVICES.iter().find(|(name, _)| *name == service).expect("a known service");
    let address: SocketAddr = address.parse().expect("an address");
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() || missing(service)
}

/// What is needed is not there. Said to standard error itself: what a test prints is captured when
/// the test passes.
pub(crate) fn missing(what: &str) -> bool {
    let required = std::env::var("FOGHORN_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert!(!required, "needs {what}");
    forbidden(what)
}

/// What is needed may not be had here, whatever is installed: never fails.
pub(crate) fn forbidden(what: &str) -> bool {
    let _ = writeln!(std::io::stderr(), "skipped: needs {what}");
    false
}
