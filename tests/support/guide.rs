//! A page of documentation as a program: what it tells people to write is written, what it tells them
//! to run is run, in its order, and what it says they will see is looked for.
//!
//! ```text
//! ```toml config.toml      the file that is to be written, or ```json event.json
//! $ foghorn serve          runs on, until the page ends or another one is started
//! $ foghorn status         runs to its end, which has to be a good one
//! INCIDENTS    open 1      a line of what it prints; … is anything
//! ```
//!
//! What stands for the reader's own (hosts, ports, directories) is put in by the test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use super::process::{PATIENCE, free_port};

/// Programs that cannot be had in a test; what is told about them is read by people only.
const NOT_HERE: [&str; 5] = ["kubectl", "docker", "systemctl", "make", "journalctl"];
/// Commands that have no end of their own, or want a terminal.
const ENDLESS: [&str; 3] = ["foghorn top", "foghorn tail", "target/demo/foghorn top"];

/// Commands that only look.
const LOOKS: [&str; 3] = [" list", " status", " show"];

/// One thing to do.
#[derive(Debug)]
enum Step {
    Write { file: String, text: String },
    Run { command: String, expected: Vec<String> },
}

/// A page, and what is put in for what is the reader's own.
pub(crate) struct Guide {
    steps: Vec<Step>,
    dir: TempDir,
    port: u16,
    instead: Vec<(String, String)>,
    server: Option<Child>,
    env: BTreeMap<String, String>,
    /// Commands that were run.
    pub(crate) ran: Vec<String>,
}

impl Guide {
    /// The page at `path` of the repository; each `(told, put in)` is replaced everywhere.
    pub(crate) async fn read(path: &str, instead: &[(&str, &str)]) -> Self {
        let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port().await);
        let bin = dir.path().join("bin");
        fs::create_dir_all(bin.join("target/demo")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_foghorn"), bin.join("foghorn")).unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        let mut instead: Vec<(String, String)> =
            instead.iter().map(|(told, put)| ((*told).to_owned(), (*put).to_owned())).collect();
        instead.push(("127.0.0.1:3644".to_owned(), format!("127.0.0.1:{port}")));
        instead.push(("/var/lib/foghorn".to_owned(), data.display().to_string()));
        instead.push(("target/demo/foghorn".to_owned(), "foghorn".to_owned()));
        let steps = steps(&page);
        assert!(!steps.is_empty(), "{path} tells nobody to do anything");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
        let env = [("PATH", path), ("HOME", dir.path().display().to_string())];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { steps, dir, port, instead, server: None, env, ran: Vec::new() }
    }

    /// Does all that the page says. Returns the commands that were run.
    pub(crate) async fn follow(mut self) -> Vec<String> {
        for step in std::mem::take(&mut self.steps) {
            match step {
                Step::Write { file, text } => fs::write(self.place(&file), self.mine(&text)).unwrap(),
                Step::Run { command, expected } => {
                    let expected: Vec<String> = expected.iter().map(|line| self.mine(line)).collect();
                    self.run(&command, &expected).await;
                }
            }
        }
        self.ran
    }

    fn place(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn mine(&self, text: &str) -> String {
        self.instead.iter().fold(text.to_owned(), |text, (told, put)| text.replace(told, put))
    }

    async fn run(&mut self, told: &str, expected: &[String]) {
        let command = self.mine(told.split(" #").next().unwrap_or(told).trim());
        if command == "systemctl stop foghorn" {
            return self.end().await;
        }
        let program = command.split_whitespace().next().unwrap_or_default();
        if NOT_HERE.contains(&program) || ENDLESS.iter().any(|endless| command.starts_with(endless)) {
            return;
        }
        if let Some(setting) = command.strip_prefix("export ") {
            return self.export(setting).await;
        }
        self.ran.push(told.to_owned());
        if command == "foghorn serve" || command.starts_with("foghorn dev") {
            return self.serve(&command).await;
        }
        let mut tick = interval(Duration::from_millis(200));
        let begun = tokio::time::Instant::now();
        loop {
            tick.tick().await;
            let said = self.said(&command).await;
            let mut lines = said.lines();
            let missing = expected.iter().find(|wanted| !lines.any(|line| fits(line, wanted)));
            let Some(missing) = missing else { return };
            // Somebody who looks and does not see it yet looks again; what changes something is done once.
            let looks = LOOKS.iter().any(|looks| command.contains(looks)) && begun.elapsed() < PATIENCE;
            assert!(looks, "{command} does not say (in this order) {missing}\nbut\n{said}");
        }
    }

    /// `NAME=VALUE …` as the shell understands it.
    async fn export(&mut self, settings: &str) {
        let said = self.said(&format!("export {settings}; env")).await;
        for (name, value) in said.lines().filter_map(|line| line.split_once('=')) {
            if settings.contains(&format!("{name}=")) {
                self.env.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// All that a command prints. It has to end well.
    async fn said(&self, command: &str) -> String {
        let output = timeout(PATIENCE, self.shell(command).output()).await;
        let output = output.unwrap_or_else(|_| panic!("{command} does not end")).unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{command}: {}\n{said}", output.status);
        said
    }

    /// Another server takes the place of the one before.
    async fn serve(&mut self, command: &str) {
        self.end().await;
        let command = match command.starts_with("foghorn dev") {
            true => format!("{command} --port {}", self.port),
            false => command.to_owned(),
        };
        self.env.insert("FOGHORN_HTTP__LISTEN".to_owned(), format!("127.0.0.1:{}", self.port));
        let child = self.shell(&format!("exec {command}")).stdout(Stdio::null()).spawn().unwrap();
        self.server = Some(child);
        self.env.remove("FOGHORN_HTTP__LISTEN");
        self.env.insert("FOGHORN_URL".to_owned(), format!("http://127.0.0.1:{}", self.port));
        let ready = async {
            let mut tick = interval(Duration::from_millis(50));
            loop {
                tick.tick().await;
                let health = self.shell("foghorn health --ready").output().await.unwrap();
                if health.status.success() {
                    return;
                }
            }
        };
        timeout(PATIENCE, ready).await.unwrap_or_else(|_| panic!("{command} is never ready"));
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", command]).current_dir(self.dir.path()).env_clear();
        shell.envs(&self.env).stdin(Stdio::null()).kill_on_drop(true);
        shell
    }

    async fn end(&mut self) {
        if let Some(mut server) = self.server.take() {
            let pid = server.id().expect("nobody waited for it").to_string();
            let sent = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
            assert!(sent.success());
            let ended = timeout(PATIENCE, server.wait()).await.expect("it ends").unwrap();
            assert!(ended.success(), "{ended}");
        }
    }
}

/// Does a printed line fit what the page says? `…` is anything, and so is the width of a gap.
fn fits(line: &str, wanted: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (line, wanted) = (squeeze(line), squeeze(wanted));
    let mut rest = line.as_str();
    wanted.split('…').map(str::trim).all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if let Some((_, file)) = kind.split_once(' ') {
            let text = body.join("\n") + "\n";
            steps.push(Step::Write { file: file.to_owned(), text });
        } else if kind == "console" {
            for line in body {
                match (line.strip_prefix("$ "), steps.last_mut()) {
                    (Some(command), _) => {
                        steps.push(Step::Run { command: command.to_owned(), expected: Vec::new() });
                    }
                    (None, Some(Step::Run { command, expected })) => match command.strip_suffix('\\') {
                        Some(begun) => *command = format!("{begun}{}", line.trim_start()),
                        None => expected.push(line.to_owned()),
                    },
                    (None, _) => panic!("a console begins with a command, not with {line}"),
                }
            }
        }
    }
    steps
}
