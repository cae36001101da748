//! The process, killed, asked to stop and told to pause.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::sleep;

use super::event;
use crate::support::bus::{Bus, reading};
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

super::laws!(
    kills_lose_nothing_and_double_nothing,
    a_drain_leaves_nothing_half_done,
    a_paused_source_keeps_nothing_until_it_flows_again,
);

async fn home(bus: &impl Bus, sink: &SmtpSink) -> Home {
    Home::of(Draft { more: reading(bus, 64), ..Draft::mailing_to(sink.port) }).await
}

async fn publish(bus: &impl Bus, keys: std::ops::Range<usize>) {
    for key in keys {
        bus.publish(&event(&format!("event {key}"))).await;
    }
}

async fn until_settled(home: &Home, bus: &impl Bus) {
    home.until("all is acknowledged", async || bus.unsettled().await.all() == 0).await;
}

/// How often each incident was heard of.
async fn heard(home: &Home) -> BTreeMap<String, u64> {
    let incidents = home.list("/api/v1/incidents?").await.into_iter();
    let count = |incident: serde_json::Value| {
        let title = incident["title"].as_str().expect("a title").to_owned();
        (title, incident["event_count"].as_u64().expect("a count"))
    };
    incidents.map(count).collect()
}

async fn assert_each_once(home: &Home, count: usize) {
    let expected: BTreeMap<String, u64> = (0..count).map(|key| (format!("event {key}"), 1)).collect();
    assert_eq!(heard(home).await, expected);
    assert_eq!(home.list("/api/v1/dead-letters?kind=event").await, Vec::<serde_json::Value>::new());
}

async fn kills_lose_nothing_and_double_nothing<B: Bus>(bus: B) {
    const KILLS: usize = 5;
    const EACH: usize = 40;
    let sink = SmtpSink::start().await;
    let home = home(&bus, &sink).await;
    for kill in 0..KILLS {
        let life = home.start().await;
        publish(&bus, kill * EACH..(kill + 1) * EACH).await;
        sleep(Duration::from_millis(fastrand::u64(0..300))).await;
        life.kill().await;
    }
    let life = home.start().await;
    until_settled(&home, &bus).await;
    assert_each_once(&home, KILLS * EACH).await;
    life.kill().await;
}

async fn a_drain_leaves_nothing_half_done<B: Bus>(bus: B) {
    const STOPS: usize = 3;
    const EACH: usize = 100;
    let sink = SmtpSink::start().await;
    let home = home(&bus, &sink).await;
    for stop in 0..STOPS {
        let life = home.start().await;
        publish(&bus, stop * EACH..(stop + 1) * EACH).await;
        sleep(Duration::from_millis(fastrand::u64(0..150))).await;
        life.terminate().await;
        let (code, took) = life.exit().await;
        assert_eq!(code, 0, "a drain is an orderly end");
        assert!(took < Duration::from_secs(10), "{took:?}");
        let life = home.start().await;
        until_settled(&home, &bus).await;
        assert_each_once(&home, (stop + 1) * EACH).await;
        let known = "foghorn_events_processed_total{source=\"bus\",result=\"duplicate\"} 0";
        let metrics = home.metrics().await;
        assert!(metrics.contains(known), "what was stored was acknowledged before the end:\n{metrics}");
        life.terminate().await;
        assert_eq!(life.exit().await.0, 0);
    }
}

async fn a_paused_source_keeps_nothing_until_it_flows_again<B: Bus>(bus: B) {
    let sink = SmtpSink::start().await;
    let home = home(&bus, &sink).await;
    let life = home.start().await;
    publish(&bus, 0..3).await;
    home.until_kept("event 2").await;
    assert_eq!(home.run(&["source", "pause", "bus"]).await.exit, 0);
    publish(&bus, 3..8).await;
    let lag = "foghorn_source_lag_messages{source=\"bus\"} 5";
    home.until("what waits is told", async || home.metrics().await.contains(lag)).await;
    assert_eq!(heard(&home).await.len(), 3);
    assert_eq!(home.run(&["source", "resume", "bus"]).await.exit, 0);
    home.until_kept("event 7").await;
    until_settled(&home, &bus).await;
    assert_each_once(&home, 8).await;
    life.kill().await;
}
