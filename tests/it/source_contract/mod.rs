//! What every bus promises, held on each of them, by a real server and a real client: the actors over a
//! store that can be held up, or the whole process. A law is written once; a bus without a server is skipped.

mod acknowledging;
mod flowing;
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

/// An event that opens an incident of its own, known by nothing but where it lies.
fn event(key: &str) -> Vec<u8> {
    format!(r#"{{"title":"{key}","dedup_key":"{key}","severity":"high"}}"#).into_bytes()
}
