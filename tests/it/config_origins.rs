//! `foghorn config`: every value with where it comes from, what is not the default, and never a
//! secret.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

const PLANTED: &str = "hunter2";

/// Secrets in every place where people put them.
const TEXT: &str = r#"[http]
listen = "127.0.0.1:4000"
hosts = []
[store]
url = "postgres://ada:hunter2@db/foghorn?password=hunter2"
[delivery]
workers = 3
[sources.in-coming]
type = "kafka"
brokers = ["a:1"]
topics = ["t"]
sasl = { mechanism = "SCRAM-SHA-512", username = "u", password = "hunter2" }
properties = { "ssl.key.pem" = "hunter2", "sasl.oauthbearer.client.secret" = "hunter2", "fetch.wait.max.ms" = 9 }
[channels.password-mails]
type = "email"
provider = "smtp"
host = { env = "MAIL_HOST" }
username = "u"
password = { file = "SECRET_FILE" }
from = "a@example.com"
[[routes]]
name = "rest"
policy = "p"
[policies.p]
steps = [{ notify = ["a@example.com"], via = ["password-mails"] }]
"#;

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let secret = home.0.path().join("secret");
        fs::write(&secret, PLANTED).unwrap();
        fs::write(home.file(), TEXT.replace("SECRET_FILE", secret.to_str().unwrap())).unwrap();
        home
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("config.toml")
    }

    fn ask(&self, arguments: &str) -> Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_foghorn"));
        command.args(arguments.split(' ')).arg("--config").arg(self.file()).env_clear();
        command.envs([("MAIL_HOST", "mail.example.com"), ("FOGHORN_HTTP__MAX_BODY", "2MiB")]);
        command.envs([
            ("FOGHORN_CHANNELS__SPARE__TYPE", "sms"),
            ("FOGHORN_CHANNELS__SPARE__PROVIDER", "outbox"),
        ]);
        let output = command.output().unwrap();
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!told.contains(PLANTED), "{arguments}: {told}");
        output
    }

    fn lines(&self, arguments: &str) -> Vec<String> {
        let output = self.ask(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(str::to_owned).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn has(lines: &[String], wanted: &str) {
    assert!(lines.iter().any(|line| line == wanted), "{wanted}\n{}", lines.join("\n"));
}

#[test]
fn each_value_is_told_with_the_line_the_variable_or_the_default_it_comes_from() {
    let home = Home::new();
    let file = home.file().display().to_string();
    let lines = home.lines("config show --effective --origin");
    has(&lines, &format!("http.listen = \"127.0.0.1:4000\"   # {file}:2"));
    has(&lines, "http.max_body = \"2MiB\"   # env FOGHORN_HTTP__MAX_BODY");
    has(&lines, "http.request_timeout = \"30s\"   # default");
    has(&lines, &format!("store.url = \"postgres://ada@db/foghorn\"   # {file}:5"));
    has(&lines, &format!("sources.in-coming.sasl.password = \"***\"   # {file}:12"));
    has(&lines, &format!("sources.in-coming.properties.\"fetch.wait.max.ms\" = 9   # {file}:13"));
    has(&lines, "sources.in-coming.max_in_flight = 2048   # default");
    has(&lines, &format!("channels.password-mails.host = {{ env = \"MAIL_HOST\" }}   # {file}:17"));
    // Inherited: told with the line of what it comes from.
    has(&lines, &format!("channels.password-mails.workers = 3   # {file}:7"));
    has(&lines, "channels.spare.retry.max_age = \"24h\"   # default");
    has(&lines, &format!("  {{ name = \"rest\", policy = \"p\" }},   # {file}:21"));
}

#[test]
fn what_is_shown_is_toml_and_only_what_was_said() {
    let home = Home::new();
    let lines = home.lines("config show");
    let table: toml::Table = lines.join("\n").parse().unwrap();
    assert_eq!(table["http"].as_table().unwrap().len(), 3);
    assert!(!table.contains_key("telemetry"));
    let objects = home.lines("config show --json");
    let first: serde_json::Value = serde_json::from_str(&objects[0]).unwrap();
    assert_eq!((&first["key"], &first["origin"]["line"]), (&"http.listen".into(), &2.into()));
}

#[test]
fn only_what_is_not_the_default_differs() {
    let home = Home::new();
    let lines = home.lines("config diff");
    has(&lines, "- http.listen = \"127.0.0.1:3644\"");
    has(&lines, "- delivery.workers = 16");
    has(&lines, "+ http.max_body = \"2MiB\"   # env FOGHORN_HTTP__MAX_BODY");
    assert!(!lines.iter().any(|line| line.contains("http.hosts")), "it is as by default: {lines:?}");
}

#[test]
fn a_wrong_file_is_told_instead_with_78() {
    let home = Home::new();
    let wrong = fs::read_to_string(home.file()).unwrap() + "[sevrer]\npasswrd = 'hunter2'\n";
    fs::write(home.file(), wrong).unwrap();
    for command in ["config show", "config show --effective --origin --json", "config diff", "check"] {
        let output = home.ask(command);
        assert_eq!(output.status.code(), Some(78), "{command}");
        assert_eq!(text(&output.stdout), "", "{command}");
        assert!(text(&output.stderr).contains("FH0101"), "{command}");
    }
}

#[test]
fn the_check_of_a_file_full_of_secrets_shows_none() {
    let home = Home::new();
    for command in ["check", "check --json", "check --deny-warnings"] {
        let told = text(&home.ask(command).stdout);
        assert!(told.contains("FH0203"), "{command}: {told}");
    }
}

#[test]
fn the_reference_is_printed_as_it_is_compiled_in() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_foghorn")).args(["config", "reference"]).output();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    assert_eq!(text(&output.unwrap().stdout), fs::read_to_string(path).unwrap());
}
