//! All of Foghorn but the process and the API, made from a configuration as the daemon makes it, over a store
//! that can be held up. What it reads from is real; whom it would tell is nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foghorn::clock::Clock;
use foghorn::config::Config;
use foghorn::daemon::Foghorn;
use foghorn::daemon::assembly::{self, Shared};
use foghorn::feed::{Feed, Room};
use foghorn::store::memory::MemoryStore;
use foghorn::store::views::{DeadLetterView, EventView, IncidentView};
use foghorn::store::{Paging, Store};
use foghorn::telemetry::health::{Condition, Health};
use tokio::time::{interval, timeout};

use super::process::PATIENCE;
use super::watched_store::WatchedStore;

/// How often something is looked at that tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const EVERYTHING: Paging = Paging { before: None, limit: 10_000 };

pub(crate) struct Inside {
    pub(crate) store: Arc<WatchedStore>,
    pub(crate) health: Health,
    foghorn: Foghorn,
}

impl Inside {
    /// A life over what an earlier one kept.
    pub(crate) async fn over(memory: &MemoryStore, sources: &str) -> Self {
        let text = format!("[server]\nname = 'harbour'\n{sources}");
        let config = Config::parse(&text, None, &BTreeMap::new());
        let config = config.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).config;
        let store = Arc::new(WatchedStore::over(Arc::new(memory.clone())));
        let (clock, health) = (Clock::system(), Health::default());
        let shared = Shared {
            store: Arc::clone(&store) as Arc<dyn Store>,
            outbox: Arc::default(),
            clock,
            health: health.clone(),
            feed: Feed::new(clock, Room::default()),
            link_key: "a key".to_owned().into(),
        };
        let foghorn = Foghorn::start(assembly::parts(&config, &shared).unwrap()).await.unwrap();
        Self { store, health, foghorn }
    }

    /// The first life.
    pub(crate) async fn reading(sources: &str) -> Self {
        Self::over(&MemoryStore::default(), sources).await
    }

    /// Ends without a word, as a crash would.
    pub(crate) async fn crash(self) {
        self.foghorn.stop().await;
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
        self.store.events(&Default::default(), &EVERYTHING).await.unwrap().data
    }

    pub(crate) async fn incidents(&self) -> Vec<IncidentView> {
        self.store.incidents(&Default::default(), &EVERYTHING).await.unwrap().data
    }

    /// Records that are no events.
    pub(crate) async fn letters(&self) -> Vec<DeadLetterView> {
        self.store.dead_letters(&Default::default(), &EVERYTHING).await.unwrap().data
    }
}
