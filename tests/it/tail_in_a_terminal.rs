//! `foghorn tail`: a line for each fact, as it happens, through a restart, to a terminal or a pipe.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::process::{Draft, Home, PATIENCE};
use crate::support::smtp_sink::SmtpSink;
use crate::support::terminal::Terminal;

async fn until_watched(home: &Home) {
    home.until("somebody watches", async || {
        let metrics = home.http().get(home.url("/metrics")).send().await.unwrap().text().await.unwrap();
        metrics.contains("\nfoghorn_sse_clients 1\n")
    })
    .await;
}

/// Into a pipe, without an environment.
fn piped(home: &Home, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_foghorn"))
        .args(arguments)
        .args(["--url", &home.url("")])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_appear_as_things_happen_and_control_c_ends_it() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let life = home.start().await;
    let mut terminal = Terminal::run(&["tail", "--url", &home.url("")], &[]);
    until_watched(&home).await;
    home.submit("disk-full").await;
    let screen = terminal.shows("sent").await;
    let lines: Vec<&str> = screen.lines().map(|line| line.get(13..).unwrap_or_default().trim_end()).collect();
    assert_eq!(lines[0], "event     api             disk-full  high  disk-full", "{screen}");
    assert_eq!(lines[1], "incident  #1 opened    → mail", "{screen}");
    assert_eq!(lines[2], "delivery  #1 email ada  sending    attempt 1", "{screen}");
    assert!(lines[3].starts_with("delivery  #1 email ada  sent       0."), "{screen}");

    life.kill().await;
    terminal.shows("coming back when it does").await;
    let _second = home.start().await;
    terminal.shows("connected again").await;
    terminal.shows("some of what happened meanwhile was missed").await;
    home.submit("queue-deep").await;
    terminal.shows("#2 opened").await;
    terminal.press("\u{3}");
    assert_eq!(terminal.exit().await, 130);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_pipe_it_is_one_object_a_line_of_what_was_asked_for() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let _life = home.start().await;
    let arguments = ["tail", "incidents", "deliveries", "--filter", "severity:high", "--json"];
    let mut tail = piped(&home, &arguments);
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    until_watched(&home).await;
    home.submit("disk-full").await;
    let mut names = Vec::new();
    for _ in 0..3 {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").unwrap().unwrap();
        let fact: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(fact["severity"], "high");
        names.push(fact["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(names, ["incident.opened", "delivery.sending", "delivery.sent"]);

    // The reader leaves, as `head` does.
    drop(lines);
    home.submit("queue-deep").await;
    let ended = timeout(PATIENCE, tail.wait_with_output()).await.expect("it ends").unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_is_not_understood_ends_it_with_what_there_is() {
    let home = Home::of(Draft::mailing_to(1)).await;
    let _life = home.start().await;
    let ended = piped(&home, &["tail", "--filter", "sevrity:high"]).wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert!(errors.contains("Did you mean \"severity\"?"), "{errors}");
}
