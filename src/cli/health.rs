//! `foghorn health` and `foghorn version`

use std::io::Write;

use clap::Args;

use super::Exit;
use super::client::Session;
use super::connection::Failure;
use super::print::say;

/// `foghorn health`
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// Ask whether it takes traffic, not only whether it lives
    #[arg(long)]
    pub ready: bool,
}

/// `foghorn version`
#[derive(Debug, Clone, Args)]
pub struct VersionArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn health<W: Write>(args: &HealthArgs, session: &Session<W>) -> Result<Exit, Failure> {
    let path = if args.ready { "/readyz?verbose" } else { "/livez" };
    let (status, text) = session.server.probe(path).await?;
    if status.is_success() {
        return Ok(Exit::Done);
    }
    for line in text.lines() {
        say(line);
    }
    Ok(Exit::Unreachable)
}

pub(super) fn version<W: Write>(args: &VersionArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        session.out.json(&serde_json::json!({"name": "foghorn", "version": version}).to_string())?;
    } else {
        session.out.line(&format!("foghorn {version}"))?;
    }
    Ok(Exit::Done)
}
