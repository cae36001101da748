//! How PostgreSQL goes about the statements of the write path, on a database that it knows nothing
//! about yet: what it chooses then it keeps to while the tables grow.

use foghorn::store::batch::Next;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::support::said::{NOW, Said, batch, ended, open, resolved};
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

/// Opens incidents, sends what they say, and ends them a few at a time.
async fn come_and_go(name: &str) {
    let store = opened(&format!("{POSTGRES}/{name}")).await;
    let lease = store.lease(&"node-a".into(), NOW).await.unwrap();
    let keys: Vec<&'static str> = (0..EVENTS).map(|number| &*format!("disk {number}").leak()).collect();
    let about = |said: fn(i64) -> Said, first: usize, keys: &[&'static str]| -> Vec<_> {
        (first as i64..).zip(keys).map(|(offset, key)| said(offset).about(key).accept()).collect()
    };
    let mut accepting = batch(&lease);
    accepting.accepts.extend(about(open, 0, &keys));
    accepting.grants.insert("email".into(), EVENTS as usize);
    let started = store.commit(&accepting).await.unwrap().started;
    assert_eq!(started.len(), EVENTS as usize);
    let mut ending = batch(&lease);
    ending.attempted.extend(started.iter().map(|job| ended(job, "sent", Next::Sent)));
    store.commit(&ending).await.unwrap();
    for (number, keys) in keys.chunks(10).enumerate() {
        let mut over = batch(&lease);
        over.accepts.extend(about(resolved, 1_000 + 10 * number, keys));
        store.commit(&over).await.unwrap();
    }
}

/// A database that nobody has asked anything yet.
async fn fresh() -> String {
    let name = format!("foghorn_test_{:016x}", fastrand::u64(..));
    admin("postgres", format!("CREATE DATABASE {name}")).await;
    drop(opened(&format!("{POSTGRES}/{name}")).await);
    disconnect(&name).await;
    // Building an index walks its table too.
    admin(&name, "SELECT pg_stat_reset()".to_owned()).await;
    name
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
    let name = fresh().await;
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

#[tokio::test]
async fn who_was_told_of_a_few_incidents_is_not_looked_for_among_all_deliveries() {
    if !require("postgres") {
        return;
    }
    let name = fresh().await;
    come_and_go(&name).await;
    disconnect(&name).await;

    let mut server = PgConnection::connect(&format!("{POSTGRES}/{name}")).await.unwrap();
    let sql = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'delivery_incident'";
    let read: i64 = server.fetch_one(AssertSqlSafe(sql)).await.unwrap().get(0);
    // Once for who was told, once for what is to be called off.
    assert!((EVENTS..=3 * EVENTS).contains(&read), "{read} entries for {EVENTS} deliveries");
    server.close().await.unwrap();
    admin("postgres", format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
