//! Copies of a database file, and back again.
//!
//! A copy is made by `VACUUM INTO` through a connection that cannot write: one moment of the database,
//! while another process goes on writing. It is written under another name, checked, synced, and only
//! then given its own. A restore copies in the same way into the folder of the database, keeps the old
//! one as a second name of the same file, and replaces the first name in one step.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use sqlx::sqlite::SqlitePool;

use super::lock::{FileLock, beside, owned_like};
use super::opening::{Contents, contents, known, one, options, pragma, refused, writable};
use super::unfinished::{Unfinished, synced, unwritable};
use super::upkeep::{integrity, size, unsigned};
use crate::domain::Timestamp;
use crate::store::OpenError;
use crate::store::upkeep::{Contained, InTheWay, Integrity, Progress, Restored, UpkeepError, Watch};

/// How often whoever watches is told.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Files that SQLite keeps beside a database and that belong to it alone.
const COMPANIONS: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Copies the database at `path` to `file`; see [`crate::store::upkeep::back_up`].
pub(in crate::store) async fn back_up(
    path: &Path,
    file: &Path,
    in_the_way: InTheWay,
    watch: Watch<'_>,
) -> Result<Contained, UpkeepError> {
    if !path.exists() {
        return Err(not_there(path).into());
    }
    let file = absolute(file).map_err(|error| unwritable(file, &error))?;
    if belongs_to(&file, path) {
        return Err(UpkeepError::Exists(file, " and is the database itself"));
    }
    if file.is_dir() {
        let why = "it is a directory; name a file in it".to_owned();
        return Err(UpkeepError::Unwritable { path: file, why });
    }
    if in_the_way == InTheWay::Refuse && file.symlink_metadata().is_ok() {
        return Err(UpkeepError::Exists(file, ""));
    }
    let source = one(path, options(path).read_only(true)).await?;
    let copied = async {
        if let Contents::Nothing | Contents::Mark = contents(&source, path).await? {
            return Err(not_there(path).into());
        }
        let copy = Unfinished::of(&file)?;
        copy_into(&copy, &source, path, watch).await?;
        Ok::<Unfinished, UpkeepError>(copy)
    };
    let copied = copied.await;
    source.close().await;
    let copy = copied?;
    let contained = whole(copy.path(), path).await?;
    copy.finish()?;
    Ok(contained)
}

/// Puts a copy of `file` in the place of `path`; see [`crate::store::upkeep::restore`].
pub(in crate::store) async fn restore(
    path: &Path,
    file: &Path,
    in_the_way: InTheWay,
    now: Timestamp,
    watch: Watch<'_>,
) -> Result<Restored, UpkeepError> {
    let no_backup = |why: String| UpkeepError::NotABackup { path: file.to_owned(), why };
    let found = fs::metadata(file).map_err(|error| no_backup(error.to_string()))?;
    if !found.is_file() {
        return Err(no_backup("it is no file".to_owned()));
    }
    if belongs_to(&absolute(file).map_err(|error| no_backup(error.to_string()))?, path) {
        return Err(no_backup("it is the database itself".to_owned()));
    }
    let source = backup(file).await?;
    let copied = replacement(path, &source, file, in_the_way, watch).await;
    source.close().await;
    let (_lock, target, copy) = copied?;
    let contained = whole(copy.path(), file).await?;
    let kept = keep(&target, now).await?;
    copy.finish()?;
    Ok(Restored { contained, kept })
}

/// The backup that is to be restored, found to be one.
async fn backup(file: &Path) -> Result<SqlitePool, UpkeepError> {
    let no_backup = |why: String| UpkeepError::NotABackup { path: file.to_owned(), why };
    let shut = !beside(file, "-wal").exists();
    let source = one(file, options(file).read_only(true).immutable(shut)).await;
    let source = source.map_err(|error| no_backup(error.to_string()))?;
    let ours = match contents(&source, file).await {
        Ok(Contents::Schema(found)) => known(found).map_err(UpkeepError::Open),
        Ok(Contents::Nothing | Contents::Mark) => Err(no_backup("there is nothing in it".to_owned())),
        Err(OpenError::Foreign { .. }) => Err(no_backup("it is none of Foghorn's databases".to_owned())),
        // A page that it needs to tell is torn, as likely as not.
        Err(error) => sound(&source, file).await.and(Err(no_backup(error.to_string()))),
    };
    let checked = match ours {
        Ok(_) => sound(&source, file).await,
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => Ok(source),
        Err(error) => {
            source.close().await;
            Err(error)
        }
    }
}

/// A copy of `source` beside the database at `path`, of which nobody else can be the user now.
async fn replacement(
    path: &Path,
    source: &SqlitePool,
    file: &Path,
    in_the_way: InTheWay,
    watch: Watch<'_>,
) -> Result<(FileLock, PathBuf, Unfinished), UpkeepError> {
    writable(path)?;
    let lock = FileLock::of(path)?;
    if in_the_way == InTheWay::Refuse && path.exists() {
        recognised(path).await?;
    }
    // The file that SQLite means, if `path` is a link to it.
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(_) => absolute(path).map_err(|error| unwritable(path, &error))?,
    };
    let copy = Unfinished::of(&target)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let owner = fs::metadata(&target).or_else(|_| fs::metadata(folder));
    let owned = owner.and_then(|owner| owned_like(copy.file(), &owner));
    owned.map_err(|error| unwritable(copy.path(), &error))?;
    copy_into(&copy, source, file, watch).await?;
    Ok((lock, target, copy))
}

/// Is what would be replaced a database of Foghorn's, of whichever version, or empty?
async fn recognised(path: &Path) -> Result<(), UpkeepError> {
    let old = one(path, options(path).read_only(true)).await?;
    let recognised = contents(&old, path).await.map(drop);
    old.close().await;
    Ok(recognised?)
}

/// Gives the database at `path` a second name, and takes away what belongs to it alone: a log that
/// outlived its file would be read into the next one.
async fn keep(path: &Path, now: Timestamp) -> Result<Option<PathBuf>, UpkeepError> {
    if path.exists() {
        close_in_order(path).await;
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let kept = || -> io::Result<Option<PathBuf>> {
        let kept = match path.exists() {
            true => Some(second_name(path, now)?),
            false => None,
        };
        for ending in COMPANIONS {
            let companion = beside(path, ending);
            if !companion.exists() {
                continue;
            }
            // Left over if the file could not be closed in order: part of what is kept.
            if let Some(kept) = kept.as_ref().filter(|_| ending != "-shm") {
                fs::hard_link(&companion, beside(kept, ending))?;
            }
            synced(folder)?;
            fs::remove_file(&companion)?;
        }
        synced(folder)?;
        Ok(kept)
    };
    kept().map_err(|error| unwritable(path, &error))
}

/// Writes the log into the file, if it can be: what is damaged stays as it is.
async fn close_in_order(path: &Path) {
    if let Ok(old) = one(path, options(path)).await {
        drop(sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&old).await);
        old.close().await;
    }
}

fn second_name(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    for again in 0.. {
        let again = if again == 0 { String::new() } else { format!("-{again}") };
        let name = beside(path, &format!(".before-restore-{stamp}{again}"));
        match fs::hard_link(path, &name) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Copies a database into a file that has no name yet.
async fn copy_into(
    copy: &Unfinished,
    source: &SqlitePool,
    from: &Path,
    watch: Watch<'_>,
) -> Result<(), UpkeepError> {
    let used = "SELECT (page_count - freelist_count) * page_size AS value \
                FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    let of = pragma(source, used).await.map_err(|error| refused(from, &error))?;
    let name = copy.path().to_str().ok_or_else(|| {
        unwritable(copy.path(), &io::Error::new(io::ErrorKind::InvalidFilename, "its name is not UTF-8"))
    })?;
    let copying = sqlx::query("VACUUM INTO $1").bind(name).execute(source);
    tokio::pin!(copying);
    let mut tick = tokio::time::interval(TELL_EVERY);
    let copied = loop {
        tokio::select! {
            copied = &mut copying => break copied,
            _ = tick.tick() => watch(Progress { done: size(copy.path()), of: unsigned(of) }),
        }
    };
    copied.map(drop).map_err(|error| not_copied(copy.path(), from, &error))
}

/// Whose fault it is.
fn not_copied(copy: &Path, from: &Path, error: &sqlx::Error) -> UpkeepError {
    let code = error.as_database_error().and_then(|error| error.code());
    match code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff) {
        // CORRUPT
        Some(11) => UpkeepError::Damaged { place: from.display().to_string(), what: vec![error.to_string()] },
        // READONLY, IOERR, FULL, CANTOPEN
        Some(8 | 10 | 13 | 14) => UpkeepError::Unwritable { path: copy.to_owned(), why: error.to_string() },
        _ => refused(from, error).into(),
    }
}

/// What is in a copy that nobody else has yet, every page of it checked. What is wrong is wrong in what
/// it is a copy `of`.
async fn whole(copy: &Path, of: &Path) -> Result<Contained, UpkeepError> {
    let file = one(copy, options(copy).read_only(true).immutable(true)).await?;
    let contained = contained(&file, copy, of).await;
    file.close().await;
    contained
}

async fn contained(file: &SqlitePool, path: &Path, of: &Path) -> Result<Contained, UpkeepError> {
    let Contents::Schema(schema) = contents(file, path).await? else {
        return Err(damaged(of, "there is nothing in it"));
    };
    sound(file, of).await?;
    let count = async |sql: &str| pragma(file, sql).await.map_err(|error| refused(path, &error));
    let newest = count(
        "SELECT max(received_at) AS value FROM (SELECT received_at FROM event ORDER BY id DESC LIMIT 1)",
    );
    let newest = newest.await?;
    let waiting = "SELECT count(*) AS value FROM delivery WHERE state IN ('pending', 'retrying')";
    let sending = "SELECT count(*) AS value FROM delivery WHERE state = 'sending'";
    Ok(Contained {
        bytes: size(path),
        schema,
        newest_event: Timestamp::from_millisecond(newest).ok().filter(|_| newest > 0),
        waiting: unsigned(count(waiting).await?),
        sending: unsigned(count(sending).await?),
    })
}

async fn sound(file: &SqlitePool, path: &Path) -> Result<(), UpkeepError> {
    match integrity(file).await {
        Integrity::Damaged(what) => Err(UpkeepError::Damaged { place: path.display().to_string(), what }),
        Integrity::Sound | Integrity::Unknown => Ok(()),
    }
}

fn damaged(path: &Path, what: &str) -> UpkeepError {
    UpkeepError::Damaged { place: path.display().to_string(), what: vec![what.to_owned()] }
}

/// Is `file` the database, or one of the files that go with it, by whatever name?
fn belongs_to(file: &Path, database: &Path) -> bool {
    let same = |other: &Path| match (fs::canonicalize(file), fs::canonicalize(other)) {
        (Ok(file), Ok(other)) => file == other || same_file(&file, &other),
        _ => absolute(other).is_ok_and(|other| other == file),
    };
    same(database) || COMPANIONS.iter().chain(&[".lock"]).any(|ending| same(&beside(database, ending)))
}

fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number =
        |path: &Path| File::open(path).and_then(|file| file.metadata()).map(|it| (it.dev(), it.ino()));
    matches!((number(one), number(other)), (Ok(one), Ok(other)) if one == other)
}

pub(super) fn not_there(path: &Path) -> OpenError {
    OpenError::Unreachable(format!("{}: there is no database yet; foghorn serve makes one", path.display()))
}
