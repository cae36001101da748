//! How the parts of the process are, as they last said themselves. Read by the probes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handles::{ConfiguredChannel, ConfiguredSource};
use crate::domain::Timestamp;
use crate::domain::names::{ChannelName, SourceName};

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// It has not said yet.
    #[default]
    Unknown,
    /// It works.
    Up,
    /// It works, but not well: why, in words.
    Degraded(String),
    /// It does not work: why, in words.
    Down(String),
}

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// The store is being opened, the actors are being started.
    #[default]
    Starting,
    /// It takes work.
    Running,
    /// It finishes what it has and takes nothing more.
    Draining,
}

/// Everything the probes need to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthReport {
    /// Where the process is in its life.
    pub phase: Phase,
    /// The store, as its last commit or check found it.
    pub store: Condition,
    /// Each source.
    pub sources: BTreeMap<SourceName, Condition>,
    /// Each channel.
    pub channels: BTreeMap<ChannelName, Condition>,
    /// How many records wait behind the newest, of sources that know.
    pub lags: BTreeMap<SourceName, u64>,
    /// How many deliveries failed and are tried again, as last counted.
    pub retrying: u64,
    /// Who is there to have a condition.
    pub roster: Roster,
    /// The configuration in use.
    pub config: ConfigReport,
}

/// Who is configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// Sources.
    pub sources: Vec<ConfiguredSource>,
    /// Channels.
    pub channels: Vec<ConfiguredChannel>,
}

/// The configuration in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigReport {
    /// Tells configurations apart.
    pub digest: String,
    /// When it was read; `None` before the first one is.
    pub loaded_at: Option<Timestamp>,
    /// Whether a later one was refused.
    pub refused_at: Option<Timestamp>,
    /// Records of the store that do not fit, and why.
    pub left_out: Vec<String>,
}

impl HealthReport {
    /// May traffic come? Sources and channels are reported, they never gate: a dead provider is no
    /// reason to refuse events.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running && matches!(self.store, Condition::Up | Condition::Degraded(_))
    }
}

/// The shared notice board. Cheap to clone; all clones are one board.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    report: HealthReport,
    /// Each topic of each source, by itself.
    topics: BTreeMap<(SourceName, String), Condition>,
    lags: BTreeMap<(SourceName, String), u64>,
}

impl Board {
    /// A source is as its worst topic.
    fn worst(&self, source: &SourceName) -> Condition {
        let badness = |condition: &&Condition| match condition {
            Condition::Up => 0,
            Condition::Unknown => 1,
            Condition::Degraded(_) => 2,
            Condition::Down(_) => 3,
        };
        let own = self.topics.iter().filter(|((name, _), _)| name == source);
        own.map(|(_, condition)| condition).max_by_key(badness).cloned().unwrap_or_default()
    }
}

impl Health {
    /// What everybody last said.
    pub fn report(&self) -> HealthReport {
        self.board().report.clone()
    }

    /// The process enters a phase.
    pub fn enter(&self, phase: Phase) {
        self.board().report.phase = phase;
    }

    /// The store is so. Returns what it was before.
    pub fn store(&self, condition: Condition) -> Condition {
        std::mem::replace(&mut self.board().report.store, condition)
    }

    /// A topic of a source is so. Returns what it was before.
    pub fn source(&self, source: &SourceName, topic: Option<&str>, condition: Condition) -> Condition {
        let mut board = self.board();
        let key = (source.clone(), topic.unwrap_or_default().to_owned());
        let before = board.topics.insert(key, condition).unwrap_or_default();
        let worst = board.worst(source);
        board.report.sources.insert(source.clone(), worst);
        before
    }

    /// So many records of a topic wait behind the newest.
    pub fn lag(&self, source: &SourceName, topic: Option<&str>, records: u64) {
        let mut board = self.board();
        board.lags.insert((source.clone(), topic.unwrap_or_default().to_owned()), records);
        let all = board.lags.iter().filter(|((name, _), _)| name == source).map(|(_, lag)| lag).sum();
        board.report.lags.insert(source.clone(), all);
    }

    /// So many deliveries failed and are tried again.
    pub fn retrying(&self, deliveries: u64) {
        self.board().report.retrying = deliveries;
    }

    /// These are configured from now on; what was said of others is forgotten.
    pub fn roster(&self, roster: Roster) {
        let mut board = self.board();
        let source = |name: &SourceName| roster.sources.iter().any(|known| known.name == *name);
        board.topics.retain(|(name, _), _| source(name));
        board.lags.retain(|(name, _), _| source(name));
        board.report.sources.retain(|name, _| source(name));
        board.report.lags.retain(|name, _| source(name));
        board.report.channels.retain(|name, _| roster.channels.iter().any(|known| known.name == *name));
        board.report.roster = roster;
    }

    /// This configuration is in use from now on.
    pub fn configured(&self, digest: String, now: Timestamp) {
        let mut board = self.board();
        let left_out = std::mem::take(&mut board.report.config.left_out);
        board.report.config = ConfigReport { digest, loaded_at: Some(now), refused_at: None, left_out };
    }

    /// These records of the store are not in use, and why.
    pub fn left_out(&self, records: Vec<String>) {
        self.board().report.config.left_out = records;
    }

    /// A later configuration was refused.
    pub fn config_refused(&self, now: Timestamp) {
        self.board().report.config.refused_at = Some(now);
    }

    /// A channel is so. Returns what it was before.
    pub fn channel(&self, channel: &ChannelName, condition: Condition) -> Condition {
        self.board().report.channels.insert(channel.clone(), condition).unwrap_or_default()
    }

    /// Is this channel down, as far as its pool knows?
    pub fn is_down(&self, channel: &ChannelName) -> bool {
        matches!(self.board().report.channels.get(channel), Some(Condition::Down(_)))
    }

    /// Nothing under this lock can panic half-way, so a poisoned board is still true.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_store_and_the_phase_gate_readiness() {
        let health = Health::default();
        assert!(!health.report().is_ready(), "not started");
        health.enter(Phase::Running);
        health.store(Condition::Up);
        health.source(&"kafka".into(), None, Condition::Down("refused".into()));
        health.channel(&"email".into(), Condition::Down("refused".into()));
        assert!(health.report().is_ready());
        assert_eq!(health.store(Condition::Down("gone".into())), Condition::Up);
        assert!(!health.report().is_ready());
        health.store(Condition::Up);
        health.enter(Phase::Draining);
        assert!(!health.report().is_ready());
    }

    #[test]
    fn a_source_is_as_its_worst_topic() {
        let (health, source) = (Health::default(), "kafka".into());
        let is = |topic, condition| {
            health.source(&source, Some(topic), condition);
            health.report().sources[&source].clone()
        };
        let missing = Condition::Down("no such topic".into());
        assert_eq!(is("a", Condition::Up), Condition::Up);
        assert_eq!(is("b", missing.clone()), missing);
        assert_eq!(is("a", Condition::Degraded("slow".into())), missing);
        assert_eq!(is("b", Condition::Up), Condition::Degraded("slow".into()));
    }
}
