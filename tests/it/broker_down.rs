//! A broker that goes away is weather: what comes by other ways is taken meanwhile, and when it is
//! back, reading goes on where it stopped.

use crate::support::load::mails;
use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::smtp_sink::SmtpSink;
use foghorn::sources::kafka::EmbeddedBroker;
use reqwest::StatusCode;

const TOPIC: &str = "incidents";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_outlives_an_outage_of_its_broker() {
    let sink = SmtpSink::start().await;
    let broker = EmbeddedBroker::start(&[(TOPIC, 1)]).unwrap();
    let more = reading_from(broker.address(), TOPIC);
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let mut life = home.start().await;

    let before: Vec<String> = (0..10).map(|n| format!("load-before-{n}")).collect();
    produce(&broker, &before).await;
    arrived(&home, &sink, 10).await;

    broker.take_down().unwrap();
    home.until_reported("source/kafka down").await;
    let meanwhile: Vec<String> = (0..10).map(|n| format!("load-meanwhile-{n}")).collect();
    for key in &meanwhile {
        assert_eq!(home.readiness().await, Some(StatusCode::OK), "a broker does not gate readiness");
        home.submit(key).await;
    }
    arrived(&home, &sink, 20).await;

    broker.bring_up().unwrap();
    let after: Vec<String> = (0..10).map(|n| format!("load-after-{n}")).collect();
    produce(&broker, &after).await;
    arrived(&home, &sink, 30).await;
    home.until_reported("source/kafka ok").await;

    assert!(life.is_alive(), "it is still the first life");
    assert_eq!(home.all_sent().await, 30);
    let mails = mails(&sink);
    for key in before.iter().chain(&meanwhile).chain(&after) {
        assert_eq!(mails[key].len(), 1, "{key}");
    }
    life.kill().await;
}

async fn produce(broker: &EmbeddedBroker, keys: &[String]) {
    for key in keys {
        broker.produce(TOPIC, key, event(key).to_string().as_bytes()).await.unwrap();
    }
}

async fn arrived(home: &Home, sink: &SmtpSink, count: usize) {
    home.until(&format!("{count} mails arrived"), async || sink.count() >= count).await;
}
