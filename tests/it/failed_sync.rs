//! A sync that fails leaves what was written before unsure, so the process ends instead of going on,
//! and what it acknowledged is there in the next life.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use foghorn::catalogue::Code;

use crate::support::load::{Load, assert_nothing_lost, mails, tell};
use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;

/// `Exit::StorageBroken`
const STORAGE_BROKEN: i32 = 74;

fn can_trace() -> bool {
    let mut command = Command::new("strace");
    command
        .args(["-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success()) || services::missing("strace")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_ends_over_a_failed_sync_and_loses_nothing_acknowledged() {
    if !can_trace() {
        return;
    }
    let sink = SmtpSink::start().await;
    let home = Arc::new(Home::of(Draft::mailing_to(sink.port)).await);
    // The schema and some events first.
    let failing = "inject=fsync,fdatasync:error=EIO:when=120+";
    let strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", failing];
    let life = home.ready(home.spawn_under(&strace)).await;
    let load = Load::start(&home, 4, Duration::from_millis(10));
    let (code, _) = life.exit().await;
    assert_eq!(code, STORAGE_BROKEN);
    let log = std::fs::read_to_string(home.file("stderr.log")).unwrap();
    let last: Vec<&str> = log.lines().rev().take(2).collect();
    let code = Code::StorageBroken;
    assert!(last[1].starts_with(&format!("error {code}: ")), "{last:?}");
    assert_eq!(last[0], format!("   = {}", code.fix()));
    let kept = load.acknowledged();
    assert!(kept > 0, "it failed before it acknowledged anything");

    let next = home.start().await;
    home.until("events flow again", async || load.acknowledged() > kept).await;
    let account = load.stop().await;
    assert_eq!(home.all_sent().await, account.acknowledged.len());
    let twice = assert_nothing_lost(&account.acknowledged, &mails(&sink));
    tell(&format!(
        "{kept} events acknowledged, then EIO: exit {STORAGE_BROKEN}; {} acknowledged in all, 0 lost, {twice} mails twice",
        account.acknowledged.len()
    ));
    next.kill().await;
}
