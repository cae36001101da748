//! A Postfix of a test's own: it takes mail to anybody, takes what goes to [`FAR`] to the server there,
//! and pipes what comes back into a command. What it keeps it tries again each second.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::interval;

use super::process::free_port;
use super::services::missing;

/// A domain with a mail server of its own.
pub(crate) const FAR: &str = "far.foghorn.test";

pub(crate) struct Relay {
    pub(crate) port: u16,
    home: TempDir,
}

impl Relay {
    /// One that hands what goes to foghorn@example.com to `command`, run by nobody; the server of
    /// [`FAR`] is at port `far`. `None` where there is no Postfix, or none may be started.
    pub(crate) async fn start(command: &str, far: u16) -> Option<Self> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|me| {
            use std::os::unix::fs::MetadataExt;
            me.uid() == 0
        });
        let installed = Command::new("postconf").arg("-d").stdout(Stdio::null()).status();
        if !is_root || !installed.is_ok_and(|status| status.success()) {
            missing("Postfix, and root to start it");
            return None;
        }
        let postfix = Self { port: free_port().await, home: tempfile::tempdir().unwrap() };
        postfix.configure(command, far);
        assert!(postfix.postfix("start"), "{}", postfix.log());
        let mut tick = interval(Duration::from_millis(50));
        for _ in 0..400 {
            tick.tick().await;
            if TcpStream::connect(("127.0.0.1", postfix.port)).await.is_ok() {
                return Some(postfix);
            }
        }
        panic!("Postfix does not answer:\n{}", postfix.log());
    }

    fn configure(&self, command: &str, far: u16) {
        let home = self.home.path();
        for folder in ["etc", "spool", "data", "log"] {
            fs::create_dir(home.join(folder)).unwrap();
        }
        // Its own users go in and out.
        run(Command::new("chmod").args(["755"]).arg(home));
        run(Command::new("chown").arg("postfix").arg(home.join("data")));
        let shown = home.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {shown}/spool\ndata_directory = {shown}/data\n\
             maillog_file_prefixes = {shown}\nmaillog_file = {shown}/log/mail.log\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mail.foghorn.test\n\
             mydestination =\nrelay_domains = static:all\n\
             smtpd_relay_restrictions = permit_mynetworks, reject\nsmtpd_recipient_restrictions =\n\
             transport_maps = inline:{{ {{ {FAR} = smtp:[127.0.0.1]:{far} }}, {{ example.com = foghorn: }} }}\n\
             default_transport = discard\nrelay_transport = discard\nfoghorn_destination_recipient_limit = 1\n\
             queue_run_delay = 1s\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n"
        );
        fs::write(home.join("etc/main.cf"), main).unwrap();
        let usual = Command::new("postconf").args(["-d", "-h", "config_directory"]).output().unwrap();
        let usual = PathBuf::from(String::from_utf8(usual.stdout).unwrap().trim());
        fs::write(home.join("etc/master.cf"), master(&usual, self.port, command)).unwrap();
    }

    fn postfix(&self, verb: &str) -> bool {
        let mut command = Command::new("postfix");
        command.arg("-c").arg(self.home.path().join("etc")).arg(verb);
        let (silent, too) = (Stdio::null(), Stdio::null());
        command.stdout(silent).stderr(too).status().is_ok_and(|status| status.success())
    }

    /// What it has to say.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log/mail.log")).unwrap_or_default()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.postfix("stop");
    }
}

/// The usual services, outside of a chroot and on another port, and one for what comes back.
fn master(usual: &Path, port: u16, command: &str) -> String {
    let text = fs::read_to_string(usual.join("master.cf")).unwrap();
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let endpoint = format!("127.0.0.1:{port}");
        match words.as_slice() {
            ["smtp", "inet", ..] => words = vec![endpoint.as_str(), "inet", "n", "-", "n", "-", "-", "smtpd"],
            [_, "unix" | "fifo", ..] if !line.starts_with(' ') => words[4] = "n",
            _ => {}
        }
        let continued = if line.starts_with(' ') { "  " } else { "" };
        lines.push(format!("{continued}{}", words.join(" ")));
    }
    if !text.lines().any(|line| line.starts_with("postlog")) {
        lines.push("postlog unix-dgram n - n - 1 postlogd".to_owned());
    }
    lines.push(format!("foghorn unix - n n - - pipe user=nobody argv={command}\n"));
    lines.join("\n")
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}
