//! Why a store is not opened, each with a reason that says what to do, and nothing changed.

use std::path::Path;

use foghorn::store::OpenError;
use foghorn::store::open::{StoreSettings, open};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};

use crate::support::services::require;
use crate::support::stores::{POSTGRES, admin, opened};

async fn refused(url: String) -> OpenError {
    let settings = StoreSettings { url, ..StoreSettings::default() };
    open(&settings).await.map(|_| ()).expect_err("it is not opened")
}

fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

async fn sqlite(path: &Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn another_programs_database_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("photos.db");
    sqlite(&path, "CREATE TABLE photo (id INTEGER); INSERT INTO photo VALUES (1)").await;
    let before = std::fs::read(&path).unwrap();
    let error = refused(url(&path)).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = directory.path().join("letter.txt");
    std::fs::write(&path, "Dear Ada, this is a letter and no database. ".repeat(30)).unwrap();
    let error = refused(url(&path)).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_foghorns_database_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("foghorn.db");
    drop(opened(&url(&path)).await);
    sqlite(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'later', true, x'00', 0)",
    )
    .await;
    let error = refused(url(&path)).await;
    assert!(matches!(error, OpenError::NewerSchema { found: 99, known } if known < 99), "{error}");
}

#[tokio::test]
async fn a_second_foghorn_is_told_who_has_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("foghorn.db");
    let first = opened(&url(&path)).await;
    let OpenError::InUse { pid, .. } = refused(url(&path)).await else {
        panic!("it is in use");
    };
    assert_eq!(pid, std::process::id().to_string());
    drop(first);
    opened(&url(&path)).await.check().await.unwrap();
}

#[tokio::test]
async fn a_place_that_cannot_hold_a_file_is_said_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let error = refused(url(directory.path())).await.to_string();
    assert!(error.contains("is a directory"), "{error}");
    let error = refused(url(&directory.path().join("no/such/foghorn.db"))).await.to_string();
    assert!(error.contains("there is no directory"), "{error}");
    // Not even root may make a file here.
    let error = refused("sqlite:///sys/kernel/foghorn.db".to_owned()).await;
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error}");
}

#[tokio::test]
async fn sqlite_keeps_commits_through_a_power_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("foghorn.db");
    drop(opened(&url(&path)).await);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(&bytes[68..72], b"Fogh", "the file says whose it is");
    assert_eq!(bytes[18], 2, "write-ahead log");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_said_without_the_password() {
    let error = refused("postgres://ada:s3cret@127.0.0.1:1/foghorn".to_owned()).await;
    assert!(matches!(error, OpenError::Unreachable(_)), "{error}");
    let error = format!("{error} {error:?}");
    assert!(!error.contains("s3cret"), "{error}");
    let error = format!("{:?}", refused("postgres://ada:s3cret@:nonsense/x".to_owned()).await);
    assert!(!error.contains("s3cret"), "{error}");
}

/// A database of our own on the server, with this done to it.
async fn postgres(sql: &'static str, check: impl AsyncFnOnce(String)) {
    let name = format!("foghorn_test_{:016x}", fastrand::u64(..));
    admin("postgres", format!("CREATE DATABASE {name}")).await;
    let url = format!("{POSTGRES}/{name}");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
    check(url).await;
    admin("postgres", format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

#[tokio::test]
async fn a_server_that_forgets_commits_is_refused() {
    if !require("postgres") {
        return;
    }
    let forgetful = "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || \
                     ' SET synchronous_commit = off'; END $$";
    postgres(forgetful, async |url| {
        let error = refused(url).await;
        assert!(
            matches!(&error, OpenError::NotDurable { setting } if setting == "synchronous_commit = off"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_database_of_another_program_on_the_server_is_refused() {
    if !require("postgres") {
        return;
    }
    postgres("CREATE TABLE event (id int)", async |url| {
        let error = refused(url).await;
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    })
    .await;
    postgres("CREATE TABLE photo (id int)", async |url| {
        opened(&url).await.check().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_newer_schema_on_the_server_is_refused() {
    if !require("postgres") {
        return;
    }
    postgres("SELECT 1", async |url| {
        drop(opened(&url).await);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection
            .execute(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99, 'later', true, '', 0)",
            )
            .await
            .unwrap();
        let error = refused(url).await;
        assert!(matches!(error, OpenError::NewerSchema { found: 99, known } if known < 99), "{error}");
    })
    .await;
}
