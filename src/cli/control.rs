//! `foghorn reload`, `drain` and `log-level`: what concerns the running process itself.

use std::io::Write;

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::client::Session;
use super::connection::Failure;
use super::lists::{counted, parsed};
use super::print::say;

/// `foghorn reload`
#[derive(Debug, Clone, Args)]
pub struct ReloadArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn drain`
#[derive(Debug, Clone, Args)]
pub struct DrainArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn log-level`
#[derive(Debug, Clone, Args)]
pub struct LogLevelArgs {
    /// error, warn, info, debug, trace, or target=level,…; without it, says what it is
    #[arg(value_name = "LEVEL")]
    pub level: Option<String>,
    /// Only for so long, such as 10m
    #[arg(long = "for", value_name = "TIME", requires = "level")]
    pub time: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Reloaded {
    changes: Vec<String>,
    warnings: Vec<String>,
    digest: String,
}

#[derive(Debug, Deserialize)]
struct Drained {
    complete: bool,
}

#[derive(Debug, Deserialize)]
struct Level {
    level: String,
    configured: String,
}

/// The diff is the data.
pub(super) async fn reload<W: Write>(args: &ReloadArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.post("/api/v1/admin/reload", &serde_json::json!({})).await?;
    let reloaded: Reloaded = parsed(&raw)?;
    if args.json {
        session.out.json(raw.get())?;
    } else {
        for change in &reloaded.changes {
            session.out.line(change)?;
        }
    }
    for warning in reloaded.warnings.iter().flat_map(|warning| warning.lines()) {
        say(warning);
    }
    say(&match reloaded.changes.len() {
        0 => format!("Reloaded: nothing is different (config {}).", reloaded.digest),
        count => {
            let changes = counted(count as u64, "change", "changes");
            format!("Reloaded: {changes} (config {}). What was being sent ends as it began.", reloaded.digest)
        }
    });
    Ok(Exit::Done)
}

pub(super) async fn drain<W: Write>(args: &DrainArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.post("/api/v1/admin/drain", &serde_json::json!({})).await?;
    let Drained { complete } = parsed(&raw)?;
    if args.json {
        session.out.json(raw.get())?;
    }
    if complete {
        say("Nothing more is taken in, and what came is stored. Deliveries go on; SIGTERM ends the process.");
        return Ok(Exit::Done);
    }
    say("Nothing more is taken in, but not all that came was stored in time: its source will give it again.");
    Ok(Exit::Failed)
}

pub(super) async fn log_level<W: Write>(
    args: &LogLevelArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let path = "/api/v1/admin/log-level";
    let raw: Box<RawValue> = match &args.level {
        None => session.server.get(path, &[]).await?,
        Some(level) => {
            let wish = serde_json::json!({"level": level, "for": args.time});
            session.server.put(path, &wish).await?
        }
    };
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let Level { level, configured } = parsed(&raw)?;
    session.out.line(&level)?;
    if level != configured {
        let until =
            args.time.as_deref().map_or_else(String::new, |time| format!(" In {time} it is that again."));
        say(&format!("The configuration says {configured}.{until}"));
    }
    Ok(Exit::Done)
}
