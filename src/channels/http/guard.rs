//! Which addresses a channel may reach.
//!
//! Whoever may write a webhook's address must not thereby reach what only Foghorn's machine can
//! reach. The check is on addresses, never on names: on the address in the URL, or on every address
//! that its name resolves to, for the very connection that is made. A name that is public now and
//! private a moment later therefore gets nowhere.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// What may be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    private: bool,
}

/// An address that may not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotAllowed {
    /// Neither http nor https.
    Scheme,
    /// The URL has no host.
    NoHost,
    /// Inside somebody's network.
    Private(String),
    /// Nobody's address to be a provider at: link-local, multicast, unspecified.
    Never(String),
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("only http and https are spoken"),
            Self::NoHost => f.write_str("the address names no host"),
            Self::Private(host) => write!(
                f,
                "{host} is in a private network; allow_private_networks = true lets this channel go there"
            ),
            Self::Never(host) => write!(f, "{host} is no address that a provider can have"),
        }
    }
}

impl std::error::Error for NotAllowed {}

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Public,
    Private,
    /// Metadata services of clouds live on link-local addresses, so no setting opens these.
    Never,
}

impl Guard {
    pub(super) fn new(private: bool) -> Self {
        Self { private }
    }

    /// Checks what can be seen of a URL without resolving a name.
    pub(super) fn check(self, url: &Url) -> Result<(), NotAllowed> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NotAllowed::Scheme);
        }
        match url.host() {
            None => Err(NotAllowed::NoHost),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(address)) => self.admit(IpAddr::V4(address), &address.to_string()),
            Some(Host::Ipv6(address)) => self.admit(IpAddr::V6(address), &address.to_string()),
        }
    }

    fn admit(self, address: IpAddr, host: &str) -> Result<(), NotAllowed> {
        match zone(address) {
            Zone::Public => Ok(()),
            Zone::Private if self.private => Ok(()),
            Zone::Private => Err(NotAllowed::Private(host.to_owned())),
            Zone::Never => Err(NotAllowed::Never(host.to_owned())),
        }
    }

    /// Those that may be reached of what a name resolved to.
    fn sift(self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotAllowed> {
        let mut refused = None;
        let mut admitted = found;
        admitted.retain(|address| match self.admit(address.ip(), host) {
            Ok(()) => true,
            Err(why) => {
                refused = Some(why);
                false
            }
        });
        match refused {
            Some(why) if admitted.is_empty() => Err(why),
            _ => {
                admitted.truncate(MOST_ADDRESSES);
                Ok(admitted)
            }
        }
    }
}

/// The most addresses of one name that are tried: they share the time there is to connect.
const MOST_ADDRESSES: usize = 16;

/// Tells the addresses of a name.
pub(super) type Names = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

/// What the client resolves names with. A name is asked for once for each connection, and the connection
/// goes to an address of that very answer.
pub(super) struct GuardedNames {
    guard: Guard,
    names: Arc<Names>,
}

impl GuardedNames {
    /// Asks `names`.
    pub(super) fn of(guard: Guard, names: Arc<Names>) -> Self {
        Self { guard, names }
    }

    /// Asks the machine.
    pub(super) fn of_the_machine(guard: Guard) -> Self {
        let names = |host: String| {
            let looking: BoxFuture<'static, _> =
                Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.collect()) });
            looking
        };
        Self::of(guard, Arc::new(names))
    }
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, names) = (self.guard, Arc::clone(&self.names));
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = names(host.clone()).await?;
            let admitted: Addrs = Box::new(guard.sift(&host, found)?.into_iter());
            Ok(admitted)
        })
    }
}

fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_v4(address),
        IpAddr::V6(address) => zone_v6(address),
    }
}

/// The special-purpose registry of IANA (RFC 6890 and what came after).
fn zone_v4(address: Ipv4Addr) -> Zone {
    let [a, b, c, d] = address.octets();
    match (a, b, c) {
        (0, ..) | (169, 254, _) | (224..=255, ..) => Zone::Never,
        // Azure's, which looks public and is in every machine's own network there.
        (168, 63, 129) if d == 16 => Zone::Never,
        (10 | 127, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Zone::Private,
        // Protocol assignments, documentation, benchmarks, the 6to4 relay.
        (192, 0, 0 | 2) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) => Zone::Private,
        _ => Zone::Public,
    }
}

fn zone_v6(address: Ipv6Addr) -> Zone {
    if let Some(inner) = embedded(address) {
        return zone_v4(inner);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Zone::Private,
        [0, 0, 0, 0, 0, 0, 0, 0] => Zone::Never,
        // Amazon's metadata service lies among the private ones.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Zone::Never,
        [0xfc00..=0xfdff, ..] => Zone::Private,
        [0xfe80..=0xffff, ..] => Zone::Never,
        [0x2001, 0x0db8, ..] | [0x2001, 0..=0x01ff, ..] | [0x0100, 0, 0, 0, ..] | [0x3fff, ..] => {
            Zone::Private
        }
        [0x2000..=0x3fff, ..] => Zone::Public,
        _ => Zone::Never,
    }
}

/// The IPv4 address inside: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(of(g, h)),
        (0, 0, 0, 0, 0, 0) if (g, h) != (0, 0) && (g, h) != (0, 1) => Some(of(g, h)),
        (0x2002, ..) => Some(of(b, c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
