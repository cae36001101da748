//! Prometheus' own tools have nothing to say against the metrics and the alerts that are shipped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use foghorn::telemetry::names::Metric;
use reqwest::StatusCode;

use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::{Act, At, SmtpSink};

/// More series than this cost a Prometheus more than one process should.
const SERIES: usize = 1_500;

/// Everything that has series of its own.
const EVERYTHING: &str = r#"
[sources.away]
type = "kafka"
brokers = ["127.0.0.1:1"]
topics = ["a", "b"]
[channels.sms]
type = "sms"
provider = "outbox"
[channels.ios]
type = "ios"
provider = "outbox"
[channels.android]
type = "android"
provider = "outbox"
"#;

fn dist(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(name)
}

/// What `promtool` says to this, if it is there; it has to agree.
fn promtool(arguments: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        services::missing("promtool");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    Some(said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_finds_nothing_to_say_about_a_process_that_sent_failed_and_rejected() {
    let sink = SmtpSink::start().await;
    let more = EVERYTHING.to_owned();
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    home.submit("sent").await;
    assert_eq!(home.all_sent().await, 1);
    sink.always(At::Rcpt, Act::Say("550 5.1.1 no such user"));
    home.submit("refused").await;
    home.until_quiet().await;
    let post = home.http().post(home.url("/api/v1/events")).json(&serde_json::json!({ "titel": "x" }));
    assert_eq!(post.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);

    let metrics = home.metrics().await;
    for line in [
        r#"foghorn_deliveries_total{channel="email",result="sent"} 1"#,
        r#"foghorn_deliveries_total{channel="email",result="dead"} 1"#,
    ] {
        assert!(metrics.contains(line), "no {line} in\n{metrics}");
    }
    let series = metrics.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    assert!(series < SERIES, "{series} series");
    if let Some(said) = promtool(&["check", "metrics"], &metrics) {
        assert_eq!(said.trim(), "");
    }
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
}

#[test]
fn the_alerts_are_rules_and_fire_when_they_should() {
    promtool(&["check", "rules", dist("alerts.yml").to_str().unwrap()], "");
    promtool(&["test", "rules", dist("alerts_test.yml").to_str().unwrap()], "");
}

/// A rule over a metric that is not there never fires, and nobody notices.
#[test]
fn every_metric_of_the_alerts_is_one_of_foghorn() {
    let rules = fs::read_to_string(dist("alerts.yml")).unwrap();
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let named: Vec<&str> =
        rules.split(|letter| !word(letter)).filter(|part| part.starts_with("foghorn_")).collect();
    assert!(named.len() >= 10, "{named:?}");
    for name in named {
        assert!(Metric::ALL.iter().any(|metric| metric.spec().name == name), "{name}");
    }
}

/// An alert that no test expects may never fire.
#[test]
fn every_alert_is_expected_by_its_test() {
    let rules = fs::read_to_string(dist("alerts.yml")).unwrap();
    let test = fs::read_to_string(dist("alerts_test.yml")).unwrap();
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(test.contains(&format!("alertname=\"{alert}\"")), "{alert}");
    }
}
