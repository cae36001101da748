//! How long lists take when a lot has happened: 1,000,000 incidents and 3,000,000 deliveries, asked for over the
//! API of a running daemon, first page and deep. `cargo bench --bench large_store`.
//!
//! Prints for each question the median and the 95th percentile beside those of `/healthz`, which asks no
//! store and so is what the way there and back costs. The database is made with SQL, as it would be after the
//! events; SQLite is a file in the target folder, PostgreSQL is measured if `FOGHORN_BENCH_POSTGRES` is the URL
//! of an empty database. `FOGHORN_BENCH_INCIDENTS=10000` makes fewer.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark takes the time and prints it"
)]

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use foghorn::store::open::{StoreSettings, open};
use reqwest::Client;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tokio::runtime::Runtime;

/// How often each question is asked.
const TIMES: usize = 200;
/// What most lists are about: deliveries for each incident.
const DELIVERIES: u64 = 3;

/// A daemon on a database of its own, ended with this value.
struct Daemon {
    child: Child,
    port: u16,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let incidents = env::var("FOGHORN_BENCH_INCIDENTS").ok().and_then(|text| text.parse().ok());
    let incidents: u64 = incidents.unwrap_or(1_000_000);
    runtime.block_on(async {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("large_store");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a folder");
        let sqlite = format!("sqlite://{}", dir.join("foghorn.db").display());
        measured("sqlite", &sqlite, &dir, incidents).await;
        if let Ok(url) = env::var("FOGHORN_BENCH_POSTGRES") {
            measured("postgres", &url, &dir, incidents).await;
        }
    });
}

async fn measured(kind: &str, url: &str, dir: &Path, incidents: u64) {
    let settings = StoreSettings { url: url.to_owned(), ..StoreSettings::default() };
    drop(open(&settings).await.expect("a store"));
    let begun = Instant::now();
    fill(kind, url, incidents).await;
    println!(
        "{kind}: {incidents} incidents and {} deliveries made in {:.0?}",
        incidents * DELIVERIES,
        begun.elapsed()
    );
    let daemon = start(url, dir).await;
    let client = Client::builder().no_proxy().build().expect("a client");
    println!("{:<62} {:>9} {:>9}", "", "p50", "p95");
    for (name, path) in questions(incidents) {
        let (p50, p95) = asked(&client, daemon.port, &path).await;
        println!("{name:<62} {:>6.2} ms {:>6.2} ms", p50.as_secs_f64() * 1e3, p95.as_secs_f64() * 1e3);
    }
}

/// What is asked, and how.
fn questions(incidents: u64) -> Vec<(String, String)> {
    let delivery = |number: u64| format!("del_{number:026}");
    let deep = [("first page", None), ("at half", Some(incidents / 2)), ("near the end", Some(200))];
    let mut questions = vec![("/healthz: no store".to_owned(), "/healthz".to_owned())];
    for (where_, before) in deep {
        for filter in
            ["", "status:open", "severity:critical", "service:service-7", "status:resolved severity:info"]
        {
            let cursor = before.map(|before| format!("&cursor={before}")).unwrap_or_default();
            questions.push((
                format!("incidents, {where_}, {}", if filter.is_empty() { "all" } else { filter }),
                format!("/api/v1/incidents?limit=50&filter={}{cursor}", filter.replace(' ', "%20")),
            ));
        }
        for filter in ["", "state:sent", "state:dead", "recipient:user-77", "channel:sms"] {
            let cursor = before.map(|before| format!("&cursor={}", delivery(before * DELIVERIES)));
            questions.push((
                format!("deliveries, {where_}, {}", if filter.is_empty() { "all" } else { filter }),
                format!("/api/v1/deliveries?limit=50&filter={filter}{}", cursor.unwrap_or_default()),
            ));
        }
    }
    questions.push(("one incident".to_owned(), format!("/api/v1/incidents/{}", incidents / 3)));
    questions.push(("its history".to_owned(), format!("/api/v1/incidents/{}/timeline", incidents / 3)));
    questions.push(("dead letters".to_owned(), "/api/v1/dead-letters?limit=50".to_owned()));
    questions.push(("history of one user".to_owned(), "/notifications/history/user-77".to_owned()));
    questions.push(("status".to_owned(), "/api/v1/status".to_owned()));
    questions
}

async fn asked(client: &Client, port: u16, path: &str) -> (Duration, Duration) {
    let url = format!("http://127.0.0.1:{port}{path}");
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        let answer = client.get(&url).send().await.expect("an answer");
        let status = answer.status();
        let body = answer.bytes().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    (took[TIMES / 2], took[TIMES * 95 / 100])
}

async fn start(url: &str, dir: &Path) -> Daemon {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let config = dir.join("config.toml");
    let text = format!(
        "config_version = 1\n[server]\ndata_dir = \"{}\"\n[store]\nurl = \"{url}\"\n\
         [http]\nlisten = \"127.0.0.1:{port}\"\nrate_limit = {{ requests_per_second = 100000, burst = 100000 }}\n",
        dir.display()
    );
    fs::write(&config, text).expect("a file");
    let log = fs::File::create(dir.join("daemon.log")).expect("a file");
    let child = Command::new(env!("CARGO_BIN_EXE_foghorn"))
        .args(["serve", "--config"])
        .arg(&config)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("a daemon");
    let daemon = Daemon { child, port };
    let client = Client::builder().no_proxy().build().expect("a client");
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let ready = client.get(format!("http://127.0.0.1:{port}/readyz")).send().await;
        if ready.is_ok_and(|answer| answer.status().is_success()) {
            return daemon;
        }
        assert!(Instant::now() < deadline, "not ready: see {}", dir.join("daemon.log").display());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn fill(kind: &str, url: &str, incidents: u64) {
    let statements = match kind {
        "postgres" => {
            rows("generate_series(1, {n}) AS s (n)", "lpad(n::text, 26, '0')", "''::bytea", incidents)
        }
        _ => rows(
            "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {n}) SELECT n FROM s) AS s",
            "printf('%026d', n)",
            "x''",
            incidents,
        ),
    };
    for statement in statements {
        let statement = AssertSqlSafe(statement);
        let done = match kind {
            "postgres" => {
                let mut server = PgConnection::connect(url).await.expect("the server");
                server.execute(statement).await.map(drop)
            }
            _ => {
                let mut file = SqliteConnection::connect(url).await.expect("the file");
                file.execute(statement).await.map(drop)
            }
        };
        done.expect("rows");
    }
}

/// One in 400 incidents is open, one in 500 deliveries is dead: what needs somebody is rare. `numbers` are those up to
/// `{n}`, `spelled` one of them as the end of an id.
fn rows(numbers: &str, spelled: &str, bytes: &str, incidents: u64) -> [String; 6] {
    let of = |count: u64| numbers.replace("{n}", &count.to_string());
    let deliveries = incidents * DELIVERIES;
    [
        format!(
            "INSERT INTO incident (number, id, version, dedup_key, status, severity, title, service, labels, links, source, \
             route, policy, event_count, opened_at, resolved_at, last_event_at, calls) \
             SELECT n, 'inc_' || {spelled}, 2, 'key-' || n, CASE WHEN n % 400 = 0 THEN 'open' ELSE 'resolved' END, \
             CASE n % 5 WHEN 0 THEN 'critical' WHEN 1 THEN 'high' WHEN 2 THEN 'medium' WHEN 3 THEN 'low' ELSE 'info' END, \
             'checkout-api p99 latency above 2 s in eu-west-1', 'service-' || (n % 50), '{{\"env\":\"prod\"}}', '[]', 'bus', \
             'all', 'page', 2, 1700000000000 + n * 1000, 1700000000000 + n * 1000 + 500, 1700000000000 + n * 1000, \
             CASE WHEN n % 400 = 0 THEN 'on' ELSE 'off' END FROM {}",
            of(incidents)
        ),
        format!(
            "INSERT INTO timeline (incident, version, at, kind, event, detail) \
             SELECT n, 1, 1700000000000 + n * 1000, 'opened', 'evt_' || {spelled}, 'route \"all\"' FROM {}",
            of(incidents)
        ),
        format!(
            "INSERT INTO event (id, source, position, received_at, decision, incident, raw) \
             SELECT 'evt_' || {spelled}, 'bus', 'topic/0/' || n, 1700000000000 + n * 1000, 'routed', n, {bytes} FROM {}",
            of(incidents)
        ),
        format!(
            "INSERT INTO notification (id, event, incident, kind, created_at) \
             SELECT 'ntf_' || {spelled}, 'evt_' || {spelled}, n, 'opened', 1700000000000 + n * 1000 FROM {}",
            of(incidents)
        ),
        format!(
            "INSERT INTO delivery (id, notification, incident, kind, channel, recipient, address, priority, state, due_at, \
             expires_at, created_at, updated_at, attempts, held, crashes, dead_reason) \
             SELECT 'del_' || {spelled}, 'ntf_' || {spelled}, 1 + (n - 1) / {DELIVERIES}, 'opened', \
             CASE n % 3 WHEN 0 THEN 'email' WHEN 1 THEN 'sms' ELSE 'ios' END, 'user-' || (n % 200), 'a@example.com', 1, \
             CASE WHEN n % 500 = 0 THEN 'dead' ELSE 'sent' END, 1700000000000 + n * 333, 1800000000000, \
             1700000000000 + n * 333, 1700000000000 + n * 333, 1, 0, 0, \
             CASE WHEN n % 500 = 0 THEN 'rejected' END FROM {}",
            of(deliveries)
        ),
        "ANALYZE".to_owned(),
    ]
}
