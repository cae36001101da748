//! Who brings the schema up to date: Foghorn at start, or a person; and how a database stands.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use crate::support::database::Database;
use crate::support::process::{Draft, Home, Said, said};
use crate::support::services::require;
use crate::support::smtp_sink::SmtpSink;

async fn db(home: &Home, words: &[&str]) -> Said {
    let config = home.file("config.toml");
    said(&[&["db"], words, &["--config", config.to_str().unwrap()]].concat(), Stdio::piped()).await
}

async fn status(home: &Home) -> Value {
    let said = db(home, &["status", "--json"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    serde_json::from_str(&said.output).unwrap()
}

/// The database of a version that knew two migrations.
async fn old_file(file: &Path) {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection.execute("PRAGMA application_id = 0x466f6768").await.unwrap();
    sqlx::migrate!("migrations/sqlite").run_to(2, &mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn old_database(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::migrate!("migrations/postgres").run_to(2, &mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A process that must not start says this.
async fn refused(home: &Home, words: &str) {
    let life = home.spawn();
    let log = home.file("stderr.log");
    assert_eq!(life.exit().await.0, 78);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(words), "{log}");
}

async fn a_person_brings_it_up_to_date(home: Home) {
    home.edit("[channels.email]", "migrate = 'manual'\n[channels.email]");
    let newest = status(&home).await["known"].as_i64().unwrap();
    refused(&home, &format!("the schema of the database is 2, and this binary needs {newest}")).await;
    refused(&home, "foghorn db migrate").await;

    let pending = status(&home).await;
    assert_eq!(pending["schema"], 2, "{pending}");
    assert_eq!(pending["pending"][0]["name"], "lists", "{pending}");
    let tried = db(&home, &["migrate", "--dry-run"]).await;
    assert!(tried.exit == 0 && tried.errors.contains("nothing was changed"), "{tried:?}");
    assert_eq!(status(&home).await["schema"], 2);

    let done = db(&home, &["migrate", "--json"]).await;
    assert_eq!(done.exit, 0, "{done:?}");
    let steps: Vec<Value> = done.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(steps.first().unwrap()["version"], 3, "{done:?}");
    assert_eq!(steps.last().unwrap()["version"], newest, "{done:?}");
    assert!(steps.iter().all(|step| step["took_ms"].is_u64() && step["done"] == true), "{done:?}");
    assert_eq!(status(&home).await["pending"], serde_json::json!([]));

    let life = home.start().await;
    home.submit("load-1").await;
    home.all_sent().await;
    let running = status(&home).await;
    assert_eq!(running["in_use"], true, "{running}");
    assert_eq!(running["tables"]["event"], serde_json::json!({ "rows": 1, "exact": true }), "{running}");
    assert!(running["bytes"].as_u64().unwrap() > 0, "{running}");
    if running["store"] == "sqlite" {
        assert_eq!(running["pid"], life.pid(), "{running}");
        let checked = db(&home, &["status", "--check"]).await;
        assert!(checked.exit == 0 && checked.output.contains("pages      sound"), "{checked:?}");
    }
    home.submit("load-2").await;
    home.all_sent().await;
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_brings_the_schema_of_a_file_up_to_date() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    old_file(&home.file("foghorn.db")).await;
    a_person_brings_it_up_to_date(home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_brings_the_schema_of_a_server_up_to_date() {
    if !require("postgres") {
        return;
    }
    let (sink, database) = (SmtpSink::start().await, Database::create().await);
    old_database(&database.url).await;
    let home = Home::of(Draft { store: Some(database.url.clone()), ..Draft::mailing_to(sink.port) }).await;
    a_person_brings_it_up_to_date(home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_makes_nothing_and_a_start_without_a_schema_makes_nothing_by_itself() {
    let home = Home::of(Draft::mailing_to(1)).await;
    let none = status(&home).await;
    assert!(none["schema"].is_null(), "{none}");
    assert!(!home.file("foghorn.db").exists());
    home.edit("[channels.email]", "migrate = 'manual'\n[channels.email]");
    refused(&home, "the schema of the database is 0").await;
    assert!(!home.file("foghorn.db").exists());
    assert_eq!(db(&home, &["migrate"]).await.exit, 0);
    home.start().await.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_shown_and_left_alone() {
    let home = Home::of(Draft::mailing_to(1)).await;
    assert_eq!(db(&home, &["migrate"]).await.exit, 0);
    let options = SqliteConnectOptions::new().filename(home.file("foghorn.db"));
    let mut connection = options.connect().await.unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, x'00', 0)";
    connection.execute(later).await.unwrap();
    connection.close().await.unwrap();
    let said = db(&home, &["status"]).await;
    assert!(said.exit == 78 && said.output.contains("9999, newer than this binary"), "{said:?}");
    for words in [&["migrate"][..], &["migrate", "--dry-run"], &["vacuum"]] {
        let said = db(&home, words).await;
        assert!(said.exit == 78 && said.errors.contains("written by a newer Foghorn"), "{said:?}");
    }
}
