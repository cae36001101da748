//! What changes is written to a topic: CloudEvents, in the order of their incident, of one key.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tansu::{Tansu, Writer};

const TOPIC: &str = "foghorn.events";

/// A record as it came: key, content type, event.
type Came = (String, String, Value);

/// The first `count` records of the topic.
async fn read(broker: String, count: usize) -> Vec<Came> {
    let reading = spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &broker)
            .set("group.id", "warehouse")
            .set("auto.offset.reset", "earliest")
            .create()
            .unwrap();
        consumer.subscribe(&[TOPIC]).unwrap();
        let mut came = Vec::new();
        while came.len() < count {
            let Some(Ok(record)) = consumer.poll(Duration::from_millis(200)) else { continue };
            let key = String::from_utf8(record.key().unwrap().to_vec()).unwrap();
            let kind = record.headers().unwrap().get(0).value.unwrap().to_vec();
            let event = serde_json::from_slice(record.payload().unwrap()).unwrap();
            came.push((key, String::from_utf8(kind).unwrap(), event));
        }
        came
    });
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the records come").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_told_as_it_goes_on_and_a_broker_that_is_away_slows_nobody() {
    let port = crate::support::process::free_port().await;
    let mail = SmtpSink::start().await;
    let more = format!(
        "[events_out.bus]\ntype = \"kafka\"\nbrokers = [\"127.0.0.1:{port}\"]\ntopic = \"{TOPIC}\"\n\
         only = [\"incident.*\"]\n"
    );
    let home = Home::of(Draft { more, ..Draft::mailing_to(mail.port) }).await;
    let life = home.start().await;
    // Nobody is there yet: people are told all the same.
    home.submit("disk").await;
    assert_eq!(home.all_sent().await, 1);
    let Some(broker) = Tansu::start_here(port).await else { return };
    Writer::to(&broker.address(), &[]).create(TOPIC, 3).await;
    for action in ["acknowledge", "resolve"] {
        let url = home.url(&format!("/api/v1/incidents/1/{action}"));
        let answer = home.http().post(url).json(&json!({ "by": "ada" })).send().await.unwrap();
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }
    let came = read(broker.address(), 3).await;
    let told: Vec<_> = came.iter().map(|(_, _, event)| event["type"].as_str().unwrap()).collect();
    let expected = ["opened", "acknowledged", "resolved"].map(|word| format!("io.foghorn.incident.{word}"));
    assert_eq!(told, expected);
    for (key, kind, event) in &came {
        assert_eq!((key.as_str(), &event["partitionkey"]), ("1", &"1".into()));
        assert!(kind.starts_with("application/cloudevents+json"), "{kind}");
        assert_eq!(event["data"]["incident"]["title"], "disk");
    }
    home.until("nothing waits for the topic", async || {
        home.metrics().await.contains("foghorn_events_out_waiting{sink=\"bus\"} 0")
    })
    .await;
    life.kill().await;
}
