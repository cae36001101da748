//! What every bus promises, held on each of them, by a real server and a real client: the actors over a
//! store that can be held up, or the whole process. A law is written once; a bus without a server is skipped.
//!
//! Bad input, by the rows of one table for Kafka and for every bus (`tests/support/bad_records.rs`):
//!
//! | row | law | who cannot, and why |
//! |---|---|---|
//! | 46 tombstone | `bad_records::what_is_no_event…` | RabbitMQ, Redis, NATS, Pub/Sub: no message is without a body; hybrid: `NULL` |
//! | 47 no key | every law: no bus but Kafka and Pub/Sub has keys | |
//! | 48, 49, 52, 53 empty, no UTF-8, schema ids, Avro | `bad_records::what_is_no_event…` | Pub/Sub: empty only with attributes |
//! | 50 10 MiB | the same | NATS: a server takes 1 MiB; Pub/Sub: 10 MB of request |
//! | 51 bomb of a batch | | all: no bus has compressed batches; a body that is gzip is a row of the table |
//! | 54, 55 headers, version 99 | `what_looks_bad…`, `what_is_no_event…` | hybrid: a row has none; RabbitMQ: a name once, nested tables in `rabbitmq_source`; Pub/Sub: 100 of 1 KiB, text |
//! | 54 headers nobody can read | `rabbitmq_source`, `nats_source` | |
//! | 56 timestamps | | all: the servers write the moments that are read, or nobody reads them |
//! | 57 made anew | `numbers` | Pub/Sub: numbers are the service's, for good |
//! | 58 gaps | `numbers::missing_numbers…` | RabbitMQ, Pub/Sub: no numbers in order |
//! | 59, 68, 71 transactions, partitions, patterns of topics | | all: there are none |
//! | 60–64 order, hot key, many, ids | `bad_records` | |
//! | 65 a record that kills | `a_record_that_kills` on Kafka: what counts the ends knows no bus | RabbitMQ without a name: see ADR 38 |
//! | 66 memory when rendered | `absurd_renderings`: behind every source | |
//! | 67 good and bad in turn | `bad_records::one_bad_record_in_two…` | |
//! | 69 missing, refused, not allowed, expired | `flowing`, `*_source`, `redis_and_nats_are_checked` | RabbitMQ, not allowed: the answer is that of a wrong password |
//! | 70 loop | `what_is_no_event…`; by a dead-letter exchange in `rabbitmq_source` | hybrid: a row has no headers |
//! | 72 stale | `what_looks_bad…` ("long ago"); that nobody is called is decided behind every source | |
//!
//! Pub/Sub tells nobody what it handed out: `pubsub_source` holds the laws as far as they can be seen.

mod acknowledging;
mod bad_records;
mod flowing;
mod numbers;
mod whole_process;

/// Makes a test of every law on every bus.
macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        $crate::source_contract::laws!(@rabbitmq, crate::support::bus::rabbitmq::RabbitQueue, $($law),*);
        $crate::source_contract::laws!(@redis, crate::support::bus::redis::RedisStream, $($law),*);
        $crate::source_contract::laws!(@hybrid, crate::support::bus::hybrid::Hybrid, $($law),*);
        $crate::source_contract::laws!(@nats, crate::support::bus::nats::JetStream, $($law),*);
    };
    (@$bus:ident, $type:ty, $($law:ident),*) => {
        mod $bus {
            use crate::support::bus::Bus;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                if let Some(bus) = <$type>::open().await {
                    super::$law(bus).await;
                }
            })*
        }
    };
}
use laws;

use crate::support::bus::Bus;
use crate::support::inside::Inside;

/// Waits until the bus waits for nothing.
async fn until_settled(inside: &Inside, bus: &impl Bus) {
    inside.until("all is acknowledged", async || bus.unsettled().await.all() == 0).await;
}

/// An event that opens an incident of its own, known by nothing but where it lies.
fn event(key: &str) -> Vec<u8> {
    format!(r#"{{"title":"{key}","dedup_key":"{key}","severity":"high"}}"#).into_bytes()
}
