//! Where a call may lead, and what the names that it is given may do.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::channels::Settings;
use crate::channels::http::{Call, Http, HttpSettings};
use crate::channels::settings::Reader;
use crate::clock::Clock;
use crate::domain::fault::{Fault, Transient};

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

/// Empty, failing, and far too many: one request is made of each, and it ends.
#[tokio::test]
async fn a_name_server_that_makes_no_sense_holds_nobody_up() {
    let many = |address: &'static str| {
        move || Ok((0..1_000).map(|_| SocketAddr::new(address.parse().unwrap(), 0)).collect())
    };
    type Answers = dyn Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync;
    let table: [(&str, Arc<Answers>, Fault); 4] = [
        ("nothing", Arc::new(|| Ok(Vec::new())), Fault::Transient(Transient::Unreachable)),
        (
            "SERVFAIL",
            Arc::new(|| Err(io::Error::other("SERVFAIL"))),
            Fault::Transient(Transient::Unreachable),
        ),
        ("1,000 outside", Arc::new(many("8.8.8.8")), Fault::Transient(Transient::Unreachable)),
        ("1,000 inside", Arc::new(many("10.0.0.1")), Fault::Misconfigured),
    ];
    let settings = HttpSettings::read(&mut Reader::new(&Settings::new()));
    for (told, answers, expected) in table {
        let names = move |_| -> BoxFuture<'static, _> {
            let answer = answers();
            Box::pin(async move { answer })
        };
        let names = GuardedNames::of(Guard::new(false), Arc::new(names));
        let builder = Http::builder(&settings).dns_resolver(Arc::new(names)).local_address(LOOPBACK);
        let http = Http::built(builder, &settings, Clock::system()).unwrap();
        let url: Url = "http://senseless.example:9/".parse().unwrap();
        let failure = http.call(Call::post(url, "text/plain", Vec::new())).await.unwrap_err();
        assert_eq!(failure.fault, expected, "{told}: {failure:?}");
    }
}

#[test]
fn of_a_thousand_addresses_a_few_share_the_time_to_connect() {
    let socket = |last: usize| SocketAddr::new(format!("8.8.8.{}", last % 250).parse().unwrap(), 0);
    let admitted = Guard::new(false).sift("many.example", (0..1_000).map(socket).collect()).unwrap();
    assert_eq!(admitted, (0..MOST_ADDRESSES).map(socket).collect::<Vec<_>>());
}
