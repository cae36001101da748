//! A backup is one moment of the database, taken while Foghorn runs, and a restore makes it the
//! truth again. Whatever is refused or interrupted changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection};
use tokio::process::{Child, Command};

use crate::support::database::Database;
use crate::support::load::{Load, mails, tell};
use crate::support::process::{Draft, Home, Said, said};
use crate::support::services::require;
use crate::support::smtp_sink::SmtpSink;

/// `foghorn db`, on the configuration of this home.
async fn db(home: &Home, words: &[&str]) -> Said {
    let config = home.file("config.toml");
    said(&[&["db"], words, &["--config", config.to_str().unwrap()]].concat(), Stdio::piped()).await
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).create_if_missing(true).connect().await.unwrap()
}

/// Every file of the home whose name begins so, but for the lock and SQLite's shared memory.
fn contents(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(home.file("")).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.starts_with("foghorn.db") && !name.ends_with(".lock"))
        .filter(|(name, _)| !name.ends_with("-shm"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

/// A home with `count` events in its store, and nobody who runs there.
async fn with_events(sink: &SmtpSink, count: usize) -> Home {
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    for number in 0..count {
        home.submit(&format!("load-{number}")).await;
    }
    home.all_sent().await;
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
    home
}

async fn titles(home: &Home) -> BTreeSet<String> {
    let incidents = home.list("/api/v1/incidents?").await;
    incidents.iter().map(|incident| incident["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_acknowledged_before_a_backup_is_in_it_and_arrives_from_it() {
    let (sink, second) = (SmtpSink::start().await, SmtpSink::start().await);
    let home = Arc::new(Home::of(Draft::mailing_to(sink.port)).await);
    let life = home.start().await;
    let load = Load::start(&home, 8, Duration::from_millis(5));
    home.until("there is a load", async || load.acknowledged() > 300).await;

    let before = load.so_far();
    let backup = home.file("backup.db");
    let done = db(&home, &["backup", backup.to_str().unwrap(), "--json"]).await;
    assert_eq!(done.exit, 0, "{done:?}");
    let then = load.acknowledged();
    home.until("the load goes on", async || load.acknowledged() > then + 50).await;
    let account = load.stop().await;
    home.all_sent().await;
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);

    let object: Value = serde_json::from_str(&done.output).unwrap();
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&backup).unwrap().len(), object["bytes"].as_u64().unwrap());
    let found: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connect(&backup).await).await.unwrap();
    assert_eq!(found, "ok");

    let elsewhere = Home::of(Draft::mailing_to(second.port)).await;
    let done = db(&elsewhere, &["restore", backup.to_str().unwrap()]).await;
    assert_eq!(done.exit, 0, "{done:?}");
    let life = elsewhere.start().await;
    let there = titles(&elsewhere).await;
    assert!(before.is_subset(&there), "lost: {:?}", before.difference(&there));
    elsewhere.all_sent().await;
    let mut arrived: BTreeSet<String> = mails(&sink).into_keys().collect();
    assert!(account.acknowledged.is_subset(&arrived), "the backup cost the running one nothing");
    arrived.extend(mails(&second).into_keys());
    assert!(before.is_subset(&arrived));
    elsewhere.submit("load-new").await;
    elsewhere.all_sent().await;
    tell(&format!(
        "{} before the backup, {} in it, {} in the end; {} mails came again; {object}",
        before.len(),
        there.len(),
        account.acknowledged.len(),
        mails(&second).len()
    ));
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_keeps_what_was_there_and_says_what_it_means() {
    let sink = SmtpSink::start().await;
    let home = with_events(&sink, 3).await;
    let backup = home.file("backup.db");
    assert_eq!(db(&home, &["backup", backup.to_str().unwrap()]).await.exit, 0);
    let life = home.start().await;
    home.submit("load-later").await;
    home.all_sent().await;
    // What it wrote last is only in its log.
    life.kill().await;

    home.edit(
        "[users.ada]",
        "[sources.bus]\ntype = 'kafka'\nbrokers = ['broker:9092']\ntopics = ['incidents']\ngroup_id = 'fog'\n[users.ada]",
    );
    let done = db(&home, &["restore", backup.to_str().unwrap()]).await;
    assert_eq!(done.exit, 0, "{done:?}");
    for words in ["0 deliveries wait in it", "--bootstrap-server broker:9092 --group fog --topic incidents"] {
        assert!(done.output.contains(words), "{done:?}");
    }
    let kept = fs::read_dir(home.file("")).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.filter(|path| path.display().to_string().contains("foghorn.db.before-restore-"));
    let kept: Vec<_> = kept.collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM event")
        .fetch_one(&mut connect(&kept[0]).await)
        .await
        .unwrap();
    assert_eq!(events, 4, "what was there before, with its log");

    home.edit("[sources.bus]\ntype = 'kafka'\nbrokers = ['broker:9092']\ntopics = ['incidents']\ngroup_id = 'fog'\n", "");
    let life = home.start().await;
    assert_eq!(titles(&home).await.len(), 3);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_restored_changes_nothing() {
    let sink = SmtpSink::start().await;
    let home = with_events(&sink, 2).await;
    let good = home.file("good.db");
    assert_eq!(db(&home, &["backup", good.to_str().unwrap()]).await.exit, 0);
    let (letter, foreign, newer, torn) =
        (home.file("letter"), home.file("foreign"), home.file("newer"), home.file("torn"));
    fs::write(&letter, "Dear diary, ".repeat(500)).unwrap();
    connect(&foreign).await.execute("CREATE TABLE bookmarks (url TEXT)").await.unwrap();
    fs::copy(&good, &newer).unwrap();
    let mut file = connect(&newer).await;
    file.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', true, x'00', 0)",
    )
    .await
    .unwrap();
    file.close().await.unwrap();
    let mut bytes = fs::read(&good).unwrap();
    let half = bytes.len() / 2;
    bytes[8192..half].fill(0x5a);
    fs::write(&torn, bytes).unwrap();

    let before = contents(&home);
    let missing = home.file("missing");
    let table = [
        (&letter, 1, "is no backup: it is none of Foghorn's databases"),
        (&foreign, 1, "is no backup: it is none of Foghorn's databases"),
        (&missing, 1, "is no backup: No such file"),
        (&newer, 78, "written by a newer Foghorn (schema 9999"),
        (&torn, 1, "is damaged: "),
    ];
    for (file, exit, words) in table {
        let done = db(&home, &["restore", file.to_str().unwrap(), "--force"]).await;
        assert_eq!(done.exit, exit, "{done:?}");
        assert!(done.errors.contains(words), "{done:?}");
        assert!(contents(&home) == before, "{words}");
    }
    let own = home.file("foghorn.db");
    let done = db(&home, &["restore", own.to_str().unwrap()]).await;
    assert!(done.exit == 1 && done.errors.contains("it is the database itself"), "{done:?}");

    let mut life = home.start().await;
    let running = format!("is in use by another Foghorn (pid {})", life.pid());
    for words in [&["restore", good.to_str().unwrap()][..], &["vacuum"], &["migrate"]] {
        let done = db(&home, words).await;
        assert!(done.exit == 69 && done.errors.contains(&running), "{done:?}");
    }
    assert!(life.is_alive());
    home.submit("load-later").await;
    home.all_sent().await;
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_takes_no_name_that_is_taken_and_never_the_databases() {
    let sink = SmtpSink::start().await;
    let home = with_events(&sink, 1).await;
    let backup = home.file("backup.db");
    fs::write(&backup, "mine").unwrap();
    let done = db(&home, &["backup", backup.to_str().unwrap()]).await;
    assert_eq!(done.exit, 1, "{done:?}");
    assert_eq!(fs::read(&backup).unwrap(), b"mine");
    let done = db(&home, &["backup", backup.to_str().unwrap(), "--force"]).await;
    assert_eq!(done.exit, 0, "{done:?}");
    assert!(fs::read(&backup).unwrap().starts_with(b"SQLite format 3\0"));

    let before = contents(&home);
    fs::hard_link(home.file("foghorn.db"), home.file("alias")).unwrap();
    for name in ["foghorn.db", "foghorn.db-wal", "foghorn.db.lock", "alias"] {
        let file = home.file(name);
        let done = db(&home, &["backup", file.to_str().unwrap(), "--force"]).await;
        assert!(done.exit == 1 && done.errors.contains("is the database itself"), "{name}: {done:?}");
    }
    let done = db(&home, &["backup", home.file("no/such.db").to_str().unwrap()]).await;
    assert!(done.exit == 1 && done.errors.contains("cannot write"), "{done:?}");
    assert!(contents(&home).get("foghorn.db") == before.get("foghorn.db"));
}

/// A backup that is being written.
async fn begun(home: &Home, backup: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foghorn"));
    command.args(["db", "backup"]).arg(backup).arg("--config").arg(home.file("config.toml")).env_clear();
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let part = home.file("backup.db.part");
    home.until("it is being written", async || fs::metadata(&part).is_ok_and(|part| part.len() > 0)).await;
    child
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_backup_leaves_no_file_of_its_name_and_the_next_one_works() {
    let sink = SmtpSink::start().await;
    let home = with_events(&sink, 1).await;
    let fill = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60000)
                INSERT INTO event SELECT printf('evt_%026d', n), 'fill', 'p' || n, NULL, NULL, 1, 'no_route', NULL,
                randomblob(2000) FROM n";
    let mut file = connect(&home.file("foghorn.db")).await;
    file.execute(fill).await.unwrap();
    file.close().await.unwrap();
    let backup = home.file("backup.db");

    let mut interrupted = begun(&home, &backup).await;
    let pid = interrupted.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    assert_eq!(interrupted.wait().await.unwrap().code(), Some(130));
    assert!(!backup.exists() && !home.file("backup.db.part").exists());

    let mut killed = begun(&home, &backup).await;
    killed.kill().await.unwrap();
    assert!(!backup.exists(), "a half file under the name that was asked for");

    let done = db(&home, &["backup", backup.to_str().unwrap()]).await;
    assert_eq!(done.exit, 0, "{done:?}");
    tell(&done.output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_needs_no_secret_but_that_of_the_store() {
    let sink = SmtpSink::start().await;
    let home = with_events(&sink, 1).await;
    home.edit(
        "security = \"none\"",
        "username = 'ada'\npassword = { env = 'NOT_THERE' }\nsecurity = \"none\"",
    );
    let done = db(&home, &["backup", home.file("backup.db").to_str().unwrap()]).await;
    assert_eq!(done.exit, 0, "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_of_what_was_deleted_is_given_back() {
    let sink = SmtpSink::start().await;
    let home = with_events(&sink, 1).await;
    let mut file = connect(&home.file("foghorn.db")).await;
    for statement in [
        "CREATE TABLE ballast (x BLOB)",
        "INSERT INTO ballast VALUES (zeroblob(4000000))",
        "DROP TABLE ballast",
    ] {
        file.execute(statement).await.unwrap();
    }
    file.close().await.unwrap();
    let done = db(&home, &["vacuum", "--json"]).await;
    assert_eq!(done.exit, 0, "{done:?}");
    let object: Value = serde_json::from_str(&done.output).unwrap();
    assert!(object["bytes_given_back"].as_u64().unwrap() > 3_900_000, "{object}");
    let life = home.start().await;
    assert_eq!(titles(&home).await.len(), 1);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_left_to_its_own_tools() {
    if !require("postgres") {
        return;
    }
    let database = Database::create().await;
    let url = database.url.replace("postgres@", "postgres:s3cret@");
    let home = Home::of(Draft { store: Some(url), ..Draft::mailing_to(1) }).await;
    assert_eq!(db(&home, &["migrate"]).await.exit, 0);
    let backup = db(&home, &["backup", "/backup/foghorn.dump"]).await;
    let command = format!("$ pg_dump --format=custom --file=/backup/foghorn.dump --dbname={}", database.url);
    assert!(backup.exit == 1 && backup.errors.contains(&command), "{backup:?}");
    let restore = db(&home, &["restore", "/backup/foghorn.dump"]).await;
    assert!(restore.exit == 1 && restore.errors.contains("$ pg_restore --clean"), "{restore:?}");
    assert!(!format!("{backup:?}{restore:?}").contains("s3cret"));
    let vacuumed = db(&home, &["vacuum"]).await;
    assert!(vacuumed.exit == 0 && vacuumed.output.contains("given back"), "{vacuumed:?}");
}
