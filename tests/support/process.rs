//! The real process: the binary, started on a configuration of its own, asked over HTTP and ended
//! with real signals.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval, timeout};

/// Longer than anything takes that works, on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often something is looked at that tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a process is to be told.
pub(crate) struct Draft {
    /// `[store] url`; unless given, a file in the home.
    pub(crate) store: Option<String>,
    /// Where the mail server is.
    pub(crate) smtp: u16,
    /// `[channels.email] workers`
    pub(crate) workers: usize,
    /// `[server] shutdown_grace`
    pub(crate) grace: &'static str,
    /// `[http] max_body`
    pub(crate) max_body: &'static str,
    /// More tables.
    pub(crate) more: String,
}

impl Draft {
    pub(crate) fn mailing_to(smtp: u16) -> Self {
        Self { store: None, smtp, workers: 4, grace: "10s", max_body: "1MiB", more: String::new() }
    }
}

/// What the lives of a process share: its files and its port.
pub(crate) struct Home {
    dir: TempDir,
    port: u16,
    http: reqwest::Client,
}

impl Home {
    pub(crate) async fn of(draft: Draft) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port().await;
        let store = draft.store.unwrap_or_else(|| format!("sqlite://{}/foghorn.db", dir.path().display()));
        let Draft { smtp, workers, grace, max_body, more, .. } = draft;
        let config = format!(
            r#"config_version = 1
[server]
name = "harbour"
shutdown_grace = "{grace}"
data_dir = "{data_dir}"
[http]
listen = "127.0.0.1:{port}"
max_body = "{max_body}"
[store]
url = "{store}"
[channels.email]
type = "email"
provider = "smtp"
host = "127.0.0.1"
port = {smtp}
security = "none"
from = "Foghorn <foghorn@example.com>"
workers = {workers}
retry = {{ base = "50ms" }}
[users.ada]
email = "ada@example.com"
[[routes]]
name = "everything"
policy = "mail"
[policies.mail]
steps = [{{ after = "0s", notify = ["user:ada"], via = ["email"] }}]
{more}
"#,
            data_dir = dir.path().display()
        );
        fs::write(dir.path().join("config.toml"), config).unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { dir, port, http }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Changes the configuration file: every `before` becomes `after`.
    pub(crate) fn edit(&self, before: &str, after: &str) {
        let path = self.file("config.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(before), "no {before} in\n{text}");
        fs::write(path, text.replace(before, after)).unwrap();
    }

    /// A command of the binary about this process.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        let url = self.url("");
        said(&[arguments, &["--url", &url]].concat(), Stdio::piped()).await
    }

    pub(crate) async fn metrics(&self) -> String {
        self.http.get(self.url("/metrics")).send().await.unwrap().text().await.unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A life from its very first moment.
    pub(crate) fn spawn(&self) -> Life {
        self.spawn_under(&[])
    }

    /// The same, started by a program that does something to it first.
    pub(crate) fn spawn_under(&self, wrapper: &[&str]) -> Life {
        let log = File::options().create(true).append(true).open(self.file("stderr.log")).unwrap();
        let line = [wrapper, &[env!("CARGO_BIN_EXE_foghorn"), "serve", "--config"]].concat();
        let child = Command::new(line[0])
            .args(&line[1..])
            .arg(self.file("config.toml"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Life { child, log: self.file("stderr.log") }
    }

    /// A life that is ready for work.
    pub(crate) async fn start(&self) -> Life {
        self.ready(self.spawn()).await
    }

    /// Waits until a life is ready for work.
    pub(crate) async fn ready(&self, mut life: Life) -> Life {
        let ready = async {
            let mut tick = interval(LOOK_EVERY);
            loop {
                tick.tick().await;
                if let Some(status) = life.child.try_wait().unwrap() {
                    panic!("it ended with {status}:\n{}", life.last_words());
                }
                if self.readiness().await == Some(StatusCode::OK) {
                    return;
                }
            }
        };
        let ready = timeout(PATIENCE, ready).await;
        assert!(ready.is_ok(), "it was never ready:\n{}", life.last_words());
        life
    }

    /// What `/readyz` says; `None` if nobody is there.
    pub(crate) async fn readiness(&self) -> Option<StatusCode> {
        let answer = self.http.get(self.url("/readyz")).send().await;
        answer.ok().map(|answer| answer.status())
    }

    /// Waits until `/readyz` says so, and says how long that took.
    pub(crate) async fn until_readiness(&self, wanted: StatusCode) -> Duration {
        let begun = Instant::now();
        self.until(&format!("/readyz says {wanted}"), async || self.readiness().await == Some(wanted)).await;
        begun.elapsed()
    }

    /// Waits until `holds`.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let held = timeout(PATIENCE, async {
            let mut tick = interval(LOOK_EVERY);
            while !holds().await {
                tick.tick().await;
            }
        });
        assert!(held.await.is_ok(), "not in time: {what}\n{}", last_words(&self.file("stderr.log")));
    }

    /// Posts an event that opens an incident of its own. Posted again, it is the same event.
    pub(crate) async fn post(&self, key: &str) -> reqwest::Result<Response> {
        self.http.post(self.url("/api/v1/events")).json(&event(key)).send().await
    }

    /// Posts an event that has to be accepted: if told to come again, as on a disk that is busy with
    /// other tests, again.
    pub(crate) async fn submit(&self, key: &str) {
        self.until(&format!("{key} is accepted"), async || {
            let answer = self.post(key).await.unwrap();
            let status = answer.status();
            let expected = [StatusCode::ACCEPTED, StatusCode::SERVICE_UNAVAILABLE];
            assert!(expected.contains(&status), "{:?}", answer.text().await);
            status == StatusCode::ACCEPTED
        })
        .await;
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// A whole list, page by page. `path` has a query.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}&limit=200{cursor}")).await;
            entries.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return entries,
            }
        }
    }

    /// What `/readyz?verbose` says.
    pub(crate) async fn report(&self) -> String {
        let answer = self.http.get(self.url("/readyz?verbose")).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// Waits until `/readyz?verbose` says so.
    pub(crate) async fn until_reported(&self, wanted: &str) {
        self.until(wanted, async || self.report().await.contains(wanted)).await;
    }

    /// Whether an event with this title was kept.
    pub(crate) async fn has_incident(&self, title: &str) -> bool {
        self.list("/api/v1/incidents?").await.iter().any(|incident| incident["title"] == title)
    }

    /// Waits until an event with this title was kept.
    pub(crate) async fn until_kept(&self, title: &str) {
        self.until(&format!("{title} is kept"), async || self.has_incident(title).await).await;
    }

    /// Waits until no delivery waits and none is being sent.
    pub(crate) async fn until_quiet(&self) {
        self.until("every delivery has ended", async || {
            // The first page may be empty and not the last.
            self.list("/api/v1/deliveries?state=pending,sending,retrying").await.is_empty()
        })
        .await;
    }

    /// Every delivery was accepted by the mail server, and how many there are.
    pub(crate) async fn all_sent(&self) -> usize {
        self.until_quiet().await;
        let deliveries = self.list("/api/v1/deliveries?").await;
        for delivery in &deliveries {
            assert_eq!(delivery["state"], "sent", "{delivery}");
        }
        deliveries.len()
    }

    /// How the attempts of a delivery ended, the first one first.
    pub(crate) async fn outcomes(&self, delivery: &str) -> Vec<String> {
        let delivery = self.get(&format!("/api/v1/deliveries/{delivery}")).await;
        let outcome = |attempt: &Value| attempt["outcome"].as_str().unwrap_or("none").to_owned();
        delivery["attempts"].as_array().unwrap().iter().map(outcome).collect()
    }
}

/// An event that opens an incident of its own.
pub(crate) fn event(key: &str) -> Value {
    serde_json::json!({ "title": key, "dedup_key": key, "event_id": key, "severity": "high" })
}

/// A source that reads `topic`, as more tables of a [`Draft`]. The embedded broker gives a group as
/// long as a session to come together again, so that is short.
pub(crate) fn reading_from(broker: &str, topic: &str) -> String {
    format!(
        r#"[sources.kafka]
type = "kafka"
brokers = ["{broker}"]
topics = ["{topic}"]
group_id = "foghorn"
properties = {{ "session.timeout.ms" = "3000", "heartbeat.interval.ms" = "200" }}
"#
    )
}

/// One life of the process. Ends with this value.
pub(crate) struct Life {
    child: Child,
    log: PathBuf,
}

impl Life {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("nobody waited for it yet")
    }

    /// `kill -9`
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// `kill -TERM`
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    /// `kill` with this signal.
    pub(crate) async fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Its exit code, and how long it took to come to it.
    pub(crate) async fn exit(mut self) -> (i32, Duration) {
        let begun = Instant::now();
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it goes on:\n{}", self.last_words())).unwrap();
        let code = status.code().unwrap_or_else(|| panic!("{status}:\n{}", self.last_words()));
        (code, begun.elapsed())
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The most memory it ever had.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// All that it and the lives before it said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn last_words(&self) -> String {
        last_words(&self.log)
    }
}

/// The end of what it said, for people.
fn last_words(log: &Path) -> String {
    const LINES: usize = 30;
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// A port that stays free between two lives: below the range that the system gives to clients, who
/// would otherwise take it meanwhile, or even connect to themselves.
pub(crate) async fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: u8,
    /// Standard output, if that was a pipe.
    pub(crate) output: String,
    /// Standard error.
    pub(crate) errors: String,
}

/// Runs the binary to its end, without an environment.
pub(crate) async fn said(arguments: &[&str], output: impl Into<Stdio>) -> Said {
    said_with(&[], arguments, output).await
}

/// The same, in this environment.
pub(crate) async fn said_with(env: &[(&str, &str)], arguments: &[&str], output: impl Into<Stdio>) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foghorn"));
    let child = command
        .args(arguments)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let ended = timeout(PATIENCE, child.unwrap().wait_with_output()).await;
    let ended = ended.unwrap_or_else(|_| panic!("{arguments:?} goes on")).unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("what it says is text");
    let exit = ended.status.code().and_then(|code| u8::try_from(code).ok());
    Said { exit: exit.expect("an exit code"), output: text(ended.stdout), errors: text(ended.stderr) }
}
