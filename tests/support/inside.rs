//! All of Foghorn but the process and the API, made from a configuration as the daemon makes it, over a store
//! that can be held up. What it reads from is real; whom it would tell is nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foghorn::clock::Clock;
use foghorn::config::Config;
use foghorn::daemon::assembly::{self, Shared};
use foghorn::daemon::{Drained, Foghorn, Parts};
use foghorn::feed::{Feed, Room};
use foghorn::sources::Source;
use foghorn::store::memory::MemoryStore;
use foghorn::store::views::{DeadLetterView, EventView, IncidentView, Page};
use foghorn::store::{Paging, Store};
use foghorn::telemetry::health::{Condition, Health};
use tokio::time::{interval, timeout};

use super::process::PATIENCE;
use super::watched_store::WatchedStore;

/// How often something is looked at that tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a Foghorn of this configuration is made of.
fn parts(sources: &str, store: Arc<dyn Store>, health: Health) -> Parts {
    let text = format!("[server]\nname = 'harbour'\n{sources}");
    let config = Config::parse(&text, None, &BTreeMap::new());
    let config = config.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).config;
    let clock = Clock::system();
    let shared = Shared {
        store,
        outbox: Arc::default(),
        clock,
        health,
        feed: Feed::new(clock, Room::default()),
        link_key: "a key".to_owned().into(),
    };
    assembly::parts(&config, &shared).unwrap()
}

/// The source that this configuration has one of, asked by hand.
pub(crate) fn source_of(sources: &str) -> Arc<dyn Source> {
    let parts = parts(sources, Arc::new(MemoryStore::default()), Health::default());
    let connect = parts.sources.into_values().find_map(|part| part.connect).unwrap();
    connect().unwrap()
}

pub(crate) struct Inside {
    pub(crate) store: Arc<WatchedStore>,
    pub(crate) health: Health,
    foghorn: Foghorn,
}

impl Inside {
    /// A life over what an earlier one kept.
    pub(crate) async fn over(memory: &MemoryStore, sources: &str) -> Self {
        let store = Arc::new(WatchedStore::over(Arc::new(memory.clone())));
        let health = Health::default();
        let parts = parts(sources, Arc::clone(&store) as Arc<dyn Store>, health.clone());
        Self { store, health, foghorn: Foghorn::start(parts).await.unwrap() }
    }

    /// The first life.
    pub(crate) async fn reading(sources: &str) -> Self {
        Self::over(&MemoryStore::default(), sources).await
    }

    /// Ends without a word, as a crash would.
    pub(crate) async fn crash(self) {
        self.foghorn.stop().await;
    }

    /// Ends in order: what is in hand is stored and acknowledged first.
    pub(crate) async fn drain(self) {
        let drained = self.foghorn.drain(PATIENCE).await;
        assert!(matches!(drained, Drained::Completely), "what is in hand is settled");
    }

    /// Waits until `holds`.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let held = timeout(PATIENCE, async {
            let mut tick = interval(LOOK_EVERY);
            while !holds().await {
                tick.tick().await;
            }
        });
        assert!(held.await.is_ok(), "not in time: {what}; {:?}", self.health.report().sources);
    }

    /// Waits until so many events are kept; there must never be more.
    pub(crate) async fn until_kept(&self, count: usize) {
        self.until(&format!("{count} events are kept"), async || self.events().await.len() >= count).await;
        assert_eq!(self.events().await.len(), count);
    }

    /// Waits until the source says that so many messages wait.
    pub(crate) async fn until_lag(&self, lag: u64) {
        self.until(&format!("{lag} wait"), async || self.health.report().lags.get("bus") == Some(&lag)).await;
    }

    /// How the source is.
    pub(crate) fn condition(&self) -> Condition {
        self.health.report().sources.get("bus").cloned().unwrap_or_default()
    }

    pub(crate) async fn events(&self) -> Vec<EventView> {
        all(async |paging| self.store.events(&Default::default(), &paging).await.unwrap()).await
    }

    pub(crate) async fn incidents(&self) -> Vec<IncidentView> {
        all(async |paging| self.store.incidents(&Default::default(), &paging).await.unwrap()).await
    }

    /// Records that are no events.
    pub(crate) async fn letters(&self) -> Vec<DeadLetterView> {
        all(async |paging| self.store.dead_letters(&Default::default(), &paging).await.unwrap()).await
    }
}

/// Every page of a list.
async fn all<T>(page: impl AsyncFn(Paging) -> Page<T>) -> Vec<T> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = page(Paging { before, limit: 200 }).await;
        all.extend(page.data);
        before = page.next_cursor;
        if before.is_none() {
            return all;
        }
    }
}
