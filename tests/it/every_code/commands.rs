//! The codes of the command line: each from the real binary, with its exit code and what to do.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use foghorn::catalogue::{Code, Effect, Origin};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::codes_of;
use crate::support::process::{Draft, Home, Said, said};
use crate::support::services::require;
use crate::support::stores::{POSTGRES, admin, opened};

/// `foghorn serve`, listening on `port`, with its truth at `store`.
async fn serve_on(port: u16, store: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let text = format!(
        "[server]\ndata_dir = '{}'\n[http]\nlisten = '127.0.0.1:{port}'\n[store]\nurl = '{store}'\n",
        folder.path().display()
    );
    fs::write(&config, text).unwrap();
    said(&["serve", "--config", config.to_str().unwrap()], Stdio::null()).await
}

async fn serve(store: &str) -> Said {
    serve_on(0, store).await
}

fn sqlite(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

async fn rendering_nothing() -> Said {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, "").unwrap();
    let config = config.to_str().unwrap();
    said(&["template", "render", "farewell", "--config", config], Stdio::null()).await
}

async fn on_a_port_in_use() -> Said {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    serve_on(holder.local_addr().unwrap().port(), "memory:").await
}

async fn on_a_newer_schema(file: &Path) -> Said {
    drop(opened(&sqlite(file)).await);
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, x'00', 0)";
    connection.execute(later).await.unwrap();
    connection.close().await.unwrap();
    serve(&sqlite(file)).await
}

async fn on_a_letter(file: &Path) -> Said {
    fs::write(file, "Dear Ada, this is a letter and no database. ".repeat(30)).unwrap();
    serve(&sqlite(file)).await
}

async fn on_a_file_in_use(file: &Path) -> Said {
    let _holder = opened(&sqlite(file)).await;
    serve(&sqlite(file)).await
}

async fn on_a_forgetful_server() -> Said {
    let name = format!("foghorn_test_{:016x}", fastrand::u64(..));
    admin("postgres", format!("CREATE DATABASE {name}")).await;
    let url = format!("{POSTGRES}/{name}");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let forget = "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || \
                  ' SET synchronous_commit = off'; END $$";
    connection.execute(forget).await.unwrap();
    connection.close().await.unwrap();
    let said = serve(&url).await;
    admin("postgres", format!("DROP DATABASE {name} WITH (FORCE)")).await;
    said
}

/// Asks a server that says this to everything.
async fn asking_one_who_says(status: &str, body: &str) -> Said {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let said = said(&["incident", "list", "--url", &url], Stdio::null()).await;
    server.await.unwrap();
    said
}

/// At a bus that is not there, by two files that are one.
async fn looking_at(place: &str, file: &Path) -> Said {
    let away = "[sources.bus]\ntype = \"kafka\"\nbrokers = [\"127.0.0.1:1\"]\ntopics = [\"t\"]\n";
    fs::write(file, away).unwrap();
    let file = file.to_str().unwrap();
    said(&["simulate", "--config", file, "--against", file, "--from", place], Stdio::null()).await
}

async fn asking_nobody() -> Said {
    // Bound and closed again: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    said(&["health", "--url", &format!("http://127.0.0.1:{port}")], Stdio::null()).await
}

async fn on_a_full_disk() -> Said {
    let full = File::options().write(true).open("/dev/full").unwrap();
    said(&["explain"], Stdio::from(full)).await
}

/// `send --wait` to a mail server that says nothing.
async fn waiting_for_a_provider_that_hangs() -> Said {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = Home::of(Draft::mailing_to(silent.local_addr().unwrap().port())).await;
    let _life = home.start().await;
    said(&["send", "x", "--wait", "--timeout", "300ms", "--url", &home.url("")], Stdio::null()).await
}

/// Asks a Foghorn whose mail server is not there, and whose source is silent.
async fn asking_the_lonely(arguments: &[&str]) -> Said {
    let home = Home::of(Draft::mailing_to(1)).await;
    let life = home.start().await;
    let said = home.run(arguments).await;
    life.kill().await;
    said
}

/// `foghorn db`, on a store at `store`.
async fn db(store: &str, words: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, format!("[store]\nurl = '{store}'\n")).unwrap();
    said(&[&["db"], words, &["--config", config.to_str().unwrap()]].concat(), Stdio::null()).await
}

/// `serve` on a database without a schema, which nobody may make.
async fn on_an_older_schema(file: &Path) -> Said {
    serve(&format!("{}'\nmigrate = 'manual", sqlite(file))).await
}

async fn backing_up_over_a_file(file: &Path) -> Said {
    drop(opened(&sqlite(file)).await);
    let taken = file.with_file_name("taken");
    fs::write(&taken, "mine").unwrap();
    db(&sqlite(file), &["backup", taken.to_str().unwrap()]).await
}

async fn backing_up_to_nowhere(file: &Path) -> Said {
    drop(opened(&sqlite(file)).await);
    db(&sqlite(file), &["backup", file.with_file_name("no/such").to_str().unwrap()]).await
}

async fn looking_at_torn_pages(file: &Path) -> Said {
    assert_eq!(db(&sqlite(file), &["migrate"]).await.exit, 0);
    let mut bytes = fs::read(file).unwrap();
    let end = bytes.len();
    bytes[8192..end].fill(0x5a);
    fs::write(file, bytes).unwrap();
    db(&sqlite(file), &["status", "--check"]).await
}

/// What a command says where this goes wrong; `None` if nobody knows how to make it go wrong.
async fn trigger(code: Code, file: &Path) -> Option<Said> {
    Some(match code {
        Code::CannotListen => on_a_port_in_use().await,
        // Not even root may make a file there.
        Code::StoreReadOnly => serve("sqlite:///sys/kernel/foghorn.db").await,
        Code::NewerSchema => on_a_newer_schema(file).await,
        Code::ForeignDatabase => on_a_letter(file).await,
        Code::StoreInUse => on_a_file_in_use(file).await,
        Code::NotDurable => on_a_forgetful_server().await,
        Code::StoreUnreachable => serve("postgres://ada@127.0.0.1:1/foghorn").await,
        Code::NobodyAnswers => asking_nobody().await,
        Code::NotUnderstood => asking_one_who_says("404 Not Found", "<html>").await,
        Code::CannotWrite => on_a_full_disk().await,
        Code::UnknownCode => said(&["explain", "FH9999"], Stdio::null()).await,
        Code::UnknownAnswer => said(&["codes", "pigeon"], Stdio::null()).await,
        Code::FileExists => {
            fs::write(file, "# mine").unwrap();
            said(&["init", file.to_str().unwrap()], Stdio::null()).await
        }
        Code::FileUnwritable => {
            said(&["init", file.join("no/such.toml").to_str().unwrap()], Stdio::null()).await
        }
        Code::NotATerminal => said(&["top"], Stdio::piped()).await,
        Code::InputUnreadable => {
            fs::write(file, "[{").unwrap();
            said(&["send", "-f", file.to_str().unwrap()], Stdio::null()).await
        }
        Code::NotEveryRecord => {
            fs::write(file, "{}").unwrap();
            let mapper = "[mappers.x]\ntitle = \"/t\"";
            let config = file.with_extension("toml");
            fs::write(&config, mapper).unwrap();
            let (record, config) = (file.to_str().unwrap(), config.to_str().unwrap());
            said(&["map", "test", record, "--config", config], Stdio::null()).await
        }
        Code::PastOutOfSight => looking_at("topic:api", file).await,
        Code::BusAway => looking_at("topic:bus", file).await,
        Code::TokenUnreadable => {
            said(&["incident", "list", "--token-file", file.to_str().unwrap()], Stdio::null()).await
        }
        Code::NotInTime => waiting_for_a_provider_that_hangs().await,
        Code::AnotherPolicy => {
            fs::write(file, "").unwrap();
            let config = file.to_str().unwrap();
            said(&["route", "test", "service=x", "--config", config, "--expect", "page"], Stdio::null()).await
        }
        Code::TestNotSent => asking_the_lonely(&["test", "channel", "email", "--to", "ada"]).await,
        Code::TemplateSaysNothing => rendering_nothing().await,
        Code::NothingCame => asking_the_lonely(&["test", "source", "api", "--timeout", "1s"]).await,
        Code::OlderSchema => on_an_older_schema(file).await,
        Code::NotOursToKeep => db("postgres://ada@127.0.0.1:1/foghorn", &["backup", "x"]).await,
        Code::CopyExists => backing_up_over_a_file(file).await,
        Code::CopyUnwritable => backing_up_to_nowhere(file).await,
        Code::NotABackup => db(&sqlite(file), &["restore", "/dev/null"]).await,
        Code::Damaged => looking_at_torn_pages(file).await,
        Code::NoServerUrl => said(&["health", "--url", "here"], Stdio::null()).await,
        _ => return None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_code_of_the_command_line_is_triggered() {
    for code in codes_of(Origin::Command) {
        if code == Code::NotDurable && !require("postgres") {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let said = trigger(code, &folder.path().join("foghorn.db")).await;
        let said = said.unwrap_or_else(|| panic!("nothing triggers {code}"));
        assert!(said.errors.contains(&format!("error {code}: ")), "{code}: {said:?}");
        assert!(said.errors.contains(&format!("   = {}", code.fix())), "{code}: {said:?}");
        assert_eq!(code.effect(), Effect::Ends(said.exit), "{code}: {said:?}");
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_told_with_its_code_even_if_it_is_of_another_version() {
    let body = r#"{"code":"FH0790","title":"Not so","detail":"limit is too odd"}"#;
    let said = asking_one_who_says("400 Bad Request", body).await;
    assert_eq!((said.exit, said.errors.as_str()), (2, "error FH0790: Not so: limit is too odd\n"));
}
