//! `foghorn suppression`: addresses that providers have spoken against.

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::age::age;
use super::client::Session;
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, or_none, parsed, print, read};
use crate::domain::Timestamp;
use crate::domain::ids::SuppressionId;
use crate::domain::suppression::Mark;

/// `foghorn suppression`
#[derive(Debug, Subcommand)]
pub enum SuppressionCommand {
    /// All of them, the newest first
    List(FormArgs),
    /// Take one back: the address is used again
    Lift(LiftArgs),
}

/// `foghorn suppression lift`
#[derive(Debug, Clone, Args)]
pub struct LiftArgs {
    /// Its id, as the list shows it
    #[arg(value_name = "ID")]
    pub id: SuppressionId,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Suppression {
    id: String,
    channel: String,
    recipient: String,
    address: String,
    mark: Mark,
    strikes: u32,
    code: String,
    last_at: Timestamp,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(
    command: &SuppressionCommand,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    match command {
        SuppressionCommand::List(form) => list(form, session).await,
        SuppressionCommand::Lift(args) => lift(args, session).await,
    }
}

async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, "/api/v1/suppressions", &[], &list).await?;
    let now = session.now;
    let row = |one: &Suppression| {
        let address = or_none(&one.address);
        let mark = match one.mark {
            Mark::Gone => format!("gone, {} in a row", one.strikes),
            Mark::Suspect => "set aside".to_owned(),
            Mark::OptedOut => "opted out".to_owned(),
        };
        let heard = age(one.last_at, now);
        [one.id.clone(), one.channel.clone(), one.recipient.clone(), address, mark, one.code.clone(), heard]
    };
    let header = ["ID", "CHANNEL", "RECIPIENT", "ADDRESS", "MARK", "CODE", "HEARD"];
    print(&mut session.out, &listed, &list, header, row, |one: &Suppression| one.id.clone())?;
    Ok(Exit::Done)
}

async fn lift<W: Write>(args: &LiftArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.delete(&format!("/api/v1/suppressions/{}", args.id)).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let lifted: Suppression = parsed(&raw)?;
    let whose = if lifted.address.is_empty() {
        String::new()
    } else {
        format!(" {} of {}", lifted.address, lifted.recipient)
    };
    session.out.line(&format!("channel {}{whose} is used again", lifted.channel))?;
    Ok(Exit::Done)
}
