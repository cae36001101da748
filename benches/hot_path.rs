//! What one notification costs in Foghorn's own code: parse, plan, judge, and a batch of accepts and
//! of outcomes on each store. `cargo bench --bench hot_path`, or `make bench`.
//!
//! A store's figure is for a batch of [`BATCH`] notifications: divide by it. SQLite is on a file in
//! the target folder with every durability setting on; PostgreSQL is measured if
//! `FOGHORN_BENCH_POSTGRES` is the URL of an empty database.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use foghorn::domain::Timestamp;
use foghorn::domain::acceptance::{Accept, IncidentRules};
use foghorn::domain::delivery::{Job, Lease};
use foghorn::domain::directory::{Directory, Reach};
use foghorn::domain::event::{Event, Position};
use foghorn::domain::fault::{Outcome, Receipt};
use foghorn::domain::ids::EventId;
use foghorn::domain::people::{Contact, User};
use foghorn::domain::policy::{Policy, Step};
use foghorn::domain::retry::{RetryPolicy, Standing, judge};
use foghorn::domain::routes::{Route, RouteTable};
use foghorn::domain::suppression::Suppressions;
use foghorn::formats::{self, Words};
use foghorn::store::Store;
use foghorn::store::batch::{Attempted, Batch, Lesson, Next};
use foghorn::store::open::{StoreSettings, open};
use tokio::runtime::Runtime;

/// Notifications in one batch.
const BATCH: usize = 200;

/// Goes on with each call: ids that sort by time land behind each other, as they do in a life.
fn now() -> Timestamp {
    static NOW: AtomicI64 = AtomicI64::new(1_795_269_600_000);
    Timestamp::from_millisecond(NOW.fetch_add(1, Ordering::Relaxed)).expect("in range")
}

fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn record(number: usize) -> String {
    format!(
        r#"{{"title":"checkout-api p99 latency above 2 s in eu-west-1","severity":"critical","status":"open","service":"checkout-api","dedup_key":"checkout-api/latency/{number}","description":"Error budget burn rate 14.4 over 1h on checkout-api; 5xx ratio 3.2 percent, dashboards and runbook linked below.","labels":{{"env":"prod","region":"eu-west-1","cluster":"k8s-7","team":"payments"}},"links":[{{"text":"Graph","url":"https://grafana.example.com/d/abc"}}],"occurred_at":"2026-11-21T02:40:00.123Z"}}"#
    )
}

fn read(raw: &[u8]) -> formats::Reading {
    let read = formats::read(&formats::Format::Foghorn, Some(raw), &|_| None, &Words::default(), now());
    match read.expect("a good record") {
        formats::Read::Event(reading) => reading,
        formats::Read::Ignored(rule) => panic!("rule {rule} lets it go"),
    }
}

fn event(number: usize) -> Arc<Event> {
    let raw = record(number);
    let id = EventId::new(now(), fastrand::u128(..));
    Arc::new(Event {
        came_back: 0,
        id,
        source: "bench".into(),
        position: Position::Request(id),
        producer_id: None,
        traceparent: None,
        received_at: now(),
        body: read(raw.as_bytes()).body,
        raw: raw.into_bytes().into(),
    })
}

fn routes() -> RouteTable {
    let user = User { email: Some("ada@example.com".into()), ..User::default() };
    let reach = Reach { contact: Contact::Email, max_age: Duration::from_secs(86_400) };
    let step = Step {
        after: Duration::ZERO,
        notify: vec!["user:ada".parse().expect("valid")],
        via: vec!["email".into()],
    };
    RouteTable {
        routes: vec![Route {
            name: "all".into(),
            matches: BTreeMap::new(),
            policy: "all".into(),
            group_by: Vec::new(),
        }],
        policies: Arc::new(BTreeMap::from([(
            "all".into(),
            Policy { steps: vec![step], ..Policy::default() },
        )])),
        directory: Directory {
            users: BTreeMap::from([("ada".into(), user)]),
            teams: BTreeMap::new(),
            channels: BTreeMap::from([("email".into(), reach)]),
            ..Directory::default()
        },
        ..RouteTable::default()
    }
}

fn pure(criterion: &mut Criterion) {
    let raw = record(1);
    criterion.bench_function("parse", |b| b.iter(|| read(black_box(raw.as_bytes()))));
    let (table, event) = (routes(), event(1));
    criterion.bench_function("plan", |b| b.iter(|| table.plan(black_box(&event), &Suppressions::default())));
    let (policy, outcome) = (RetryPolicy::default(), sent());
    let standing = Standing { attempts: 1, crashes: 0, expires_at: Timestamp::MAX };
    criterion.bench_function("judge", |b| {
        b.iter(|| judge(black_box(&policy), standing, black_box(&outcome), now(), 0.5))
    });
}

fn sent() -> Outcome {
    Outcome::Sent(Receipt { provider_id: Some("4F1".into()), answer: "2.0.0 Ok: queued as 4F1".into() })
}

fn accepts(lease: &Lease, table: &RouteTable) -> Batch {
    let accepts = (0..BATCH)
        .map(|_| {
            let event = event(next());
            let plan = Arc::new(table.plan(&event, &Suppressions::default()).expect("routed"));
            Accept { event, plan }
        })
        .collect();
    // After its events: what is due by then starts at once.
    let mut batch = Batch::empty(lease.clone(), now(), IncidentRules::default());
    batch.grants.insert("email".into(), BATCH);
    batch.accepts = accepts;
    batch
}

fn outcomes(lease: &Lease, jobs: &[Job]) -> Batch {
    let mut batch = Batch::empty(lease.clone(), now(), IncidentRules::default());
    batch.attempted = jobs
        .iter()
        .map(|job| Attempted {
            id: job.id,
            attempt: job.attempt,
            at: now(),
            took_ms: 1,
            outcome: sent().label(),
            code: String::new(),
            detail: "2.0.0 Ok: queued as 4F1".into(),
            provider_id: Some("4F1".into()),
            next: Next::Sent,
            moved_to: None,
            lesson: Lesson::Nothing,
            about: None,
        })
        .collect();
    batch
}

fn stores(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder");
    let sqlite = format!("sqlite://{}/bench.db", folder.path().display());
    let postgres = std::env::var("FOGHORN_BENCH_POSTGRES").ok().map(|url| ("postgres", url));
    for (name, url) in [("memory", "memory:".to_owned()), ("sqlite", sqlite)].into_iter().chain(postgres) {
        let settings = StoreSettings { url, ..StoreSettings::default() };
        let store = runtime.block_on(open(&settings)).expect("a store");
        measure(criterion, &runtime, name, &store);
    }
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &Arc<dyn Store>) {
    let lease = runtime.block_on(store.lease(&"bench".into(), now())).expect("a lease");
    let table = routes();
    let commit = |batch: Batch| runtime.block_on(store.commit(&batch)).expect("committed");
    let mut group = criterion.benchmark_group(format!("{name}, batch of {BATCH}"));
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    group.bench_function("accept", |b| {
        // What was started is ended before the next round: a node never holds many times its batch.
        let started = RefCell::new(Vec::new());
        let prepare = || {
            commit(outcomes(&lease, &started.take()));
            accepts(&lease, &table)
        };
        let accept = |batch| drop(started.replace(commit(batch).started));
        b.iter_batched(prepare, accept, BatchSize::PerIteration);
    });
    group.bench_function("outcome", |b| {
        let started = || {
            let started = commit(accepts(&lease, &table)).started;
            assert_eq!(started.len(), BATCH, "an outcome for each");
            outcomes(&lease, &started)
        };
        b.iter_batched(started, commit, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, pure, stores);
criterion_main!(benches);
