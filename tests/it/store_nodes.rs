//! Several nodes on one PostgreSQL, and a server that goes away.

use std::collections::BTreeSet;

use foghorn::domain::delivery::Lease;
use foghorn::domain::ids::TokenId;
use foghorn::domain::token::{Digest, Token};
use foghorn::store::{Store, StoreError};
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::said::{NOW, batch, claim, open};
use crate::support::services::require;
use crate::support::stores::{POSTGRES, Subject, admin, hold, opened};

/// Two nodes: each reads half of the events, all about the same four incidents.
async fn work(store: &dyn Store, lease: &Lease, from: i64) -> Vec<String> {
    let mut given = Vec::new();
    for round in 0..10 {
        let mut batch = batch(lease);
        let offsets = (0..8).map(|place| from + round * 8 + place);
        let keys = ["disk", "cpu", "memory", "network"];
        batch.accepts.extend(offsets.map(|offset| open(offset).about(keys[offset as usize % 4]).accept()));
        batch.accepts.push(open(from + 500 + round).direct());
        batch.claims.push(claim("email", 2));
        let committed = store.commit(&batch).await.unwrap();
        given.extend(committed.claimed[0].jobs.iter().map(|job| job.id.to_string()));
    }
    given
}

async fn nodes_share_incidents_and_no_delivery(subject: Subject) {
    let second = subject.second().await;
    let lease = subject.lease().await;
    let other = second.lease(&"node-b".into(), NOW).await.unwrap();
    let (a, b) = tokio::join!(work(&*subject.store, &lease, 0), work(&*second, &other, 1000));
    let given: BTreeSet<_> = a.iter().chain(&b).collect();
    assert_eq!(given.len(), a.len() + b.len(), "none is given to both");
    assert_eq!(given.len(), 24, "four incidents and twenty direct ones");
    for number in 1..=4 {
        let incident = subject.store.incident(number).await.unwrap().unwrap();
        assert_eq!(incident.event_count, 40, "no event is lost or counted twice");
    }
    assert_eq!(subject.store.incident(5).await.unwrap(), None);
}

#[tokio::test]
async fn two_nodes_share_incidents_and_never_a_delivery() {
    if require("postgres") {
        hold(Subject::postgres().await, nodes_share_incidents_and_no_delivery).await;
    }
}

async fn one_node_has_the_first_token(subject: Subject) {
    let second = subject.second().await;
    let first = |number: u8| {
        let id = TokenId::new(NOW, u128::from(number));
        Token::first(id, Digest::new([number; 32]), NOW)
    };
    let tries = (0..20).map(|number| {
        let store = if number % 2 == 0 { &subject.store } else { &second };
        async move { store.first_token(&first(number)).await.unwrap() }
    });
    let kept = join_all(tries).await.into_iter().filter(|kept| *kept).count();
    assert_eq!((kept, second.tokens().await.unwrap().len()), (1, 1));
}

#[tokio::test]
async fn nodes_that_start_at_once_make_one_first_token() {
    if require("postgres") {
        hold(Subject::postgres().await, one_node_has_the_first_token).await;
    }
}

#[tokio::test]
async fn a_server_that_drops_its_connections_is_weather() {
    if !require("postgres") {
        return;
    }
    let name = format!("foghorn_test_{:016x}", fastrand::u64(..));
    admin("postgres", format!("CREATE DATABASE {name}")).await;
    let store = opened(&format!("{POSTGRES}/{name}")).await;
    let lease = store.lease(&"node-a".into(), NOW).await.unwrap();
    let mut server = PgConnection::connect(&format!("{POSTGRES}/postgres")).await.unwrap();
    let drop_them =
        format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    server.execute(AssertSqlSafe(drop_them)).await.unwrap();

    let mut batch = batch(&lease);
    batch.accepts.push(open(1).accept());
    let mut refusals = 0;
    let committed = loop {
        match store.commit(&batch).await {
            Ok(committed) => break committed,
            Err(StoreError::Unavailable(_)) if refusals < 5 => refusals += 1,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(committed.accepted[0].incident, Some(1));
    drop(store);
    admin("postgres", format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
