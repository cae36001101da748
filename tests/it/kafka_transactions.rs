//! Records of transactions: their markers leave gaps in the offsets, at the end too, and what is
//! committed steps over them.

use std::time::Duration;

use foghorn::sources::kafka::Start;
use foghorn::sources::{Polled, Source};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::support::polling::{assert_silent, open, records, told};
use crate::support::tansu::{Tansu, Writer};

const TOPIC: &str = "incidents";
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_marks_of_transactions_are_stepped_over() {
    let Some(broker) = Tansu::start_alone().await else {
        return;
    };
    let address = broker.address();
    let writer = Writer::to(&address, &[]);
    writer.create(TOPIC, 1).await;
    writer.write(TOPIC, 0, b"plain").await;
    transact(&address, &["a", "b"]).await;
    writer.write(TOPIC, 0, b"between").await;
    transact(&address, &["c"]).await;

    let source = open(&address, TOPIC, Start::Earliest);
    let read = records(&source, 5).await;
    let expected = [("plain", 0), ("a", 1), ("b", 2), ("between", 4), ("c", 5)];
    assert_eq!(read, expected.map(|(text, offset)| (text.to_owned(), offset)));
    source.settle(TOPIC, 0, 6);
    source.close(SOON).await;

    let next = open(&address, TOPIC, Start::Earliest);
    assert_eq!(told(&next).await.unwrap(), Polled::Up);
    assert_silent(&next).await;
    writer.write(TOPIC, 0, b"new").await;
    assert_eq!(records(&next, 1).await, [("new".to_owned(), 7)]);
}

/// One transaction, committed.
async fn transact(broker: &str, payloads: &'static [&'static str]) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("transactional.id", format!("writer-{}", payloads[0]));
    let whole = move || {
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(SOON).unwrap();
        producer.begin_transaction().unwrap();
        for payload in payloads {
            producer.send(BaseRecord::<str, str>::to(TOPIC).partition(0).payload(payload)).unwrap();
        }
        producer.flush(SOON).unwrap();
        producer.commit_transaction(SOON).unwrap();
    };
    tokio::task::spawn_blocking(whole).await.unwrap();
}
