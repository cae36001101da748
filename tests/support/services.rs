//! Servers that a test needs and that may not be there.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Where each service is looked for.
const SERVICES: [(&str, &str); 1] = [("postgres", "127.0.0.1:5432")];

/// True if `service` answers. If not, says so, or fails where `FOGHORN_REQUIRE_SERVICES=1`.
pub(crate) fn require(service: &str) -> bool {
    let (_, address) = SERVICES.iter().find(|(name, _)| *name == service).expect("a known service");
    let address: SocketAddr = address.parse().expect("an address");
    if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        return true;
    }
    let required = std::env::var("FOGHORN_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert!(!required, "needs {service} at {address}");
    say(service);
    false
}

#[expect(clippy::print_stdout, reason = "a skipped test says so where `make test` looks")]
fn say(service: &str) {
    println!("skipped: needs {service}");
}
