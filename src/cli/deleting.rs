//! `foghorn incident delete`

use std::io::Write;

use clap::Args;

use super::Exit;
use super::client::{Session, number};
use super::connection::Failure;
use super::question::may;
use super::shapes::Incident;

/// `foghorn incident delete`
#[derive(Debug, Clone, Args)]
pub struct DeleteArgs {
    /// Its number, with or without #
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub number: u64,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Asks before it does it: nothing brings it back.
pub(super) async fn run<W: Write>(args: &DeleteArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let (number, path) = (args.number, format!("/api/v1/incidents/{}", args.number));
    let incident: Incident = session.server.get(&path, &[]).await?;
    if !args.yes {
        let what = format!("#{number} \"{}\" for good", incident.title);
        if let Err(exit) = may("delete", &what).await {
            return Ok(exit);
        }
    }
    session.server.remove(&path).await?;
    session.out.line(&format!("#{number} is deleted; its number does not come back"))?;
    Ok(Exit::Done)
}
