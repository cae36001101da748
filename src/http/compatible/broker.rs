//! `GET /broker/health`: the store, the sources and the channels, each in one word.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::http::{Shared, probes};
use crate::telemetry::health::Condition;

/// How everything is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BrokerHealth)]
pub(in crate::http) struct Health {
    status: &'static str,
    database: &'static str,
    sources: BTreeMap<String, &'static str>,
    channels: BTreeMap<String, &'static str>,
}

pub(in crate::http) async fn health(State(shared): State<Arc<Shared>>) -> (StatusCode, Json<Health>) {
    let (report, ready) = probes::readiness(&shared).await;
    // Of a channel that has sent nothing yet nobody knows.
    let known = |name| report.channels.get(name).map_or(word(&Condition::Unknown), word);
    let in_use = Arc::clone(&shared.api.in_use.borrow());
    let channels = in_use.channels.keys().map(|name| (name.to_string(), known(name))).collect();
    let health = Health {
        status: if ready { "healthy" } else { "unhealthy" },
        database: word(&report.store),
        sources: report.sources.iter().map(|(name, how)| (name.to_string(), word(how))).collect(),
        channels,
    };
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(health))
}

fn word(condition: &Condition) -> &'static str {
    match condition {
        Condition::Up => "healthy",
        Condition::Unknown => "unknown",
        Condition::Degraded(_) => "degraded",
        Condition::Down(_) => "unhealthy",
    }
}
