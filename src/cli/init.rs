//! `foghorn init`: a first configuration that works as it stands, with what to change next.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::print::{Printer, refuse};
use super::{Exit, InitArgs};
use crate::catalogue::Code;

/// What a first configuration says. Mails stay inside until somebody writes down a mail server.
fn starter(data_dir: &str) -> String {
    format!(
        r##"# Foghorn. Every key: foghorn config reference       Check: foghorn check
config_version = 1
server.public_url = "http://localhost:3644" # what people click in messages
server.data_dir = {data_dir} # where foghorn.db is kept

[channels.email]
type = "email"
provider = "outbox" # nothing leaves; change to "smtp" and fill in the lines below
# host     = "smtp.example.com"
# from     = "Foghorn <foghorn@example.com>"
# username = "foghorn"
# password = {{ env = "SMTP_PASSWORD" }}

[[routes]] # every incident, at once, to this address
policy = "default"
[policies.default]
steps = [{{ after = "0s", notify = ["you@example.com"], via = ["email"] }}]
"##
    )
}

/// Why there is no file now.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Somebody's work is in it.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The operating system will not have it.
    #[error("cannot write {}: {why}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        why: io::Error,
    },
}

/// Writes a first configuration to `path`, or to `config.toml` in it if it is a directory. Returns
/// the file.
///
/// # Errors
/// [`InitError::Exists`] unless it may be overwritten; the file is untouched then.
pub fn write(path: &Path, overwrite: bool) -> Result<PathBuf, InitError> {
    let path = if path.is_dir() { path.join("config.toml") } else { path.to_owned() };
    let mut options = OpenOptions::new();
    if overwrite {
        options.write(true).create(true).truncate(true);
    } else {
        options.write(true).create_new(true);
    }
    let written = options.open(&path).and_then(|mut file| {
        let text = starter(&data_dir(&path));
        file.write_all(text.as_bytes())
    });
    match written {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(InitError::Exists(path)),
        Err(why) => Err(InitError::Unwritable { path, why }),
    }
}

/// Beside the file, for whoever tries it out; a machine's own configuration keeps its state where
/// state belongs. As TOML writes it.
fn data_dir(path: &Path) -> String {
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = if beside.starts_with("/etc") { Path::new("/var/lib/foghorn") } else { beside };
    toml::Value::String(dir.display().to_string()).to_string()
}

/// `foghorn init`
pub(super) fn init(args: &InitArgs) -> Exit {
    let path = match write(&args.path, args.force) {
        Ok(path) => path,
        Err(error) => {
            let code = match &error {
                InitError::Exists(_) => Code::FileExists,
                InitError::Unwritable { .. } => Code::FileUnwritable,
            };
            refuse(code, &error);
            return Exit::Failed;
        }
    };
    let shown = path.display().to_string();
    // `serve` finds it there by itself.
    let named = if shown == "config.toml" { String::new() } else { format!(" --config {shown}") };
    let next = [
        format!("Wrote {shown}; its comments say what to change. It works as it is:"),
        format!("      foghorn serve{named}"),
        "Next: 1. put your mail server into [channels.email], and people or addresses into the policy"
            .to_owned(),
        format!("      2. foghorn check --connect{named}"),
        "      3. for an editor that completes and checks: foghorn config schema".to_owned(),
    ];
    let mut out = Printer::new(io::stdout().lock());
    drop(next.iter().try_for_each(|line| out.line(line)));
    Exit::Done
}
