//! How everything stands: `GET /api/v1/status`, and each way in and out by itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;

use super::problem::Problem;
use super::{Api, Shared};
use crate::domain::delivery::DeliveryState;
use crate::domain::incident::IncidentStatus;
use crate::domain::names::{ChannelName, SourceName};
use crate::domain::severity::Severity;
use crate::domain::way::{Flow, Paused, Way};
use crate::store::views::{Backlog, IncidentCount, Page};
use crate::telemetry::handles::{ConfiguredChannel, ConfiguredSource};
use crate::telemetry::health::{Condition, HealthReport, Phase};

/// How a part is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    Ok,
    Connecting,
    Degraded,
    Down,
    Paused,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Status {
    version: &'static str,
    /// Where it listens.
    address: String,
    started_at: Timestamp,
    phase: &'static str,
    ready: bool,
    config: Config,
    store: Part,
    incidents: Incidents,
    deliveries: Deliveries,
    dead_letters: DeadLetters,
    sources: Vec<Source>,
    channels: Vec<Channel>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ConfigInUse)]
pub(super) struct Config {
    digest: String,
    loaded_at: Option<Timestamp>,
    /// When a later one was refused, if it was.
    refused_at: Option<Timestamp>,
    /// Records of the store that do not fit, and why.
    left_out: Vec<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Part {
    state: Standing,
    reason: Option<String>,
}

/// Those that are not over, by severity where it is one that wakes somebody.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentTotals)]
pub(super) struct Incidents {
    open: u64,
    open_critical: u64,
    acknowledged: u64,
}

#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = DeliveryTotals)]
pub(super) struct Deliveries {
    pending: u64,
    sending: u64,
    retrying: u64,
    /// When the oldest of them was made.
    oldest_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLetterTotals)]
pub(super) struct DeadLetters {
    deliveries: u64,
    events: u64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Source {
    name: SourceName,
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    part: Part,
    /// Records that wait behind the newest; of sources that know.
    lag: Option<u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Channel {
    name: ChannelName,
    #[serde(rename = "type")]
    kind: String,
    provider: String,
    #[serde(flatten)]
    part: Part,
    #[serde(flatten)]
    deliveries: Deliveries,
    dead: u64,
}

impl Part {
    fn of(condition: Option<&Condition>, unknown: Standing, way: &Way, paused: &Paused) -> Self {
        let part = Self::of_condition(condition, unknown);
        match way.flow(paused) {
            Flow::Paused => Self { state: Standing::Paused, ..part },
            Flow::Running => part,
        }
    }

    fn of_condition(condition: Option<&Condition>, unknown: Standing) -> Self {
        match condition.unwrap_or(&Condition::Unknown) {
            Condition::Unknown => Self { state: unknown, reason: None },
            Condition::Up => Self { state: Standing::Ok, reason: None },
            Condition::Degraded(why) => Self { state: Standing::Degraded, reason: Some(why.clone()) },
            Condition::Down(why) => Self { state: Standing::Down, reason: Some(why.clone()) },
        }
    }
}

impl Incidents {
    fn of(counts: &[IncidentCount]) -> Self {
        let sum = |wanted: &dyn Fn(&&IncidentCount) -> bool| {
            counts.iter().filter(wanted).map(|line| line.count).sum()
        };
        let open = |line: &&IncidentCount| line.status == IncidentStatus::Open;
        Self {
            open: sum(&open),
            open_critical: sum(&|line| open(line) && line.severity == Severity::Critical),
            acknowledged: sum(&|line| line.status == IncidentStatus::Acknowledged),
        }
    }
}

impl Deliveries {
    fn of(backlog: &Backlog, wanted: impl Fn(&ChannelName) -> bool) -> Self {
        let mut found = Self::default();
        for line in backlog.deliveries.iter().filter(|line| wanted(&line.channel)) {
            let count = match line.state {
                DeliveryState::Pending => &mut found.pending,
                DeliveryState::Sending => &mut found.sending,
                DeliveryState::Retrying => &mut found.retrying,
                _ => continue,
            };
            *count += line.count;
            found.oldest_at = [found.oldest_at, line.oldest].into_iter().flatten().min();
        }
        found
    }
}

fn dead(backlog: &Backlog, wanted: impl Fn(&ChannelName) -> bool) -> u64 {
    let lines = backlog.deliveries.iter().filter(|line| wanted(&line.channel));
    lines.filter(|line| line.state == DeliveryState::Dead).map(|line| line.count).sum()
}

fn source(known: &ConfiguredSource, report: &HealthReport, paused: &Paused) -> Source {
    let way = Way::Source(known.name.clone());
    // Nothing is there to connect to where requests come in.
    let unknown = if known.kind == "http" { Standing::Ok } else { Standing::Connecting };
    Source {
        part: Part::of(report.sources.get(&known.name), unknown, &way, paused),
        lag: report.lags.get(&known.name).copied(),
        name: known.name.clone(),
        kind: known.kind.clone(),
    }
}

fn channel(known: &ConfiguredChannel, report: &HealthReport, paused: &Paused, backlog: &Backlog) -> Channel {
    let way = Way::Channel(known.name.clone());
    let own = |name: &ChannelName| *name == known.name;
    Channel {
        part: Part::of(report.channels.get(&known.name), Standing::Ok, &way, paused),
        deliveries: Deliveries::of(backlog, own),
        dead: dead(backlog, own),
        name: known.name.clone(),
        kind: known.kind.clone(),
        provider: known.provider.clone(),
    }
}

fn all_sources(api: &Api, report: &HealthReport) -> Vec<Source> {
    let peers = api.peers.borrow().clone();
    report.roster.sources.iter().map(|known| source(known, report, &peers.paused)).collect()
}

fn all_channels(api: &Api, report: &HealthReport, backlog: &Backlog) -> Vec<Channel> {
    let peers = api.peers.borrow().clone();
    report.roster.channels.iter().map(|known| channel(known, report, &peers.paused, backlog)).collect()
}

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Result<Json<Status>, Problem> {
    let api = &shared.api;
    let report = api.health.report();
    let backlog = api.store.backlog().await?;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        address: api.address.to_string(),
        started_at: api.started_at,
        phase: match report.phase {
            Phase::Starting => "starting",
            Phase::Running => "running",
            Phase::Draining => "draining",
        },
        ready: report.is_ready(),
        config: Config {
            digest: report.config.digest.clone(),
            loaded_at: report.config.loaded_at,
            refused_at: report.config.refused_at,
            left_out: report.config.left_out.clone(),
        },
        store: Part::of_condition(Some(&report.store), Standing::Connecting),
        incidents: Incidents::of(&api.store.incident_counts().await?),
        deliveries: Deliveries::of(&backlog, |_| true),
        dead_letters: DeadLetters { deliveries: dead(&backlog, |_| true), events: backlog.dead_letters },
        sources: all_sources(api, &report),
        channels: all_channels(api, &report, &backlog),
    }))
}

pub(super) async fn sources(State(shared): State<Arc<Shared>>) -> Json<Page<Source>> {
    Json(Page { data: all_sources(&shared.api, &shared.api.health.report()), next_cursor: None })
}

pub(super) async fn channels(State(shared): State<Arc<Shared>>) -> Result<Json<Page<Channel>>, Problem> {
    let backlog = shared.api.store.backlog().await?;
    let data = all_channels(&shared.api, &shared.api.health.report(), &backlog);
    Ok(Json(Page { data, next_cursor: None }))
}
