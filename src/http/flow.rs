//! Shutting a way in or out for a while, and opening it again:
//! `POST /api/v1/sources/{name}/pause`, `/resume`, and the same for channels.
//!
//! Both can be said again and again. What is said is a row before it is done, so it outlives the
//! process and holds for every node.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use super::problem::{Code, Problem};
use super::{Shared, ask};
use crate::domain::way::{Flow, FlowChange, Way};

/// How a way flows now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FlowOfWay)]
pub(super) struct Answer {
    name: String,
    /// `running` or `paused`.
    flow: &'static str,
    /// False if it was so before.
    changed: bool,
}

pub(super) async fn source(
    State(shared): State<Arc<Shared>>,
    Path((name, flow)): Path<(String, String)>,
) -> Result<Json<Answer>, Problem> {
    let roster = shared.api.health.report().roster;
    let known: Vec<&str> = roster.sources.iter().map(|source| source.name.as_str()).collect();
    is_known("source", &name, &known)?;
    change(&shared, Way::Source(name.into()), &flow).await
}

pub(super) async fn channel(
    State(shared): State<Arc<Shared>>,
    Path((name, flow)): Path<(String, String)>,
) -> Result<Json<Answer>, Problem> {
    let roster = shared.api.health.report().roster;
    let known: Vec<&str> = roster.channels.iter().map(|channel| channel.name.as_str()).collect();
    is_known("channel", &name, &known)?;
    change(&shared, Way::Channel(name.into()), &flow).await
}

/// Refuses a name that is not configured, with those that are.
pub(super) fn is_known(kind: &str, name: &str, known: &[&str]) -> Result<(), Problem> {
    if known.contains(&name) {
        return Ok(());
    }
    let detail = match known {
        [] => format!("there is no {kind} \"{name}\"; none is configured"),
        known => format!("there is no {kind} \"{name}\"; there are: {}", known.join(", ")),
    };
    Err(Problem::new(Code::NotFound, detail))
}

async fn change(shared: &Shared, way: Way, wish: &str) -> Result<Json<Answer>, Problem> {
    let flow = match wish {
        "pause" => Flow::Paused,
        "resume" => Flow::Running,
        _ => return Err(Problem::new(Code::NotFound, "say /pause or /resume")),
    };
    let before = way.flow(&shared.api.peers.borrow().paused);
    let name = way.name().to_owned();
    ask::flow(&shared.api, FlowChange { way, flow }).await?;
    let word = match flow {
        Flow::Running => "running",
        Flow::Paused => "paused",
    };
    Ok(Json(Answer { name, flow: word, changed: before != flow }))
}
