//! Another configuration for a process that runs: all of it, or nothing.
//!
//! The file is read and checked, channels and templates are built, and only then is anything told to
//! the actors, which cannot refuse. What is read once, at start, may not differ: half a configuration
//! would be in nobody's file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::assembly::{self, Shared};
use super::{Foghorn, Parts, Renewed, stored};
use crate::catalogue::Code;
use crate::config::{Change, Composed, Config, Files, LeftOut, Loaded, Problem, Snapshot};
use crate::domain::names::SinkName;
use crate::domain::record::{Record, Records, Tables};
use crate::messages::IngestKey;
use crate::messages::control::{ReloadRefused, Reloaded};
use crate::telemetry::{level, metrics};

/// Reads the configuration of this process anew.
pub type Reread = Arc<dyn Fn() -> Result<Loaded, Vec<Problem>> + Send + Sync>;

/// Where configurations come from, and which one is in use.
pub struct Configuration {
    reread: Reread,
    pub(super) files: Files,
    snapshot: Snapshot,
    pub(super) tables: Arc<Tables>,
    /// Those that it knows of.
    pub(super) records: Records,
    /// Of those, the ones that are not in use.
    left_out: Vec<LeftOut>,
    /// A change made elsewhere that could not be taken on; said once.
    pub(super) refused: Option<u64>,
}

/// Everything that could fail is done.
pub(super) struct Prepared {
    parts: Parts,
    reconnect: BTreeSet<IngestKey>,
    changes: Vec<Change>,
    composed: Composed,
    records: Records,
}

impl Configuration {
    /// `composed`, with these records, is in use, and `reread` finds the successors of its files.
    pub fn new(composed: &Composed, records: Records, reread: Reread, shared: &Shared) -> Self {
        let Composed { loaded, left_out } = composed.clone();
        stored::tell(&[], &left_out, shared);
        let tables = Arc::clone(&loaded.config.tables);
        let Loaded { files, snapshot, .. } = loaded;
        taken(&snapshot.digest(), shared);
        Self { reread, files, snapshot, tables, records, left_out, refused: None }
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
        let wrong = |problems: Vec<Problem>| {
            let errors = problems.iter().filter(|problem| problem.is_error());
            refused(errors.map(Problem::render).collect())
        };
        let files = loaded.map_err(wrong)?.files;
        let composed = files.with(&self.records.all, |record| self.is_left_out(record)).map_err(wrong)?;
        let prepared = self.prepare(composed, self.records.clone(), shared).map_err(refused)?;
        let changes = prepared.changes.iter().map(ToString::to_string).collect();
        let warnings = prepared.composed.loaded.warnings.iter().map(Problem::render).collect();
        self.take_on(prepared, foghorn, shared).await;
        Ok(Reloaded { changes, warnings, digest: self.snapshot.digest() })
    }

    /// Is this one that does not fit, as far as is known?
    pub(super) fn is_left_out(&self, record: &Record) -> bool {
        self.left_out.iter().any(|left| (left.section, &left.name) == (record.section, &record.name))
    }

    /// Does everything that can fail.
    pub(super) fn prepare(
        &self,
        composed: Composed,
        records: Records,
        shared: &Shared,
    ) -> Result<Prepared, Vec<String>> {
        let loaded = &composed.loaded;
        let changes = self.snapshot.changes(&loaded.snapshot);
        let fixed: Vec<String> = changes.iter().filter(|change| change.needs_restart()).map(fixed).collect();
        if !fixed.is_empty() {
            return Err(fixed);
        }
        let config = &loaded.config;
        let parts = assembly::parts(config, shared).map_err(|error| vec![error.to_string()])?;
        level::configure(&config.logs.level).or_else(no_log).map_err(|why| vec![why])?;
        let moved =
            |key: &&IngestKey| changes.iter().any(|change| change.is_below(["sources", key.source.as_str()]));
        let reconnect: BTreeSet<IngestKey> = parts.sources.keys().filter(moved).cloned().collect();
        Ok(Prepared { parts, reconnect, changes, composed, records })
    }

    /// Has `foghorn` work by what was prepared. Nothing of it can fail.
    pub(super) async fn take_on(&mut self, prepared: Prepared, foghorn: &Foghorn, shared: &Shared) {
        let Prepared { parts, reconnect, composed: Composed { loaded, left_out }, records, .. } = prepared;
        announce(&loaded.config, shared);
        if foghorn.renew(&parts, reconnect).await == Renewed::NotConfirmed {
            tracing::warn!(
                "the new configuration was not confirmed in time; it is taken on as actors get to it"
            );
        }
        stored::tell(&self.left_out, &left_out, shared);
        self.tables = Arc::clone(&loaded.config.tables);
        self.snapshot = loaded.snapshot;
        self.files = loaded.files;
        (self.records, self.left_out, self.refused) = (records, left_out, None);
    }
}

/// Makes known who is configured.
pub(super) fn announce(config: &Config, shared: &Shared) {
    let roster = assembly::roster(config);
    let sinks: Vec<SinkName> = config.events_out.keys().cloned().collect();
    metrics::register(&roster.sources, &roster.channels, &sinks);
    shared.health.roster(roster);
}

pub(super) fn taken(digest: &str, shared: &Shared) {
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
