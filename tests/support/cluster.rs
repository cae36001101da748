//! A PostgreSQL cluster of its own, that can be crashed and started again. Gone with this value.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::free_port;
use super::services;

pub(crate) struct Cluster {
    programs: PathBuf,
    dir: TempDir,
    port: u16,
}

impl Cluster {
    /// `None` if the programs are missing; that is said.
    pub(crate) async fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            services::missing("postgres binaries");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        // Another user works in it.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let cluster = Self { programs, dir, port: free_port().await };
        let data = cluster.data();
        assert!(cluster.run(&format!("initdb -D {data} -A trust -U postgres --no-sync")), "initdb");
        cluster.restart();
        Some(cluster)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends the server without a word to its clients, as a crash would.
    pub(crate) fn crash(&self) {
        assert!(self.run(&format!("pg_ctl -D {} -m immediate stop", self.data())), "pg_ctl stop");
    }

    /// Returns once it takes connections.
    pub(crate) fn restart(&self) {
        let (data, dir, port) = (self.data(), self.dir.path().display(), self.port);
        let start = format!(
            "pg_ctl -D {data} -l {dir}/server.log -w -t 60 \
             -o '-p {port} -k {dir} -c listen_addresses=127.0.0.1' start"
        );
        let log = || fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default();
        assert!(self.run(&start), "pg_ctl start: {}", log());
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    /// Runs one of its programs. Servers refuse to be root's.
    fn run(&self, line: &str) -> bool {
        let line = format!("{}/{line}", self.programs.display());
        let mut command = if is_root() {
            let mut command = Command::new("su");
            command.args(["postgres", "-c", &line]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &line]);
            command
        };
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Not running is as good as stopped.
        let _ = self.run(&format!("pg_ctl -D {} -m immediate stop", self.data()));
    }
}

/// Where the newest PostgreSQL of this machine keeps its programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
        .collect();
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    fs::metadata(Path::new("/proc/self")).is_ok_and(|process| process.uid() == 0)
}
