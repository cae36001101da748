//! `foghorn db`: keeping the database of the configuration: how it stands, its schema, copies of it.
//!
//! These commands work on the database itself and need no Foghorn that runs. Whether one may run
//! meanwhile is the store's to say: looking and copying do not disturb it, all else is refused.

mod told;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Exit;
use super::print::{Printer, reader_left, refuse, say};
use super::process::{environment, invalid, unopened};
use crate::catalogue::Code;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::daemon::assembly;
use crate::store::open::{OpenError, StoreSettings};
use crate::store::upkeep::{self, Depth, InTheWay, Integrity, Progress, Step, UpkeepError};

/// `foghorn db`
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// How the database stands; changes nothing, and a Foghorn may run meanwhile
    Status(StatusArgs),
    /// Bring the schema up to date
    Migrate(MigrateArgs),
    /// Copy the database to a file while Foghorn runs
    Backup(FileArgs),
    /// Put a backup in the place of the database, which is kept beside it
    Restore(FileArgs),
    /// Give back the room of what was deleted
    Vacuum(PlaceArgs),
}

/// Which database, and how it is told.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// The configuration; without it, the one that `serve` would read
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `foghorn db status`
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Also read every page and check it (SQLite)
    #[arg(long)]
    pub check: bool,
    /// Which database.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `foghorn db migrate`
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Which database.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `foghorn db backup`, `foghorn db restore`
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace what is in the way: a file of that name, or a database that is not recognised as one
    #[arg(long)]
    pub force: bool,
    /// Which database.
    #[command(flatten)]
    pub place: PlaceArgs,
}

impl DbCommand {
    fn place(&self) -> &PlaceArgs {
        match self {
            Self::Status(args) => &args.place,
            Self::Migrate(args) => &args.place,
            Self::Backup(args) | Self::Restore(args) => &args.place,
            Self::Vacuum(args) => args,
        }
    }
}

/// What a command works on.
struct Work {
    config: Config,
    settings: StoreSettings,
    json: bool,
}

/// Why it was not done.
enum Failure {
    Upkeep(UpkeepError),
    /// What it says cannot be written.
    Output(io::Error),
    /// Ctrl-C
    Interrupted,
}

impl From<UpkeepError> for Failure {
    fn from(error: UpkeepError) -> Self {
        Self::Upkeep(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Does it, until it is done or Ctrl-C.
pub(super) async fn run(command: &DbCommand) -> Exit {
    let place = command.place();
    let config = match config::load_for_store(place.config.as_deref(), &environment()) {
        Ok(loaded) => loaded.config,
        Err(problems) => return invalid(&problems),
    };
    let work = Work { settings: assembly::store_settings(&config), config, json: place.json };
    let doing = async {
        match command {
            DbCommand::Status(args) => work.status(args).await,
            DbCommand::Migrate(args) => work.migrate(args).await,
            DbCommand::Backup(args) => work.back_up(args).await,
            DbCommand::Restore(args) => work.restore(args).await,
            DbCommand::Vacuum(_) => work.vacuum().await,
        }
    };
    let done = tokio::select! {
        done = doing => done,
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    };
    match done {
        Ok(exit) => exit,
        Err(Failure::Interrupted) => {
            say("interrupted; nothing was changed that was not said");
            Exit::Interrupted
        }
        Err(Failure::Output(error)) if reader_left(&error) => Exit::Done,
        Err(Failure::Output(error)) => {
            refuse(Code::CannotWrite, &error);
            Exit::Failed
        }
        Err(Failure::Upkeep(error)) => work.refused(&error),
    }
}

impl Work {
    /// Lines for people, or the object for machines.
    fn tell(&self, object: &Value, lines: &[String]) -> Result<(), Failure> {
        let mut out = Printer::new(io::stdout().lock());
        if self.json {
            return Ok(out.json(&object.to_string())?);
        }
        Ok(lines.iter().try_for_each(|line| out.line(line))?)
    }

    async fn status(&self, args: &StatusArgs) -> Result<Exit, Failure> {
        let depth = if args.check { Depth::Pages } else { Depth::Shallow };
        let standing = upkeep::standing(&self.settings, depth).await?;
        let place = self.config.store.url.to_string();
        self.tell(&told::standing_object(&standing, &place), &told::standing(&standing, &place))?;
        if let Integrity::Damaged(what) = standing.integrity {
            return Err(UpkeepError::Damaged { place, what }.into());
        }
        match standing.schema {
            Some(found) if found > standing.known => {
                let newer = OpenError::NewerSchema { found, known: standing.known };
                Err(UpkeepError::from(newer).into())
            }
            _ => Ok(Exit::Done),
        }
    }

    async fn migrate(&self, args: &MigrateArgs) -> Result<Exit, Failure> {
        let step = |step: &Step, took: Option<Duration>| {
            let object = json!({
                "version": step.version,
                "name": step.name,
                "done": took.is_some(),
                "took_ms": took.map(|took| took.as_millis()),
            });
            let took = took.map_or_else(|| "to do".to_owned(), told::duration);
            self.tell(&object, &[format!("{:>4}  {:<16}  {took}", step.version, step.name)])
        };
        let standing = upkeep::standing(&self.settings, Depth::Shallow).await?;
        if args.dry_run {
            if let Some(found) = standing.schema.filter(|found| *found > standing.known) {
                let newer = OpenError::NewerSchema { found, known: standing.known };
                return Err(UpkeepError::from(newer).into());
            }
            standing.pending.iter().try_for_each(|pending| step(pending, None))?;
        } else {
            // A reader that went away does not keep the schema from being brought up to date.
            upkeep::migrate(&self.settings, &|done, took| drop(step(done, Some(took)))).await?;
        }
        let known = standing.known;
        match (standing.pending.len(), args.dry_run) {
            (0, _) => say(&format!("The schema is up to date ({known}).")),
            (count, true) => say(&format!("{count} to do; nothing was changed.")),
            (_, false) => say(&format!("The schema is up to date now ({known}).")),
        }
        Ok(Exit::Done)
    }

    async fn back_up(&self, args: &FileArgs) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let watch = Watching::new("copied");
        let copied =
            upkeep::back_up(&self.settings, &args.file, in_the_way(args), &|it| watch.show(it)).await;
        watch.end();
        let (contained, took) = (copied?, begun.elapsed());
        let object = told::contained_object(&contained, &args.file, took);
        self.tell(&object, &told::backed_up(&contained, &args.file, took))?;
        Ok(Exit::Done)
    }

    async fn restore(&self, args: &FileArgs) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let (watch, now) = (Watching::new("copied back"), Clock::system().now());
        let way = in_the_way(args);
        let restored = upkeep::restore(&self.settings, &args.file, way, now, &|it| watch.show(it)).await;
        watch.end();
        let (restored, took) = (restored?, begun.elapsed());
        let mut object = told::contained_object(&restored.contained, &args.file, took);
        object["kept"] = json!(restored.kept);
        let mut lines = told::restored(&restored, &args.file, took);
        lines.extend(told::what_follows(&restored.contained, &self.config));
        self.tell(&object, &lines)?;
        Ok(Exit::Done)
    }

    async fn vacuum(&self) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let vacuumed = upkeep::vacuum(&self.settings).await?;
        let (before, after, took) = (vacuumed.before, vacuumed.after, begun.elapsed());
        let back = before.saturating_sub(after);
        let object = json!({
            "bytes_before": before, "bytes": after, "bytes_given_back": back, "took_ms": took.as_millis(),
        });
        let (back, before, after) = (told::bytes(back), told::bytes(before), told::bytes(after));
        let line = format!("{back} given back: {before} before, {after} now, in {}", told::duration(took));
        self.tell(&object, &[line])?;
        Ok(Exit::Done)
    }

    /// Says why not, and how that ends.
    fn refused(&self, error: &UpkeepError) -> Exit {
        let (exit, code) = match error {
            UpkeepError::Open(error) => unopened(error),
            UpkeepError::NotOurs { .. } => (Exit::Failed, Code::NotOursToKeep),
            UpkeepError::Exists(..) => (Exit::Failed, Code::CopyExists),
            UpkeepError::Unwritable { .. } => (Exit::Failed, Code::CopyUnwritable),
            UpkeepError::NotABackup { .. } => (Exit::Failed, Code::NotABackup),
            UpkeepError::Damaged { .. } => (Exit::Failed, Code::Damaged),
        };
        refuse(code, error);
        if let UpkeepError::NotOurs { command, .. } = error
            && !command.is_empty()
        {
            say(&format!("   $ {command}"));
            if self.json {
                let object = json!({ "code": code.as_str(), "command": command });
                drop(Printer::new(io::stdout().lock()).json(&object.to_string()));
            }
        }
        exit
    }
}

fn in_the_way(args: &FileArgs) -> InTheWay {
    if args.force { InTheWay::Replace } else { InTheWay::Refuse }
}

/// A line on a terminal that changes in place.
struct Watching {
    verb: &'static str,
    terminal: bool,
}

impl Watching {
    fn new(verb: &'static str) -> Self {
        Self { verb, terminal: io::stderr().is_terminal() }
    }

    fn show(&self, progress: Progress) {
        if self.terminal {
            let line =
                format!("{} of {} {}", told::bytes(progress.done), told::bytes(progress.of), self.verb);
            super::print::overwrite(&line);
        }
    }

    fn end(&self) {
        if self.terminal {
            super::print::overwrite("");
        }
    }
}
