//! Somebody outside hears of a Foghorn that is ready, and of one that is not hears nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::support::cluster::Cluster;
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

/// What the address holds that nobody else should see.
const TOKEN: &str = "hunter2";

/// A watcher outside: its port, and how often it was told.
async fn watcher() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let beats = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&beats);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap_or_default();
            if request[..length].starts_with(format!("GET /{TOKEN} ").as_bytes()) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
        }
    });
    (port, beats)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beats_arrive_stop_while_the_store_is_away_and_come_again() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let sink = SmtpSink::start().await;
    let (port, beats) = watcher().await;
    let beats = || beats.load(Ordering::Relaxed);
    let home = Home::of(Draft { store: Some(cluster.url()), ..Draft::mailing_to(sink.port) }).await;
    let address = format!("HEARTBEAT=http://127.0.0.1:{port}/{TOKEN}");
    home.edit("[server]\n", "[server]\nheartbeat_url = { env = \"HEARTBEAT\" }\nheartbeat_every = \"1s\"\n");
    let life = home.ready(home.spawn_under(&["env", &address])).await;
    home.until("two beats", async || beats() >= 2).await;

    cluster.crash();
    home.until_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    let kept = beats();
    // Three beats' time, of which the first may have been under way.
    sleep(Duration::from_secs(3)).await;
    assert!(beats() <= kept + 1, "{} after {kept}", beats());

    cluster.restart();
    home.until_readiness(StatusCode::OK).await;
    let kept = beats();
    home.until("beats again", async || beats() > kept).await;
    assert!(home.metrics().await.contains("foghorn_heartbeats_total{result=\"failed\"} 0"));
    assert!(!life.log().contains(TOKEN), "{}", life.log());
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_is_away_is_told_of_in_the_log_without_its_token_and_stops_nothing() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let address = format!("HEARTBEAT=http://127.0.0.1:1/{TOKEN}");
    home.edit("[server]\n", "[server]\nheartbeat_url = { env = \"HEARTBEAT\" }\nheartbeat_every = \"1s\"\n");
    let life = home.ready(home.spawn_under(&["env", &address])).await;
    home.until("it is told", async || life.log().contains("FH0507")).await;
    home.submit("anyway").await;
    assert_eq!(home.all_sent().await, 1);
    assert!(life.log().contains("http://127.0.0.1/***"), "{}", life.log());
    assert!(!life.log().contains(TOKEN), "{}", life.log());
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
}
