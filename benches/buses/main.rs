//! How fast each bus is taken into the store: 20,000 events that lie ready, each an incident of its own, into SQLite in
//! a file. `cargo bench --bench buses`; `FOGHORN_BENCH_EVENTS=2000` takes fewer.
//!
//! Prints events a second and the processor time of each event, this process' own. Kafka's broker runs inside the
//! process, so its figure has the broker in it. A bus without a server on loopback is left out. Pub/Sub's server is an
//! emulator, so what its client takes alone stands beside what Foghorn takes.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark takes the time and prints it"
)]

mod pubsub;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foghorn::clock::Clock;
use foghorn::config::Config;
use foghorn::daemon::Foghorn;
use foghorn::daemon::assembly::{self, Shared};
use foghorn::feed::{Feed, Room};
use foghorn::sources::kafka::EmbeddedBroker;
use foghorn::store::open::open;
use foghorn::store::{Paging, Store};
use foghorn::telemetry::health::Health;
use futures::future::{join, join_all, ready};
use lapin::options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// So many are published without waiting for each other.
const TOGETHER: usize = 500;
/// Nothing takes longer than this.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::main(worker_threads = 2)]
async fn main() {
    // Nobody else made a choice yet.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let events = env::var("FOGHORN_BENCH_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    println!("{events} events, {}", if cfg!(debug_assertions) { "not optimised" } else { "optimised" });
    let name = format!("foghorn-bench-{:016x}", fastrand::u64(..));
    kafka(&name, events).await;
    for (bus, done) in [
        ("redis", redis(&name, events).await),
        ("hybrid", hybrid(&name, events).await),
        ("nats", nats(&name, events).await),
        ("rabbitmq", rabbitmq(&name, events).await),
        ("pubsub", pubsub::pubsub(&name, events).await),
    ] {
        if done.is_none() {
            println!("{bus:<14} no server");
        }
    }
}

fn payload(number: usize) -> Vec<u8> {
    format!(
        r#"{{"title":"checkout-api p99 latency above 2 s","severity":"critical","service":"checkout-api","dedup_key":"checkout-api/latency/{number}","description":"Error budget burn rate 14.4 over 1h; dashboards and runbook linked below.","labels":{{"env":"prod","region":"eu-west-1","team":"payments"}}}}"#
    )
    .into_bytes()
}

/// Takes in what lies ready and what `publishing` adds to it; says how many a second that were, and prints it.
async fn measure(bus: &str, events: usize, source: &str, publishing: impl Future<Output = ()>) -> f64 {
    let dir = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite://{}/foghorn.db", dir.path().display());
    let text = format!("[store]\nurl = '{url}'\n[sources.bus]\n{source}");
    let config = Config::parse(&text, None, &BTreeMap::new()).expect("a configuration").config;
    let store = open(&assembly::store_settings(&config)).await.expect("a store");
    let clock = Clock::system();
    let shared = Shared {
        store: Arc::clone(&store),
        outbox: Arc::default(),
        clock,
        health: Health::default(),
        feed: Feed::new(clock, Room::default()),
        link_key: "a key".to_owned().into(),
    };
    let (begun, used) = (Instant::now(), processor_time());
    let parts = assembly::parts(&config, &shared).expect("parts");
    let foghorn = Foghorn::start(parts).await.expect("a Foghorn");
    let kept = async {
        while newest(&*store).await < events as u64 {
            assert!(begun.elapsed() < PATIENCE, "{bus}: {} of {events} are kept", newest(&*store).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    join(kept, publishing).await;
    let rate = say(bus, events, begun.elapsed(), processor_time() - used);
    foghorn.end().await;
    rate
}

fn say(who: &str, events: usize, took: Duration, used: Duration) -> f64 {
    let rate = events as f64 / took.as_secs_f64();
    let each = used.as_micros() / events as u128;
    println!("{who:<14} {rate:>8.0} events/s   {each:>5} µs of processor for each");
    rate
}

/// Each event is an incident, and incidents are numbered.
async fn newest(store: &dyn Store) -> u64 {
    let first = Paging { before: None, limit: 1 };
    let page = store.incidents(&Default::default(), &first).await.expect("a page");
    page.data.first().map_or(0, |incident| incident.number)
}

/// What this process has used so far. The clock of the processor ticks a hundred times a second on Linux.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

async fn kafka(name: &str, events: usize) {
    // It keeps a few thousand records of a partition.
    let broker = EmbeddedBroker::start(&[(name, 8)]).expect("a broker");
    for from in (0..events).step_by(TOGETHER) {
        produce(&broker, name, from..events.min(from + TOGETHER)).await;
    }
    let source = format!("type = 'kafka'\nbrokers = ['{}']\ntopics = ['{name}']\n", broker.address());
    measure("kafka", events, &source, ready(())).await;
}

async fn produce(broker: &EmbeddedBroker, name: &str, numbers: Range<usize>) {
    let sent = numbers
        .map(|number| async move { broker.produce(name, &number.to_string(), &payload(number)).await });
    join_all(sent).await.into_iter().collect::<Result<Vec<_>, _>>().expect("produced");
}

/// The same records, so many a second: commits are smaller than where many lie ready.
async fn slow_kafka(name: &str, events: usize, rate: f64) {
    let broker = EmbeddedBroker::start(&[(name, 8)]).expect("a broker");
    let source = format!("type = 'kafka'\nbrokers = ['{}']\ntopics = ['{name}']\n", broker.address());
    let begun = Instant::now();
    let publishing = async {
        let portion = (rate / 50.0).ceil() as usize;
        for from in (0..events).step_by(portion) {
            let due = Duration::from_secs_f64(from as f64 / rate);
            tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
            produce(&broker, name, from..events.min(from + portion)).await;
        }
    };
    measure("kafka, as slow", events, &source, publishing).await;
}

async fn redis(name: &str, events: usize) -> Option<()> {
    let client = redis::Client::open("redis://127.0.0.1:6379").ok()?;
    let mut connection = client.get_multiplexed_async_connection().await.ok()?;
    for from in (0..events).step_by(TOGETHER) {
        let mut pipeline = redis::pipe();
        for number in from..events.min(from + TOGETHER) {
            pipeline.cmd("XADD").arg(name).arg("*").arg("payload").arg(payload(number)).ignore();
        }
        pipeline.exec_async(&mut connection).await.expect("added");
    }
    measure(
        "redis",
        events,
        &format!("type = 'redis'\nurl = 'redis://127.0.0.1:6379'\nstreams = ['{name}']\n"),
        ready(()),
    )
    .await;
    redis::cmd("DEL").arg(name).exec_async(&mut connection).await.expect("deleted");
    Some(())
}

async fn hybrid(name: &str, events: usize) -> Option<()> {
    let server = "postgres://postgres@127.0.0.1:5432/postgres";
    let mut database = PgConnection::connect(server).await.ok()?;
    let create = format!(
        "CREATE TABLE \"{name}\" (id bigserial PRIMARY KEY, job bytea, notification_status text NOT NULL DEFAULT 'pending', \
         created_at timestamptz NOT NULL DEFAULT now()); \
         CREATE INDEX ON \"{name}\" (created_at) WHERE notification_status = 'pending'"
    );
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut database).await.expect("a table");
    let payloads: Vec<Vec<u8>> = (0..events).map(payload).collect();
    let insert = format!("INSERT INTO \"{name}\" (job) SELECT unnest($1::bytea[])");
    sqlx::query(AssertSqlSafe(insert)).bind(payloads).execute(&mut database).await.expect("rows");
    let source = format!(
        "type = 'redis'\nmode = 'hybrid'\nurl = 'redis://127.0.0.1:6379'\nchannel = '{name}'\n\
         table = {{ url = '{server}', name = '{name}', payload = 'job' }}\n"
    );
    measure("hybrid", events, &source, ready(())).await;
    let drop = format!("DROP TABLE \"{name}\"");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut database).await.expect("dropped");
    Some(())
}

async fn nats(name: &str, events: usize) -> Option<()> {
    let client = async_nats::connect("nats://127.0.0.1:4222").await.ok()?;
    let context = async_nats::jetstream::new(client);
    let subjects = vec![format!("{name}.>")];
    let stream =
        async_nats::jetstream::stream::Config { name: name.to_owned(), subjects, ..Default::default() };
    context.create_stream(stream).await.expect("a stream");
    for from in (0..events).step_by(TOGETHER) {
        let mut confirmed = Vec::new();
        for number in from..events.min(from + TOGETHER) {
            confirmed.push(context.publish(format!("{name}.a"), payload(number).into()).await.expect("sent"));
        }
        for confirmation in confirmed {
            confirmation.await.expect("kept");
        }
    }
    measure(
        "nats",
        events,
        &format!("type = 'nats'\nservers = ['nats://127.0.0.1:4222']\nstream = '{name}'\n"),
        ready(()),
    )
    .await;
    context.delete_stream(name).await.expect("deleted");
    Some(())
}

async fn rabbitmq(name: &str, events: usize) -> Option<()> {
    let url = "amqp://guest:guest@127.0.0.1:5672/%2f";
    let connection = Connection::connect(url, ConnectionProperties::default()).await.ok()?;
    let channel = connection.create_channel().await.expect("a channel");
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), durable, FieldTable::default()).await.expect("a queue");
    channel.confirm_select(Default::default()).await.expect("confirmations");
    for from in (0..events).step_by(TOGETHER) {
        let mut confirmed = Vec::new();
        for number in from..events.min(from + TOGETHER) {
            let options = BasicPublishOptions::default();
            let id = BasicProperties::default().with_message_id(number.to_string().into());
            let sent = channel.basic_publish("".into(), name.into(), options, &payload(number), id).await;
            confirmed.push(sent.expect("sent"));
        }
        for confirmation in confirmed {
            confirmation.await.expect("kept");
        }
    }
    measure(
        "rabbitmq",
        events,
        &format!("type = 'rabbitmq'\nurl = '{url}'\nqueues = ['{name}']\ndeclare = false\n"),
        ready(()),
    )
    .await;
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("deleted");
    Some(())
}
