//! Opening a database file: every reason not to is found before anything is changed.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, access};
use sqlx::ConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Mutex;

use super::lock::{FileLock, beside, unopened};
use super::{SqliteStore, Transaction, Writer, fetch};
use crate::store::in_doubt::InDoubt;
use crate::store::open::Migrate;
use crate::store::reading::{Ask, SCHEMA, only};
use crate::store::rows::{NumberRow, WordRow};
use crate::store::{OpenError, Probed};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// What `file(1)` and we know our databases by: "Fogh".
const APPLICATION_ID: i64 = 0x466f_6768;

/// How long a statement waits for a lock that a person's `sqlite3` may hold.
const BUSY: Duration = Duration::from_secs(5);

/// How many rows SQLite's thread may be ahead of whoever reads them: each time it has to wait, two
/// threads wake each other. A claim is the longest answer of the write path.
const ROWS_AHEAD: usize = 1024;

impl SqliteStore {
    /// Looks at the file at `path` without locking, making or changing anything: it may belong to a
    /// Foghorn that runs.
    ///
    /// # Errors
    /// See [`OpenError`], but for [`OpenError::InUse`].
    pub async fn probe(path: &Path) -> Result<Probed, OpenError> {
        may_write(path)?;
        let mut probed = Probed { kind: "sqlite", schema: None, newest: newest() };
        if path.exists() {
            // Without a log beside it the file is whole, and reading it leaves nothing behind.
            let whole = !beside(path, "-wal").exists();
            let file = one(path, options(path).read_only(true).immutable(whole)).await?;
            let contents = contents(&file, path).await;
            file.close().await;
            if let Contents::Schema(found) = contents? {
                probed.schema = Some(known(found)?);
            }
        }
        Ok(probed)
    }

    /// Opens the file at `path`, and makes it if there is none.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing is changed then.
    pub async fn open(path: &Path, migrate: Migrate) -> Result<Self, OpenError> {
        writable(path)?;
        let lock = FileLock::of(path)?;
        if migrate == Migrate::Manual {
            let found = Self::probe(path).await?.schema.unwrap_or(0);
            if found < newest() {
                return Err(OpenError::OlderSchema { found, known: newest() });
            }
        }
        let writer = writer(path).await?;
        bring_to(newest(), &writer).await?;
        let connection = writer.acquire().await.map_err(|error| refused(path, &error))?.detach();
        writer.close().await;
        let readers = SqlitePoolOptions::new()
            .max_connections(2)
            .min_connections(0)
            .test_before_acquire(false)
            .idle_timeout(Duration::from_secs(60))
            .acquire_timeout(Duration::from_secs(2))
            .connect_lazy_with(options(path).read_only(true).pragma("cache_size", "-1024"));
        let writer = Mutex::new(Writer { connection, transaction: Transaction::None });
        Ok(Self { writer, readers, in_doubt: InDoubt::default(), _lock: lock })
    }
}

/// The connection of whoever holds the lock, to a file that is ours.
pub(super) async fn writer(path: &Path) -> Result<SqlitePool, OpenError> {
    examine(path).await?;
    let options = options(path)
        .pragma("cache_size", "-8192")
        .pragma("wal_autocheckpoint", "16000")
        .pragma("journal_size_limit", "134217728")
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let writer = one(path, options).await?;
    durable(&writer).await?;
    Ok(writer)
}

/// Brings the schema to this version.
pub(super) async fn bring_to(version: i64, writer: &SqlitePool) -> Result<(), OpenError> {
    let run = MIGRATIONS.run_to(version, writer).await;
    run.map_err(|error| OpenError::Unreachable(error.to_string()))
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .row_buffer_size(ROWS_AHEAD)
        .foreign_keys(false)
        .disable_statement_logging()
}

/// May the file be written, or made?
pub(super) fn writable(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        let path = path.display();
        return Err(OpenError::Unreachable(format!("{path} is a directory; name a file in it")));
    }
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
                let parent = parent.display();
                Err(OpenError::Unreachable(format!("there is no directory {parent}")))
            }
            _ => Ok(()),
        },
        Err(error) => Err(unopened(path, &error)),
    }
}

/// The same without opening it: asks for permission.
fn may_write(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        return writable(path);
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return writable(path);
    }
    // The log and the lock are written beside the file.
    for path in [parent, path] {
        match access(path, Access::READ_OK | Access::WRITE_OK) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unopened(path, &error.into())),
            _ => {}
        }
    }
    Ok(())
}

/// A pool of one connection, which is closed when it is not wanted any more.
pub(super) async fn one(path: &Path, options: SqliteConnectOptions) -> Result<SqlitePool, OpenError> {
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    pool.map_err(|error| refused(path, &error))
}

/// Is it ours, and not too new? An empty file becomes ours.
async fn examine(path: &Path) -> Result<(), OpenError> {
    let file = one(path, options(path).create_if_missing(true)).await?;
    let examined = examined(&file, path).await;
    file.close().await;
    examined
}

async fn examined(file: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    match contents(file, path).await? {
        Contents::Nothing => sqlx::query("PRAGMA application_id = 0x466f6768")
            .execute(file)
            .await
            .map(drop)
            .map_err(|error| refused(path, &error)),
        Contents::Schema(found) => known(found).map(drop),
        Contents::Mark => Ok(()),
    }
}

/// What a file is that may become ours, or is.
pub(super) enum Contents {
    Nothing,
    /// It was taken, and a crash came before the first migration.
    Mark,
    Schema(i64),
}

pub(super) async fn contents(file: &SqlitePool, path: &Path) -> Result<Contents, OpenError> {
    let application = pragma(file, "SELECT application_id AS value FROM pragma_application_id");
    let application = application.await.map_err(|error| refused(path, &error))?;
    let tables = "SELECT count(*) AS value FROM sqlite_schema WHERE type = 'table'";
    let tables = pragma(file, tables).await.map_err(|error| refused(path, &error))?;
    match (application, tables) {
        (APPLICATION_ID, 0) => Ok(Contents::Mark),
        // A crash before the first migration leaves no table of migrations.
        (APPLICATION_ID, _) => Ok(Contents::Schema(pragma(file, SCHEMA).await.unwrap_or(0))),
        (0, 0) => Ok(Contents::Nothing),
        _ => Err(foreign(path)),
    }
}

/// The newest schema of this binary.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// A schema that this binary knows all of.
pub(super) fn known(found: i64) -> Result<i64, OpenError> {
    let known = newest();
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    Ok(found)
}

/// What SQLite really does, whatever it was asked to do.
async fn durable(writer: &SqlitePool) -> Result<(), OpenError> {
    let unreachable = |error: sqlx::Error| OpenError::Unreachable(error.to_string());
    let synchronous = "SELECT synchronous AS value FROM pragma_synchronous";
    let synchronous = pragma(writer, synchronous).await.map_err(unreachable)?;
    let journal = Ask::new("SELECT journal_mode AS word FROM pragma_journal_mode");
    let journal: Vec<WordRow> = fetch(writer, journal).await.map_err(unreachable)?;
    if synchronous < 2 {
        let setting = format!("synchronous = {synchronous}");
        return Err(OpenError::NotDurable { setting });
    }
    match journal.first() {
        Some(row) if row.word == "wal" => Ok(()),
        other => {
            let word = other.map_or("unknown", |row| &row.word);
            let setting = format!("journal_mode = {word}");
            Err(OpenError::NotDurable { setting })
        }
    }
}

pub(super) async fn pragma(file: &SqlitePool, sql: &str) -> Result<i64, sqlx::Error> {
    let rows: Vec<NumberRow> = fetch(file, Ask::new(sql)).await?;
    Ok(only(rows).unwrap_or(0))
}

fn foreign(path: &Path) -> OpenError {
    OpenError::Foreign { path: path.display().to_string() }
}

pub(super) fn refused(path: &Path, error: &sqlx::Error) -> OpenError {
    let code = error.as_database_error().and_then(|error| error.code());
    let primary = code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
    match primary {
        Some(8 | 13) => OpenError::ReadOnly { path: path.display().to_string(), why: error.to_string() },
        Some(26) => foreign(path),
        _ => OpenError::Unreachable(format!("{}: {error}", path.display())),
    }
}
