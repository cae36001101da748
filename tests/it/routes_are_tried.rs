//! Who would hear is asked before anything happens: of a running process, which answers from the table
//! in use, and of a file, which needs no process.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::process::{Draft, Home, said};
use crate::support::smtp_sink::SmtpSink;

/// In front of the route that takes everything.
const ROUTES: &str = r#"[[routes]]
name = "pages"
match = { service = ["checkout-*"], severity = ["critical", "high"] }
policy = "page"
[policies.page]
steps = [{ after = "0s", notify = ["user:ada", "user:grace"], via = ["email"] }]
[users.grace]
phone = "+15550111"
[incidents]
severity_aliases = { P1 = "critical" }
"#;

async fn home() -> (Home, SmtpSink) {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft { more: ROUTES.to_owned(), ..Draft::mailing_to(sink.port) }).await;
    // The first match wins.
    home.edit("name = \"everything\"", "name = \"staging\"\nmatch = { \"labels.env\" = \"staging\" }");
    (home, sink)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_match_is_told_with_who_hears_and_who_cannot() {
    let (home, sink) = home().await;
    let life = home.start().await;
    let words = ["route", "test", "service=checkout-api", "severity=P1"];
    let asked = home.run(&[&words[..], &["--explain", "--expect", "page"]].concat()).await;
    assert_eq!(asked.exit, 0, "{asked:?}");
    for line in [
        "1  staging  no match     no labels.env, which must be staging",
        "2  pages    MATCH        service=checkout-api ∈ checkout-*, severity=critical ∈ [critical, high]",
        "→ policy page",
        "now      email        ada (a***@example.com)",
        "not told: grace has no email (channel email)",
    ] {
        assert!(asked.output.contains(line), "{line} in\n{}", asked.output);
    }
    let other = home.run(&[&words[..], &["--expect", "mail"]].concat()).await;
    assert_eq!(other.exit, 1, "{other:?}");
    assert!(other.errors.contains("expected policy mail, and policy page takes it"), "{other:?}");

    let nobody = home.run(&["route", "test", "service=db", "--json"]).await;
    let answer: Value = serde_json::from_str(&nobody.output).expect("one object");
    assert_eq!((nobody.exit, &answer["policy"], &answer["told"]), (0, &Value::Null, &json!([])));
    assert_eq!(home.list("/api/v1/incidents?").await.len() + sink.count(), 0, "nothing happened");

    let file = home.file("config.toml");
    let offline = ["--config", file.to_str().unwrap()];
    let online = home.run(&[&words[..], &["--json"]].concat()).await;
    let offline = said(&[&words[..], &["--json"], &offline].concat(), Stdio::piped()).await;
    assert_eq!(online.output, offline.output, "a file says what a process says");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_the_new_table_answers() {
    let (home, _sink) = home().await;
    let life = home.start().await;
    let policy = async || {
        let asked = home.run(&["route", "test", "service=checkout-api", "severity=high", "--json"]).await;
        let answer: Value = serde_json::from_str(&asked.output).expect("one object");
        answer["policy"].as_str().map(str::to_owned)
    };
    assert_eq!(policy().await.as_deref(), Some("page"));
    home.edit("policy = \"page\"", "policy = \"mail\"");
    assert_eq!(policy().await.as_deref(), Some("page"), "a file that nobody reloaded changes nothing");
    assert_eq!(home.run(&["reload"]).await.exit, 0);
    assert_eq!(policy().await.as_deref(), Some("mail"));
    let listed = home.run(&["route", "list"]).await;
    assert!(listed.output.contains("service=checkout-* severity=critical|high"), "{listed:?}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_says_what_can() {
    let (home, _sink) = home().await;
    let life = home.start().await;
    let file = home.file("config.toml");
    let file = file.to_str().unwrap();
    for (words, known) in [
        (&["servce=x"][..], "service, severity, source, title, labels.NAME"),
        (&["severity=sev9"], "critical, high, medium, low, info, P1"),
        (&["severity=sev9", "--config", file], "critical, high, medium, low, info, P1"),
        (&["service=a", "service=b"], "given twice"),
    ] {
        let asked = home.run(&[&["route", "test"], words].concat()).await;
        assert_eq!(asked.exit, 2, "{words:?}: {asked:?}");
        assert!(asked.errors.contains(known), "{words:?}: {asked:?}");
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_told_with_its_steps_and_the_schedule_of_its_channels() {
    let (home, _sink) = home().await;
    let life = home.start().await;
    let listed = home.run(&["policy", "list"]).await;
    assert!(listed.output.contains("now user:ada, user:grace via email"), "{listed:?}");
    let shown = home.run(&["policy", "show", "page"]).await;
    assert_eq!(shown.exit, 0, "{shown:?}");
    assert!(shown.output.contains("page   routes: pages"), "{shown:?}");
    assert!(shown.output.contains("email        after 50ms, 100ms, 200ms, "), "{shown:?}");
    let json = home.run(&["policy", "show", "page", "--json"]).await;
    let policy: Value = serde_json::from_str(&json.output).expect("one object");
    let waits = policy["schedules"]["email"]["waits_s"].as_array().unwrap();
    assert_eq!(waits[..3], [json!(0.05), json!(0.1), json!(0.2)]);
    let unknown = home.run(&["policy", "show", "pager"]).await;
    assert_eq!(unknown.exit, 3, "{unknown:?}");
    assert!(unknown.errors.contains("there are: mail, page"), "{unknown:?}");
    life.kill().await;
}
