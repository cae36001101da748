//! The codes of a running process: each from the log of a Foghorn to which it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foghorn::catalogue::{Code, Effect, Origin};
use foghorn::config::{Config, Heartbeat, HeartbeatUrl};
use foghorn::daemon::assembly::Shared;
use foghorn::daemon::heartbeat::beat;
use foghorn::daemon::reload::Configuration;
use foghorn::domain::record::{Record, Records, Section};
use foghorn::domain::restarts::RestartBudget;
use foghorn::domain::retry::RetryPolicy;
use foghorn::messages::IngestKey;
use foghorn::messages::supervisor::Fatality;
use foghorn::sources::{Gone, Polled, SourceError};
use foghorn::store::Store;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::codes_of;
use crate::support::said::NOW;
use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

/// The codes that were logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<BTreeSet<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Logged {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Logged {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "code" {
            self.0.lock().unwrap().insert(format!("{value:?}"));
        }
    }
}

/// Every attempt of the only delivery goes like this.
async fn sending(script: Vec<Step>, retry: RetryPolicy) -> Universe {
    let universe = Universe::draft(Draft { script, retry, ..Draft::default() }).await;
    universe.push("a");
    universe
}

async fn told(news: Result<Polled, SourceError>) -> Universe {
    let universe = Universe::start([]).await;
    universe.topic.say(news);
    universe
}

async fn rejecting() -> Universe {
    let universe = Universe::start([]).await;
    universe.topic.push(b"{ this is no event");
    universe
}

/// Whoever watches from outside is not there.
async fn beating_in_vain() -> Universe {
    let universe = Universe::start([]).await;
    let url = HeartbeatUrl::parse("http://127.0.0.1:1/token").unwrap();
    let heartbeat = Heartbeat { url, every: Duration::from_secs(60) };
    drop(tokio::spawn(beat(heartbeat, universe.health.clone(), universe.store.clone())));
    universe
}

/// The file says nothing of whom a stored team is.
async fn not_fitting() -> Universe {
    let universe = Universe::start([]).await;
    let team = Record {
        section: Section::Teams,
        name: "core".to_owned(),
        document: serde_json::json!({"members": ["gone"]}).as_object().unwrap().clone(),
        version: 1,
        updated_at: NOW,
        updated_by: "api".to_owned(),
    };
    let records = Records { revision: 1, all: vec![team] };
    let files = Config::parse("", None, &BTreeMap::new()).unwrap().files;
    let composed = files.with(&records.all, |_| true).unwrap();
    let shared = Shared {
        store: Arc::clone(&universe.store) as Arc<dyn Store>,
        outbox: Arc::default(),
        clock: universe.clock,
        health: universe.health.clone(),
        feed: universe.feed.clone(),
        link_key: "a key".to_owned().into(),
    };
    Configuration::new(&composed, records, Arc::new(|| Err(Vec::new())), &shared);
    universe
}

/// What happens so that this is told; `None` if nobody knows how to make it happen.
async fn trigger(code: Code) -> Option<Universe> {
    let dying = || Draft { budget: RestartBudget::new(0, Duration::from_secs(60)), ..Draft::default() };
    let ingest = IngestKey { source: "topic".into(), topic: Some("incidents".into()) };
    Some(match code {
        Code::BrokerAway => told(Ok(Polled::Down("refused".to_owned()))).await,
        Code::SourceLost => told(Err(SourceError::Lost("fenced".to_owned()))).await,
        Code::RecordsUnreadable => told(Ok(Polled::Unreadable("packed oddly".to_owned()))).await,
        Code::RecordsGone => {
            told(Ok(Polled::Gone(Gone {
                topic: "incidents".into(),
                partition: 0,
                wanted: 5,
                oldest: Some(9),
            })))
            .await
        }
        Code::RecordRejected => rejecting().await,
        Code::RecordLeftOut => not_fitting().await,
        Code::HeartbeatFailed => beating_in_vain().await,
        Code::StoreAway => {
            let universe = Universe::start([]).await;
            universe.store.refuse(1);
            universe.push("a");
            universe
        }
        Code::ActorDied => {
            let universe = Universe::start([]).await;
            universe.foghorn.peers().borrow().router.as_ref().unwrap().actor().kill();
            universe
        }
        Code::ActorKeepsDying => {
            let universe = Universe::draft(dying()).await;
            universe.foghorn.peers().borrow().ingests[&ingest].actor().kill();
            universe
        }
        Code::DeliveryRefused => sending(vec![Step::PERMANENT], RetryPolicy::default()).await,
        Code::DeliverySpent => {
            let once = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
            sending(vec![Step::TRANSIENT], once).await
        }
        Code::ChannelHeld => {
            let wait = Step::throttled(Duration::from_secs(60));
            sending(vec![wait], RetryPolicy::default()).await
        }
        Code::CredentialRefused => sending(vec![Step::MISCONFIGURED], RetryPolicy::default()).await,
        Code::AddressMarked => sending(vec![Step::PERMANENT], RetryPolicy::default()).await,
        Code::Fenced => {
            let universe = Universe::start([]).await;
            universe.store.lease(&"test".into(), NOW).await.unwrap();
            universe.push("a");
            universe
        }
        Code::TreeBroken => {
            let universe = Universe::draft(dying()).await;
            universe.foghorn.peers().borrow().status.as_ref().unwrap().actor().kill();
            universe
        }
        _ => return None,
    })
}

#[tokio::test(start_paused = true)]
async fn every_code_of_a_running_process_is_told_in_its_log() {
    for code in codes_of(Origin::Running) {
        if code == Code::StorageBroken {
            // No store in memory has a disk: `failed_sync` triggers it, from a real process.
            assert_eq!(Fatality::StorageBroken(String::new()).code(), code);
            continue;
        }
        let logged = Logged::default();
        let log = tracing_subscriber::registry().with(logged.clone());
        let listening = tracing::subscriber::set_default(log);
        let mut universe = trigger(code).await.unwrap_or_else(|| panic!("nothing triggers {code}"));
        if let Effect::Stops(_) = code.effect() {
            assert_eq!(universe.foghorn.fatal().await.code(), code);
        }
        universe.until(|_| logged.0.lock().unwrap().contains(code.as_str())).await;
        universe.foghorn.stop().await;
        drop(listening);
    }
}
