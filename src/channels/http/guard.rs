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
            _ => Ok(admitted),
        }
    }
}

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
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::channels::Settings;
    use crate::channels::http::{Call, Http, HttpSettings};
    use crate::channels::settings::Reader;
    use crate::clock::Clock;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Every way to write an address inside, as attackers write them.
    const PRIVATE: &[&str] = &[
        "http://127.0.0.1/",
        "http://127.1/",
        "http://127.255.255.254:3644/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1.:80/",
        "http://10.0.0.1/",
        "http://10.255.255.255/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.0.1/",
        "http://192.168.1.1:8080/x",
        "http://100.64.0.1/",
        "http://100.127.255.255/",
        "http://192.0.0.8/",
        "http://192.0.2.1/",
        "http://198.18.0.1/",
        "http://198.19.255.255/",
        "http://198.51.100.7/",
        "http://203.0.113.9/",
        "http://192.88.99.1/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:a00:1::1]/",
        "http://[fc00::1]/",
        "http://[fd12:3456:789a::1]/",
        "http://[2001:db8::1]/",
        "http://[2001::1]/",
        "http://[100::1]/",
        "http://[3fff::1]/",
        "https://user:pass@10.1.2.3/",
        "http://１２７.0.0.1/",
        "http://127。0。0。1/",
        "http://①②⑦.0.0.1/",
        "http://0300.0250.0.1/",
        "http://0xc0a80001/",
        "http://3232235521/",
        "http://%31%32%37.0.0.1/",
        "http://127.0.0.1%2f@10.0.0.1/",
    ];
    /// Nowhere that a setting opens.
    const NEVER: &[&str] = &[
        "http://0.0.0.0/",
        "http://0/",
        "http://0.1.2.3/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://169.254.0.1/",
        "http://168.63.129.16/",
        "http://224.0.0.1/",
        "http://239.255.255.250/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[febf::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[fd00:ec2::254]/",
        "http://[4000::1]/",
        "http://[::ffff:0:0]/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://10.0.0.1/",
        "data:text/plain,x",
    ];
    const PUBLIC: &[&str] = &[
        "https://8.8.8.8/",
        "http://1.1.1.1:8080/",
        "http://172.15.0.1/",
        "http://172.32.0.1/",
        "http://100.63.255.255/",
        "http://100.128.0.1/",
        "http://192.0.1.1/",
        "http://198.17.255.255/",
        "http://168.63.129.15/",
        "http://[2606:4700::1111]/",
        "http://[2a00:1450::1]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[64:ff9b::808:808]/",
        "https://example.com/",
    ];

    fn check(url: &str, private: bool) -> Result<(), NotAllowed> {
        Guard::new(private).check(&url.parse().unwrap())
    }

    #[test]
    fn an_address_inside_is_reached_only_by_a_channel_that_may() {
        for url in PRIVATE.iter().filter(|url| url.parse::<Url>().is_ok()) {
            assert!(matches!(check(url, false), Err(NotAllowed::Private(_))), "{url}");
            assert_eq!(check(url, true), Ok(()), "{url}");
        }
    }

    #[test]
    fn some_addresses_are_reached_by_nobody() {
        for url in NEVER {
            for private in [false, true] {
                let refused = check(url, private);
                assert!(
                    matches!(refused, Err(ref why) if !matches!(why, NotAllowed::Private(_))),
                    "{url} {refused:?}"
                );
            }
        }
    }

    #[test]
    fn the_rest_of_the_world_is_open() {
        for url in PUBLIC {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
    }

    #[test]
    fn of_what_a_name_resolves_to_only_the_allowed_addresses_are_left() {
        let socket = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let mixed = vec![socket("127.0.0.1"), socket("8.8.8.8"), socket("169.254.169.254")];
        let guard = Guard::new(false);
        assert_eq!(guard.sift("rebinding.example", mixed.clone()), Ok(vec![socket("8.8.8.8")]));
        let open = Guard::new(true);
        assert_eq!(open.sift("rebinding.example", mixed), Ok(vec![socket("127.0.0.1"), socket("8.8.8.8")]));
        let inside = guard.sift("intranet.example", vec![socket("10.0.0.1"), socket("::1")]);
        assert_eq!(inside, Err(NotAllowed::Private("intranet.example".to_owned())));
    }

    /// A name that points outside whenever it is checked and inside the next time it is asked for.
    #[tokio::test]
    async fn a_name_that_changes_between_two_questions_leads_nowhere() {
        const FLIPS: usize = 10_000;
        let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = inside.local_addr().unwrap().port();
        let came = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&came);
        tokio::spawn(async move {
            while inside.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let flipping = move |_| -> BoxFuture<'static, _> {
            let is_outside = count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
            let answer = if is_outside { "8.8.8.8" } else { "127.0.0.1" };
            Box::pin(async move { Ok(vec![SocketAddr::new(answer.parse().unwrap(), 0)]) })
        };
        let settings = HttpSettings::read(&mut Reader::new(&Settings::new()));
        let names = GuardedNames::of(Guard::new(false), Arc::new(flipping));
        // From this address nobody gets out of the machine, so nothing leaves it.
        let builder = Http::builder(&settings).dns_resolver(Arc::new(names)).local_address(LOOPBACK);
        let http = Http::built(builder, &settings, Clock::system()).unwrap();
        let url: Url = format!("http://rebinding.example:{port}/").parse().unwrap();
        let mut refused = 0;
        for _ in 0..FLIPS {
            let failure = http.call(Call::post(url.clone(), "text/plain", Vec::new())).await.unwrap_err();
            refused += usize::from(failure.code == "address_refused");
        }
        assert_eq!(asked.load(Ordering::SeqCst), FLIPS, "asked once for each connection");
        assert_eq!((refused, came.load(Ordering::SeqCst)), (FLIPS / 2, 0));
    }
}
