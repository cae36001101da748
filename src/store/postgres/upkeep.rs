//! How a database of a server stands, its schema, its size, and who makes copies of it.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::time::Instant;
use url::Url;

use super::opening::{MIGRATIONS, ask, bring_to, examine, newest, options, unreachable};
use crate::store::OpenError;
use crate::store::open::StoreSettings;
use crate::store::upkeep::{COUNTED, Held, Integrity, Rows, Standing, Step, TABLES, UpkeepError, Vacuumed};

/// Tables that the statistics say to be smaller are counted.
const SMALL: i64 = 100_000;

/// What libpq takes in an address and Foghorn does too.
const LIBPQ: [&str; 8] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "port", "dbname", "user"];

/// One connection, found to work.
async fn entrance(options: &PgConnectOptions) -> Result<PgPool, OpenError> {
    let hello = options.connect().await.map_err(|error| unreachable(&error))?;
    let _ = hello.close().await;
    Ok(PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone()))
}

/// How the database stands; see [`crate::store::upkeep::standing`].
pub(in crate::store) async fn standing(settings: &StoreSettings) -> Result<Standing, UpkeepError> {
    let options = options(&settings.url, settings.password.as_ref())?;
    let options = options.options([("default_transaction_read_only", "on")]);
    let server = entrance(&options).await?;
    let standing = read(&server, &options).await;
    server.close().await;
    Ok(standing?)
}

async fn read(server: &PgPool, options: &PgConnectOptions) -> Result<Standing, OpenError> {
    let schema = match examine(server, options).await {
        Ok(found) => found,
        Err(OpenError::NewerSchema { found, .. }) => Some(found),
        Err(error) => return Err(error),
    };
    let connections = "SELECT count(*) AS value FROM pg_stat_activity WHERE datname = current_database() \
                       AND application_name = 'foghorn' AND pid <> pg_backend_pid()";
    let held = match ask(server, connections).await? {
        0 => Held::Nobody,
        count => Held::Connections(unsigned(count)),
    };
    Ok(Standing {
        kind: "postgres",
        schema,
        known: newest(),
        pending: pending(schema.unwrap_or(0)),
        bytes: unsigned(ask(server, "SELECT pg_database_size(current_database()) AS value").await?),
        log_bytes: 0,
        tables: if schema.is_some() { tables(server).await? } else { Vec::new() },
        held,
        integrity: Integrity::Unknown,
    })
}

async fn tables(server: &PgPool) -> Result<Vec<(&'static str, Rows)>, OpenError> {
    let mut tables = Vec::new();
    for table in TABLES {
        // -1 if nobody looked yet.
        let about =
            format!("SELECT reltuples::bigint AS value FROM pg_class WHERE oid = to_regclass('{table}')");
        let about = ask(server, &about).await?;
        let rows = if about > SMALL {
            Rows::About(unsigned(about))
        } else {
            let count = format!(
                "SELECT count(*) AS value FROM (SELECT 1 FROM {table} LIMIT {}) AS counted",
                COUNTED + 1
            );
            match unsigned(ask(server, &count).await?) {
                count if count > COUNTED => Rows::MoreThan(COUNTED),
                count => Rows::Exactly(count),
            }
        };
        tables.push((table, rows));
    }
    Ok(tables)
}

fn pending(found: i64) -> Vec<Step> {
    let later = MIGRATIONS.iter().filter(|migration| migration.version > found);
    later
        .map(|migration| Step { version: migration.version, name: migration.description.to_string() })
        .collect()
}

/// Brings the schema up to date, step by step.
pub(in crate::store) async fn migrate(
    settings: &StoreSettings,
    done: &(dyn Fn(&Step, Duration) + Sync),
) -> Result<(), UpkeepError> {
    let options = options(&settings.url, settings.password.as_ref())?;
    let server = entrance(&options).await?;
    let migrated = async {
        let found = examine(&server, &options).await?.unwrap_or(0);
        for step in pending(found) {
            let begun = Instant::now();
            bring_to(step.version, &server, &options).await?;
            done(&step, begun.elapsed());
        }
        Ok::<(), OpenError>(())
    };
    let migrated = migrated.await;
    server.close().await;
    Ok(migrated?)
}

/// Gives room of deleted rows to new ones, and counts anew for the planner.
pub(in crate::store) async fn vacuum(settings: &StoreSettings) -> Result<Vacuumed, UpkeepError> {
    let options = options(&settings.url, settings.password.as_ref())?;
    let server = entrance(&options).await?;
    let vacuumed = async {
        if examine(&server, &options).await?.is_none() {
            return Err(OpenError::Unreachable(
                "there is no schema yet; foghorn db migrate makes one".to_owned(),
            ));
        }
        let before = on_disk(&server).await?;
        let vacuum = format!("VACUUM (ANALYZE) {}", TABLES.join(", "));
        // Names of our own tables.
        let vacuumed = sqlx::raw_sql(AssertSqlSafe(vacuum)).execute(&server).await;
        vacuumed.map_err(|error| unreachable(&error))?;
        Ok(Vacuumed { before, after: on_disk(&server).await? })
    };
    let vacuumed = vacuumed.await;
    server.close().await;
    Ok(vacuumed?)
}

async fn on_disk(server: &PgPool) -> Result<u64, OpenError> {
    let names = TABLES.map(|table| format!("'{table}'")).join(", ");
    let size = format!(
        "SELECT sum(pg_total_relation_size(to_regclass(name)))::bigint AS value FROM unnest(ARRAY[{names}]) AS t (name)"
    );
    Ok(unsigned(ask(server, &size).await?))
}

/// Who makes a copy.
pub(in crate::store) fn dump(url: &str, file: &Path) -> UpkeepError {
    let (address, file) = (address(url), quoted(&file.display().to_string()));
    UpkeepError::NotOurs {
        why: "PostgreSQL is backed up with its own tools, while Foghorn runs",
        command: format!("pg_dump --format=custom --file={file} --dbname={address}"),
    }
}

/// Who brings it back.
pub(in crate::store) fn undump(url: &str, file: &Path) -> UpkeepError {
    let (address, file) = (address(url), quoted(&file.display().to_string()));
    UpkeepError::NotOurs {
        why: "PostgreSQL is restored with its own tools, when every Foghorn on it is stopped",
        command: format!("pg_restore --clean --if-exists --single-transaction --dbname={address} {file}"),
    }
}

/// The address as libpq takes it, without a password.
fn address(url: &str) -> String {
    let Ok(mut address) = Url::parse(url) else {
        return quoted("postgres://");
    };
    let known = address.query_pairs().filter(|(key, _)| LIBPQ.contains(&key.as_ref()));
    let known: Vec<(String, String)> =
        known.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    // Such an address always has a host, so it can lose a password.
    let _ = address.set_password(None);
    address.set_query(None);
    if !known.is_empty() {
        address.query_pairs_mut().extend_pairs(known);
    }
    quoted(address.as_str())
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@%+=,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_a_dump_has_no_password_and_nothing_that_a_shell_understands() {
        let command = |url: &str, file: &str| match dump(url, Path::new(file)) {
            UpkeepError::NotOurs { command, .. } => command,
            other => panic!("{other}"),
        };
        assert_eq!(
            command("postgres://ada:s3cret@db:5433/foghorn", "/backup/foghorn.dump"),
            "pg_dump --format=custom --file=/backup/foghorn.dump --dbname=postgres://ada@db:5433/foghorn"
        );
        let odd = command("postgres://db/f?sslmode=require&password=s3cret&application_name=x", "it's $(rm)");
        assert_eq!(
            odd,
            r"pg_dump --format=custom --file='it'\''s $(rm)' --dbname='postgres://db/f?sslmode=require'"
        );
    }
}
