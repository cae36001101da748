//! A Postfix of its own: STARTTLS with a certificate of the tests, logins out of a SASL database,
//! mailboxes for `ada` and `grace`, and real answers for everybody else. Ends with this value.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::free_port;
use super::{services, tls};

/// Where Debian has its programs, whatever `PATH` says.
const POSTFIX: &str = "/usr/sbin/postfix";
const SASLPASSWD: &str = "/usr/sbin/saslpasswd2";

pub(crate) const USER: &str = "fog@foghorn.test";
pub(crate) const PASSWORD: &str = "hunter2-of-postfix";
/// Larger messages are refused.
pub(crate) const LARGEST: usize = 20_000;

/// What runs. `PORT` is where it listens.
const MASTER: &str = "\
127.0.0.1:PORT inet n - n - 50 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
showq unix n - n - - showq
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

/// How. `HOME` is where everything lies, `UID` and `GID` are Postfix's own.
const MAIN: &str = "\
compatibility_level = 3.6
queue_directory = HOME/spool
data_directory = HOME/data
maillog_file_prefixes = HOME
maillog_file = HOME/mail.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.foghorn.test
mydestination =
virtual_mailbox_domains = foghorn.test
virtual_mailbox_base = HOME/mail
virtual_mailbox_maps = inline:{ ada@foghorn.test=ada, grace@foghorn.test=grace }
virtual_minimum_uid = 1
virtual_uid_maps = static:UID
virtual_gid_maps = static:GID
virtual_mailbox_limit = 0
message_size_limit = SIZE
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = HOME/etc/server.pem
smtpd_tls_key_file = HOME/etc/server.key
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_local_domain = foghorn.test
cyrus_sasl_config_path = HOME/etc/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = \
check_recipient_access inline:{ { later@foghorn.test = 450 4.7.1 Greylisted, come again later } }, \
reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
";

const SASL: &str = "\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: HOME/etc/sasldb
mech_list: PLAIN LOGIN
";

pub(crate) struct Postfix {
    home: TempDir,
    pub(crate) port: u16,
}

impl Postfix {
    /// `None` if it cannot be had; that is said.
    pub(crate) async fn start() -> Option<Self> {
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            services::forbidden("root, to start a Postfix");
            return None;
        }
        if ![POSTFIX, SASLPASSWD].iter().all(|program| Path::new(program).is_file()) {
            services::missing("Postfix and saslpasswd2: scripts/services up smtp");
            return None;
        }
        let postfix = Self { home: tempfile::tempdir().unwrap(), port: free_port().await };
        postfix.furnish();
        postfix.come_up();
        Some(postfix)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn furnish(&self) {
        let home = self.home.path().display().to_string();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["etc/sasl", "spool", "data", "mail"] {
            fs::create_dir_all(self.file(folder)).unwrap();
        }
        let (uid, gid) = (answer_of("id", &["-u", "postfix"]), answer_of("id", &["-g", "postfix"]));
        for folder in ["data", "mail"] {
            let (uid, gid) = (uid.parse().ok(), gid.parse().ok());
            std::os::unix::fs::chown(self.file(folder), uid, gid).unwrap();
        }
        let main = MAIN.replace("HOME", &home).replace("UID", &uid).replace("GID", &gid);
        fs::write(self.file("etc/main.cf"), main.replace("SIZE", &LARGEST.to_string())).unwrap();
        fs::write(self.file("etc/master.cf"), MASTER.replace("PORT", &self.port.to_string())).unwrap();
        fs::write(self.file("etc/sasl/smtpd.conf"), SASL.replace("HOME", &home)).unwrap();
        for kind in ["pem", "key"] {
            let ours = format!("{}/tests/support/tls/server.{kind}", env!("CARGO_MANIFEST_DIR"));
            fs::copy(ours, self.file(&format!("etc/server.{kind}"))).unwrap();
        }
        fs::set_permissions(self.file("etc/server.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let logins = self.file("etc/sasldb");
        let (name, domain) = USER.split_once('@').unwrap();
        let words =
            format!("printf %s '{PASSWORD}' | {SASLPASSWD} -p -c -f {} -u {domain} {name}", logins.display());
        answer_of("sh", &["-c", &words]);
        std::os::unix::fs::chown(&logins, None, gid.parse().ok()).unwrap();
        fs::set_permissions(&logins, fs::Permissions::from_mode(0o640)).unwrap();
    }

    /// Starts it, also again.
    pub(crate) fn come_up(&self) {
        self.command("start");
    }

    /// Kills it, whatever it is doing. What it has said yes to is in its queue.
    pub(crate) fn die(&self) {
        self.command("abort");
    }

    fn command(&self, verb: &str) {
        let etc = self.file("etc").display().to_string();
        answer_of(POSTFIX, &["-c", &etc, verb]);
    }

    /// Settings of a channel that logs in here.
    pub(crate) fn settings(&self) -> String {
        format!(
            "host = \"127.0.0.1\"\nport = {}\nsecurity = \"starttls\"\nca_file = \"{}\"\n\
             from = \"fog@example.com\"\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n",
            self.port,
            tls::AUTHORITY
        )
    }

    /// All that came for this user.
    pub(crate) fn mailbox(&self, user: &str) -> String {
        fs::read_to_string(self.file("mail").join(user)).unwrap_or_default()
    }

    /// Nothing waits in it.
    pub(crate) fn is_idle(&self) -> bool {
        let etc = self.file("etc").display().to_string();
        answer_of("/usr/sbin/postqueue", &["-c", &etc, "-p"]).contains("queue is empty")
    }

    /// What it says of itself.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("mail.log")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let etc = self.file("etc").display().to_string();
        let stop = Command::new(POSTFIX).args(["-c", &etc, "stop"]).stdin(Stdio::null()).output();
        // It may be down already.
        drop(stop);
    }
}

/// What a program says that has to succeed.
fn answer_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said} {errors}");
    said.trim().to_owned()
}
