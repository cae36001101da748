//! A Foghorn of its own for each test: a topic and a store in memory, one channel that follows a
//! script, one user, one route. Run it under paused time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foghorn::channels::sinks::Sink;
use foghorn::clock::Clock;
use foghorn::daemon::{BUDGET_WINDOW, ChannelPart, Foghorn, MAX_RESTARTS, Parts, SourcePart};
use foghorn::domain::Timestamp;
use foghorn::domain::acceptance::IncidentRules;
use foghorn::domain::directory::{Directory, Reach};
use foghorn::domain::ids::DeliveryId;
use foghorn::domain::names::SinkName;
use foghorn::domain::outgoing::{EventsOut, Wanted};
use foghorn::domain::people::{Contact, User};
use foghorn::domain::policy::{Policy, Step as PolicyStep};
use foghorn::domain::query::DeliveryQuery;
use foghorn::domain::rate::Rates;
use foghorn::domain::restarts::RestartBudget;
use foghorn::domain::retry::RetryPolicy;
use foghorn::domain::routes::{Route, RouteTable};
use foghorn::feed::{Feed, Room};
use foghorn::formats::{Format, Words};
use foghorn::messages::IngestKey;
use foghorn::sources::Source;
use foghorn::sources::memory::MemorySource;
use foghorn::store::memory::MemoryStore;
use foghorn::store::views::{AttemptView, DeliveryView};
use foghorn::store::{Paging, Store};
use foghorn::telemetry::health::Health;

use super::scripted_channel::{Rule, ScriptedChannel, Step};
use super::watched_store::WatchedStore;

pub(crate) struct Universe {
    pub(crate) topic: Arc<MemorySource>,
    pub(crate) store: Arc<WatchedStore>,
    pub(crate) channel: Arc<ScriptedChannel>,
    pub(crate) foghorn: Foghorn,
    pub(crate) clock: Clock,
    pub(crate) health: Health,
    pub(crate) feed: Feed,
    /// See [`Draft::backup`].
    pub(crate) backup: Arc<ScriptedChannel>,
    /// What it was started with.
    pub(crate) parts: Parts,
}

/// What a universe is made of, to be changed before it starts.
pub(crate) struct Draft {
    pub(crate) script: Vec<Step>,
    pub(crate) rule: Option<Rule>,
    pub(crate) retry: RetryPolicy,
    pub(crate) workers: usize,
    pub(crate) rates: Rates,
    /// Another channel, `backup`, that stands in for `email`, and what it does.
    pub(crate) backup: Option<Vec<Step>>,
    pub(crate) budget: RestartBudget,
    pub(crate) memory: Arc<dyn Store>,
    /// Who is told everything that changes.
    pub(crate) sink: Option<Arc<dyn Sink>>,
    /// What a former life read from, if there was one.
    pub(crate) topic: Option<Arc<MemorySource>>,
    /// Who hears of what.
    pub(crate) routes: RouteTable,
    /// What the records of the topic are.
    pub(crate) format: Format,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            script: Vec::new(),
            rule: None,
            retry: RetryPolicy::default(),
            workers: 2,
            rates: Rates::default(),
            backup: None,
            budget: RestartBudget::new(MAX_RESTARTS, BUDGET_WINDOW),
            memory: Arc::new(MemoryStore::default()),
            sink: None,
            topic: None,
            routes: routes(),
            format: Format::Foghorn,
        }
    }
}

/// No scenario takes longer than this in its own, virtual time.
const PATIENCE: Duration = Duration::from_secs(2 * 24 * 3600);

impl Universe {
    pub(crate) async fn start(script: impl IntoIterator<Item = Step>) -> Self {
        Self::draft(Draft { script: script.into_iter().collect(), ..Draft::default() }).await
    }

    pub(crate) async fn draft(draft: Draft) -> Self {
        let epoch = Timestamp::from_second(1_795_269_600).unwrap();
        let (clock, health) = (Clock::starting_at(epoch), Health::default());
        let feed = Feed::new(clock, Room::default());
        let topic = draft.topic.unwrap_or_else(|| Arc::new(MemorySource::new("incidents")));
        let store = Arc::new(WatchedStore::over(draft.memory));
        let channel = Arc::new(match draft.rule {
            Some(rule) => ScriptedChannel::ruled(rule),
            None => ScriptedChannel::new(draft.script),
        });
        let has_backup = draft.backup.is_some();
        let backup = Arc::new(ScriptedChannel::new(draft.backup.unwrap_or_default()));
        let email = ChannelPart {
            kind: "email".into(),
            provider: "scripted".into(),
            channel: Arc::clone(&channel) as Arc<_>,
            workers: draft.workers,
            rates: draft.rates,
            retry: draft.retry,
            texts: None,
        };
        let mut channels = BTreeMap::from([("email".into(), email.clone())]);
        let mut routes = draft.routes;
        if has_backup {
            let channel = Arc::clone(&backup) as Arc<_>;
            channels.insert("backup".into(), ChannelPart { channel, ..email });
            let reach = routes.directory.channels["email"];
            routes.directory.channels.insert("backup".into(), reach);
            routes.directory.pair(&["email".into(), "backup".into()]);
        }
        let api = SourcePart { kind: "http".into(), connect: None, max_in_flight: 1024 };
        let sinks: BTreeMap<SinkName, _> = draft.sink.into_iter().map(|sink| ("bus".into(), sink)).collect();
        let wanted = sinks.keys().map(|name| Wanted { sink: name.clone(), only: Vec::new() }).collect();
        let events_out = EventsOut { source: "https://fog.example".to_owned(), sinks: wanted };
        let parts = Parts {
            letter_boxes: Default::default(),
            node: "test".into(),
            store: Arc::clone(&store) as Arc<dyn Store>,
            rules: IncidentRules { events_out: Arc::new(events_out), ..IncidentRules::default() },
            words: Words { formats: BTreeMap::from([("topic".into(), draft.format)]), ..Words::default() },
            routes,
            tables: Arc::default(),
            letterhead: Default::default(),
            retention: Default::default(),
            tokens: Vec::new(),
            channels,
            sources: BTreeMap::from([
                (IngestKey { source: "topic".into(), topic: Some("incidents".into()) }, source_of(&topic)),
                (IngestKey { source: "api".into(), topic: None }, api),
            ]),
            hooks: Default::default(),
            sinks,
            budget: draft.budget,
            clock,
            health: health.clone(),
            feed: feed.clone(),
        };
        let foghorn = Foghorn::start(parts.clone()).await.unwrap();
        Self { topic, store, channel, foghorn, clock, health, feed, backup, parts }
    }

    /// An event that opens an incident of this key, as a record of the topic.
    pub(crate) fn push(&self, key: &str) -> i64 {
        let record = format!(r#"{{"title":"{key}","dedup_key":"{key}","severity":"high"}}"#);
        self.topic.push(record.as_bytes())
    }

    pub(crate) async fn deliveries(&self) -> Vec<DeliveryView> {
        let paging = Paging { before: None, limit: 200 };
        self.store.deliveries(&DeliveryQuery::default(), &paging).await.unwrap().data
    }

    /// Waits until there are `count` deliveries and all of them have ended.
    pub(crate) async fn until_ended(&self, count: usize) -> Vec<DeliveryView> {
        self.until(|deliveries| {
            deliveries.len() == count && deliveries.iter().all(|delivery| delivery.state.is_terminal())
        })
        .await
    }

    /// Waits until the deliveries are as wanted. Time is virtual: a turn costs nothing.
    pub(crate) async fn until(&self, wanted: impl Fn(&[DeliveryView]) -> bool) -> Vec<DeliveryView> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let deliveries = self.deliveries().await;
            if wanted(&deliveries) {
                return deliveries;
            }
            assert!(tokio::time::Instant::now() < deadline, "not in two days: {deliveries:#?}");
            tokio::time::advance(Duration::from_millis(50)).await;
        }
    }

    /// Lets this much time pass, a little at a time, so that everybody gets their turn.
    pub(crate) async fn live_for(&self, time: Duration) {
        const TURN: Duration = Duration::from_millis(50);
        for _ in 0..time.as_millis() / TURN.as_millis() {
            tokio::time::advance(TURN).await;
        }
    }

    pub(crate) async fn store_attempts(&self, id: DeliveryId) -> Vec<AttemptView> {
        self.store.attempts(id).await.unwrap()
    }
}

/// A source that reads `topic`.
pub(crate) fn source_of(topic: &Arc<MemorySource>) -> SourcePart {
    let reading = Arc::clone(topic);
    SourcePart {
        kind: "memory".into(),
        connect: Some(Arc::new(move || {
            // As a broker does for a new member: everything that is not settled comes again.
            reading.resume();
            reading.redeliver();
            Ok(Arc::clone(&reading) as Arc<dyn Source>)
        })),
        max_in_flight: 64,
    }
}

/// Everything goes to ada by email.
pub(crate) fn routes() -> RouteTable {
    let reach = Reach { contact: Contact::Email, max_age: Duration::from_secs(24 * 3600) };
    let ada = User { email: Some("ada@example.com".into()), ..User::default() };
    let step = PolicyStep {
        after: Duration::ZERO,
        notify: vec!["user:ada".parse().unwrap()],
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
            users: BTreeMap::from([("ada".into(), ada)]),
            teams: BTreeMap::new(),
            channels: BTreeMap::from([("email".into(), reach)]),
            ..Directory::default()
        },
        ..RouteTable::default()
    }
}
