//! S1: whatever address is written into a channel, and whichever way it is called, nobody inside is
//! reached unless the channel may go there. Proved by a listener on all of this machine's addresses
//! that hears nothing.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foghorn::channels::sinks::webhook;
use foghorn::channels::{Channel, Settings, channel_type};
use foghorn::clock::Clock;
use foghorn::domain::Timestamp;
use foghorn::domain::fault::{Fault, Outcome};
use foghorn::domain::handover::Taking;
use foghorn::domain::notification::NotificationKind;
use foghorn::domain::outgoing::{Outgoing, Parcel};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::jobs::{direct, facts, failure, incident, surroundings};
use crate::support::process::{Draft, Home, said_with};
use crate::support::provider::{Provider, Reply};
use crate::support::smtp_sink::SmtpSink;
use crate::support::{keys, tls};

const WEBHOOK: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Ways to write this machine's own address. `P` is the listener's port.
const OURSELVES: &[&str] = &[
    "http://127.0.0.1:P/",
    "http://127.1:P/",
    "http://127.0.1:P/",
    "http://127.0.0.2:P/",
    "http://127.255.255.254:P/",
    "http://127.0.0.1.:P/",
    "http://2130706433:P/",
    "http://0x7f000001:P/",
    "http://0x7f.1:P/",
    "http://0x7f.0x0.0x0.0x1:P/",
    "http://0177.0.0.1:P/",
    "http://0177.1:P/",
    "http://017700000001:P/",
    "http://00000177.0.0.1:P/",
    "http://①②⑦.0.0.1:P/",
    "http://１２７.0.0.1:P/",
    "http://127。0。0。1:P/",
    "http://127．0．0．1:P/",
    "http://%31%32%37.0.0.1:P/",
    "http://127.0.0.%31:P/",
    "http://0:P/",
    "http://0.0.0.0:P/",
    "http://0x0:P/",
    "http://[::1]:P/",
    "http://[0:0:0:0:0:0:0:1]:P/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:P/",
    "http://[::]:P/",
    "http://[::ffff:127.0.0.1]:P/",
    "http://[::ffff:7f00:1]:P/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:P/",
    "http://[::ffff:0:127.0.0.1]:P/",
    "http://[::127.0.0.1]:P/",
    "http://[::7f00:1]:P/",
    "http://[64:ff9b::127.0.0.1]:P/",
    "http://[64:ff9b::7f00:1]:P/",
    "http://[64:ff9b:1::127.0.0.1]:P/",
    "http://[2002:7f00:1::]:P/",
    "http://user:pw@127.0.0.1:P/",
    "http://hooks.example.com@127.0.0.1:P/",
    "http://hooks.example.com:80@127.0.0.1:P/",
    "http://127.0.0.1:P#@hooks.example.com/",
    "http://127.0.0.1:P?@hooks.example.com/",
    "http://127.0.0.1:P\\@hooks.example.com/",
    "http://127.0.\t0.1:P/",
    "ht\ntp://127.0.0.1:P/",
    " http://127.0.0.1:P/ ",
    "http:127.0.0.1:P/",
    "http:/127.0.0.1:P/",
    "http:///127.0.0.1:P/",
    "HTTP://127.0.0.1:P/",
    "https://127.0.0.1:P/",
    "https://[::1]:P/",
];

/// Names of this machine.
const NAMES: &[&str] = &[
    "http://localhost:P/",
    "http://LOCALHOST:P/",
    "http://LocalHost.:P/",
    "http://%6cocalhost:P/",
    "http://ｌocalhost:P/",
    "https://localhost:P/",
    "http://hooks.example.com@localhost:P/",
];

/// Inside somebody's network, or where clouds tell secrets.
const INSIDE: &[&str] = &[
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.192/opc/v2/",
    "http://198.18.0.1/",
    "http://[fc00::1]/",
    "http://[2001:db8::1]/",
];

/// Where no setting leads.
const NEVER: &[&str] = &[
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://169.254.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[fd00:ec2::254]/",
    "http://168.63.129.16/machine",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://127.0.0.1:65536/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:P/",
    "ftp://127.0.0.1:P/",
    "ws://127.0.0.1:P/",
    "data:text/plain,x",
    "javascript:x",
    "unix:/run/foghorn.sock",
    "//127.0.0.1:P/",
    "http://",
];

/// Every way that a channel calls an address: type, provider, and its settings for one.
type Way = (&'static str, &'static str, fn(&str) -> Value);

const WAYS: &[Way] = &[
    ("webhook", "http", |url| json!({ "url": url, "secret": WEBHOOK })),
    ("sms", "http", |url| json!({ "url": url, "body": "{\"to\":\"{{ to }}\",\"text\":\"{{ text }}\"}" })),
    ("sms", "http", |url| json!({ "url": url, "method": "GET", "body": "to={{ to }}&text={{ text }}" })),
    ("sms", "twilio", |url| {
        let account = "AC0123456789abcdef0123456789abcdef";
        json!({ "base_url": url, "account_sid": account, "auth_token": "12345678", "from": "+15550100" })
    }),
    ("ios", "apns", |url| {
        json!({
            "base_url": url, "team_id": "TEAM123456", "key_id": "KEY1234567", "key": keys::APNS,
            "topic": "com.example.foghorn"
        })
    }),
    ("android", "fcm", |url| json!({ "base_url": url, "service_account": account(url) })),
    ("email", "postmark", |url| json!({ "base_url": url, "token": "12345678", "from": "fog@example.com" })),
    ("email", "sendgrid", |url| json!({ "base_url": url, "token": "12345678", "from": "fog@example.com" })),
    ("slack", "webhook", |url| json!({ "webhook_url": url })),
    ("slack", "api", |url| json!({ "base_url": url, "token": "xoxb-12345678", "channel": "C024BE91L" })),
    ("chat", "teams", |url| json!({ "webhook_url": url })),
    ("chat", "discord", |url| json!({ "webhook_url": url })),
    ("chat", "mattermost", |url| json!({ "webhook_url": url })),
    ("chat", "http", |url| json!({ "webhook_url": url, "body": "{\"text\":\"{{ text }}\"}" })),
    // The address that gives access is in the file of the account.
    ("android", "fcm", |url| json!({ "service_account": account(url) })),
];

fn account(token_uri: &str) -> String {
    json!({
        "project_id": "example-1a2b3", "private_key": keys::FCM, "token_uri": token_uri,
        "client_email": "foghorn@example-1a2b3.iam.gserviceaccount.com"
    })
    .to_string()
}

/// The channel, if these settings are taken.
fn build(way: Way, url: &str, private: bool) -> Option<Arc<dyn Channel>> {
    let (kind, provider, settings) = way;
    let mut settings: Settings = serde_json::from_value(settings(url)).unwrap();
    settings.insert("allow_private_networks".to_owned(), private.into());
    settings.insert("ca_file".to_owned(), tls::AUTHORITY.into());
    settings.insert("timeout".to_owned(), "10s".into());
    channel_type(kind).unwrap().build(provider, &settings, &surroundings()).ok()
}

async fn send(channel: &dyn Channel, kind: &str) -> Outcome {
    let to = match kind {
        "sms" => return channel.send(&direct("+15550111", "", "hi")).await,
        "ios" => "0a".repeat(32),
        "email" => "ada@example.com".to_owned(),
        _ => "a-device".to_owned(),
    };
    channel.send(&incident(&to, facts(NotificationKind::Opened))).await
}

/// Listens on every address of this machine.
struct Trap {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Trap {
    async fn set() -> Self {
        let fourth = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = fourth.local_addr().unwrap().port();
        // Not every machine has it.
        let sixth = TcpListener::bind(("::1", port)).await.ok();
        let connections = Arc::new(AtomicUsize::new(0));
        for listener in [Some(fourth), sixth].into_iter().flatten() {
            let count = Arc::clone(&connections);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, connections }
    }

    fn urls<'a>(&'a self, forms: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        forms.iter().map(|form| form.replacen(":P", &format!(":{}", self.port), 1))
    }

    /// Nobody came; whoever did is counted once the listener had its turn.
    async fn assert_empty(&self) {
        let last = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        while self.connections.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.connections.swap(0, Ordering::SeqCst), 1, "somebody else came, too");
        drop(last);
    }
}

#[tokio::test]
async fn no_spelling_of_an_address_leads_inside_by_any_way() {
    let trap = Trap::set().await;
    let (mut tried, mut refused) = (0, 0);
    let forms = trap.urls(OURSELVES).chain(trap.urls(INSIDE)).chain(trap.urls(NEVER)).enumerate();
    for (number, url) in forms {
        // Each spelling by three of the ways, each way with every third spelling and more: building a
        // client takes its time.
        for way in [number, number + 1, number + 3].map(|number| WAYS[number % WAYS.len()]) {
            tried += 1;
            refused += usize::from(build(way, &url, false).is_none());
        }
    }
    assert!(tried > 250 && refused == tried, "{refused} of {tried} are refused before anything is sent");
    for url in trap.urls(NAMES) {
        for way in WAYS {
            let channel = build(*way, &url, false).unwrap_or_else(|| panic!("{url}"));
            let failure = failure(send(&*channel, way.0).await);
            // Not every machine knows all of its names.
            let is_refused = failure.code == "address_refused" && failure.fault == Fault::Misconfigured;
            assert!(is_refused || failure.detail.contains("lookup"), "{} {url}: {failure:?}", way.1);
            let probed = channel.probe().await;
            assert!(probed.is_err(), "{} {url}: {probed:?}", way.1);
        }
    }
    trap.assert_empty().await;
}

/// The listener would hear: a channel that may go inside gets there by the same spellings.
#[tokio::test]
async fn a_channel_that_may_gets_there_but_not_everywhere() {
    let trap = Trap::set().await;
    for url in trap.urls(&["http://127.1:P/", "http://2130706433:P/", "http://localhost:P/"]) {
        for way in WAYS {
            let channel = build(*way, &url, true).unwrap_or_else(|| panic!("{url}"));
            let probing = tokio::spawn(async move { channel.probe().await });
            while trap.connections.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            trap.connections.store(0, Ordering::SeqCst);
            probing.abort();
        }
    }
    for url in trap.urls(NEVER) {
        for way in WAYS {
            assert!(build(*way, &url, true).is_none(), "{} {url:?}", way.1);
        }
    }
}

/// What is told to other systems goes where a channel may go.
#[tokio::test]
async fn events_out_lead_inside_by_no_spelling_either() {
    let trap = Trap::set().await;
    let sink = |url: &str, private: bool| {
        let settings = json!({
            "url": url, "secret": WEBHOOK, "timeout": "10s", "allow_private_networks": private
        });
        webhook(&serde_json::from_value(settings).unwrap(), Clock::system()).ok()
    };
    for url in trap.urls(OURSELVES).chain(trap.urls(INSIDE)).chain(trap.urls(NEVER)) {
        assert!(sink(&url, false).is_none(), "{url}");
    }
    for url in trap.urls(NEVER) {
        assert!(sink(&url, true).is_none(), "{url}");
    }
    let outgoing = Outgoing {
        sink: "hook".into(),
        id: "1".to_owned(),
        kind: "io.foghorn.incident.opened".to_owned(),
        about: "1".to_owned(),
        payload: "{}".to_owned(),
    };
    let parcel = Parcel { number: 1, outgoing, created_at: Timestamp::UNIX_EPOCH, attempts: 0 };
    for url in trap.urls(NAMES) {
        let sink = sink(&url, false).unwrap_or_else(|| panic!("{url}"));
        let takings =
            sink.publish(std::slice::from_ref(&parcel), Instant::now() + Duration::from_secs(9)).await;
        let why = format!("{takings:?}");
        assert!(matches!(takings[..], [Taking::Away(..)]), "{url}: {why}");
        assert!(why.contains("address_refused") || why.contains("lookup"), "{url}: {why}");
    }
    trap.assert_empty().await;
}

#[tokio::test]
async fn nobody_outside_can_send_us_inside() {
    let trap = Trap::set().await;
    let inside = format!("http://127.0.0.1:{}/", trap.port);
    for status in [301, 302, 303, 307, 308] {
        let location = inside.clone();
        let outsider = Provider::start_tls("server", move |_| {
            Reply::status(status).with("location", &location).with("refresh", &format!("0; url={location}"))
        });
        let outsider = outsider.await;
        // The last one asks for access where the others post.
        let ways = &WAYS[..WAYS.len() - 1];
        for way in ways {
            let channel = build(*way, &outsider.url(), true).unwrap();
            let outcome = send(&*channel, way.0).await;
            assert!(matches!(outcome, Outcome::Failed(_)), "{} {status}: {outcome:?}", way.1);
        }
        assert_eq!(outsider.heard().len(), ways.len(), "{status}: one request each");
    }
    trap.assert_empty().await;
}

/// The same through the process: deliveries, the test button, the check, and proxies of the
/// environment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_test_button_nor_a_proxy_leads_inside() {
    let (trap, sink) = (Trap::set().await, SmtpSink::start().await);
    let url = format!("http://localhost:{}/", trap.port);
    let channel = |(number, (kind, provider, settings)): (usize, &Way)| {
        let settings: toml::Table = serde_json::from_value(settings(&url)).unwrap();
        format!("[channels.c{number}]\ntype = '{kind}'\nprovider = '{provider}'\n{settings}")
    };
    let more = WAYS.iter().enumerate().map(channel).collect::<String>();
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    home.edit(
        "[users.ada]\n",
        &format!(
            "[users.ada]\nphone = \"+15550111\"\nios = [\"{}\"]\nandroid = [\"a-device\"]\n",
            "0a".repeat(32)
        ),
    );
    let steps: Vec<String> =
        (0..WAYS.len()).map(|n| format!("{{ notify = [\"user:ada\"], via = [\"c{n}\"] }}")).collect();
    home.edit(
        "steps = [{ after = \"0s\", notify = [\"user:ada\"], via = [\"email\"] }]",
        &format!("steps = [{}]", steps.join(", ")),
    );
    let proxy = format!("http://127.0.0.1:{}", trap.port);
    let proxies: Vec<String> =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
            .iter()
            .map(|name| format!("{name}={proxy}"))
            .collect();
    let mut wrapper = vec!["env"];
    wrapper.extend(proxies.iter().map(String::as_str));
    let life = home.ready(home.spawn_under(&wrapper)).await;
    home.submit("disk").await;
    for number in 0..WAYS.len() {
        let path = format!("/api/v1/channels/c{number}/test");
        let answer = home.http().post(home.url(&path)).json(&json!({ "to": "ada", "severity": "high" }));
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["failure"]["code"], "address_refused", "{answer}");
    }
    home.until("every channel was tried", async || {
        let deliveries = home.list("/api/v1/deliveries?").await;
        let tried = deliveries.iter().filter(|delivery| delivery["reason"] == "misconfigured").count();
        assert!(deliveries.len() <= WAYS.len());
        tried == WAYS.len()
    })
    .await;
    let config = home.file("config.toml").display().to_string();
    let env: Vec<(&str, &str)> = proxies.iter().filter_map(|pair| pair.split_once('=')).collect();
    let checked =
        said_with(&env, &["check", "--connect", "--config", &config], std::process::Stdio::piped()).await;
    assert!(checked.output.matches("address_refused").count() >= WAYS.len() - 1, "{checked:?}");
    trap.assert_empty().await;
    life.kill().await;
}
