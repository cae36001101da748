//! What a mapper makes of a record is seen before anybody is told anything: from a file, without a server, rule by
//! rule and field by field.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::process::{Draft, Home, said};

const MAPPERS: &str = r#"
[mappers.shop]
event_type = "/type"
service    = "/app"
[[mappers.shop.rules]]
on         = "alert.*"
when       = { "/env" = ["prod", "prod-*"] }
title      = "{{ alert.name }} on {{ alert.host }}"
severity   = { pointer = "/prio", map = { P1 = "critical" }, default = "low" }
labels     = { env = "/env" }
[[mappers.shop.rules]]
name       = "receipts"
on         = "receipt"
to         = "/mail"
via        = ["email"]
subject    = "Receipt"
body       = "/text"
"#;

const GOOD: &str =
    r#"{"type":"alert.new","env":"prod-eu","app":"web","prio":"P1","alert":{"name":"Disk","host":"db"}}"#;
const RECEIPT: &str = r#"{"type":"receipt","mail":"eve@example.com","text":"Thanks"}"#;
const BAD: &str = r#"{"type":"alert.new","env":"prod","prio":"P1","alert":{"nmae":"Disk"}}"#;
const OTHER: &str = r#"{"type":"refund"}"#;

async fn home() -> Home {
    Home::of(Draft { more: MAPPERS.to_owned(), ..Draft::mailing_to(1) }).await
}

fn written(home: &Home, name: &str, text: &str) -> String {
    let path = home.file(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_record_is_told_with_its_rule_its_fields_and_who_would_hear() {
    let home = home().await;
    let config = home.file("config.toml").to_str().unwrap().to_owned();
    let file = written(&home, "good.jsonl", &format!("{GOOD}\n\n{RECEIPT}\n"));
    let tried = said(&["map", "test", &file, "--config", &config], Stdio::piped()).await;
    assert_eq!(tried.exit, 0, "{tried:?}");
    for line in [
        "line 1\n",
        "rule alert.*   MATCH        /type is alert.*; /env is prod | prod-*",
        "rule receipts  not reached",
        "  severity    ← /prio, by its map              ",
        "text \"P1\" → text \"critical\"",
        "title        Disk on db",
        "severity     critical",
        "label        env=prod-eu",
        "route        everything",
        "→ policy mail",
        "now      email        ada (a***@example.com)",
        "line 3\n",
        "rule alert.*   no match     /type wants alert.*, found text \"receipt\"",
        "to           eve@example.com",
        "subject      Receipt",
    ] {
        assert!(tried.output.contains(line), "{line} in\n{}", tried.output);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_a_dead_letter_is_told_with_the_place_and_fails() {
    let home = home().await;
    let config = home.file("config.toml").to_str().unwrap().to_owned();
    let file = written(&home, "bad.jsonl", &format!("{GOOD}\n{BAD}\nnope\n{OTHER}\n"));
    let tried = said(&["map", "test", &file, "--mapper", "shop", "--config", &config], Stdio::piped()).await;
    assert_eq!(tried.exit, 1, "{tried:?}");
    assert!(tried.errors.contains("3 of 4 records became no event"), "{tried:?}");
    for line in [
        "REFUSED (schema): it would be a dead letter",
        "rule \"alert.*\", title: the record has no ",
        "REFUSED (parse)",
        "/type: rule \"receipts\" wants receipt, found text \"refund\"",
    ] {
        assert!(tried.output.contains(line), "{line} in\n{}", tried.output);
    }
    let json = said(&["map", "test", &file, "--config", &config, "--json"], Stdio::piped()).await;
    let lines: Vec<Value> = json.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((json.exit, lines.len()), (1, 4), "{json:?}");
    assert_eq!(lines[0]["would"]["policy"], "mail", "{}", lines[0]);
    assert_eq!(lines[0]["event"]["severity"], "critical");
    assert_eq!(lines[0]["rules"][1]["verdict"], "not_reached");
    assert_eq!((&lines[1]["refused"], &lines[1]["line"]), (&json!("schema"), &json!(2)));
    assert_eq!(lines[3]["errors"][0]["code"], "unmapped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_are_given_with_the_file_and_what_is_let_go_is_no_failure() {
    let home = home().await;
    let config = home.file("config.toml").to_str().unwrap().to_owned();
    let file = written(&home, "issue.json", r#"{"action":"labeled"}"#);
    let tried = async |more: &[&str]| {
        let line = [&["map", "test", &file, "--mapper", "github", "--config", &config], more].concat();
        said(&line, Stdio::piped()).await
    };
    let let_go = tried(&["--header", "X-GitHub-Event: issues"]).await;
    assert_eq!(let_go.exit, 0, "{let_go:?}");
    for line in
        ["IGNORED: rule \"on the way\" lets it go", "/headers/x-github-event is issues | workflow_run"]
    {
        assert!(let_go.output.contains(line), "{line} in\n{}", let_go.output);
    }
    let unnamed = tried(&[]).await;
    assert!(
        unnamed.exit == 1 && unnamed.output.contains("found nothing; /headers is an empty object"),
        "{unnamed:?}"
    );
    let twice = tried(&["--header", "X-GitHub-Event: issues", "--header", "x-github-event: ping"]).await;
    assert_eq!(twice.exit, 1, "{twice:?}");
    let wrong = tried(&["--header", "X-GitHub-Event"]).await;
    assert!(wrong.exit == 2 && wrong.errors.contains("write it as"), "{wrong:?}");
    let shown = said(&["map", "show", "github"], Stdio::piped()).await;
    assert!(shown.exit == 0 && shown.output.contains("[mappers.github]\n"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_name_is_told_with_the_right_ones_and_a_wrong_mapper_with_its_place() {
    let home = home().await;
    let config = home.file("config.toml").to_str().unwrap().to_owned();
    let file = written(&home, "good.jsonl", GOOD);
    let asked = async |more: &[&str]| {
        let line = [&["map", "test", file.as_str(), "--config", config.as_str()], more].concat();
        said(&line, Stdio::piped()).await
    };
    let unknown = asked(&["--mapper", "shpo"]).await;
    assert_eq!(unknown.exit, 2, "{unknown:?}");
    assert!(unknown.errors.contains("there is no mapper \"shpo\"; there are: shop."), "{unknown:?}");
    let source = asked(&["--source", "kafka"]).await;
    assert!(source.exit == 2 && source.errors.contains("there are: api"), "{source:?}");
    let native = asked(&["--source", "api"]).await;
    assert!(native.exit == 1 && native.output.contains("REFUSED"), "{native:?}");
    let missing = said(&["map", "test", "/no/such/file", "--config", &config], Stdio::piped()).await;
    assert_eq!(missing.exit, 2, "{missing:?}");

    home.edit("default = \"low\"", "default = \"lwo\"");
    let wrong = asked(&[]).await;
    assert_eq!(wrong.exit, 78, "{wrong:?}");
    assert!(
        wrong.errors.contains("[mappers.shop] rule 1, severity: makes \"lwo\", which is not known"),
        "{wrong:?}"
    );
    assert!(wrong.errors.contains("Did you mean \"low\"?"), "{wrong:?}");
}
