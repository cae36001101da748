//! A topic that is not there yet, and later one of the same name with more partitions whose offsets
//! start again: every record of either is an event, and the daemon needs no help.

use rdkafka::admin::AdminOptions;

use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tansu::{Tansu, Writer};

const TOPIC: &str = "incidents";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_may_come_late_and_be_made_anew() {
    let Some(broker) = Tansu::start_alone().await else {
        return;
    };
    let writer = Writer::to(&broker.address(), &[]);
    let sink = SmtpSink::start().await;
    let more = reading_from(&broker.address(), TOPIC);
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let mut life = home.start().await;
    home.until_reported("source/kafka down: there is no topic \"incidents\"").await;
    home.submit("posted meanwhile").await;
    writer.create(TOPIC, 1).await;
    for key in ["a", "b", "c"] {
        write(&writer, 0, key).await;
    }
    home.until_kept("c").await;
    home.until_reported("source/kafka ok").await;
    assert!(life.is_alive(), "it is still the first life");
    // Offsets are committed at the end.
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);

    let deleted = writer.admin().delete_topics(&[TOPIC], &AdminOptions::new()).await.unwrap();
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    writer.create(TOPIC, 3).await;
    // The old one would not know of the new partitions.
    let writer = Writer::to(&broker.address(), &[]);
    for (partition, key) in [(0, "d"), (1, "e"), (2, "f")] {
        write(&writer, partition, key).await;
    }
    let life = home.start().await;
    for key in ["d", "e", "f"] {
        home.until_kept(key).await;
    }
    assert_eq!(home.list("/api/v1/incidents?").await.len(), 7);
    life.kill().await;
}

async fn write(writer: &Writer, partition: i32, key: &str) {
    writer.write(TOPIC, partition, event(key).to_string().as_bytes()).await;
}
