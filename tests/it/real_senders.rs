//! The senders themselves, as they are installed: Prometheus takes Foghorn for its Alertmanager, and an
//! Alertmanager tells it everything in three ways.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use foghorn::clock::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::process::{Draft, Home, free_port};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A program that runs on files of its own.
struct Program {
    child: Child,
    files: TempDir,
    port: u16,
}

/// Starts `program`, if it is installed; `configuration` is what the file of this name says.
async fn start(program: &str, file: &str, configuration: &str, more: &[&str]) -> Option<Program> {
    let files = tempfile::tempdir().unwrap();
    let port = free_port().await;
    fs::write(files.path().join(file), configuration).unwrap();
    let log = fs::File::create(files.path().join("log")).unwrap();
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", files.path().join(file).display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.arg(format!("--{}={}", data(program), files.path().join("data").display()));
    command.args(more).current_dir(files.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    match command.kill_on_drop(true).spawn() {
        Ok(child) => Some(Program { child, files, port }),
        Err(_) => {
            services::missing(program);
            None
        }
    }
}

fn data(program: &str) -> &'static str {
    if program == "prometheus" { "storage.tsdb.path" } else { "storage.path" }
}

impl Program {
    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap_or_default()
    }

    async fn until_ready(&self, home: &Home) {
        home.until("it is ready", async || {
            let answer = home.http().get(self.url("/-/ready")).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }
}

async fn home(sources: &str) -> (Home, SmtpSink) {
    let sink = SmtpSink::start().await;
    let more = sources.replace("TOKEN", TOKEN);
    (Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await, sink)
}

/// The incident of this source, if there is one.
async fn of(home: &Home, source: &str) -> Option<Value> {
    home.list("/api/v1/incidents?").await.into_iter().find(|incident| incident["source"] == source)
}

async fn until_stands(home: &Home, source: &str, status: &str, log: impl Fn() -> String) {
    let what = format!("the incident of {source} is {status}");
    let stands = async || of(home, source).await.is_some_and(|incident| incident["status"] == status);
    let held = tokio::time::timeout(std::time::Duration::from_secs(45), home.until(&what, stands)).await;
    assert!(held.is_ok(), "not in time: {what}\n{}", log());
}

fn rules(file: &Path, expression: &str) {
    let rules = format!(
        "groups:\n- name: test\n  rules:\n  - alert: Disk\n    expr: {expression}\n    labels: {{severity: critical}}\n    \
         annotations: {{summary: Disk is full}}\n"
    );
    fs::write(file, rules).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_prometheus_fires_opens_what_it_resolves_ends_and_what_it_says_no_more_runs_out() {
    let source = "[sources.prometheus]\ntype = \"http\"\nformat = \"alertmanager-api\"\nusername = \"p\"\npassword = \"TOKEN\"\n";
    let (home, _sink) = home(source).await;
    let life = home.start().await;
    let foghorn = home.url("").trim_start_matches("http://").to_owned();
    let configuration = format!(
        "global: {{evaluation_interval: 1s, scrape_interval: 1s}}\nrule_files: [rules.yml]\nalerting:\n  alertmanagers:\n  \
         - basic_auth: {{username: p, password: {TOKEN}}}\n    static_configs: [{{targets: ['{foghorn}']}}]\n"
    );
    let resend = ["--rules.alert.resend-delay=1s", "--web.enable-lifecycle"];
    let Some(mut prometheus) = start("prometheus", "prometheus.yml", &configuration, &resend).await else {
        return;
    };
    prometheus.until_ready(&home).await;
    let file = prometheus.files.path().join("rules.yml");
    let set = async |expression: &str| {
        rules(&file, expression);
        let answer = home.http().post(prometheus.url("/-/reload")).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", prometheus.log());
    };
    set("vector(1)").await;
    until_stands(&home, "prometheus", "open", || prometheus.log()).await;
    let incident = of(&home, "prometheus").await.unwrap();
    assert_eq!((&incident["title"], &incident["severity"]), (&json!("Disk is full"), &json!("critical")));
    set("vector(1) > 2").await;
    until_stands(&home, "prometheus", "resolved", || prometheus.log()).await;
    set("vector(1)").await;
    until_stands(&home, "prometheus", "open", || prometheus.log()).await;

    // It dies and says nothing any more.
    prometheus.child.kill().await.unwrap();
    until_stands(&home, "prometheus", "resolved", || prometheus.log()).await;
    let incidents = home.list("/api/v1/incidents?").await;
    assert_eq!(incidents.len(), 1, "all of it is one incident");
    let number = &incidents[0]["number"];
    let timeline = home.get(&format!("/api/v1/incidents/{number}/timeline")).await;
    let ran_out =
        timeline["data"].as_array().unwrap().iter().any(|line| {
            line["detail"].as_str().is_some_and(|detail| detail.ends_with("and was not said again"))
        });
    assert!(ran_out, "it is shown as such: {timeline:#?}");
    life.terminate().await;
    life.exit().await;
}

const THREE_WAYS: &str = r#"
[sources.alertmanager]
type = "http"
format = "alertmanager"
token = "TOKEN"
[sources.pagerduty]
type = "http"
format = "pagerduty-v2"
token = "TOKEN"
[sources.opsgenie]
type = "http"
format = "opsgenie"
token = "TOKEN"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_tells_it_in_three_ways_that_something_fires_and_that_it_is_over() {
    let (home, _sink) = home(THREE_WAYS).await;
    let life = home.start().await;
    let foghorn = home.url("");
    let configuration = format!(
        r"
route:
  receiver: webhook
  group_by: [alertname]
  group_wait: 1ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - {{receiver: webhook, matchers: ['alertname=Webhook']}}
  - {{receiver: pagerduty, matchers: ['alertname=PagerDuty']}}
  - {{receiver: opsgenie, matchers: ['alertname=Opsgenie']}}
receivers:
- name: webhook
  webhook_configs:
  - url: {foghorn}/hooks/alertmanager
    http_config: {{authorization: {{credentials: {TOKEN}}}}}
- name: pagerduty
  pagerduty_configs:
  - {{routing_key: {TOKEN}, url: '{foghorn}/v2/enqueue'}}
- name: opsgenie
  opsgenie_configs:
  - {{api_key: {TOKEN}, api_url: '{foghorn}/', update_alerts: true}}
"
    );
    let alone = ["--cluster.listen-address="];
    let program = "prometheus-alertmanager";
    let Some(alertmanager) = start(program, "alertmanager.yml", &configuration, &alone).await else { return };
    alertmanager.until_ready(&home).await;
    let say = async |ends_at: Option<jiff::Timestamp>| {
        let alert = |name: &str| {
            let mut alert = json!({ "labels": { "alertname": name, "severity": "critical" },
                "annotations": { "summary": format!("{name} is wrong") } });
            alert["endsAt"] = json!(ends_at);
            if ends_at.is_none() {
                alert.as_object_mut().unwrap().remove("endsAt");
            }
            alert
        };
        let alerts: Vec<Value> = ["Webhook", "PagerDuty", "Opsgenie"].map(alert).into();
        let answer = home.http().post(alertmanager.url("/api/v2/alerts")).json(&alerts).send().await.unwrap();
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    };
    say(None).await;
    for source in ["alertmanager", "pagerduty", "opsgenie"] {
        until_stands(&home, source, "open", || alertmanager.log()).await;
    }
    let webhook = of(&home, "alertmanager").await.unwrap();
    assert_eq!((&webhook["title"], &webhook["severity"]), (&json!("Webhook is wrong"), &json!("critical")));
    say(Some(Clock::system().now())).await;
    for source in ["alertmanager", "pagerduty", "opsgenie"] {
        until_stands(&home, source, "resolved", || alertmanager.log()).await;
    }
    assert_eq!(home.list("/api/v1/incidents?").await.len(), 3, "each is one incident");
    drop(alertmanager.child);
    life.terminate().await;
    life.exit().await;
}
