//! Google's Pub/Sub, as far as its emulator goes: beside what Foghorn takes in stands what a client takes that does
//! nothing but acknowledge, from the same emulator in the same run.

use std::env;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::ready;
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::Subscriber;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{PATIENCE, TOGETHER, measure, payload, processor_time, say, slow_kafka};

/// A topic of the emulator with one subscription, both of one name.
struct Topic {
    http: reqwest::Client,
    endpoint: String,
    name: String,
}

impl Topic {
    async fn open(name: String) -> Option<Self> {
        let endpoint = env::var("PUBSUB_EMULATOR_HOST").unwrap_or_else(|_| "127.0.0.1:8085".to_owned());
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let topic = Self { http, endpoint, name };
        let path = format!("projects/bench/topics/{}", topic.name);
        topic.http.put(topic.url(&path)).json(&json!({})).send().await.ok()?;
        let subscription = json!({ "topic": path, "ackDeadlineSeconds": 60 });
        let made = topic.http.put(topic.url(&topic.subscription())).json(&subscription).send().await;
        made.and_then(reqwest::Response::error_for_status).expect("a subscription");
        Some(topic)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v1/{path}", self.endpoint)
    }

    fn subscription(&self) -> String {
        format!("projects/bench/subscriptions/{}", self.name)
    }

    async fn fill(&self, events: usize) {
        let url = self.url(&format!("projects/bench/topics/{}:publish", self.name));
        for from in (0..events).step_by(TOGETHER) {
            let message = |number: usize| json!({ "data": STANDARD.encode(payload(number)) });
            let messages: Vec<Value> = (from..events.min(from + TOGETHER)).map(message).collect();
            let sent = self.http.post(&url).json(&json!({ "messages": messages })).send().await;
            sent.and_then(reqwest::Response::error_for_status).expect("published");
        }
    }

    async fn end(&self) {
        for path in [self.subscription(), format!("projects/bench/topics/{}", self.name)] {
            self.http.delete(self.url(&path)).send().await.expect("deleted");
        }
    }
}

pub(super) async fn pubsub(name: &str, events: usize) -> Option<()> {
    let (bare, ours) = (Topic::open(format!("{name}-bare")).await?, Topic::open(name.to_owned()).await?);
    bare.fill(events).await;
    acknowledge(&bare, events).await;
    ours.fill(events).await;
    let (endpoint, name) = (&ours.endpoint, &ours.name);
    let source =
        format!("type = 'pubsub'\nproject = 'bench'\nsubscriptions = ['{name}']\nendpoint = '{endpoint}'\n");
    let rate = measure("pubsub", events, &source, ready(())).await;
    bare.end().await;
    ours.end().await;
    // What is taken so slowly is committed in smaller portions, whoever it comes from.
    slow_kafka(name, events, rate).await;
    Some(())
}

/// What the same client takes with nothing behind it, and as much in hand as Foghorn has.
async fn acknowledge(topic: &Topic, events: usize) {
    let (begun, used) = (Instant::now(), processor_time());
    let credentials = anonymous::Builder::new().build();
    let subscriber = Subscriber::builder().with_credentials(credentials);
    let subscriber = subscriber.with_endpoint(format!("http://{}", topic.endpoint)).build().await;
    let mut stream = subscriber
        .expect("a client")
        .subscribe(topic.subscription())
        .set_max_outstanding_messages(1_000)
        .set_max_lease_extension(Duration::from_secs(10))
        .build();
    for number in 0..events {
        let came = timeout(PATIENCE, stream.next()).await;
        let came = came.unwrap_or_else(|_| panic!("bare client: {number} of {events} came"));
        let (_, handler) = came.expect("the stream goes on").expect("a message");
        handler.ack();
    }
    say("its client", events, begun.elapsed(), processor_time() - used);
}
