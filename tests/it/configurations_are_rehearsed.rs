//! A configuration is tried on what came in before: who would have heard differently is told, and nobody is told anything.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::process::{Draft, Home, said};
use crate::support::smtp_sink::SmtpSink;

fn lines(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_would_have_heard_differently_is_told_and_nothing_is_sent() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let life = home.start().await;
    let post = async |event: Value| {
        let request = home.http().post(home.url("/api/v1/events")).json(&event);
        request.send().await.unwrap();
    };
    post(json!({ "title": "Disk full", "dedup_key": "disk", "service": "db", "severity": "critical" })).await;
    post(json!({ "title": "Disk full", "dedup_key": "disk", "service": "db", "severity": "critical" })).await;
    post(json!({ "title": "Slow", "dedup_key": "slow", "service": "web", "severity": "low" })).await;
    home.until("both are told", async || smtp.count() == 2).await;

    let text = fs::read_to_string(home.file("config.toml")).unwrap();
    let pages = r#"
[users.grace]
email = "grace@example.com"
[[routes]]
name = "databases"
match = { service = "db" }
policy = "both"
[policies.both]
steps = [{ after = "0s", notify = ["user:ada"], via = ["email"] }, { after = "5m", notify = ["user:grace"], via = ["email"] }]
"#;
    let text = text.replacen("[[routes]]", &format!("{pages}[[routes]]"), 1);
    let new = home.file("new.toml");
    fs::write(&new, text).unwrap();
    let new = new.to_str().unwrap();

    let told = home.run(&["simulate", "--config", new]).await;
    assert_eq!(told.exit, 0, "{told:?}");
    for line in [
        "Disk full",
        "route      everything → databases",
        "policy     mail → both",
        "+ +5m      email        grace",
        "2 records read, 2 would open an incident, 1 heard of differently: 2 messages before, 3 after",
        "+1  grace",
    ] {
        assert!(told.output.contains(line), "{line} in\n{}\n{}", told.output, told.errors);
    }
    assert!(!told.output.contains("Slow") && !told.output.contains("- now"), "{told:?}");
    let json = lines(&home.run(&["simulate", "--config", new, "--from", "api", "--json"]).await.output);
    assert_eq!((json.len(), &json[1]["summary"]["different"]), (2, &json!(1)), "{json:?}");
    assert_eq!(json[0]["after"]["policy"], "both");

    let same = home.run(&["simulate", "--config", home.file("config.toml").to_str().unwrap()]).await;
    assert!(same.output.contains("0 heard of differently"), "{same:?}");
    let none = home.run(&["simulate", "--config", new, "--since", "1ms"]).await;
    assert!(none.output.contains("0 records read"), "{none:?}");
    assert_eq!(
        (smtp.count(), home.list("/api/v1/events?").await.len()),
        (2, 3),
        "nobody is told, nothing is taken in"
    );
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_files_are_compared_over_the_lines_of_a_third_without_a_server() {
    let home = Home::of(Draft::mailing_to(1)).await;
    let old = home.file("config.toml");
    let text = fs::read_to_string(&old).unwrap();
    let new = home.file("new.toml");
    fs::write(&new, text.replace("[[routes]]", "[incidents]\nseverity_aliases = { sev-one = \"critical\" }\n[[routes]]\nmatch = { severity = \"critical\" }")).unwrap();
    let events = home.file("events.jsonl");
    let lines = [
        r#"{"title":"a","dedup_key":"a","severity":"low"}"#,
        r#"{"title":"a","dedup_key":"a","severity":"low"}"#,
        r#"{"title":"b","dedup_key":"b","severity":"sev-one"}"#,
        r#"{"title":"a","dedup_key":"a","status":"resolved"}"#,
        r#"{"title":"a","dedup_key":"a","severity":"low"}"#,
        "no JSON",
    ];
    fs::write(&events, lines.join("\n")).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (old, new, events) = (path(&old), path(&new), path(&events));
    let told =
        said(&["simulate", "--config", &new, "--against", &old, "--from", &events], Stdio::piped()).await;
    assert_eq!(told.exit, 0, "{told:?}");
    for line in [
        "line 1 ",
        "route      everything → none",
        "- now      email        ada",
        "line 3 ",
        "refused    schema → none",
        "line 5 ",
        "6 records read, 3 would open an incident, 3 heard of differently: 2 messages before, 1 after",
        "-1  ada",
    ] {
        assert!(told.output.contains(line), "{line} in\n{}", told.output);
    }
    assert!(!told.output.contains("line 2 "), "it was open\n{}", told.output);
    let broken = home.file("broken.toml");
    fs::write(&broken, "[servr]").unwrap();
    let broken =
        said(&["simulate", "--config", broken.to_str().unwrap(), "--from", &events], Stdio::piped()).await;
    assert_eq!(broken.exit, 78, "{broken:?}");
    let nowhere = said(&["simulate", "--config", &new, "--from", "no/such/file"], Stdio::piped()).await;
    assert_eq!(nowhere.exit, 2, "{nowhere:?}");
}
