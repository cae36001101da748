//! The commands that ask a running Foghorn.

use std::io;

use clap::{ArgGroup, Args, Subcommand};

use super::connection::{Connection, Failure};
use super::print::{Printer, reader_left, say};
use super::{Exit, dlq, lists, show};
use crate::clock::Clock;

/// The commands that ask a running Foghorn.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Is it alive? Ends with 0 or 69
    Health(HealthArgs),
    /// What this binary is
    Version(VersionArgs),
    /// What is wrong
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// Who was told, and what came of it
    #[command(subcommand)]
    Delivery(DeliveryCommand),
    /// Dead letters: deliveries that ran out, and records that could not become events
    #[command(subcommand)]
    Dlq(DlqCommand),
}

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

/// `foghorn incident`
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Those that need somebody; with --all those that are over, too
    List(IncidentListArgs),
    /// One, with its history
    Show(IncidentShowArgs),
}

/// `foghorn delivery`
#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// The newest
    List(DeliveryListArgs),
    /// One, with its attempts
    Show(ShowArgs),
}

/// `foghorn dlq`
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// The newest
    List(DlqListArgs),
    /// One, with its attempts or its bytes
    Show(ShowArgs),
    /// Repeat dead deliveries as new ones
    Retry(DlqRetryArgs),
}

/// How a list is printed.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("form").args(["json", "quiet"]))]
pub struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Only ids
    #[arg(long, short)]
    pub quiet: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

/// `foghorn incident list`
#[derive(Debug, Clone, Args)]
pub struct IncidentListArgs {
    /// Only these: open, acknowledged, resolved
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
    /// How it is printed.
    #[command(flatten)]
    pub list: ListArgs,
}

/// `foghorn incident show`
#[derive(Debug, Clone, Args)]
pub struct IncidentShowArgs {
    /// Its number, with or without #
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub number: u64,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn delivery list`
#[derive(Debug, Clone, Args)]
pub struct DeliveryListArgs {
    /// Only these: pending, sending, retrying, sent, dead, canceled, expired
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<String>,
    /// Only on this channel
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Only of this incident
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub incident: Option<u64>,
    /// How it is printed.
    #[command(flatten)]
    pub list: ListArgs,
}

/// Something that has an id.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Its id
    #[arg(value_name = "ID", value_parser = id)]
    pub id: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn dlq list`
#[derive(Debug, Clone, Args)]
pub struct DlqListArgs {
    /// Deliveries that ran out, or records that could not become events
    #[arg(long, value_enum, default_value_t = DlqKind::Delivery)]
    pub kind: DlqKind,
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

/// `foghorn dlq retry`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").args(["ids", "all"]).required(true))]
pub struct DlqRetryArgs {
    /// Which
    #[arg(value_name = "ID", value_parser = id)]
    pub ids: Vec<String>,
    /// All of them, newest first
    #[arg(long)]
    pub all: bool,
    /// With --all: at most this many
    #[arg(long, value_name = "N", requires = "all", conflicts_with = "ids")]
    pub limit: Option<u32>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

fn number(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.trim_start_matches('#').parse()
}

/// An id becomes part of a path, so it must not be able to change it.
fn id(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Ok(text.to_owned())
    } else {
        Err("an id is of the form del_01J9X2M4QF…".to_owned())
    }
}

/// Does what was asked, of the Foghorn at `url`.
pub async fn run(command: Client, url: &str) -> Exit {
    match obey(command, url).await {
        Ok(exit) => exit,
        Err(Failure::Output(error)) if reader_left(&error) => Exit::Done,
        Err(failure) => {
            failure.tell();
            failure.exit()
        }
    }
}

async fn obey(command: Client, url: &str) -> Result<Exit, Failure> {
    let server = Connection::to(url)?;
    let out = &mut Printer::new(io::stdout().lock());
    let now = Clock::system().now();
    match command {
        Client::Health(args) => health(&server, &args).await,
        Client::Version(args) => version(out, &args),
        Client::Incident(IncidentCommand::List(args)) => lists::incidents(&server, out, &args, now).await,
        Client::Incident(IncidentCommand::Show(args)) => show::incident(&server, out, &args, now).await,
        Client::Delivery(DeliveryCommand::List(args)) => lists::deliveries(&server, out, &args, now).await,
        Client::Delivery(DeliveryCommand::Show(args)) => {
            show::delivery(&server, out, "/api/v1/deliveries", &args).await
        }
        Client::Dlq(DlqCommand::List(args)) => dlq::list(&server, out, &args, now).await,
        Client::Dlq(DlqCommand::Show(args)) => dlq::show(&server, out, &args).await,
        Client::Dlq(DlqCommand::Retry(args)) => dlq::retry(&server, out, &args).await,
    }
}

async fn health(server: &Connection, args: &HealthArgs) -> Result<Exit, Failure> {
    let path = if args.ready { "/readyz?verbose" } else { "/livez" };
    let (status, text) = server.probe(path).await?;
    if status.is_success() {
        return Ok(Exit::Done);
    }
    for line in text.lines() {
        say(line);
    }
    Ok(Exit::Unreachable)
}

fn version<W: io::Write>(out: &mut Printer<W>, args: &VersionArgs) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        out.json(&serde_json::json!({"name": "foghorn", "version": version}).to_string())?;
    } else {
        out.line(&format!("foghorn {version}"))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_change_the_path_and_a_number_may_have_its_mark() {
        assert!(id("del_01J9X2M4QF").is_ok());
        for bad in ["", "../x", "a/b", "a?b", "a b", "%2e"] {
            assert!(id(bad).is_err(), "{bad}");
        }
        assert_eq!(number("#1042"), Ok(1042));
        assert!(number("x").is_err());
    }
}
