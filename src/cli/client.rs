//! The commands that ask a running Foghorn.

use std::io;

use clap::{Args, Subcommand};

use super::Exit;
use super::bounce::{self, BounceArgs};
use super::connection::{Connection, Failure};
use super::control::{self, DrainArgs, LogLevelArgs, ReloadArgs};
use super::delivery::{self, DeliveryCommand};
use super::dlq::{self, DlqCommand};
use super::event::{self, EventCommand};
use super::explanation::{self, Question};
use super::health::{self, HealthArgs, VersionArgs};
use super::incident::{self, IncidentCommand};
use super::ingest::{self, IngestArgs};
use super::on_call::{self, OnCallArgs};
use super::pass::Pass;
use super::policy::{self, PolicyCommand};
use super::print::{Printer, reader_left};
use super::process::environment;
use super::route::{self, RouteCommand};
use super::send::{self, SendArgs};
use super::silence::{self, SilenceCommand};
use super::simulate::{self, SimulateArgs};
use super::status::{self, StatusArgs};
use super::suppression::{self, SuppressionCommand};
use super::tail::{self, TailArgs};
use super::team::{self, TeamCommand};
use super::template::running::{self, Asked};
use super::token::{self, AuditArgs, TokenCommand};
use super::top::{self, TopArgs};
use super::trial::{self, TestCommand};
use super::user::{self, UserCommand};
use super::ways::{self, ChannelCommand, SourceCommand};
use super::whom::Whom;
use crate::clock::Clock;
use crate::domain::Timestamp;

/// The commands that ask a running Foghorn.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Is it alive? Ends with 0 or 69
    Health(HealthArgs),
    /// What this binary is
    Version(VersionArgs),
    /// Report something, and see what comes of it
    Send(SendArgs),
    /// Hand it the records of a file, in batches; what was taken before is not taken again
    Ingest(IngestArgs),
    /// Who would have been told differently by another configuration; nobody is told anything
    Simulate(SimulateArgs),
    /// What happens, as it happens
    Tail(TailArgs),
    /// How it goes: a table that changes in place
    Top(TopArgs),
    /// What is wrong
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// Who was told, and what came of it
    #[command(subcommand)]
    Delivery(DeliveryCommand),
    /// Is it well, and what is stuck?
    Status(StatusArgs),
    /// Where events come from
    #[command(subcommand)]
    Source(SourceCommand),
    /// How messages leave
    #[command(subcommand)]
    Channel(ChannelCommand),
    /// Does this way work? One real message out, or one event in
    #[command(subcommand)]
    Test(TestCommand),
    /// Which policy takes which incident, and who would hear
    #[command(subcommand)]
    Route(RouteCommand),
    /// Who hears, how, and when it is tried again
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Who is on call, and who will be
    #[command(name = "oncall")]
    OnCall(OnCallArgs),
    /// The people who are told
    #[command(subcommand)]
    User(UserCommand),
    /// Who belongs together
    #[command(subcommand)]
    Team(TeamCommand),
    /// What nobody is told of for a while
    #[command(subcommand)]
    Silence(SilenceCommand),
    /// Addresses that providers have spoken against
    #[command(subcommand)]
    Suppression(SuppressionCommand),
    /// Who may call its API: tokens, and what they are good for
    #[command(subcommand)]
    Token(TokenCommand),
    /// Who did what over its API, the newest first
    Audit(AuditArgs),
    /// Hand it a mail that came back, on standard input: for a pipe of a mail server
    Bounce(BounceArgs),
    /// Have it read its configuration anew: all of it, or nothing
    Reload(ReloadArgs),
    /// Have it take nothing more in and go on delivering
    Drain(DrainArgs),
    /// How much it logs
    LogLevel(LogLevelArgs),
    /// Dead letters: deliveries that ran out, and records that could not become events
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// What came in, and what was decided
    #[command(subcommand)]
    Event(EventCommand),
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

/// What a command has to work with.
pub(super) struct Session<W> {
    /// Whom it asks.
    pub(super) server: Connection,
    /// Where its data goes.
    pub(super) out: Printer<W>,
    /// When it was started.
    pub(super) now: Timestamp,
}

pub(super) fn number(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.trim_start_matches('#').parse()
}

/// A name becomes part of a path, so it must not be able to change it.
pub(super) fn name(text: &str) -> Result<String, String> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !text.is_empty() && text.bytes().all(harmless) && !text.starts_with('.') {
        Ok(text.to_owned())
    } else {
        Err("a name has letters, digits, -, _ and .".to_owned())
    }
}

/// An id becomes part of a path, so it must not be able to change it.
pub(super) fn id(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Ok(text.to_owned())
    } else {
        Err("an id is of the form del_01J9X2M4QF…".to_owned())
    }
}

/// Does what was asked, of the Foghorn at `url`, or of the one that is found here.
pub async fn run(command: Client, url: Option<String>, pass: &Pass) -> Exit {
    ended(obey(command, url, pass).await)
}

fn ended(obeyed: Result<Exit, Failure>) -> Exit {
    match obeyed {
        Ok(exit) => exit,
        Err(Failure::Output(error)) if reader_left(&error) => Exit::Done,
        Err(failure) => {
            failure.tell();
            failure.exit()
        }
    }
}

/// Why who was told of an incident.
pub(super) async fn explain(question: &Question<'_>, url: Option<String>, pass: &Pass) -> Exit {
    let told = async {
        let mut session = session(url, pass)?;
        explanation::incident(question, &mut session).await
    };
    ended(told.await)
}

/// The templates of a running Foghorn.
pub(super) async fn template(asked: &Asked<'_>, url: Option<String>, pass: &Pass) -> Exit {
    let obeyed = async {
        let mut session = session(url, pass)?;
        running::run(asked, &mut session).await
    };
    ended(obeyed.await)
}

fn session(url: Option<String>, pass: &Pass) -> Result<Session<io::StdoutLock<'static>>, Failure> {
    Ok(Session {
        server: Connection::to(&Whom::of(url, &environment()), pass.token()?)?,
        out: Printer::new(io::stdout().lock()),
        now: Clock::system().now(),
    })
}

async fn obey(command: Client, url: Option<String>, pass: &Pass) -> Result<Exit, Failure> {
    let session = &mut session(url, pass)?;
    match command {
        Client::Health(args) => health::health(&args, session).await,
        Client::Version(args) => health::version(&args, session),
        Client::Send(args) => send::run(&args, session).await,
        Client::Ingest(args) => ingest::run(&args, session).await,
        Client::Simulate(args) => simulate::run(&args, session).await,
        Client::Tail(args) => tail::run(&args, session).await,
        Client::Top(args) => top::run(&args, session).await,
        Client::Incident(command) => incident::run(&command, session).await,
        Client::Delivery(command) => delivery::run(&command, session).await,
        Client::Status(args) => status::status(&args, session).await,
        Client::Source(command) => ways::source(&command, session).await,
        Client::Channel(command) => ways::channel(&command, session).await,
        Client::Test(command) => trial::run(&command, session).await,
        Client::Route(command) => route::run(&command, session).await,
        Client::Policy(command) => policy::run(&command, session).await,
        Client::OnCall(args) => on_call::run(&args, session).await,
        Client::User(command) => user::run(&command, session).await,
        Client::Team(command) => team::run(&command, session).await,
        Client::Silence(command) => silence::run(&command, session).await,
        Client::Suppression(command) => suppression::run(&command, session).await,
        Client::Token(command) => token::run(&command, session).await,
        Client::Audit(args) => token::audit(&args, session).await,
        Client::Bounce(args) => Ok(bounce::bounce(&args, session).await),
        Client::Reload(args) => control::reload(&args, session).await,
        Client::Drain(args) => control::drain(&args, session).await,
        Client::LogLevel(args) => control::log_level(&args, session).await,
        Client::Dlq(command) => dlq::run(&command, session).await,
        Client::Event(command) => event::run(&command, session).await,
    }
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
