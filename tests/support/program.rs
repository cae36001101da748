//! A server of a test's own, started with what it is to be told. Ends with this value.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use super::process::{PATIENCE, free_port};
use super::services;

pub(crate) struct Program {
    pub(crate) port: u16,
    _child: Child,
    _dir: TempDir,
}

impl Program {
    /// `None` if the program is missing; that is said. `words` get the port and a directory.
    pub(crate) async fn start(program: &str, words: impl Fn(u16, &Path) -> Vec<String>) -> Option<Self> {
        let (port, dir) = (free_port().await, tempfile::tempdir().unwrap());
        let child = Command::new(program)
            .args(words(port, dir.path()))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let Ok(child) = child else {
            services::missing(&format!("the program {program}"));
            return None;
        };
        let answers = async {
            let mut tick = interval(std::time::Duration::from_millis(20));
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tick.tick().await;
            }
        };
        timeout(PATIENCE, answers).await.expect("the server answers");
        Some(Self { port, _child: child, _dir: dir })
    }

    /// Redis, for whoever knows this password.
    pub(crate) async fn redis(password: &str) -> Option<Self> {
        Self::start("redis-server", |port, _| {
            let port = port.to_string();
            let words = [
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--requirepass",
                password,
                "--save",
                "",
                "--appendonly",
                "no",
            ];
            words.map(str::to_owned).to_vec()
        })
        .await
    }

    /// NATS with JetStream, told more.
    pub(crate) async fn nats(more: &[&str]) -> Option<Self> {
        Self::start("nats-server", |port, dir| {
            let (port, dir) = (port.to_string(), dir.display().to_string());
            let words = ["-a", "127.0.0.1", "-p", &port, "-js", "-sd", &dir];
            words.iter().chain(more).map(|word| (*word).to_owned()).collect()
        })
        .await
    }
}
