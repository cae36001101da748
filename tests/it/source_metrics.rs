//! The values of a source's series, scraped from the process: lag that stands while the store is away
//! and falls when it is back, topics that count together, what was lost and what was repeated.

use foghorn::sources::kafka::EmbeddedBroker;
use reqwest::StatusCode;

use crate::support::cluster::Cluster;
use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::smtp_sink::{Act, At, SmtpSink};

const SOURCE: &str = "{source=\"kafka\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lag_is_told_while_intake_stands_still() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let broker = EmbeddedBroker::start(&[("incidents", 1), ("alerts", 1)]).unwrap();
    let sink = SmtpSink::start().await;
    let more = reading_from(broker.address(), "incidents")
        .replace("[\"incidents\"]", "[\"incidents\", \"alerts\"]\nmax_in_flight = 4");
    let home = Home::of(Draft { store: Some(cluster.url()), more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    let lag = format!("foghorn_source_lag_messages{SOURCE}");
    for topic in ["incidents", "alerts"] {
        produce(&broker, topic, 1).await;
        home.until_kept(&format!("{topic} 0")).await;
    }
    until(&home, &lag, 0.0).await;
    until(&home, "foghorn_source_up{source=\"kafka\",type=\"kafka\"}", 1.0).await;

    cluster.crash();
    produce(&broker, "incidents", 20).await;
    produce(&broker, "alerts", 10).await;
    until(&home, &lag, 30.0).await;
    cluster.restart();
    until(&home, &lag, 0.0).await;
    until(&home, &format!("foghorn_events_received_total{SOURCE}"), 32.0).await;
    until(&home, "foghorn_events_processed_total{source=\"kafka\",result=\"accepted\"}", 30.0).await;
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_loss_of_a_source_and_each_missing_topic_shows() {
    let broker = EmbeddedBroker::start(&[("incidents", 1)]).unwrap();
    let sink = SmtpSink::start().await;
    let more =
        reading_from(broker.address(), "incidents").replace("[\"incidents\"]", "[\"incidents\", \"alerts\"]");
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    produce(&broker, "incidents", 1).await;
    home.until_kept("incidents 0").await;
    // One topic is read, the other is not there: the source is not well.
    home.until_reported("source/kafka down: there is no topic \"alerts\"").await;
    let up = "foghorn_source_up{source=\"kafka\",type=\"kafka\"}";
    until(&home, up, 0.0).await;
    let reconnects = format!("foghorn_source_reconnects_total{SOURCE}");
    home.until("it is tried again", async || value(&home, &reconnects).await >= Some(2.0)).await;
    broker.create_topic("alerts", 1).unwrap();
    home.until_reported("source/kafka ok").await;
    until(&home, up, 1.0).await;
    let tries = value(&home, &reconnects).await;
    produce(&broker, "alerts", 1).await;
    home.until_kept("alerts 0").await;
    assert_eq!(value(&home, &reconnects).await, tries, "nothing was lost since");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_repetition_counts_by_what_came_of_it() {
    let sink = SmtpSink::start().await;
    sink.once(At::Rcpt, Act::Say("550 5.1.1 nobody here"));
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    home.submit("dies").await;
    home.until("it is a dead letter", async || {
        !home.list("/api/v1/dead-letters?kind=delivery").await.is_empty()
    })
    .await;
    let dead = home.list("/api/v1/dead-letters?kind=delivery").await[0]["id"].clone();
    for _ in 0..3 {
        let body = serde_json::json!({ "ids": [dead] });
        let asked = home.http().post(home.url("/api/v1/dead-letters/retry")).json(&body);
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::ACCEPTED);
    }
    until(&home, "foghorn_dead_letter_retries_total{result=\"repeated\"}", 1.0).await;
    until(&home, "foghorn_dead_letter_retries_total{result=\"refused\"}", 2.0).await;
    life.kill().await;
}

async fn produce(broker: &EmbeddedBroker, topic: &str, count: usize) {
    for number in 0..count {
        let event = event(&format!("{topic} {number}")).to_string();
        broker.produce(topic, "key", event.as_bytes()).await.unwrap();
    }
}

async fn value(home: &Home, series: &str) -> Option<f64> {
    let scraped = home.http().get(home.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let line = scraped.lines().find_map(|line| line.strip_prefix(series));
    line.map(|value| value.trim().parse().unwrap())
}

async fn until(home: &Home, series: &str, wanted: f64) {
    home.until(&format!("{series} {wanted}"), async || value(home, series).await == Some(wanted)).await;
}
