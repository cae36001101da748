//! The whole way: from records of a topic to the mail server's 250, through two `kill -9`, with
//! records among them that are no events.

use std::collections::BTreeSet;
use std::time::Duration;

use foghorn::sources::kafka::EmbeddedBroker;
use tokio::time::{Instant, interval};

use crate::support::load::{assert_nothing_lost, mails, tell};
use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::smtp_sink::{Act, At, SmtpSink};

const TOPIC: &str = "incidents";
const RECORDS: usize = 300;
/// One of so many is no event.
const POISON_EVERY: usize = 25;
/// What is no event, and why not.
const POISON: [(&str, &str); 4] = [
    ("{\"title\":", "parse"),
    ("", "parse"),
    ("{\"title\":\"x\",\"severity\":\"appalling\"}", "schema"),
    (
        "{\"kind\":\"notification\",\"to\":[\"user:nobody\"],\"via\":[\"email\"],\"subject\":\"s\",\"body\":\"b\"}",
        "unroutable",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_ends_as_a_mail_or_as_a_dead_letter() {
    let begun = Instant::now();
    let sink = SmtpSink::start().await;
    sink.always(At::Dot, Act::Late(Duration::from_millis(10)));
    let broker = EmbeddedBroker::start(&[(TOPIC, 3)]).unwrap();
    let more = reading_from(broker.address(), TOPIC);
    let home = Home::of(Draft { more, workers: 2, ..Draft::mailing_to(sink.port) }).await;

    let first = home.start().await;
    let produced = tokio::spawn(produce(broker));
    arrived(&home, &sink, RECORDS / 5).await;
    first.kill().await;
    let second = home.start().await;
    arrived(&home, &sink, RECORDS / 2).await;
    second.kill().await;
    let last = home.start().await;

    let (broker, keys) = produced.await.unwrap();
    home.until("every record is an event or a dead letter", async || {
        let letters = home.list("/api/v1/dead-letters?kind=event").await.len();
        letters + home.list("/api/v1/incidents?").await.len() >= RECORDS
    })
    .await;
    assert_eq!(home.all_sent().await, keys.len(), "each event is one delivery");
    let twice = assert_nothing_lost(&keys, &mails(&sink));
    assert_poison_is_kept(&home).await;
    tell(&format!(
        "{RECORDS} records, {} of them poisoned, 2 kills: {} events mailed, 0 lost, {twice} mails twice; {:.1} s",
        RECORDS / POISON_EVERY,
        keys.len(),
        begun.elapsed().as_secs_f64()
    ));
    last.kill().await;
    drop(broker);
}

/// Keys of all that are events, while the records go out one after the other.
async fn produce(broker: EmbeddedBroker) -> (EmbeddedBroker, BTreeSet<String>) {
    let mut keys = BTreeSet::new();
    let mut tick = interval(Duration::from_millis(15));
    for number in 0..RECORDS {
        tick.tick().await;
        let key = format!("load-{number}");
        if number % POISON_EVERY == POISON_EVERY - 1 {
            let (poison, _) = POISON[number / POISON_EVERY % POISON.len()];
            broker.produce(TOPIC, &key, poison.as_bytes()).await.unwrap();
        } else {
            broker.produce(TOPIC, &key, event(&key).to_string().as_bytes()).await.unwrap();
            keys.insert(key);
        }
    }
    (broker, keys)
}

async fn arrived(home: &Home, sink: &SmtpSink, count: usize) {
    home.until(&format!("{count} mails arrived"), async || sink.count() >= count).await;
}

async fn assert_poison_is_kept(home: &Home) {
    let letters = home.list("/api/v1/dead-letters?kind=event").await;
    let mut kept: Vec<_> = Vec::new();
    for letter in &letters {
        let path = format!("/api/v1/dead-letters/{}", letter["id"].as_str().unwrap());
        let letter = home.get(&path).await;
        let text = |field: &str| letter[field].as_str().unwrap_or_default().to_owned();
        kept.push((text("payload"), text("reason")));
    }
    let expected = (0..RECORDS / POISON_EVERY).map(|number| POISON[number % POISON.len()]);
    let mut expected: Vec<_> = expected.map(|(text, why)| (text.to_owned(), why.to_owned())).collect();
    kept.sort_unstable();
    expected.sort_unstable();
    assert_eq!(kept, expected, "each exactly once, byte for byte");
}
