//! How a database file stands, its schema, and its size.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use tokio::time::Instant;

use super::fetch;
use super::lock::{FileLock, beside, holder};
use super::opening::{
    Contents, MIGRATIONS, bring_to, contents, newest, one, options, pragma, refused, writable, writer,
};
use crate::store::reading::Ask;
use crate::store::rows::WordRow;
use crate::store::upkeep::{
    COUNTED, Depth, Held, Integrity, Rows, Standing, Step, TABLES, UpkeepError, Vacuumed,
};

/// How the file at `path` stands; see [`crate::store::upkeep::standing`].
pub(in crate::store) async fn standing(path: &Path, depth: Depth) -> Result<Standing, UpkeepError> {
    let held = holder(path).map_or(Held::Nobody, Held::Process);
    let mut standing = Standing {
        kind: "sqlite",
        schema: None,
        known: newest(),
        pending: pending(0),
        bytes: size(path),
        log_bytes: size(&beside(path, "-wal")),
        tables: Vec::new(),
        held,
        integrity: Integrity::Unknown,
    };
    if path.exists() {
        // Without a log beside it the file is whole, and reading it leaves nothing behind.
        let whole = standing.held == Held::Nobody && !beside(path, "-wal").exists();
        let file = one(path, options(path).read_only(true).immutable(whole)).await?;
        let read = read(&file, path, depth, &mut standing).await;
        file.close().await;
        read?;
    }
    Ok(standing)
}

async fn read(
    file: &SqlitePool,
    path: &Path,
    depth: Depth,
    standing: &mut Standing,
) -> Result<(), UpkeepError> {
    if depth == Depth::Pages {
        standing.integrity = integrity(file).await;
    }
    let found = contents(file, path).await;
    if let Ok(Contents::Schema(found)) = found {
        standing.schema = Some(found);
        standing.pending = pending(found);
    }
    // What is damaged may be counted wrongly, or not at all.
    if matches!(standing.integrity, Integrity::Damaged(_)) {
        return Ok(());
    }
    found?;
    standing.tables = tables(file).await.map_err(|error| refused(path, &error))?;
    Ok(())
}

async fn tables(file: &SqlitePool) -> Result<Vec<(&'static str, Rows)>, sqlx::Error> {
    let names = Ask::new("SELECT name AS word FROM sqlite_schema WHERE type = 'table'");
    let names: Vec<WordRow> = fetch(file, names).await?;
    let mut tables = Vec::new();
    for table in TABLES.into_iter().filter(|table| names.iter().any(|row| row.word == *table)) {
        let count = format!("SELECT count(*) AS value FROM (SELECT 1 FROM {table} LIMIT {})", COUNTED + 1);
        let count = unsigned(pragma(file, &count).await?);
        let rows = if count > COUNTED { Rows::MoreThan(COUNTED) } else { Rows::Exactly(count) };
        tables.push((table, rows));
    }
    Ok(tables)
}

/// Reads every page and checks what is on it.
pub(super) async fn integrity(file: &SqlitePool) -> Integrity {
    let check = Ask::new("SELECT quick_check AS word FROM pragma_quick_check");
    let found: Result<Vec<WordRow>, _> = fetch(file, check).await;
    match found {
        Ok(rows) if rows.len() == 1 && rows[0].word == "ok" => Integrity::Sound,
        Ok(rows) => {
            // SQLite says several things in one row, a line for each.
            let lines = rows.iter().flat_map(|row| row.word.lines());
            Integrity::Damaged(lines.take(5).map(|line| line.trim().to_owned()).collect())
        }
        Err(error) => Integrity::Damaged(vec![error.to_string()]),
    }
}

fn pending(found: i64) -> Vec<Step> {
    let later = MIGRATIONS.iter().filter(|migration| migration.version > found);
    later
        .map(|migration| Step { version: migration.version, name: migration.description.to_string() })
        .collect()
}

/// Brings the schema up to date, step by step.
pub(in crate::store) async fn migrate(
    path: &Path,
    done: &(dyn Fn(&Step, Duration) + Sync),
) -> Result<(), UpkeepError> {
    writable(path)?;
    let _lock = FileLock::of(path)?;
    let writer = writer(path).await?;
    let migrated = step_by_step(path, &writer, done).await;
    writer.close().await;
    migrated
}

async fn step_by_step(
    path: &Path,
    writer: &SqlitePool,
    done: &(dyn Fn(&Step, Duration) + Sync),
) -> Result<(), UpkeepError> {
    let found = match contents(writer, path).await? {
        Contents::Schema(found) => found,
        Contents::Mark | Contents::Nothing => 0,
    };
    for step in pending(found) {
        let begun = Instant::now();
        bring_to(step.version, writer).await?;
        done(&step, begun.elapsed());
    }
    Ok(())
}

/// Writes the file anew without the room of what was deleted.
pub(in crate::store) async fn vacuum(path: &Path) -> Result<Vacuumed, UpkeepError> {
    if !path.exists() {
        return Err(super::copies::not_there(path).into());
    }
    writable(path)?;
    let _lock = FileLock::of(path)?;
    let writer = writer(path).await?;
    let before = on_disk(path);
    let done = async {
        sqlx::query("VACUUM").execute(&writer).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&writer).await
    };
    let done = done.await.map_err(|error| refused(path, &error));
    writer.close().await;
    done?;
    Ok(Vacuumed { before, after: on_disk(path) })
}

/// The file and its log.
fn on_disk(path: &Path) -> u64 {
    size(path) + size(&beside(path, "-wal"))
}

pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
