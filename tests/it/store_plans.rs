//! How PostgreSQL goes about the statements of the write path, on a database that it knows nothing
//! about yet: what it chooses then it keeps to while the tables grow.

use foghorn::store::batch::Next;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::support::said::{NOW, batch, ended, open};
use crate::support::services::require;
use crate::support::stores::{POSTGRES, admin, opened};

const EVENTS: i64 = 200;

/// Accepts events and ends their attempts, in a database that is there for that alone.
async fn work(name: &str) {
    let store = opened(&format!("{POSTGRES}/{name}")).await;
    let lease = store.lease(&"node-a".into(), NOW).await.unwrap();
    let mut accepting = batch(&lease);
    accepting.accepts.extend((0..EVENTS).map(|offset| open(offset).direct()));
    accepting.grants.insert("email".into(), EVENTS as usize);
    let started = store.commit(&accepting).await.unwrap().started;
    assert_eq!(started.len(), EVENTS as usize);
    for jobs in started.chunks(50) {
        let mut ending = batch(&lease);
        ending.attempted.extend(jobs.iter().map(|job| ended(job, "sent", Next::Sent)));
        store.commit(&ending).await.unwrap();
    }
}

/// A connection says what it did at its end.
async fn disconnect(name: &str) {
    let end =
        format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    admin("postgres", end).await;
}

#[tokio::test]
async fn a_list_is_walked_once_and_every_row_is_found_by_its_index() {
    if !require("postgres") {
        return;
    }
    let name = format!("foghorn_test_{:016x}", fastrand::u64(..));
    admin("postgres", format!("CREATE DATABASE {name}")).await;
    drop(opened(&format!("{POSTGRES}/{name}")).await);
    disconnect(&name).await;
    // Building an index walks its table too.
    admin(&name, "SELECT pg_stat_reset()".to_owned()).await;
    work(&name).await;
    disconnect(&name).await;

    let mut server = PgConnection::connect(&format!("{POSTGRES}/{name}")).await.unwrap();
    let sql = "SELECT relname::text AS name, seq_scan AS scans FROM pg_stat_user_tables \
               WHERE relname IN ('delivery', 'attempt', 'event', 'incident') AND n_tup_ins > 0 \
               UNION ALL SELECT indexrelname, idx_scan FROM pg_stat_user_indexes \
               WHERE indexrelname = 'delivery_in_hand'";
    let mut walked = 0;
    for row in server.fetch_all(AssertSqlSafe(sql)).await.unwrap() {
        let (name, scans): (String, i64) = (row.get("name"), row.get("scans"));
        assert_eq!(scans, 0, "{name} was walked");
        walked += 1;
    }
    assert_eq!(walked, 4, "delivery, attempt, event and the index of what is in hand");
    server.close().await.unwrap();
    admin("postgres", format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
