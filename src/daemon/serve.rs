//! The long-running process: everything the configuration names, until a signal or a fatality.
//!
//! The order of a start: port (so that a second process fails before it touches anything), store and
//! migrations, socket, actors, API. The order of a stop: `/readyz` says no, the tree drains from the sources
//! inward, the API closes. A second signal ends the process at once; what was in flight is a row.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::assembly::{self, AssemblyError, Shared};
use super::heartbeat;
use super::reload::{self, Configuration, Reread};
use super::service_manager::ServiceManager;
use super::signals::{Signal, Signals};
use super::socket;
use super::stored;
use super::{Drained, Foghorn, StartError};
use crate::channels::outbox::Outbox;
use crate::clock::Clock;
use crate::config::{AuthMode, Config, Loaded};
use crate::domain::event::Bounds;
use crate::domain::ids::TokenId;
use crate::domain::token::{Entrance, Token, entrance};
use crate::feed::{Feed, Room};
use crate::http::limits::Limits;
use crate::http::{self, Api, Doors, Stage};
use crate::messages::control::{self, Control, ControlMessage};
use crate::messages::supervisor::Fatality;
use crate::render::links;
use crate::store::open::{OpenError, open};
use crate::store::{Store, StoreError};
use crate::telemetry::health::{Health, Phase};
use crate::telemetry::metrics::{self, MetricsHandle};

/// Why the process did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port cannot be had.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// `[http] listen`
        address: SocketAddr,
        /// The operating system's words.
        why: std::io::Error,
    },
    /// The unix socket that was asked for cannot be had.
    #[error("cannot listen on {}: {why}", .path.display())]
    Socket {
        /// `[http] socket`
        path: PathBuf,
        /// The operating system's words.
        why: std::io::Error,
    },
    /// The store was not opened; nothing was changed.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The configuration cannot be made into parts.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    /// The actors did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The operating system will not tell of signals.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
}

/// How the process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Everything in flight was finished.
    Drained,
    /// The grace was over; what was left is adopted at the next start.
    OutOfTime,
    /// A second signal came.
    Interrupted,
    /// It could not go on.
    Fatal(Fatality),
}

/// A running process.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// The store behind it.
    pub store: Arc<dyn Store>,
    /// Messages of channels with the provider `outbox`.
    pub outbox: Arc<Outbox>,
    foghorn: Foghorn,
    shared: Shared,
    configuration: Configuration,
    asked: mpsc::Receiver<ControlMessage>,
    stage: watch::Sender<Stage>,
    api: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    grace: Duration,
    auth: AuthMode,
    signals: Signals,
    manager: ServiceManager,
}

/// Histograms are folded, and gauges of the whole process set, this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// More questions to the process wait outside.
const QUESTIONS: usize = 8;

/// What links in messages are signed with, the same for every node.
async fn link_key(store: &dyn Store, clock: Clock) -> Result<SecretString, StoreError> {
    let no_numbers = || StoreError::Corrupt("the machine gives no random numbers".to_owned());
    let candidate = links::fresh_key().ok_or_else(no_numbers)?;
    store.signing_key(&candidate, clock.now()).await
}

impl Serving {
    /// Starts everything that the configuration names. Returns once it is ready. `reread` finds the
    /// configuration again when it is to be reloaded.
    ///
    /// # Errors
    /// What cannot be had, without having changed anything but the schema of the store.
    pub async fn start(loaded: &Loaded, reread: Reread) -> Result<Self, ServeError> {
        let config = &loaded.config;
        let signals = Signals::listen().map_err(ServeError::Signals)?;
        let address = config.http.listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|why| ServeError::Listen { address, why })?;
        let address = listener.local_addr().unwrap_or(address);

        let metrics = metrics::install();
        metrics::ready(false);
        let (clock, health, outbox) = (Clock::system(), Health::default(), Arc::new(Outbox::default()));
        let feed = Feed::new(clock, Room::default());
        let store = open(&assembly::store_settings(config)).await?;
        let (composed, records) = stored::at_start(loaded, &*store).await.map_err(StartError::Store)?;
        let config = &composed.loaded.config;
        let doors = Doors::new(listener, socket::listen(&config.http.socket)?);
        let link_key = link_key(&*store, clock).await.map_err(StartError::Store)?;
        let outside = (Arc::clone(&store), Arc::clone(&outbox));
        let shared = Shared { store, outbox, clock, health, feed, link_key };
        let (store, outbox) = outside;
        reload::announce(config, &shared);
        let foghorn = Foghorn::start(assembly::parts(config, &shared)?).await?;
        let configuration = Configuration::new(&composed, records, reread, &shared);

        let (stage, stages) = watch::channel(Stage::Running);
        let (control, asked) = mpsc::channel(QUESTIONS);
        let provider = assembly::provider(config, clock)?;
        let api = Api { provider, ..api(config, &shared, &foghorn, control, metrics.clone(), address) };
        let api = tokio::spawn(http::serve(doors, api, stages));
        if let Some(heartbeat) = config.server.heartbeat.clone() {
            // Ends with the runtime, and before that with the readiness.
            drop(tokio::spawn(heartbeat::beat(heartbeat, shared.health.clone(), Arc::clone(&store))));
        }
        let upkeep = tokio::spawn(upkeep(metrics, shared.health.clone()));
        tracing::info!(%address, config = configuration.digest(), "ready");
        let grace = config.server.shutdown_grace;
        Ok(Self {
            address,
            store,
            outbox,
            foghorn,
            shared,
            configuration,
            asked,
            stage,
            api,
            upkeep,
            grace,
            auth: config.auth,
            signals,
            manager: ServiceManager::default(),
        })
    }

    /// Can anybody get in who may do everything? Where no token is asked for, everybody can.
    pub async fn entrance(&self) -> Entrance {
        if self.auth != AuthMode::Token {
            return Entrance::Open;
        }
        match self.store.tokens().await {
            Ok(made) => {
                let in_use = self.foghorn.in_use().borrow().clone();
                entrance(&in_use.tokens, &made, self.shared.clock.now())
            }
            // Nobody knows: then nothing is said.
            Err(_) => Entrance::Open,
        }
    }

    /// Keeps a token with this secret as the first one; `None` if another node has made it already.
    ///
    /// # Errors
    /// The store does not say whether it was kept.
    pub async fn keep_first_token(&self, secret: &str) -> Result<Option<TokenId>, StoreError> {
        let now = self.shared.clock.now();
        let token = Token::first(TokenId::new(now, fastrand::u128(..)), http::digest(secret), now);
        let kept = self.store.first_token(&token).await?;
        Ok(kept.then_some(token.id))
    }

    /// Has `manager` told how it goes, from now on.
    #[must_use]
    pub fn watched_by(mut self, manager: ServiceManager) -> Self {
        manager.ready();
        // Ends with the runtime: until then there is something to tell.
        drop(tokio::spawn(manager.clone().keep(self.shared.health.clone(), self.foghorn.peers())));
        self.manager = manager;
        self
    }

    /// Runs until a signal or a fatality, and ends in order.
    pub async fn run(mut self) -> Ended {
        let mut records = self.foghorn.records_seen();
        let signal = loop {
            tokio::select! {
                signal = self.signals.next() => match signal {
                    Signal::End(name) => break name,
                    // Its log lines are the answer.
                    Signal::Reload => drop(self.reload().await),
                    Signal::Tell => self.tell(),
                    Signal::StopIntake => drop(self.stop_intake().await),
                },
                Some(question) = self.asked.recv() => self.answer(question).await,
                Ok(()) = records.changed() => {
                    let revision = *records.borrow_and_update();
                    self.configuration.follow(revision, &self.foghorn, &self.shared).await;
                }
                fatality = self.foghorn.fatal() => return self.fail(fatality).await,
            }
        };
        tracing::info!(signal, grace_s = self.grace.as_secs(), "draining; a second signal exits at once");
        self.manager.stopping();
        self.stage.send_replace(Stage::Draining);
        let drained = tokio::select! {
            drained = self.foghorn.drain(self.grace) => drained,
            signal = self.signals.end() => {
                tracing::warn!(signal, "exiting at once; what was in flight is adopted at the next start");
                return Ended::Interrupted;
            }
        };
        self.stage.send_replace(Stage::Stopped);
        // The API ends by itself within its own drain time.
        drop(self.api.await);
        self.upkeep.abort();
        match drained {
            Drained::Completely => Ended::Drained,
            Drained::OutOfTime => Ended::OutOfTime,
        }
    }

    /// Whoever asked may be gone.
    async fn answer(&mut self, question: ControlMessage) {
        match question {
            ControlMessage::Reload(reply) => drop(reply.send(self.reload().await)),
            ControlMessage::Record(wish, reply) => {
                let changed = self.configuration.change(&wish, &self.foghorn, &self.shared).await;
                drop(reply.send(changed));
            }
            ControlMessage::Drain(reply) => drop(reply.send(self.stop_intake().await)),
        }
    }

    async fn reload(&mut self) -> Result<control::Reloaded, control::ReloadRefused> {
        self.manager.reloading();
        let done = self.configuration.reload(&self.foghorn, &self.shared).await;
        self.manager.ready();
        done
    }

    async fn stop_intake(&self) -> control::Drained {
        tracing::info!("taking nothing more in; deliveries go on until the process is told to end");
        match self.foghorn.stop_intake(self.grace).await {
            Drained::Completely => control::Drained::Completely,
            Drained::OutOfTime => control::Drained::OutOfTime,
        }
    }

    /// How things stand, in the log.
    fn tell(&self) {
        let report = self.shared.health.report();
        tracing::info!(phase = ?report.phase, store = ?report.store, config = self.configuration.digest(), "status");
        for (source, condition) in &report.sources {
            tracing::info!(%source, ?condition, "status of a source");
        }
        for (channel, condition) in &report.channels {
            tracing::info!(%channel, ?condition, "status of a channel");
        }
    }

    async fn fail(self, fatality: Fatality) -> Ended {
        self.stage.send_replace(Stage::Stopped);
        self.foghorn.end().await;
        Ended::Fatal(fatality)
    }
}

fn api(
    config: &Config,
    shared: &Shared,
    foghorn: &Foghorn,
    control: Control,
    metrics: MetricsHandle,
    address: SocketAddr,
) -> Api {
    Api {
        store: Arc::clone(&shared.store),
        peers: foghorn.peers(),
        in_use: foghorn.in_use(),
        control,
        outbox: Arc::clone(&shared.outbox),
        health: shared.health.clone(),
        feed: shared.feed.clone(),
        metrics: Arc::new(move || metrics.render()),
        clock: shared.clock,
        limits: Limits {
            body_bytes: config.http.max_body,
            request_time: config.http.request_timeout,
            rate: config.http.rate,
            ..Limits::default()
        },
        bounds: Bounds { bytes: config.http.max_body, ..Bounds::default() },
        source: "api".into(),
        auth: config.auth,
        provider: None,
        session_ttl: config.session_ttl,
        retention: config.store.retention,
        explorer: config.http.explorer,
        hosts: config.http.hosts.clone(),
        public_url: config.server.public_url.clone(),
        address,
        started_at: shared.clock.now(),
    }
}

async fn upkeep(metrics: MetricsHandle, health: Health) {
    let mut tick = tokio::time::interval(UPKEEP_EVERY);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
        let report = health.report();
        metrics::ready(report.phase == Phase::Running && report.is_ready());
    }
}
