//! Secrets: `{ env = "NAME" }`, `{ file = "/path" }`, `{ credential = "name" }`, read once at
//! start. From here on the value travels as a secret, which prints as nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::problem::{Code, Problem};
use super::report::{PLACES, Report, is_secret};
use super::tree::{Entry, Node, Place, Table, Value};
use crate::domain::suggest::{nearest, question};

/// The environment, as it was handed over.
pub(super) type Environment = BTreeMap<String, String>;

/// No secret is longer than this; a file that is, is not a secret.
const LONGEST: u64 = 64 << 10;

/// Tables whose secrets are read.
pub(super) const ROOMS: [&str; 7] =
    ["channels", "sources", "events_out", "store", "server", "auth", "tokens"];

/// Replaces every reference to a secret by the secret. Returns how many there are.
pub(super) fn resolve(tree: &mut Table, env: &Environment, report: &mut Report<'_>) -> usize {
    let mut reader = Reader { env, report, found: 0 };
    for entry in &mut tree.entries {
        if ROOMS.contains(&entry.key.as_str())
            && let Value::Table(table) = &mut entry.node.value
        {
            reader.table(&entry.key, table);
        }
    }
    reader.found
}

struct Reader<'a, 'b> {
    env: &'a Environment,
    report: &'a mut Report<'b>,
    found: usize,
}

/// What was wrong with a reference.
struct Refused(Code, String, String);

impl Reader<'_, '_> {
    fn table(&mut self, path: &str, table: &mut Table) {
        for entry in &mut table.entries {
            self.entry(path, entry);
        }
    }

    fn entry(&mut self, path: &str, entry: &mut Entry) {
        let secret = is_secret(&entry.key);
        match &mut entry.node.value {
            Value::Text(text) if secret => {
                let text = std::mem::take(text);
                self.in_clear(path, entry, text);
            }
            Value::Table(table) => match reference(table, secret) {
                Some((kind, node)) => {
                    let read = self.read(&entry.key, kind, node);
                    self.replace(&mut entry.node, read);
                }
                None if secret => self.unknown_form(entry),
                None => self.table(&format!("{path}.{}", entry.key), table),
            },
            _ => {}
        }
    }

    /// Accepted, because it works; said, because the file has more readers than the secret should.
    fn in_clear(&mut self, path: &str, entry: &mut Entry, text: String) {
        let key = &entry.key;
        if text.is_empty() {
            let problem = Problem::new(Code::SecretEmpty, format!("[{path}] {key} is empty"))
                .label("remove it, or name where the secret is");
            self.report.at(&entry.node.place, problem);
            entry.node.value = Value::Bad;
            return;
        }
        if matches!(entry.node.place, Place::File(_)) {
            let name = format!("{}_{key}", path.rsplit('.').next().unwrap_or(path));
            let name = name.replace(['-', '.'], "_").to_uppercase();
            let problem = Problem::new(Code::SecretInClear, format!("[{path}] {key} is written in the file"))
                .label(format!(r#"use {{ env = "{name}" }} or {{ file = "/run/secrets/…" }}"#));
            self.report.beside(&entry.node.place, problem);
        }
        self.found += 1;
        entry.node.value = Value::Secret(SecretString::from(text));
    }

    fn unknown_form(&mut self, entry: &mut Entry) {
        let problem = Problem::new(Code::WrongValue, format!("{} names no secret", entry.key))
            .label(r#"write one of: { env = "NAME" }, { file = "/path" }, { credential = "name" }"#);
        self.report.at(&entry.node.place, problem);
        entry.node.value = Value::Bad;
    }

    fn replace(&mut self, node: &mut Node, read: Result<String, (Place, Refused)>) {
        node.value = match read {
            Ok(text) => {
                self.found += 1;
                Value::Secret(SecretString::from(text))
            }
            Err((place, Refused(code, what, fix))) => {
                self.report.at(&place, Problem::new(code, what).label(fix));
                Value::Bad
            }
        };
    }

    fn read(&mut self, key: &str, kind: &str, node: &Node) -> Result<String, (Place, Refused)> {
        let refused = |refused| (node.place.clone(), refused);
        let Some(name) = node.text().filter(|name| !name.is_empty()) else {
            let what = format!("{key}: {kind} names nothing");
            return Err(refused(Refused(Code::WrongValue, what, "write a text in quotes".to_owned())));
        };
        let text = match kind {
            "env" => self.variable(key, name).map_err(refused)?,
            "file" => self.file(key, Path::new(name), &node.place).map_err(refused)?,
            _ => {
                let path = self.credential(key, name).map_err(refused)?;
                self.file(key, &path, &node.place).map_err(refused)?
            }
        };
        if text.is_empty() {
            let what = format!("{key}: {kind} \"{name}\" is empty");
            return Err(refused(Refused(Code::SecretEmpty, what, "put the secret there".to_owned())));
        }
        Ok(text)
    }

    fn variable(&self, key: &str, name: &str) -> Result<String, Refused> {
        self.env.get(name).cloned().ok_or_else(|| {
            let slip = nearest(name, self.env.keys().map(String::as_str));
            let what = format!("{key}: the environment has no {name}");
            Refused(Code::SecretMissing, what, format!("set it before Foghorn starts.{}", question(slip)))
        })
    }

    fn credential(&self, key: &str, name: &str) -> Result<PathBuf, Refused> {
        let plain = !name.contains('/') && name != "." && name != "..";
        match self.env.get("CREDENTIALS_DIRECTORY") {
            Some(directory) if plain => Ok(Path::new(directory).join(name)),
            Some(_) => Err(Refused(
                Code::WrongValue,
                format!("{key}: {name:?} is no name of a credential"),
                "write the name only, without a path".to_owned(),
            )),
            None => Err(Refused(
                Code::SecretMissing,
                format!("{key}: systemd handed over no credential \"{name}\""),
                format!("CREDENTIALS_DIRECTORY is not set; add LoadCredential={name}:/path to the unit"),
            )),
        }
    }

    fn file(&mut self, key: &str, path: &Path, place: &Place) -> Result<String, Refused> {
        let shown = path.display();
        let metadata = fs::metadata(path).map_err(|error| {
            let code = match error.kind() {
                std::io::ErrorKind::NotFound => Code::SecretMissing,
                _ => Code::SecretUnreadable,
            };
            Refused(code, format!("{key}: cannot read {shown}"), error.to_string())
        })?;
        let unreadable =
            |why: String| Refused(Code::SecretUnreadable, format!("{key}: cannot read {shown}"), why);
        if !metadata.is_file() {
            return Err(unreadable("it is not a regular file".to_owned()));
        }
        let mut text = String::new();
        let file = fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let length = file
            .take(LONGEST + 1)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(error.to_string()))?;
        if length as u64 > LONGEST {
            return Err(unreadable(format!("it is longer than {} KiB", LONGEST >> 10)));
        }
        self.warn_if_open(key, path, place, &metadata);
        let end = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(end);
        Ok(text)
    }

    #[cfg(unix)]
    fn warn_if_open(&mut self, key: &str, path: &Path, place: &Place, metadata: &fs::Metadata) {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o004 != 0 {
            let what =
                format!("{key}: everybody on this machine can read {} (mode {mode:04o})", path.display());
            let problem =
                Problem::new(Code::SecretExposed, what).label(format!("chmod 600 {}", path.display()));
            self.report.beside(place, problem);
        }
    }

    #[cfg(not(unix))]
    fn warn_if_open(&mut self, _key: &str, _path: &Path, _place: &Place, _metadata: &fs::Metadata) {}
}

/// A table that is a reference: exactly one key, and that of a place where secrets are.
pub(super) fn reference(table: &Table, secret: bool) -> Option<(&'static str, &Node)> {
    let [only] = table.entries.as_slice() else {
        return None;
    };
    let kind = PLACES.into_iter().find(|kind| *kind == only.key)?;
    (secret || only.node.text().is_some()).then_some((kind, &only.node))
}
