//! The unix socket beside the port: whose it is, what becomes of it, and who uses it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use tokio::process::Command;

use crate::support::process::{Draft, Home, Said, said_with};
use crate::support::services::forbidden;
use crate::support::smtp_sink::SmtpSink;

/// A process whose port nobody would find.
async fn home() -> (SmtpSink, Home) {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    (sink, home)
}

/// Asks without saying whom: by the configuration that is found.
async fn asked(home: &Home, arguments: &[&str]) -> Said {
    let config = home.file("config.toml").display().to_string();
    said_with(&[("FOGHORN_CONFIG", &config)], arguments, Stdio::piped()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_on_this_machine_use_the_socket_and_need_no_port() {
    let (_sink, home) = home().await;
    let life = home.start().await;
    let socket = home.file("foghorn.sock");
    let file = fs::symlink_metadata(&socket).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.mode() & 0o777, 0o600);

    // Nobody listens on the usual port, and the configuration names another: only the socket is left.
    home.submit("socket-1").await;
    let listed = asked(&home, &["incident", "list", "--quiet"]).await;
    assert_eq!((listed.exit, listed.output.trim()), (0, "1"), "{listed:?}");
    let named = format!("unix:{}", socket.display());
    let healthy = said_with(&[], &["health", "--ready", "--url", &named], Stdio::piped()).await;
    assert_eq!(healthy.exit, 0, "{healthy:?}");
    // What is said goes before what is found.
    let elsewhere = asked(&home, &["health", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(elsewhere.exit, 69, "{elsewhere:?}");

    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
    assert!(!socket.exists(), "it goes with its process");
    let gone = said_with(&[], &["health", "--url", &named], Stdio::piped()).await;
    assert_eq!(gone.exit, 69);
    assert!(gone.errors.contains(&format!("no Foghorn answers at {named}")), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_of_a_dead_process_is_replaced() {
    let (_sink, home) = home().await;
    home.start().await.kill().await;
    let socket = home.file("foghorn.sock");
    assert!(socket.exists() && UnixStream::connect(&socket).is_err(), "kill -9 leaves it behind");
    let life = home.start().await;
    assert_eq!(asked(&home, &["health", "--ready"]).await.exit, 0);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_a_browser_would_be_refused_for_is_no_matter_on_the_socket() {
    let (_sink, home) = home().await;
    let life = home.start().await;
    let evil = ("Host", "evil.example");
    let by_port = home.http().get(home.url("/api/v1/incidents")).header(evil.0, evil.1).send().await.unwrap();
    assert_eq!(by_port.status(), 421);
    let local = reqwest::Client::builder().unix_socket(home.file("foghorn.sock")).build().unwrap();
    let by_socket = local.get("http://evil.example/api/v1/incidents").send().await.unwrap();
    assert_eq!(by_socket.status(), 200);
    let report = local.get("http://x/readyz?verbose").send().await.unwrap().text().await.unwrap();
    assert!(report.contains("[+] store ok"), "{report}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_is_refused() {
    let (_sink, home) = home().await;
    let life = home.start().await;
    // The folder is opened to everybody: what refuses is the socket.
    let folder = home.file("");
    let opened = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&folder, opened).unwrap();
    let named = format!("unix:{}", home.file("foghorn.sock").display());
    let ask = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_foghorn")])
        .args(["health", "--url", &named])
        .env_clear()
        .output()
        .await;
    match ask {
        Ok(said) if said.status.code() == Some(69) => {
            let errors = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(errors.contains("Permission denied"), "{errors}");
        }
        Ok(said) if said.status.success() => panic!("65534 was let in: {said:?}"),
        // Not root, no setpriv, or the binary lies where that user may not go.
        _ => assert!(!forbidden("to become another user")),
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_socket_is_not_stolen() {
    let (sink, home) = home().await;
    let first = home.start().await;
    let taken = home.file("foghorn.sock");
    let second = Home::of(Draft::mailing_to(sink.port)).await;
    let path = second.file("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("[http]", &format!("[http]\nsocket = {taken:?}"))).unwrap();
    let life = second.spawn();
    let log = second.file("stderr.log");
    assert_eq!(life.exit().await.0, 69);
    let said = fs::read_to_string(log).unwrap();
    let expected = format!("cannot listen on {}: another process listens there", taken.display());
    assert!(said.contains(&expected), "{said}");
    assert_eq!(asked(&home, &["health"]).await.exit, 0, "the first one does not notice");
    first.kill().await;
}
