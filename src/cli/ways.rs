//! `foghorn source` and `foghorn channel`: how each way in and out is, and shutting one for a while.

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::age::age;
use super::client::{Session, name};
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, none, parsed, print, read};
use super::print::say;
use super::shapes::Part;
use crate::domain::Timestamp;

/// `foghorn source`
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Where events come from, and how each is
    List(FormArgs),
    /// Read nothing more from it; what was read is finished, the rest waits where it is
    Pause(WayArgs),
    /// Read from it again
    Resume(WayArgs),
}

/// `foghorn channel`
#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
    /// How messages leave, and how each channel is
    List(FormArgs),
    /// Send nothing more over it; deliveries wait in the store
    Pause(WayArgs),
    /// Send over it again, beginning with what waited
    Resume(WayArgs),
}

/// Which one.
#[derive(Debug, Clone, Args)]
pub struct WayArgs {
    /// Its name in the configuration
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Channel {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    provider: String,
    #[serde(flatten)]
    part: Part,
    pending: u64,
    sending: u64,
    retrying: u64,
    dead: u64,
    oldest_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Source {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    part: Part,
    lag: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Changed {
    changed: bool,
}

/// Which way it is to flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Pause,
    Resume,
}

/// Does what was asked of a source.
pub(super) async fn source<W: Write>(
    command: &SourceCommand,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    match command {
        SourceCommand::List(form) => sources(form, session).await,
        SourceCommand::Pause(args) => change("source", args, Wish::Pause, session).await,
        SourceCommand::Resume(args) => change("source", args, Wish::Resume, session).await,
    }
}

/// Does what was asked of a channel.
pub(super) async fn channel<W: Write>(
    command: &ChannelCommand,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    match command {
        ChannelCommand::List(form) => channels(form, session).await,
        ChannelCommand::Pause(args) => change("channel", args, Wish::Pause, session).await,
        ChannelCommand::Resume(args) => change("channel", args, Wish::Resume, session).await,
    }
}

async fn sources<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, "/api/v1/sources", &[], &list).await?;
    let row = |source: &Source| {
        [
            source.name.clone(),
            source.kind.clone(),
            source.part.state.clone(),
            source.lag.map_or_else(none, |lag| lag.to_string()),
            source.part.reason.clone().unwrap_or_else(none),
        ]
    };
    let header = ["NAME", "TYPE", "STATE", "LAG", "REASON"];
    print(&mut session.out, &listed, &list, header, row, |source: &Source| source.name.clone())?;
    Ok(Exit::Done)
}

async fn channels<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let now = session.now;
    let listed = read(&session.server, "/api/v1/channels", &[], &list).await?;
    let row = |channel: &Channel| {
        [
            channel.name.clone(),
            channel.kind.clone(),
            channel.provider.clone(),
            channel.part.state.clone(),
            (channel.pending + channel.sending).to_string(),
            channel.retrying.to_string(),
            channel.oldest_at.map_or_else(none, |at| age(at, now)),
            channel.dead.to_string(),
            channel.part.reason.clone().unwrap_or_else(none),
        ]
    };
    let header = ["NAME", "TYPE", "PROVIDER", "STATE", "WAITING", "RETRYING", "OLDEST", "DEAD", "REASON"];
    print(&mut session.out, &listed, &list, header, row, |channel: &Channel| channel.name.clone())?;
    Ok(Exit::Done)
}

async fn change<W: Write>(
    kind: &str,
    args: &WayArgs,
    wish: Wish,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let name = &args.name;
    let verb = match wish {
        Wish::Pause => "pause",
        Wish::Resume => "resume",
    };
    let path = format!("/api/v1/{kind}s/{name}/{verb}");
    let raw: Box<RawValue> = session.server.post(&path, &serde_json::json!({})).await?;
    let Changed { changed } = parsed(&raw)?;
    if args.json {
        session.out.json(raw.get())?;
    }
    let already = if changed { "" } else { " already" };
    say(&match wish {
        Wish::Pause => format!("{kind} {name} is{already} paused.  Open it: foghorn {kind} resume {name}"),
        Wish::Resume => format!("{kind} {name} is{already} open."),
    });
    Ok(Exit::Done)
}
