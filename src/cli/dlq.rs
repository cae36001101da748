//! `foghorn dlq`

use std::io::Write;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::value::RawValue;

use super::Exit;
use super::age::{age, moment};
use super::archive::{self, ExportArgs, ImportArgs};
use super::bulk::{self, BulkArgs};
use super::client::{Session, ShowArgs, id};
use super::connection::Failure;
use super::delivery::{self, incident_of};
use super::lists::{FilterArgs, FormArgs, ListArgs, footer, none, or_none, parsed, print, read};
use super::print::say;
use super::shapes::{DeadLetter, Delivery, Retried};
use crate::domain::Timestamp;
use crate::domain::ids::DeadLetterId;
use crate::domain::query::{DeadLetterKind, DeadLetterQuery};

const PATH: &str = "/api/v1/dead-letters";

/// `foghorn dlq`
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// The newest
    List(DlqListArgs),
    /// One, with its attempts or its bytes
    Show(ShowArgs),
    /// Repeat dead deliveries as new ones, or take records in again
    Retry(DlqRetryArgs),
    /// Take dead deliveries off the list; their history stays
    Discard(DlqDiscardArgs),
    /// Print them with everything, one JSON object a line
    Export(ExportArgs),
    /// Take exported records in again
    Import(ImportArgs),
    /// What was and is done to many at once
    Jobs(FormArgs),
    /// How far a job is
    Job(ShowArgs),
    /// End a job where it is
    Stop(ShowArgs),
    /// Let a job go on after its canary
    Continue(ShowArgs),
}

/// `foghorn dlq list`
#[derive(Debug, Clone, Args)]
pub struct DlqListArgs {
    /// Deliveries that ran out (the default), or records that could not become events
    #[arg(long, value_enum)]
    pub kind: Option<DlqKind>,
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How it is printed.
    #[command(flatten)]
    pub list: ListArgs,
}

/// Which dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DlqKind {
    /// Deliveries that ran out.
    Delivery,
    /// Records that could not become events.
    Event,
}

impl DlqKind {
    pub(super) fn of_query(self) -> DeadLetterKind {
        match self {
            Self::Delivery => DeadLetterKind::Delivery,
            Self::Event => DeadLetterKind::Event,
        }
    }
}

/// `foghorn dlq retry`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").args(["ids", "all"]).required(true))]
pub struct DlqRetryArgs {
    /// Which
    #[arg(value_name = "ID", value_parser = id)]
    pub ids: Vec<String>,
    /// All dead deliveries that fit, newest first
    #[arg(long)]
    pub all: bool,
    /// With --all: at most this many, at once and without a job
    #[arg(long, value_name = "N", requires = "all", conflicts_with_all = ["ids", "filter", "canary", "dry_run"])]
    pub limit: Option<u32>,
    /// With IDs: to somebody else, user:NAME or an address
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "all")]
    pub to: Option<String>,
    /// With IDs: over another channel
    #[arg(long, value_name = "CHANNEL", conflicts_with = "all")]
    pub via: Option<String>,
    /// How.
    #[command(flatten)]
    pub bulk: BulkArgs,
}

/// `foghorn dlq discard`
#[derive(Debug, Clone, Args)]
pub struct DlqDiscardArgs {
    /// All dead deliveries that fit
    #[arg(long, required = true)]
    pub all: bool,
    /// How.
    #[command(flatten)]
    pub bulk: BulkArgs,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(command: &DlqCommand, session: &mut Session<W>) -> Result<Exit, Failure> {
    match command {
        DlqCommand::List(args) => list(args, session).await,
        DlqCommand::Show(args) => show(args, session).await,
        DlqCommand::Retry(args) if args.all && args.limit.is_none() => {
            bulk::run("retry", &args.bulk, session).await
        }
        DlqCommand::Retry(args) => retry(args, session).await,
        DlqCommand::Discard(args) => bulk::run("discard", &args.bulk, session).await,
        DlqCommand::Export(args) => archive::export(args, session).await,
        DlqCommand::Import(args) => archive::import(args, session).await,
        DlqCommand::Jobs(form) => bulk::list(form, session).await,
        DlqCommand::Job(args) => bulk::show(args, session).await,
        DlqCommand::Stop(args) => bulk::stop(args, session).await,
        DlqCommand::Continue(args) => bulk::go_on(args, session).await,
    }
}

async fn list<W: Write>(args: &DlqListArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let now = session.now;
    let kind = args.kind.map(DlqKind::of_query);
    let mut filter: Vec<_> = kind.iter().map(|kind| ("kind", kind.to_string())).collect();
    filter.extend(args.filter.parameter());
    let listed = read(&session.server, PATH, &filter, &args.list).await?;
    let asked = DeadLetterQuery::parse(args.filter.text(), kind, now);
    match asked.map_or(DeadLetterKind::Delivery, |asked| asked.kind()) {
        DeadLetterKind::Delivery => {
            let header = ["ID", "AGE", "CHANNEL", "TO", "INCIDENT", "TRIES", "REASON"];
            print(
                &mut session.out,
                &listed,
                &args.list,
                header,
                |letter| delivery_row(letter, now),
                |letter: &Delivery| letter.id.clone(),
            )?;
            footer(&listed, &args.list, "dead delivery", "dead deliveries");
        }
        DeadLetterKind::Event => {
            let header = ["ID", "AGE", "SOURCE", "POSITION", "BYTES", "REASON", "DETAIL"];
            print(
                &mut session.out,
                &listed,
                &args.list,
                header,
                |letter| record_row(letter, now),
                |letter: &DeadLetter| letter.id.clone(),
            )?;
            footer(
                &listed,
                &args.list,
                "record that could not become an event",
                "records that could not become events",
            );
        }
    }
    Ok(Exit::Done)
}

fn delivery_row(letter: &Delivery, now: Timestamp) -> [String; 7] {
    [
        letter.id.clone(),
        age(letter.updated_at, now),
        letter.channel.clone(),
        or_none(&letter.to),
        incident_of(letter),
        letter.attempt_count.to_string(),
        letter.reason.clone().unwrap_or_else(none),
    ]
}

fn record_row(letter: &DeadLetter, now: Timestamp) -> [String; 7] {
    [
        letter.id.clone(),
        age(letter.quarantined_at, now),
        letter.source.clone(),
        letter.position.clone(),
        letter.bytes.to_string(),
        letter.reason.clone(),
        letter.detail.clone(),
    ]
}

async fn show<W: Write>(args: &ShowArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    if !args.id.starts_with(DeadLetterId::PREFIX) {
        return delivery::show(PATH, args, session).await;
    }
    let raw: Box<RawValue> = session.server.get(&format!("{PATH}/{}", args.id), &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let letter: DeadLetter = parsed(&raw)?;
    session.out.line(&format!("{}  {}", letter.id, letter.reason))?;
    session.out.line(&letter.detail)?;
    let (at, source, position) = (moment(letter.quarantined_at), &letter.source, &letter.position);
    session.out.line(&format!("{at} from {source} at {position}, {} bytes", letter.bytes))?;
    for line in letter.payload.iter().flat_map(|payload| payload.lines()) {
        session.out.line(line)?;
    }
    Ok(Exit::Done)
}

async fn retry<W: Write>(args: &DlqRetryArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let wish = match (args.all, args.limit) {
        (false, _) if args.to.is_some() || args.via.is_some() => {
            serde_json::json!({"ids": args.ids, "to": args.to, "via": args.via})
        }
        (false, _) => serde_json::json!({"ids": args.ids}),
        (true, limit) => serde_json::json!({"all": true, "limit": limit}),
    };
    let raw: Box<RawValue> = session.server.post(&format!("{PATH}/retry"), &wish).await?;
    let retried: Retried = parsed(&raw)?;
    if args.bulk.json {
        session.out.json(raw.get())?;
    } else {
        for id in &retried.deliveries {
            session.out.line(id)?;
        }
        for again in &retried.events {
            session.out.line(&again.told())?;
        }
        let skipped = match retried.skipped {
            0 => String::new(),
            count => format!(", {count} skipped (not dead, repeated before, or no event)"),
        };
        say(&format!("{} repeated{skipped}.", retried.retried));
    }
    // Somebody who named them wants to know that one of them was not repeated.
    Ok(if retried.skipped > 0 && !args.all { Exit::Failed } else { Exit::Done })
}
