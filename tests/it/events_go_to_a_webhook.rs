//! What changes is told to a receiver: signed, in order, without an address; and a receiver that is away
//! holds up nothing but what is for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::support::process::{Draft, Home};
use crate::support::provider::{Heard, Provider, Reply};
use crate::support::signers;
use crate::support::smtp_sink::SmtpSink;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Has the official library look at each case.
const VERIFY: &str = r#"
import json, sys
from standardwebhooks import Webhook
json.dump([Webhook(case["secret"]).verify(case["body"], case["headers"])["type"] for case in json.load(sys.stdin)], sys.stdout)
"#;

/// A receiver that answers with whatever status it is given.
async fn receiver(status: u16) -> (Provider, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(status));
    let now = Arc::clone(&status);
    (Provider::start(move |_| Reply::status(now.load(Ordering::Relaxed))).await, status)
}

fn told_to(url: &str, only: &str) -> String {
    format!(
        "[events_out.hook]\ntype = \"webhook\"\nurl = \"{url}/events\"\nsecret = \"{SECRET}\"\n\
         only = [{only}]\nallow_private_networks = true\n"
    )
}

async fn act(home: &Home, action: &str, words: Value) {
    let url = home.url(&format!("/api/v1/incidents/1/{action}"));
    let answer = home.http().post(url).json(&words).send().await.unwrap();
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
}

fn kinds(heard: &[Heard]) -> Vec<String> {
    heard.iter().map(|heard| heard.json()["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_in_order_signed_and_without_addresses() {
    let (mail, (receiver, _)) = (SmtpSink::start().await, receiver(204).await);
    let more = told_to(&receiver.url(), "\"incident.*\", \"notification.sent\"");
    let home = Home::of(Draft { more, ..Draft::mailing_to(mail.port) }).await;
    let life = home.start().await;
    home.submit("disk").await;
    home.all_sent().await;
    receiver.wait_for(2).await;
    act(&home, "acknowledge", json!({ "by": "ada" })).await;
    // If she ended it, she would not be told.
    act(&home, "resolve", json!({})).await;
    home.all_sent().await;
    let heard = receiver.wait_for(5).await;

    let of_incident: Vec<Heard> =
        heard.iter().filter(|heard| heard.json()["subject"] == "incidents/1").cloned().collect();
    assert_eq!(
        kinds(&of_incident),
        ["opened", "acknowledged", "resolved"].map(|word| format!("io.foghorn.incident.{word}"))
    );
    let sent: Vec<Value> = heard
        .iter()
        .map(Heard::json)
        .filter(|event| event["type"] == "io.foghorn.notification.sent")
        .collect();
    // Once of the opening, and once of the end.
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["data"]["delivery"]["to"], "a***@example.com");
    for one in &heard {
        assert_eq!(one.path, "/events");
        assert!(one.header("content-type").starts_with("application/cloudevents+json"));
        assert_eq!(one.header("webhook-id"), one.json()["id"].as_str().unwrap());
        assert_eq!(one.json()["specversion"], "1.0");
        assert!(!one.text().contains("ada@example.com"), "{}", one.text());
    }
    assert_eq!(of_incident[1].json()["data"]["change"]["by"], "ada");

    home.until("nothing waits for the receiver", async || {
        home.metrics().await.contains("foghorn_events_out_waiting{sink=\"hook\"} 0")
    })
    .await;
    let taken = "foghorn_events_out_published_total{sink=\"hook\",result=\"taken\"} 5";
    assert!(home.metrics().await.contains(taken));
    assert_eq!(receiver.heard().len(), 5, "each once");
    life.kill().await;

    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let case = |one: &Heard| {
        let headers: serde_json::Map<_, _> =
            headers.iter().map(|name| ((*name).to_owned(), one.header(name).into())).collect();
        json!({ "secret": SECRET, "headers": headers, "body": one.text() })
    };
    let cases: Vec<Value> = heard.iter().map(case).collect();
    if let Some(verified) = signers::run("standardwebhooks", VERIFY, &json!(cases)) {
        assert_eq!(verified, json!(kinds(&heard)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_holds_up_only_what_is_for_it() {
    let (mail, (receiver, status)) = (SmtpSink::start().await, receiver(503).await);
    let more = told_to(&receiver.url(), "\"incident.opened\"");
    let home = Home::of(Draft { more, ..Draft::mailing_to(mail.port) }).await;
    let life = home.start().await;
    for number in 0..50 {
        home.submit(&format!("disk-{number}")).await;
    }
    assert_eq!(home.all_sent().await, 50, "people hear of it all the same");
    receiver.wait_for(1).await;
    home.until("they wait for the receiver", async || {
        home.metrics().await.contains("foghorn_events_out_waiting{sink=\"hook\"} 50")
    })
    .await;
    let tries = receiver.heard().len();
    assert!(tries < 20, "{tries} tries: it is left alone for longer and longer");
    status.store(204, Ordering::Relaxed);
    let heard = receiver.wait_for(tries + 50).await;
    let came: Vec<_> = heard[heard.len() - 50..]
        .iter()
        .map(|one| one.json()["data"]["incident"]["number"].clone())
        .collect();
    assert_eq!(came, (1..=50).map(Value::from).collect::<Vec<_>>());
    life.kill().await;
}
