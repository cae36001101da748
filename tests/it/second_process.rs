//! Whose database it is: one process at a time, of this version or an older one, and Foghorn's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::support::load::mails;
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

/// `Exit::InvalidConfig`
const INVALID_CONFIG: i32 = 78;
/// `Exit::Unreachable`
const UNREACHABLE: i32 = 69;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_file_is_told_who_has_it() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let mut first = home.start().await;
    home.submit("load-1").await;

    let file = home.file("foghorn.db").display().to_string();
    let store = Some(format!("sqlite://{file}"));
    let intruder = Home::of(Draft { store, ..Draft::mailing_to(sink.port) }).await;
    let (code, said) = refused(&intruder).await;
    assert_eq!(code, UNREACHABLE);
    let who = format!("{file} is in use by another Foghorn (pid {})", first.pid());
    assert!(said.contains(&who), "{said}");

    assert!(first.is_alive());
    home.submit("load-2").await;
    assert_eq!(home.all_sent().await, 2, "the first one does not notice");
    first.kill().await;

    // A lock ends with its holder, however that ended.
    let second = intruder.start().await;
    assert_eq!(intruder.all_sent().await, 2);
    assert_eq!(mails(&sink).values().map(Vec::len).sum::<usize>(), 2);
    second.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_port_touches_nothing() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let first = home.start().await;
    let before = contents(&home, "foghorn.db");
    let (code, said) = refused(&home).await;
    assert_eq!(code, UNREACHABLE);
    assert!(said.contains("cannot listen on"), "{said}");
    assert_eq!(contents(&home, "foghorn.db"), before);
    first.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_left_as_it_is() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    home.submit("load-1").await;
    home.all_sent().await;
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
    sqlite(
        &home.file("foghorn.db"),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, x'00', 1)",
    )
    .await;

    assert_left_alone(&home, "the database was written by a newer Foghorn (schema 9999").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_programs_file_is_left_as_it_is() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let file = home.file("foghorn.db");
    sqlite(&file, "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('https://example.com')")
        .await;
    assert_left_alone(&home, "foghorn.db is a database, but not one of Foghorn's").await;

    fs::write(&file, "Dear diary, ".repeat(500)).unwrap();
    assert_left_alone(&home, "foghorn.db is a database, but not one of Foghorn's").await;
}

async fn assert_left_alone(home: &Home, because: &str) {
    let before = contents(home, "foghorn.db");
    assert!(!before.is_empty());
    let (code, said) = refused(home).await;
    assert_eq!(code, INVALID_CONFIG, "{said}");
    assert!(said.contains(because), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert!(contents(home, "foghorn.db") == before, "a file changed");
}

/// How a process that must not start ended, and what it said.
async fn refused(home: &Home) -> (i32, String) {
    let life = home.spawn();
    let log = home.file("stderr.log");
    let (code, _) = life.exit().await;
    (code, fs::read_to_string(log).unwrap())
}

/// The files whose names begin so, but for the lock, which is nobody's data, and SQLite's own
/// shared memory.
fn contents(home: &Home, start: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(home.file("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(start) && !name.ends_with(".lock") && !name.ends_with("-shm") {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

async fn sqlite(file: &Path, statements: &'static str) {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection.execute(statements).await.unwrap();
    connection.close().await.unwrap();
}
