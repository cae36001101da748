//! Opening a database: every reason not to is found before anything is changed.

use std::net::IpAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use url::Url;

use super::{PostgresStore, fetch};
use crate::store::in_doubt::InDoubt;
use crate::store::open::{Migrate, StoreSettings, without_password};
use crate::store::reading::{Ask, SCHEMA, only};
use crate::store::rows::{NumberRow, WordRow};
use crate::store::{OpenError, Probed};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a caller waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(2);

/// What a connection asks of the server.
///
/// Every statement goes from a list, or from the head of an index, to rows by their index. A planner
/// that has seen only the empty tables of a new database, or guesses the length of a list, chooses
/// otherwise and keeps to it while the tables grow: 1.4 s for a thousand endings that take 12 ms.
const SESSION: [(&str, &str); 6] = [
    ("statement_timeout", "5000"),
    ("idle_in_transaction_session_timeout", "10000"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

pub(super) fn options(url: &str, password: Option<&SecretString>) -> Result<PgConnectOptions, OpenError> {
    let mut options: PgConnectOptions = url.parse().map_err(|_| OpenError::Url(without_password(url)))?;
    if let Some(password) = password {
        options = options.password(password.expose_secret());
    }
    if is_loopback(options.get_host()) && !says_how(url) {
        options = options.ssl_mode(PgSslMode::Disable);
    }
    Ok(options.application_name("foghorn").disable_statement_logging())
}

/// What stays on this machine is not encrypted unless the address asks for it. TLS cuts a batch into records
/// of 16 KiB, each a write of its own; over loopback the last of them waits 40 ms for the server to
/// confirm the one before (RFC 896 and a delayed ACK), and the client cannot be told not to (ADR 40).
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Does the address say whether to encrypt?
fn says_how(url: &str) -> bool {
    let pairs =
        Url::parse(url).map(|url| url.query_pairs().any(|(key, _)| key == "sslmode" || key == "ssl-mode"));
    pairs.unwrap_or(false)
}

/// The newest schema of this binary.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

impl PostgresStore {
    /// Looks at the database that `url` names, and cannot change it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn probe(url: &str, password: Option<&SecretString>) -> Result<Probed, OpenError> {
        let options = options(url, password)?.options([("default_transaction_read_only", "on")]);
        let hello = options.connect().await.map_err(|error| unreachable(&error))?;
        let _ = hello.close().await;
        let entrance = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        let schema = examine(&entrance, &options).await;
        entrance.close().await;
        Ok(Probed { kind: "postgres", schema: schema?, newest: newest() })
    }

    /// Opens the database that the settings name.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing is changed then.
    pub async fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        let options = options(&settings.url, settings.password.as_ref())?;
        let hello = options.connect().await.map_err(|error| unreachable(&error))?;
        let _ = hello.close().await;
        // Without the timeouts below: a migration may take its time.
        let entrance = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        let found = examine(&entrance, &options).await?.unwrap_or(0);
        match settings.migrate {
            Migrate::Auto => bring_to(newest(), &entrance, &options).await?,
            Migrate::Manual if found < newest() => {
                return Err(OpenError::OlderSchema { found, known: newest() });
            }
            Migrate::Manual => {}
        }
        entrance.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections.max(2))
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    // A server that was restarted is noticed here rather than in a batch.
                    let fresh = meta.idle_for < Duration::from_secs(1);
                    Ok(fresh || connection.ping().await.is_ok())
                })
            })
            .connect_lazy_with(options.options(SESSION));
        Ok(Self { pool, in_doubt: InDoubt::default() })
    }
}

/// Brings the schema to this version.
pub(super) async fn bring_to(
    version: i64,
    server: &PgPool,
    options: &PgConnectOptions,
) -> Result<(), OpenError> {
    MIGRATIONS.run_to(version, server).await.map_err(|error| match error {
        MigrateError::VersionMismatch(_) | MigrateError::VersionMissing(_) => foreign(options),
        error => OpenError::Unreachable(error.to_string()),
    })
}

/// The schema that is there, if one is.
pub(super) async fn examine(server: &PgPool, options: &PgConnectOptions) -> Result<Option<i64>, OpenError> {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let shown = format!("SELECT current_setting('{setting}') AS word");
        let shown: Vec<WordRow> =
            fetch(server, Ask::new(&shown)).await.map_err(|error| unreachable(&error))?;
        if shown.iter().any(|row| row.word == "off") {
            return Err(OpenError::NotDurable { setting: format!("{setting} = off") });
        }
    }
    let ours = "SELECT (to_regclass('_sqlx_migrations') IS NOT NULL)::int::bigint AS value";
    if ask(server, ours).await? == 0 {
        let taken = "SELECT count(*) AS value FROM unnest(ARRAY['node', 'event', 'incident', 'timeline', \
             'notification', 'delivery', 'attempt', 'dead_letter', 'trial']) AS t (name) \
             WHERE to_regclass(t.name) IS NOT NULL";
        return match ask(server, taken).await? {
            0 => Ok(None),
            _ => Err(foreign(options)),
        };
    }
    let first = "SELECT count(*) AS value FROM _sqlx_migrations WHERE version = 1 AND description = 'ledger'";
    if ask(server, first).await? == 0 && ask(server, SCHEMA).await? > 0 {
        return Err(foreign(options));
    }
    let (found, known) = (ask(server, SCHEMA).await?, newest());
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    Ok(Some(found))
}

pub(super) async fn ask(server: &PgPool, sql: &str) -> Result<i64, OpenError> {
    let rows: Vec<NumberRow> = fetch(server, Ask::new(sql)).await.map_err(|error| unreachable(&error))?;
    Ok(only(rows).unwrap_or(0))
}

fn foreign(options: &PgConnectOptions) -> OpenError {
    let database = options.get_database().unwrap_or(options.get_username());
    OpenError::Foreign { path: format!("{}/{database}", options.get_host()) }
}

pub(super) fn unreachable(error: &sqlx::Error) -> OpenError {
    OpenError::Unreachable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_machine_is_not_encrypted_unless_the_address_asks_for_it() {
        let table = [
            ("postgres://foghorn@127.0.0.1/foghorn", "Disable"),
            ("postgres://foghorn@127.1.2.3:6432/foghorn", "Disable"),
            ("postgres://foghorn@localhost/foghorn", "Disable"),
            ("postgres://foghorn@[::1]/foghorn?application_name=x", "Disable"),
            ("postgres://foghorn@127.0.0.1/foghorn?sslmode=require", "Require"),
            ("postgres://foghorn@localhost/foghorn?ssl-mode=verify-full", "VerifyFull"),
            ("postgres://foghorn@db.example.com/foghorn", "Prefer"),
            ("postgres://foghorn@10.0.0.1/foghorn?sslmode=verify-ca", "VerifyCa"),
            ("postgres://foghorn@localhost.example.com/foghorn", "Prefer"),
        ];
        for (url, mode) in table {
            let options = options(url, None).expect("an address");
            assert_eq!(format!("{:?}", options.get_ssl_mode()), mode, "{url}");
        }
    }
}
