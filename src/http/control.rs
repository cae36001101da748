//! What concerns the process itself: `POST /api/v1/admin/reload`, `/drain`, and
//! `GET` and `PUT /api/v1/admin/log-level`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::problem::{Code, Problem};
use super::{Api, Shared, json};
use crate::domain::malformed::Problem as Flaw;
use crate::messages::control::{ControlMessage, Drained, Reloaded};
use crate::telemetry::level::{self, Levels};

/// The log is not made louder for longer than this without a word in the configuration.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn reload(State(shared): State<Arc<Shared>>) -> Result<Json<Reloaded>, Problem> {
    let answer = ask(&shared.api, ControlMessage::Reload).await?;
    answer.map(Json).map_err(|refused| {
        let flaw =
            |problem: String| Flaw { pointer: String::new(), code: "config", detail: problem, hint: None };
        let count = refused.problems.len();
        let detail = match count {
            1 => "1 problem".to_owned(),
            count => format!("{count} problems"),
        };
        Problem::told(Code::ReloadRefused, detail, refused.problems.into_iter().map(flaw).collect())
    })
}

/// How a drain went.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Drained)]
pub(super) struct DrainAnswer {
    /// Everything that came in is stored.
    complete: bool,
}

pub(super) async fn drain(State(shared): State<Arc<Shared>>) -> Result<Json<DrainAnswer>, Problem> {
    let drained = ask(&shared.api, ControlMessage::Drain).await?;
    Ok(Json(DrainAnswer { complete: drained == Drained::Completely }))
}

async fn ask<R>(
    api: &Api,
    question: impl FnOnce(oneshot::Sender<R>) -> ControlMessage,
) -> Result<R, Problem> {
    let (reply, answer) = oneshot::channel();
    let busy = || Problem::new(Code::Unavailable, "the process is busy with another such request");
    api.control.try_send(question(reply)).map_err(|_| busy())?;
    answer.await.map_err(|_| Problem::new(Code::Unavailable, "the process is ending"))
}

/// The level of the log.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = LogLevel)]
pub(super) struct LevelAnswer {
    level: String,
    /// What the configuration says.
    configured: String,
}

impl From<Levels> for LevelAnswer {
    fn from(levels: Levels) -> Self {
        Self { level: levels.now, configured: levels.usual }
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = LogLevelRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    level: String,
    /// `10m`; without it until somebody sets another, or the process ends.
    r#for: Option<String>,
}

pub(super) async fn log_level() -> Result<Json<LevelAnswer>, Problem> {
    let levels = level::levels();
    levels.map(|levels| Json(levels.into())).ok_or_else(|| Problem::new(Code::NotFound, "there is no log"))
}

pub(super) async fn set_log_level(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<LevelAnswer>, Problem> {
    let invalid = |why: String| Problem::new(Code::InvalidBody, why);
    let wish: Wish = json::read(&shared, request).await?;
    let time = wish.r#for.as_deref().map(time).transpose()?;
    let levels = level::set(&wish.level, time).map_err(|error| invalid(error.to_string()))?;
    tracing::info!(log_level = levels.now, for_s = time.map(|time| time.as_secs()), "log level set");
    Ok(Json(levels.into()))
}

fn time(text: &str) -> Result<Duration, Problem> {
    let time = humantime::parse_duration(text).ok().filter(|time| !time.is_zero() && *time <= LONGEST);
    time.ok_or_else(|| {
        Problem::new(
            Code::InvalidBody,
            "for is a duration of at most 24h, such as \"10m\"; what the configuration says stays",
        )
    })
}
