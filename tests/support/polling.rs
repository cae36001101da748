//! A Kafka source, asked by hand.

use std::future::Future;
use std::time::Duration;

use foghorn::domain::event::Position;
use foghorn::sources::kafka::{KafkaSettings, KafkaSource, Start};
use foghorn::sources::{Polled, Record, Source, SourceError};

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), future).await {
        Ok(value) => value,
        Err(_) => panic!("not in time: {what}"),
    }
}

/// A source in the group `foghorn`.
pub(crate) fn open(broker: &str, topic: &str, start: Start) -> KafkaSource {
    let settings = KafkaSettings {
        brokers: vec![broker.to_owned()],
        topics: vec![topic.to_owned()],
        start,
        // The embedded broker gives a group this long to come together again.
        properties: [
            ("session.timeout.ms".to_owned(), "3000".to_owned()),
            ("heartbeat.interval.ms".to_owned(), "200".to_owned()),
        ]
        .into(),
        ..KafkaSettings::default()
    };
    assert_eq!(settings.objections(), []);
    KafkaSource::open(&settings, topic).expect("a source")
}

/// The next news but the lag.
pub(crate) async fn told(source: &KafkaSource) -> Result<Polled, SourceError> {
    loop {
        match source.poll().await {
            Ok(Polled::Lag(_)) => {}
            told => return told,
        }
    }
}

/// The next `count` records as text and offset; says nothing of what else is told.
pub(crate) async fn records(source: &KafkaSource, count: usize) -> Vec<(String, i64)> {
    let mut records = Vec::new();
    while records.len() < count {
        match soon("records", source.poll()).await.expect("polled") {
            Polled::Records(batch) => records.extend(batch.iter().map(text)),
            Polled::Up | Polled::Lag(_) => {}
            other => panic!("{other:?}"),
        }
    }
    records
}

pub(crate) fn text(record: &Record) -> (String, i64) {
    let payload = record.payload.as_deref().unwrap_or_default();
    let payload = String::from_utf8_lossy(payload).into_owned();
    match record.position {
        Position::Kafka { offset, .. } => (payload, offset),
        _ => panic!("no record of a topic"),
    }
}

/// Nothing but silence for a while, in which the source is polled. Says what lag was told last.
pub(crate) async fn assert_silent(source: &KafkaSource) -> Option<u64> {
    let mut last = None;
    let silence = tokio::time::timeout(Duration::from_millis(1_200), async {
        loop {
            match source.poll().await {
                Ok(Polled::Lag(lag)) => last = Some(lag),
                told => return told,
            }
        }
    });
    let broken = silence.await;
    assert!(broken.is_err(), "{broken:?}");
    last
}
