//! A disk without room is weather: nothing is acknowledged that is not stored, the probe says so, and
//! it goes on by itself when there is room again.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::sleep;

use crate::support::load::{Load, assert_nothing_lost, mails, tell};
use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;

/// A name space of its own, in which anybody may mount.
const APART: [&str; 4] = ["unshare", "--map-root-user", "--mount", "sh"];

fn can_mount() -> bool {
    let mut command = Command::new(APART[0]);
    command.args(&APART[1..]).args(["-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]);
    let mounted = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    mounted.is_ok_and(|status| status.success())
        || services::forbidden("leave to mount a tmpfs in a name space of its own")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_outlives_a_full_disk() {
    if !can_mount() {
        return;
    }
    let sink = SmtpSink::start().await;
    let disk = tempfile::tempdir().unwrap();
    let at = disk.path().display();
    let store = Some(format!("sqlite://{at}/foghorn.db"));
    let home = Arc::new(Home::of(Draft { store, ..Draft::mailing_to(sink.port) }).await);
    let small = format!(
        "mount -t tmpfs -o size=32m tmpfs {at} && head -c 28M /dev/zero > {at}/ballast && exec \"$0\" \"$@\""
    );
    let wrapper = [&APART[..], &["-c", &small]].concat();
    let mut life = home.ready(home.spawn_under(&wrapper)).await;
    let load = Load::start(&home, 4, Duration::from_millis(10));

    home.until_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    home.until("an event is refused", async || {
        home.post("load-refused").await.is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE)
    })
    .await;
    let kept = load.acknowledged();
    assert!(kept > 0);
    // Longer than the longest wait between two tries.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(load.acknowledged(), kept, "nothing is acknowledged that is not on stable storage");
    assert!(life.is_alive(), "{}", life.last_words());

    fs::remove_file(format!("/proc/{}/root{at}/ballast", life.pid())).unwrap();
    let noticed = home.until_readiness(StatusCode::OK).await;
    home.until("events flow again", async || load.acknowledged() > kept).await;
    let mut account = load.stop().await;
    // Refused above: posted again, it is one event, whether or not it was kept then.
    home.submit("load-refused").await;
    account.acknowledged.insert("load-refused".to_owned());
    assert_eq!(home.all_sent().await, account.acknowledged.len(), "what is stored is what was acknowledged");
    assert_eq!(assert_nothing_lost(&account.acknowledged, &mails(&sink)), 0);
    tell(&format!(
        "disk full after {kept} events; {} ms after there was room again it went on by itself; {} events \
         acknowledged, 0 lost",
        noticed.as_millis(),
        account.acknowledged.len()
    ));
    life.kill().await;
}
