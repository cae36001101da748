//! `foghorn event`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::value::RawValue;

use super::Exit;
use super::age::{age, moment};
use super::client::{Session, ShowArgs, id};
use super::connection::Failure;
use super::lists::{FilterArgs, ListArgs, counted, footer, none, parsed, print, read};
use super::print::say;
use super::shapes::{Event, Replayed};
use crate::domain::Timestamp;

const PATH: &str = "/api/v1/events";

/// `foghorn event`
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// The newest
    List(EventListArgs),
    /// One, with its decision and its bytes
    Show(ShowArgs),
    /// Take events in again as new ones: today's routes and policies apply
    Replay(EventReplayArgs),
}

/// `foghorn event list`
#[derive(Debug, Clone, Args)]
pub struct EventListArgs {
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How it is printed.
    #[command(flatten)]
    pub list: ListArgs,
}

/// `foghorn event replay`
#[derive(Debug, Clone, Args)]
pub struct EventReplayArgs {
    /// Which
    #[arg(value_name = "ID", value_parser = id, required = true)]
    pub ids: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(command: &EventCommand, session: &mut Session<W>) -> Result<Exit, Failure> {
    match command {
        EventCommand::List(args) => list(args, session).await,
        EventCommand::Show(args) => show(args, session).await,
        EventCommand::Replay(args) => replay(args, session).await,
    }
}

async fn list<W: Write>(args: &EventListArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let now = session.now;
    let filter: Vec<_> = args.filter.parameter().into_iter().collect();
    let listed = read(&session.server, PATH, &filter, &args.list).await?;
    print(
        &mut session.out,
        &listed,
        &args.list,
        ["ID", "AGE", "SOURCE", "INCIDENT", "DECISION", "BYTES"],
        |event| row(event, now),
        |event: &Event| event.id.clone(),
    )?;
    footer(&listed, &args.list, "event", "events");
    Ok(Exit::Done)
}

fn row(event: &Event, now: Timestamp) -> [String; 6] {
    [
        event.id.clone(),
        age(event.received_at, now),
        event.source.clone(),
        incident_of(event),
        event.decision.clone(),
        event.bytes.to_string(),
    ]
}

fn incident_of(event: &Event) -> String {
    event.incident_number.map_or_else(none, |number| format!("#{number}"))
}

async fn show<W: Write>(args: &ShowArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.get(&format!("{PATH}/{}", args.id), &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let event: Event = parsed(&raw)?;
    session.out.line(&format!("{}  {}  {}", event.id, event.decision, incident_of(&event)))?;
    let (at, source, position) = (moment(event.received_at), &event.source, &event.position);
    session.out.line(&format!("{at} from {source} at {position}, {} bytes", event.bytes))?;
    if let Some(id) = &event.event_id {
        session.out.line(&format!("its sender calls it {id}"))?;
    }
    for line in event.payload.iter().flat_map(|payload| payload.lines()) {
        session.out.line(line)?;
    }
    Ok(Exit::Done)
}

async fn replay<W: Write>(args: &EventReplayArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let wish = serde_json::json!({"ids": args.ids});
    let raw: Box<RawValue> = session.server.post(&format!("{PATH}/replay"), &wish).await?;
    let done: Replayed = parsed(&raw)?;
    if args.json {
        session.out.json(raw.get())?;
    } else {
        for again in &done.events {
            session.out.line(&again.told())?;
        }
        say(&format!("{} taken in again.", counted(done.replayed as u64, "event", "events")));
    }
    Ok(if done.replayed < done.events.len() { Exit::Failed } else { Exit::Done })
}
