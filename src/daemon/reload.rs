//! Another configuration for a process that runs: all of it, or nothing.
//!
//! The file is read and checked, channels and templates are built, and only then is anything told to
//! the actors, which cannot refuse. What is read once, at start, may not differ: half a configuration
//! would be in nobody's file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::assembly::{self, Shared};
use super::{Foghorn, Renewed};
use crate::catalogue::Code;
use crate::config::{Change, Config, Loaded, Problem, Snapshot};
use crate::messages::IngestKey;
use crate::messages::control::{ReloadRefused, Reloaded};
use crate::telemetry::{level, metrics};

/// Reads the configuration of this process anew.
pub type Reread = Arc<dyn Fn() -> Result<Loaded, Vec<Problem>> + Send + Sync>;

/// Where configurations come from, and which one is in use.
pub struct Configuration {
    reread: Reread,
    snapshot: Snapshot,
}

impl Configuration {
    /// `snapshot` is in use, and `reread` finds its successors.
    pub fn new(snapshot: Snapshot, reread: Reread, shared: &Shared) -> Self {
        taken(&snapshot.digest(), shared);
        Self { reread, snapshot }
    }

    /// The digest of the configuration in use.
    pub fn digest(&self) -> String {
        self.snapshot.digest()
    }

    /// Reads the configuration anew and has `foghorn` work by it.
    ///
    /// # Errors
    /// Everything that is wrong with it; then nothing was changed.
    pub async fn reload(&mut self, foghorn: &Foghorn, shared: &Shared) -> Result<Reloaded, ReloadRefused> {
        let done = self.try_reload(foghorn, shared).await;
        match &done {
            Ok(reloaded) => {
                taken(&reloaded.digest, shared);
                let changes = reloaded.changes.len();
                tracing::info!(changes, digest = reloaded.digest, "configuration reloaded");
                for change in &reloaded.changes {
                    tracing::info!(change, "configuration changed");
                }
            }
            Err(refused) => {
                metrics::config_refused();
                shared.health.config_refused(shared.clock.now());
                tracing::error!(
                    code = %Code::ReloadRefused,
                    problems = refused.problems.len(),
                    first = refused.problems.first(),
                    "reload refused; the running configuration stays"
                );
            }
        }
        done
    }

    async fn try_reload(&mut self, foghorn: &Foghorn, shared: &Shared) -> Result<Reloaded, ReloadRefused> {
        let refused = |problems| ReloadRefused { problems };
        let reread = Arc::clone(&self.reread);
        // Files are read.
        let loaded = tokio::task::spawn_blocking(move || reread()).await;
        let loaded = loaded.map_err(|_| refused(vec!["reading the configuration panicked".to_owned()]))?;
        let loaded = loaded.map_err(|problems| {
            let errors = problems.iter().filter(|problem| problem.is_error());
            refused(errors.map(Problem::render).collect())
        })?;
        let changes = self.snapshot.changes(&loaded.snapshot);
        let fixed: Vec<String> = changes.iter().filter(|change| change.needs_restart()).map(fixed).collect();
        if !fixed.is_empty() {
            return Err(refused(fixed));
        }
        let config = &loaded.config;
        let parts = assembly::parts(config, shared).map_err(|error| refused(vec![error.to_string()]))?;
        level::configure(&config.logs.level).or_else(no_log).map_err(|why| refused(vec![why]))?;
        announce(config, shared);
        let moved =
            |key: &&IngestKey| changes.iter().any(|change| change.is_below(["sources", key.source.as_str()]));
        let reconnect: BTreeSet<IngestKey> = parts.sources.keys().filter(moved).cloned().collect();
        if foghorn.renew(&parts, reconnect).await == Renewed::NotConfirmed {
            tracing::warn!(
                "the new configuration was not confirmed in time; it is taken on as actors get to it"
            );
        }
        self.snapshot = loaded.snapshot;
        Ok(Reloaded {
            changes: changes.iter().map(ToString::to_string).collect(),
            warnings: loaded.warnings.iter().map(Problem::render).collect(),
            digest: self.snapshot.digest(),
        })
    }
}

/// Makes known who is configured.
pub(super) fn announce(config: &Config, shared: &Shared) {
    let roster = assembly::roster(config);
    metrics::register(&roster.sources, &roster.channels);
    shared.health.roster(roster);
}

fn taken(digest: &str, shared: &Shared) {
    let now = shared.clock.now();
    metrics::config_loaded(digest, now);
    shared.health.configured(digest.to_owned(), now);
}

/// A process without a log of its own, as in tests, has no level.
fn no_log(error: level::SetError) -> Result<(), String> {
    match error {
        level::SetError::NoLog => Ok(()),
        level::SetError::Level(error) => Err(error.to_string()),
    }
}

fn fixed(change: &Change) -> String {
    format!("{change}: this is read once, when Foghorn starts; put it back or restart")
}
