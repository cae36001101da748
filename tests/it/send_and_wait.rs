//! `foghorn send`: an event from the command line, and each step of what comes of it.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::support::process::{Draft, Home, Said, said};
use crate::support::smtp_sink::{Act, At, SmtpSink};
use crate::support::terminal::Terminal;

/// Beside ada's mail, an SMS that fails once, and a push that is refused.
const OUTBOXES: &str = r#"[channels.flaky]
type = "sms"
provider = "outbox"
fail = "transient"
fail_times = 1
retry = { base = "100ms" }
[channels.broken]
type = "android"
provider = "outbox"
fail = "permanent"
[users.bob]
phone = "+15550100"
android = ["bobs-device"]
[policies.flaky]
steps = [{ after = "0s", notify = ["user:bob"], via = ["flaky"] }]
[policies.both]
steps = [{ after = "0s", notify = ["user:bob"], via = ["flaky", "broken"] }]
"#;

async fn home(smtp: u16) -> Home {
    let mut draft = Draft::mailing_to(smtp);
    draft.more = OUTBOXES.to_owned();
    let home = Home::of(draft).await;
    // These routes go before the one that takes everything.
    let path = home.file("config.toml");
    let config = fs::read_to_string(&path).unwrap();
    let routes = "[[routes]]\nname = \"flaky\"\nmatch = { service = \"flaky\" }\npolicy = \"flaky\"\n\
                  [[routes]]\nname = \"both\"\nmatch = { service = \"both\" }\npolicy = \"both\"\n[[routes]]";
    fs::write(&path, config.replacen("[[routes]]", routes, 1)).unwrap();
    home
}

async fn send(home: &Home, arguments: &[&str]) -> Said {
    let url = home.url("");
    said(&[&["send"], arguments, &["--url", &url]].concat(), Stdio::piped()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_is_shown_as_it_happens_until_all_have_ended() {
    let smtp = SmtpSink::start().await;
    let home = home(smtp.port).await;
    let _life = home.start().await;
    let url = home.url("");
    let arguments =
        ["send", "Disk full", "--severity", "critical", "--service", "flaky", "--wait", "--url", &url];
    let mut terminal = Terminal::run(&arguments, &[]);
    let screen = terminal.shows("└─ flaky").await;
    assert_eq!(terminal.exit().await, 0);
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines[0], "#1 opened  critical  flaky  Disk full", "{screen}");
    assert!(
        lines[1].starts_with("├─ flaky    +15***00") && lines[1].contains("retrying   in 0."),
        "{screen}"
    );
    assert!(lines[2].ends_with(&format!("sent to outbox   {url}/outbox/1")), "{screen}");
    terminal.shows("Look: foghorn incident show 1      Watch: foghorn tail").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_is_not_reached_is_a_failure_with_what_to_do() {
    let smtp = SmtpSink::start().await;
    let home = home(smtp.port).await;
    let _life = home.start().await;
    let said = send(&home, &["Disk full", "--service", "both", "--wait"]).await;
    assert_eq!(said.exit, 1, "{said:?}");
    let lines: Vec<&str> = said.output.lines().collect();
    assert_eq!(lines.len(), 4, "{said:?}");
    assert!(lines.iter().all(|line| !line.contains("─")), "no tree in a pipe: {said:?}");
    assert!(said.output.contains("dead       rejected: "), "{said:?}");
    assert!(said.errors.starts_with("1 of 2 did not arrive. Why: foghorn delivery show del_"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_goes_on_and_ends_by_its_key_and_nobody_is_told_twice() {
    let smtp = SmtpSink::start().await;
    let home = home(smtp.port).await;
    let _life = home.start().await;
    let opened = send(&home, &["Disk full", "--key", "disk", "--label", "env=prod", "--wait"]).await;
    assert_eq!(opened.exit, 0, "{opened:?}");
    assert!(
        opened.output.starts_with("#1 opened  Disk full\nemail    a***@example.com sent  "),
        "{opened:?}"
    );
    assert_eq!(home.get("/api/v1/incidents/1").await["labels"]["env"], "prod");
    let again = send(&home, &["Disk fuller", "--key", "disk", "--wait"]).await;
    assert_eq!(
        (again.exit, again.output.as_str()),
        (0, "#1 updated  Disk fuller\nnobody is told again: the incident is known\n")
    );
    let over = send(&home, &["Disk fine", "--key", "disk", "--resolve", "--wait"]).await;
    assert!(over.exit == 0 && over.output.starts_with("#1 resolved  Disk fine\nemail "), "{over:?}");
    assert_eq!(smtp.count(), 2);
    assert_eq!(home.get("/api/v1/incidents/1").await["status"], "resolved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_file_are_sent_together_each_with_what_became_of_it() {
    let home = home(1).await;
    let _life = home.start().await;
    let file = home.file("events.jsonl");
    let mut text: String = (0..1_200).map(|n| format!("{{\"title\":\"event {n}\"}}\n")).collect();
    fs::write(&file, &text).unwrap();
    let path = file.to_str().unwrap();
    let all = send(&home, &["-f", path, "--json"]).await;
    assert_eq!((all.exit, all.output.lines().count()), (0, 1_200), "{}", all.errors);
    let last: Value = serde_json::from_str(all.output.lines().last().unwrap()).unwrap();
    assert_eq!(last["result"], "opened");

    text = "{\"title\":\"good\"}\n{\"titel\":\"bad\"}\n".to_owned();
    fs::write(&file, &text).unwrap();
    let mixed = send(&home, &["-f", path]).await;
    assert_eq!(mixed.exit, 1, "{mixed:?}");
    assert!(mixed.output.contains(" opened  good\nrejected; /title"), "{mixed:?}");
    assert_eq!(mixed.errors, "1 of 2 events were not taken\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_has_an_end_and_what_is_refused_is_told() {
    let smtp = SmtpSink::start().await;
    smtp.always(At::Rcpt, Act::Say("451 4.3.0 later"));
    let home = home(smtp.port).await;
    let _life = home.start().await;
    let late = send(&home, &["Disk full", "--wait", "--timeout", "500ms"]).await;
    assert_eq!(late.exit, 1, "{late:?}");
    assert!(late.output.contains("retrying   in ") && late.output.contains("451"), "{late:?}");
    assert!(late.errors.contains("after 500ms, 1 of 1 deliveries of #1 still wait"), "{late:?}");
    let refused = send(&home, &["Disk full", "--severity", "terrible"]).await;
    assert!(refused.exit == 2 && refused.errors.contains("/severity"), "{refused:?}");
}
