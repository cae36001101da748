//! Keeping the database: how it stands, its schema, copies of it, its size.
//!
//! All of it works on the database itself, beside a Foghorn that runs or without one. What changes a
//! SQLite file takes its lock first, so that it never happens under a process that has it open; what
//! only reads goes through a connection that cannot write.

use std::path::PathBuf;
use std::time::Duration;

use super::open::{Place, StoreSettings, place};
use super::{OpenError, postgres, sqlite};
use crate::domain::Timestamp;

/// Why it was not done. What was there before is there.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The database cannot be used at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Others do this better.
    #[error("{why}")]
    NotOurs {
        /// Which store it is, and who does it.
        why: &'static str,
        /// What does it, as a shell takes it; empty if nothing does.
        command: String,
    },
    /// A file is in the way.
    #[error("{} exists already{}", .0.display(), .1)]
    Exists(PathBuf, &'static str),
    /// A copy cannot be written.
    #[error("cannot write {}: {why}", .path.display())]
    Unwritable {
        /// Of the copy.
        path: PathBuf,
        /// The operating system's or the database's words.
        why: String,
    },
    /// What is to be restored is none of ours.
    #[error("{} is no backup: {why}", .path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Its pages contradict each other.
    #[error("{place} is damaged: {}", .what.join("; "))]
    Damaged {
        /// The file.
        place: String,
        /// The first things that are wrong.
        what: Vec<String>,
    },
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The version that it leads to.
    pub version: i64,
    /// What it is about, in a word or two.
    pub name: String,
}

/// Who has the database open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Nobody.
    Nobody,
    /// A process on this machine.
    Process(String),
    /// So many connections of Foghorns.
    Connections(u64),
}

/// How a number of rows is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Counted.
    Exactly(u64),
    /// Counted up to here.
    MoreThan(u64),
    /// As the database's statistics have it.
    About(u64),
}

/// Whether the pages were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only what is at hand.
    Shallow,
    /// Every page is read and checked.
    Pages,
}

/// What a look at the pages found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// Nobody asked, or this database has no such check.
    Unknown,
    /// Nothing is wrong.
    Sound,
    /// The first things that are wrong.
    Damaged(Vec<String>),
}

/// How a database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// `sqlite`, `postgres` or `memory`.
    pub kind: &'static str,
    /// The version of its schema; `None` if there is none yet.
    pub schema: Option<i64>,
    /// The newest version that this binary knows.
    pub known: i64,
    /// What brings the schema up to date, in order.
    pub pending: Vec<Step>,
    /// Size of the database.
    pub bytes: u64,
    /// Size of what was written and is not yet part of the file.
    pub log_bytes: u64,
    /// Rows of each table.
    pub tables: Vec<(&'static str, Rows)>,
    /// Who has it open.
    pub held: Held,
    /// Whether its pages are sound.
    pub integrity: Integrity,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes written.
    pub done: u64,
    /// Bytes to write, about.
    pub of: u64,
}

/// Is told how far a copy is.
pub type Watch<'a> = &'a (dyn Fn(Progress) + Sync);

/// What is in a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contained {
    /// Size of the file.
    pub bytes: u64,
    /// The version of its schema.
    pub schema: i64,
    /// When the newest of its events came in.
    pub newest_event: Option<Timestamp>,
    /// Deliveries that wait in it.
    pub waiting: u64,
    /// Deliveries that were being sent when it was made.
    pub sending: u64,
}

/// A database was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What is there now.
    pub contained: Contained,
    /// Where the old one is, if there was one.
    pub kept: Option<PathBuf>,
}

/// Sizes around a vacuum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vacuumed {
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
}

/// Tables worth counting.
pub(super) const TABLES: [&str; 8] =
    ["node", "event", "incident", "timeline", "notification", "delivery", "attempt", "dead_letter"];

/// Nobody waits for more rows than these to be counted.
pub(super) const COUNTED: u64 = 1_000_000;

/// How the database stands; nothing is changed, and whoever has it open does not notice.
///
/// # Errors
/// Why it cannot be read. A schema that is too new is no error here.
pub async fn standing(settings: &StoreSettings, depth: Depth) -> Result<Standing, UpkeepError> {
    match place(&settings.url)? {
        Place::Memory => Ok(Standing {
            kind: "memory",
            schema: None,
            known: 0,
            pending: Vec::new(),
            bytes: 0,
            log_bytes: 0,
            tables: Vec::new(),
            held: Held::Nobody,
            integrity: Integrity::Unknown,
        }),
        Place::File(path) => sqlite::upkeep::standing(path, depth).await,
        Place::Server => postgres::upkeep::standing(settings).await,
    }
}

/// Brings the schema up to date, and makes the database if there is none. `done` is told each step
/// with the time that it took.
///
/// # Errors
/// Why it stopped; the steps before that are done.
pub async fn migrate(
    settings: &StoreSettings,
    done: &(dyn Fn(&Step, Duration) + Sync),
) -> Result<(), UpkeepError> {
    match place(&settings.url)? {
        Place::Memory => Err(nothing_to_keep()),
        Place::File(path) => sqlite::upkeep::migrate(path, done).await,
        Place::Server => postgres::upkeep::migrate(settings, done).await,
    }
}

/// What to do about a file that is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InTheWay {
    /// Leave it and refuse.
    Refuse,
    /// Replace it.
    Replace,
}

/// Copies the database to `file`, as it is at one moment, while it is written to. The name is taken by
/// a copy that is whole, checked and on stable storage, or not at all.
///
/// # Errors
/// Why there is no copy.
pub async fn back_up(
    settings: &StoreSettings,
    file: &std::path::Path,
    in_the_way: InTheWay,
    watch: Watch<'_>,
) -> Result<Contained, UpkeepError> {
    match place(&settings.url)? {
        Place::Memory => Err(nothing_to_keep()),
        Place::File(path) => sqlite::copies::back_up(path, file, in_the_way, watch).await,
        Place::Server => Err(postgres::upkeep::dump(&settings.url, file)),
    }
}

/// Puts a copy of `file` in the place of the database, which is kept beside it.
///
/// # Errors
/// Why the database is as it was.
pub async fn restore(
    settings: &StoreSettings,
    file: &std::path::Path,
    in_the_way: InTheWay,
    now: Timestamp,
    watch: Watch<'_>,
) -> Result<Restored, UpkeepError> {
    match place(&settings.url)? {
        Place::Memory => Err(nothing_to_keep()),
        Place::File(path) => sqlite::copies::restore(path, file, in_the_way, now, watch).await,
        Place::Server => Err(postgres::upkeep::undump(&settings.url, file)),
    }
}

/// Gives back the room of what was deleted.
///
/// # Errors
/// Why not.
pub async fn vacuum(settings: &StoreSettings) -> Result<Vacuumed, UpkeepError> {
    match place(&settings.url)? {
        Place::Memory => Err(nothing_to_keep()),
        Place::File(path) => sqlite::upkeep::vacuum(path).await,
        Place::Server => postgres::upkeep::vacuum(settings).await,
    }
}

fn nothing_to_keep() -> UpkeepError {
    UpkeepError::NotOurs { why: "[store] url = \"memory:\" keeps nothing", command: String::new() }
}
