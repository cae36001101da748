//! What systemd is told: ready, how it is, alive, stopping; and that the unit that is shipped is one.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clap::CommandFactory;
use foghorn::cli::{Cli, Exit};

use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;

/// The next thing that is said.
fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("it is said in time");
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

/// Waits until this is said, and returns what is said with it.
fn until(socket: &UnixDatagram, wanted: &str) -> String {
    for _ in 0..200 {
        let heard = heard(socket);
        if heard.lines().any(|line| line == wanted) {
            return heard;
        }
    }
    panic!("never said: {wanted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_hears_that_it_is_ready_how_it_is_that_it_lives_and_that_it_stops() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let path = home.file("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let variable = format!("NOTIFY_SOCKET={}", path.display());
    let life = home.ready(home.spawn_under(&["env", &variable, "WATCHDOG_USEC=200000"])).await;
    assert_eq!(heard(&socket), "READY=1", "nothing is said before");
    until(&socket, "STATUS=ready; 1 of 1 sources up; 0 retrying");
    for _ in 0..3 {
        until(&socket, "WATCHDOG=1");
    }

    life.signal("-HUP").await;
    let reloading = until(&socket, "RELOADING=1");
    let since = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(since.parse::<u64>().unwrap() > 0);
    until(&socket, "READY=1");

    life.terminate().await;
    until(&socket, "STOPPING=1");
    assert_eq!(life.exit().await.0, 0);
}

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/foghorn.service");
    fs::read_to_string(path).unwrap()
}

#[test]
fn every_command_of_the_unit_is_one_of_foghorn() {
    let unit = unit();
    let commands: Vec<&str> = unit
        .lines()
        .filter(|line| line.starts_with("Exec"))
        .filter_map(|line| line.split_once("=/usr/bin/"))
        .map(|(_, command)| command)
        .collect();
    assert_eq!(commands, ["foghorn serve", "foghorn check", "foghorn reload"]);
    for command in commands {
        let parsed = Cli::command().try_get_matches_from(command.split(' '));
        assert!(parsed.is_ok(), "{command}: {parsed:?}");
    }
    let refused = Exit::InvalidConfig.code().to_string();
    assert!(unit.contains(&format!("RestartPreventExitStatus={refused}\n")));
}

#[test]
fn the_unit_that_is_shipped_is_one() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        services::missing("systemd-analyze");
        return;
    };
    assert!(version.status.success());
    // It looks for the binaries that the unit names.
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("foghorn.service");
    fs::write(&here, unit().replace("/usr/bin/foghorn", env!("CARGO_BIN_EXE_foghorn"))).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&here).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about_it: Vec<&str> = said.lines().filter(|line| line.contains("foghorn.service")).collect();
    assert!(verified.status.success() && about_it.is_empty(), "{said}");
}
