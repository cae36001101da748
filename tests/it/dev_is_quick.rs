//! `foghorn dev` says where it is within two seconds (F1), and what it says to try works.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::support::process::{PATIENCE, free_port, said};

/// The law, for a build as it is shipped.
const LAW: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_address_is_printed_within_two_seconds_and_a_first_event_is_seen_on_every_channel() {
    let port = free_port().await.to_string();
    let begun = Instant::now();
    let mut dev = Command::new(env!("CARGO_BIN_EXE_foghorn"))
        .args(["dev", "--port", &port])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let url = format!("http://127.0.0.1:{port}");
    let mut banner = String::new();
    let mut printed = None;
    while !banner.contains("foghorn send") {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").unwrap().unwrap();
        if line.contains(&url) {
            printed.get_or_insert(begun.elapsed());
        }
        banner.push_str(&line);
        banner.push('\n');
    }
    let printed = printed.unwrap_or_else(|| panic!("no address in\n{banner}"));
    assert!(printed <= LAW, "{printed:?}");
    assert!(
        banner.contains("foghorn send \"Disk full\" --severity critical --service db-1 --wait"),
        "{banner}"
    );

    let line = ["send", "Disk full", "--severity", "critical", "--service", "db-1", "--wait", "--url", &url];
    let said = said(&line, Stdio::piped()).await;
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.output.starts_with("#1 opened  critical  db-1  Disk full\n"), "{said:?}");
    for channel in ["email", "sms", "ios", "android", "slack", "chat"] {
        let step = said.output.lines().find(|line| line.starts_with(channel));
        assert!(
            step.is_some_and(|step| step.contains(&format!("sent to outbox   {url}/outbox/"))),
            "{said:?}"
        );
    }
}
