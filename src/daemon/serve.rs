//! The long-running process: everything the configuration names, until a signal or a fatality.
//!
//! The order of a start: port (so that a second process fails before it touches anything), store and
//! migrations, actors, API. The order of a stop: `/readyz` says no, the tree drains from the sources
//! inward, the API closes. A second signal ends the process at once; what was in flight is a row.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::assembly::{self, AssemblyError};
use super::signals::Signals;
use super::{Drained, Foghorn, StartError};
use crate::channels::outbox::Outbox;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::event::Bounds;
use crate::http::limits::Limits;
use crate::http::{self, Api, Stage};
use crate::messages::supervisor::Fatality;
use crate::store::Store;
use crate::store::open::{OpenError, open};
use crate::telemetry::health::{Health, Phase};
use crate::telemetry::metrics;

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
    stage: watch::Sender<Stage>,
    api: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    grace: Duration,
    signals: Signals,
}

/// Histograms are folded, and gauges of the whole process set, this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

impl Serving {
    /// Starts everything that `config` names. Returns once it is ready.
    ///
    /// # Errors
    /// What cannot be had, without having changed anything but the schema of the store.
    pub async fn start(config: &Config) -> Result<Self, ServeError> {
        let signals = Signals::listen().map_err(ServeError::Signals)?;
        let address = config.http.listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|why| ServeError::Listen { address, why })?;
        let address = listener.local_addr().unwrap_or(address);

        let metrics = metrics::install();
        let labels = assembly::labels(config);
        metrics::register(&labels.sources, &labels.channels);
        let (clock, health, outbox) = (Clock::system(), Health::default(), Arc::new(Outbox::default()));
        let store = open(&assembly::store_settings(config)).await?;
        let parts = assembly::parts(config, Arc::clone(&store), Arc::clone(&outbox), clock, health.clone())?;
        let foghorn = Foghorn::start(parts).await?;

        let rendering = metrics.clone();
        let (stage, stages) = watch::channel(Stage::Running);
        let limits = Limits {
            body_bytes: config.http.max_body,
            request_time: config.http.request_timeout,
            ..Limits::default()
        };
        let api = Api {
            store: Arc::clone(&store),
            peers: foghorn.peers(),
            outbox: Arc::clone(&outbox),
            health: health.clone(),
            metrics: Arc::new(move || rendering.render()),
            clock,
            limits,
            bounds: Bounds { bytes: config.http.max_body, ..Bounds::default() },
            source: "api".into(),
            hosts: config.http.hosts.clone(),
            public_url: config.server.public_url.clone(),
            config_digest: String::new(),
        };
        let api = tokio::spawn(http::serve(listener, api, stages));
        let upkeep = tokio::spawn(upkeep(metrics, health));
        tracing::info!(%address, "ready");
        let grace = config.server.shutdown_grace;
        Ok(Self { address, store, outbox, foghorn, stage, api, upkeep, grace, signals })
    }

    /// Runs until a signal or a fatality, and ends in order.
    pub async fn run(mut self) -> Ended {
        let signal = tokio::select! {
            signal = self.signals.next() => signal,
            fatality = self.foghorn.fatal() => return self.fail(fatality).await,
        };
        tracing::info!(signal, grace_s = self.grace.as_secs(), "draining; a second signal exits at once");
        self.stage.send_replace(Stage::Draining);
        let drained = tokio::select! {
            drained = self.foghorn.drain(self.grace) => drained,
            signal = self.signals.next() => {
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

    async fn fail(self, fatality: Fatality) -> Ended {
        self.stage.send_replace(Stage::Stopped);
        self.foghorn.end().await;
        Ended::Fatal(fatality)
    }
}

async fn upkeep(metrics: metrics::MetricsHandle, health: Health) {
    let mut tick = tokio::time::interval(UPKEEP_EVERY);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
        let report = health.report();
        metrics::ready(report.phase == Phase::Running && report.is_ready());
    }
}
