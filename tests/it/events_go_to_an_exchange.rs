//! What changes is published to an exchange: CloudEvents, under the keys that notification services use, in the
//! order of their incident, and gone from here only once the broker confirmed them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::bus::name_of_its_own;
use crate::support::bus::rabbitmq::{PORT, Rabbit};
use crate::support::front::Front;
use crate::support::polling::soon;
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

/// What is told of each incident.
const STAGES: [&str; 3] = ["incident.opened", "incident.acknowledged", "incident.resolved"];

/// No event has fewer bytes, and no heartbeat so many.
const AN_EVENT: usize = 200;

/// A message as it came: its key, its id, the event.
type Came = (String, String, Value);

/// Everything that lies in the queue.
async fn read(rabbit: &Rabbit, queue: &str, came: &mut Vec<Came>) {
    while let Some((key, properties, payload)) = rabbit.next(queue).await {
        let kind = properties.content_type().as_ref().unwrap().as_str();
        assert!(kind.starts_with("application/cloudevents+json"), "{kind}");
        assert_eq!(*properties.delivery_mode(), Some(2));
        let id = properties.message_id().as_ref().unwrap().as_str().to_owned();
        came.push((key, id, serde_json::from_slice(&payload).unwrap()));
    }
}

/// How many events of this key came, each counted once.
fn distinct(came: &[Came], key: &str) -> usize {
    let ids = came.iter().filter(|(found, ..)| found == key).map(|(_, id, _)| id);
    ids.collect::<BTreeSet<_>>().len()
}

fn telling(port: u16, exchange: &str) -> String {
    format!(
        "[events_out.bus]\ntype = \"rabbitmq\"\nurl = \"amqp://guest:guest@127.0.0.1:{port}/\"\n\
         exchange = \"{exchange}\"\n"
    )
}

async fn until_told(home: &Home) {
    home.until("nothing waits for the exchange", async || {
        home.metrics().await.contains("foghorn_events_out_waiting{sink=\"bus\"} 0")
    })
    .await;
}

async fn act(home: &Home, number: usize, action: &str) {
    let url = home.url(&format!("/api/v1/incidents/{number}/{action}"));
    let answer = home.http().post(url).json(&json!({ "by": "ada" })).send().await.unwrap();
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
}

/// Each event of an incident came, and for the first time in its order.
fn assert_in_order(came: &[Came], incidents: usize) {
    let mut first: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (key, id, event) in came {
        assert_eq!(event["type"], format!("io.foghorn.{key}"));
        assert_eq!(event["id"], *id);
        if key.starts_with("incident.") && ids.insert(id.clone()) {
            let about = event["partitionkey"].as_str().unwrap().to_owned();
            first.entry(about).or_default().push(key.clone());
        }
    }
    assert_eq!(first.len(), incidents);
    for (about, keys) in first {
        assert_eq!(keys, STAGES, "{about}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_loses_nothing_and_turns_nothing_around() {
    const INCIDENTS: usize = 12;
    let Some(rabbit) = Rabbit::reach().await else { return };
    let (exchange, queue) = (name_of_its_own(), name_of_its_own());
    let (mail, front) = (SmtpSink::start().await, Front::before(PORT).await);
    let durable = lapin::options::ExchangeDeclareOptions { durable: true, ..Default::default() };
    let (kind, none) = (lapin::ExchangeKind::Topic, Default::default());
    rabbit.channel.exchange_declare(exchange.as_str().into(), kind, durable, none).await.unwrap();
    rabbit.declare(&queue, &[]).await;
    rabbit.bind(&queue, &exchange, "#").await;
    let more = telling(front.port(), &exchange);
    let home = Home::of(Draft { more, ..Draft::mailing_to(mail.port) }).await;
    let life = home.start().await;
    let mut came = Vec::new();
    for number in 1..=INCIDENTS {
        home.submit(&format!("disk-{number}")).await;
        match number % 3 {
            // It is said, and nobody hears it.
            0 => {
                soon("the connection is there", async {
                    while distinct(&came, "incident.opened") < number {
                        read(&rabbit, &queue, &mut came).await;
                    }
                })
                .await;
                front.swallow();
                act(&home, number, "acknowledge").await;
                home.until("it is said to nobody", async || front.swallowed() >= AN_EVENT).await;
                front.cut();
            }
            1 => {
                front.cut();
                act(&home, number, "acknowledge").await;
            }
            _ => act(&home, number, "acknowledge").await,
        }
        front.restore();
        act(&home, number, "resolve").await;
    }
    home.until_quiet().await;
    // Whoever was quick enough spared somebody a mail.
    let mails = home.list("/api/v1/deliveries?state=sent").await.len();
    let all = [("notification.sent", mails)].into_iter().chain(STAGES.map(|stage| (stage, INCIDENTS)));
    for (key, count) in all {
        soon(key, async {
            while distinct(&came, key) < count {
                read(&rabbit, &queue, &mut came).await;
            }
        })
        .await;
    }
    until_told(&home).await;
    assert_in_order(&came, INCIDENTS);
    rabbit.channel.exchange_delete(exchange.as_str().into(), Default::default()).await.unwrap();
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_no_queue_is_bound_for_is_said_and_kept_until_one_is() {
    let Some(rabbit) = Rabbit::reach().await else { return };
    let (exchange, queue) = (name_of_its_own(), name_of_its_own());
    let mail = SmtpSink::start().await;
    let more = telling(PORT, &exchange) + "only = [\"incident.*\"]\n";
    let home = Home::of(Draft { more, ..Draft::mailing_to(mail.port) }).await;
    let life = home.start().await;
    home.submit("disk").await;
    home.until("it is said", async || life.log().contains("no queue is bound for it")).await;
    let waits = "foghorn_events_out_waiting{sink=\"bus\"} 1";
    home.until("it waits", async || home.metrics().await.contains(waits)).await;
    rabbit.declare(&queue, &[]).await;
    rabbit.bind(&queue, &exchange, "incident.#").await;
    until_told(&home).await;
    let mut came = Vec::new();
    read(&rabbit, &queue, &mut came).await;
    let keys: Vec<_> = came.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!(keys, ["incident.opened"]);
    rabbit.channel.exchange_delete(exchange.as_str().into(), Default::default()).await.unwrap();
    life.kill().await;
}
