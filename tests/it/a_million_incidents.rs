//! Lists stay fast when there is much that is over: a million incidents, the whole command timed.
//!
//! It fills a database of half a gigabyte, so it is run by hand:
//! `cargo test --release --test it a_million -- --ignored --nocapture`.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use foghorn::store::open::{StoreSettings, open};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tokio::time::Instant;

use crate::support::process::{Draft, Home};

const INCIDENTS: u64 = 1_000_000;

/// Most are over. What needs somebody is few and old.
const FILL: [&str; 3] = [
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1)
     INSERT INTO incident SELECT n, printf('inc_%026d', n), 2, 'key-' || n,
     iif(n % 50000 = 7, 'open', iif(n % 50000 = 8, 'acknowledged', 'resolved')),
     CASE n % 20 WHEN 0 THEN 'critical' WHEN 1 THEN 'high' WHEN 2 THEN 'low' ELSE 'medium' END,
     'Queue depth above ' || n, iif(n % 100 = 0, 'checkout-', 'service-') || (n % 300),
     'What is wrong in more words, as senders write it, number ' || n,
     '{\"env\":\"prod\",\"region\":\"eu-west-1\"}', '[]', 'api', 'everything', 'mail', 1,
     1790000000000 + n, NULL, NULL, 1790000000000 + n FROM n",
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1)
     INSERT INTO delivery SELECT printf('del_%026d', n), printf('ntf_%026d', n), n, 'opened', 'email', 'ada',
     'ada@example.com', 1, iif(n % 100 = 0, 'dead', 'sent'), 0, 0, 1790000000000 + n, 1790000000000 + n, 1, 0,
     0, iif(n % 100 = 0, 'permanent', 'sent'), iif(n % 100 = 0, 'rejected', NULL), NULL, NULL, NULL FROM n",
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1)
     INSERT INTO event SELECT printf('evt_%026d', n), 'api', 'p' || n, NULL, NULL, 1790000000000 + n, 'routed',
     n, CAST('{\"title\":\"Queue depth above ' || n || '\"}' AS BLOB) FROM n",
];

#[tokio::test]
#[ignore = "fills half a gigabyte"]
async fn a_command_answers_at_once() {
    let home = Home::of(Draft::mailing_to(1)).await;
    let path = home.file("foghorn.db");
    let url = format!("sqlite://{}", path.display());
    drop(open(&StoreSettings { url: url.clone(), ..StoreSettings::default() }).await.unwrap());
    let begun = Instant::now();
    let mut file = SqliteConnection::connect(&url).await.unwrap();
    for fill in FILL {
        sqlx::query(AssertSqlSafe(fill)).bind(INCIDENTS as i64).execute(&mut file).await.unwrap();
    }
    file.close().await.unwrap();
    let mut out = std::io::stderr();
    writeln!(out, "filled in {:?}", begun.elapsed()).unwrap();

    let _life = home.start().await;
    let table = [
        "version",
        "incident list",
        "incident list --status open",
        "incident list --filter status:acknowledged",
        "incident list --filter severity:critical",
        "incident list --filter service:checkout-*",
        "incident show 7",
        "incident show 999999",
        "delivery list",
        "delivery list --incident 500000",
        "delivery list --state dead",
        "dlq list",
        "dlq list --filter error:rejected",
        "event list",
        "event show evt_00000000000000000000500000",
        "incident list --filter status:resolved",
        "incident list --filter status:resolved,open+severity:critical",
        "incident list --filter status:resolved+service:checkout-*",
        "incident list --filter status:resolved+above",
        "incident list --filter status:resolved+999001",
        "incident list --filter status:resolved+nowhere",
    ];
    for words in table {
        let arguments: Vec<String> = words.split(' ').map(|word| word.replace('+', " ")).collect();
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..9 {
            let begun = Instant::now();
            let done = Command::new(env!("CARGO_BIN_EXE_foghorn"))
                .args(&arguments)
                .args(["--url", &home.url("")])
                .env_clear()
                .output()
                .unwrap();
            took.push(begun.elapsed());
            assert_eq!(done.status.code(), Some(0), "{words}: {done:?}");
        }
        took.sort_unstable();
        writeln!(out, "{:>7.1} ms  {words}", took[4].as_secs_f64() * 1000.0).unwrap();
    }
    // A page far from the newest costs what the first one does. The server gave up older connections.
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    for path in ["incidents?cursor=500000", "incidents?cursor=500000&filter=severity:critical"] {
        let begun = Instant::now();
        let page = http.get(home.url(&format!("/api/v1/{path}"))).send().await.unwrap();
        assert_eq!(page.status(), 200);
        writeln!(out, "{:>7.1} ms  {path}", begun.elapsed().as_secs_f64() * 1000.0).unwrap();
    }
}
