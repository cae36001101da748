//! The command line.
//!
//! Two commands make a process ([`Command::Serve`], [`Command::Dev`]), and some need none: they read
//! and write configurations ([`Command::Init`], [`Command::Check`], [`Command::Config`]), try mappers
//! ([`Command::Map`]), keep the database ([`Command::Db`]), or tell of
//! Foghorn itself ([`Command::Explain`], [`Command::Codes`], [`Command::Openapi`], [`Command::Man`]). All others are [`Command::Client`]: they
//! ask a running Foghorn over its HTTP API and nothing else, so that they work the same from another
//! machine.
//!
//! Data goes to standard output, talk to standard error. [`Exit`] has the exit codes.

mod acting;
mod age;
mod archive;
pub mod bounce;
mod bulk;
pub mod check;
pub mod client;
pub mod codes;
pub mod configuration;
pub mod connect;
mod connection;
pub mod control;
pub mod db;
pub mod deleting;
pub mod delivery;
pub mod dlq;
mod each;
pub mod event;
mod explain;
mod explanation;
mod first_token;
pub mod handling;
mod health;
pub mod incident;
pub mod ingest;
pub mod init;
pub mod lists;
pub mod manual;
mod many;
pub mod map;
pub mod on_call;
pub mod pass;
pub mod policy;
mod print;
mod process;
mod question;
mod records;
pub mod route;
pub mod send;
mod shapes;
pub mod silence;
pub mod simulate;
pub mod status;
pub mod stored;
mod stream;
pub mod suppression;
pub mod tail;
pub mod team;
pub mod template;
pub mod token;
pub mod top;
pub mod trial;
pub mod user;
pub mod ways;
mod whom;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use client::Client;
pub use configuration::ConfigCommand;
pub use template::TemplateCommand;

/// Turns events on your bus into incidents and makes sure the right people hear about them.
#[derive(Debug, Parser)]
#[command(name = "foghorn", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Which Foghorn to ask: http://HOST:PORT or unix:/PATH; without it, the socket of the one on
    /// this machine, else http://127.0.0.1:3644
    #[arg(long, global = true, env = "FOGHORN_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Where the token is that it asks for.
    #[command(flatten)]
    pub pass: pass::Pass,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run it
    Serve(ServeArgs),
    /// Try it: a server that needs nothing and keeps every message to itself
    Dev(DevArgs),
    /// Write a first configuration, and say what is next
    Init(InitArgs),
    /// Validate a configuration
    Check(CheckArgs),
    /// What the configuration says, and what it could say
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The words of messages: your templates, and what Foghorn says itself
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Other people's JSON, and what your mappers make of it
    #[command(subcommand)]
    Map(map::MapCommand),
    /// Keep the database: its schema, backups, how it stands
    #[command(subcommand)]
    Db(db::DbCommand),
    /// What an error means and how to mend it
    Explain(ExplainArgs),
    /// What the answers of providers mean, and what is done about them
    Codes(codes::CodesArgs),
    /// The HTTP API as an OpenAPI 3.1 document
    Openapi,
    /// Completions for a shell
    Completions(CompletionsArgs),
    /// The manual page, for man -l -
    Man(ManArgs),
    /// Ask a running Foghorn.
    #[command(flatten)]
    Client(Client),
}

/// `foghorn serve`
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the configuration is.
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
}

/// `foghorn dev`
#[derive(Debug, Clone, Args)]
pub struct DevArgs {
    /// Feed it a few incidents, a failing provider and a poisoned record
    #[arg(long)]
    pub demo: bool,
    /// The port of API and pages on 127.0.0.1
    #[arg(long, value_name = "PORT", default_value_t = 3644)]
    pub port: u16,
}

/// `foghorn init`
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The file to write, or the directory to write it in
    #[arg(value_name = "PATH", default_value = "config.toml")]
    pub path: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
}

/// `foghorn check`
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// The file; without it, the one that `serve` would read
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// The same, as `serve` takes it
    #[arg(long, value_name = "PATH", conflicts_with = "path")]
    pub config: Option<PathBuf>,
    /// Also connect to the store, every broker and every provider; nothing is sent or changed
    #[arg(long)]
    pub connect: bool,
    /// Fail over a warning, too
    #[arg(long)]
    pub deny_warnings: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `foghorn explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The code, in any spelling; without it, a list of all. Or: incident
    #[arg(value_name = "FHnnnn|incident")]
    pub code: Option<String>,
    /// Which incident: why was who told of it, and who was not?
    #[arg(value_name = "NUMBER", value_parser = client::number)]
    pub number: Option<u64>,
    /// Only what concerns this user
    #[arg(long, value_name = "USER", requires = "number")]
    pub user: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `foghorn completions`
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// `foghorn man`
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Of this command, such as: dlq retry
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl CheckArgs {
    /// The file that was named, either way.
    pub fn file(&self) -> Option<&Path> {
        self.path.as_deref().or(self.config.as_deref())
    }
}

/// Does what the command line says.
pub async fn run(cli: Cli) -> Exit {
    match cli.command {
        Command::Serve(args) => process::serve(&args).await,
        Command::Dev(args) => process::dev(&args).await,
        Command::Init(args) => init::init(&args),
        Command::Check(args) => check::run(&args).await,
        Command::Config(command) => configuration::run(&command),
        Command::Template(command) => template::run(&command, cli.url, &cli.pass).await,
        Command::Map(command) => map::run(&command),
        Command::Db(command) => db::run(&command).await,
        Command::Explain(args) => match (args.code.as_deref(), args.number) {
            (Some("incident"), Some(number)) => {
                let question = explanation::Question { number, user: args.user.as_deref(), json: args.json };
                client::explain(&question, cli.url, &cli.pass).await
            }
            _ => explain::explain(&args),
        },
        Command::Codes(args) => codes::codes(&args),
        Command::Openapi => manual::openapi(),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
        Command::Client(client) => client::run(client, cli.url, &cli.pass).await,
    }
}

/// How a command ended, as scripts and systemd see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// It failed, or only a part of it succeeded.
    Failed,
    /// Wrong flags or arguments.
    Usage,
    /// There is no such thing.
    NotFound,
    /// Not allowed.
    Denied,
    /// It is not as it was thought to be: somebody was faster, or it makes no sense.
    Conflict,
    /// What was to be read will never be understood.
    Unfit,
    /// Server, store or broker cannot be reached.
    Unreachable,
    /// An actor that nothing works without keeps dying, or another process took over.
    Crashed,
    /// Stable storage failed a sync.
    StorageBroken,
    /// Not now: whoever runs the command is to keep what it was given, and run it again.
    Later,
    /// The configuration is invalid.
    InvalidConfig,
    /// A second signal came before the first one's drain was over.
    Interrupted,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Denied => 4,
            Self::Conflict => 6,
            Self::Unfit => 65,
            Self::Unreachable => 69,
            Self::Crashed => 70,
            Self::StorageBroken => 74,
            Self::Later => 75,
            Self::InvalidConfig => 78,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_url_may_stand_anywhere() {
        let url = |words: &[&str]| Cli::try_parse_from(words).ok().and_then(|cli| cli.url);
        assert_eq!(
            url(&["foghorn", "incident", "list", "--url", "http://h:1"]).as_deref(),
            Some("http://h:1")
        );
        assert_eq!(url(&["foghorn", "--url", "http://h:1", "health"]).as_deref(), Some("http://h:1"));
    }

    #[test]
    fn a_retry_needs_ids_or_all_and_not_both() {
        let parses = |words: &str| Cli::try_parse_from(words.split(' ')).is_ok();
        assert!(parses("foghorn dlq retry del_1 del_2"));
        assert!(parses("foghorn dlq retry --all --limit 5"));
        assert!(!parses("foghorn dlq retry"));
        assert!(!parses("foghorn dlq retry del_1 --all"));
        assert!(!parses("foghorn dlq retry del_1 --limit 5"));
        assert!(!parses("foghorn incident list --json --quiet"));
    }
}
