//! What `foghorn user`, `team`, `policy`, `route` and `silence` have in common: tables of the configuration
//! that stand in the store are written, shown and taken away in the same way.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Exit;
use super::age::age;
use super::client::{Session, name};
use super::connection::Failure;
use super::lists::parsed;
use super::print::{refuse, say};
use crate::catalogue::Code;
use crate::domain::Timestamp;
use crate::domain::record::{Document, Origin, Section};

/// One of them, by its name.
#[derive(Debug, Clone, Args)]
pub struct NamedArgs {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// One of them, and what it is to say.
#[derive(Debug, Clone, Args)]
pub struct SetArgs {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// What it says, TOML or JSON, as in the configuration; - is standard input
    #[arg(long, short, value_name = "FILE")]
    pub file: PathBuf,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// A table as the API shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) origin: Origin,
    pub(super) document: Document,
    /// Of one that was just changed.
    #[serde(default)]
    warnings: Vec<String>,
}

impl Stored {
    /// What stands behind a key, as one text.
    pub(super) fn text(&self, key: &str) -> String {
        self.document.get(key).map(plain).unwrap_or_default()
    }

    /// Where it stands, in a word.
    pub(super) fn origin(&self) -> String {
        match &self.origin {
            Origin::BuiltIn => "built in".to_owned(),
            Origin::File { place } => place.clone(),
            Origin::Store { left_out: Some(_), .. } => "left out".to_owned(),
            Origin::Store { .. } => "stored".to_owned(),
        }
    }
}

/// A value of a document in one line, without marks that a person does not need.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            let pairs = object.iter().map(|(key, value)| match value {
                Value::Array(_) => format!("{key}={}", plain(value).replace(", ", "|")),
                value => format!("{key}={}", plain(value)),
            });
            pairs.collect::<Vec<_>>().join(" ")
        }
        value => value.to_string(),
    }
}

pub(super) fn path(section: Section, name: &str) -> String {
    format!("/api/v1/{}/{name}", section.as_str())
}

/// All of it.
pub(super) async fn show<W: Write>(
    section: Section,
    args: &NamedArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.get(&path(section, &args.name), &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let stored: Stored = parsed(&raw)?;
    told(&stored, session.now).iter().try_for_each(|line| session.out.line(line))?;
    Ok(Exit::Done)
}

fn told(stored: &Stored, now: Timestamp) -> Vec<String> {
    let mut lines = standing(stored, now);
    lines.extend(stored.document.iter().map(|(key, value)| format!("   {key:<12} {}", plain(value))));
    lines
}

/// Its name, where it stands, and why it is not in use if it is not.
pub(super) fn standing(stored: &Stored, now: Timestamp) -> Vec<String> {
    let Stored { name, origin, .. } = stored;
    match origin {
        Origin::BuiltIn => vec![format!("{name}   built in")],
        Origin::File { place } => vec![format!("{name}   {place}")],
        Origin::Store { version, updated_at, updated_by, left_out } => {
            let since = age(*updated_at, now);
            let mut lines = vec![format!("{name}   stored, v{version}, {since} ago by {updated_by}")];
            lines.extend(left_out.as_ref().map(|why| format!("   not in use: {why}")));
            lines
        }
    }
}

/// Adds one.
pub(super) async fn add<W: Write>(
    section: Section,
    name: &str,
    document: &Document,
    as_json: bool,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let body = json!({"name": name, "document": document});
    let raw: Box<RawValue> = session.server.post(&format!("/api/v1/{}", section.as_str()), &body).await?;
    changed(section, &raw, "added", as_json, session)
}

/// Lays this over what it says; `null` takes a key away.
pub(super) async fn edit<W: Write>(
    section: Section,
    name: &str,
    patch: Document,
    as_json: bool,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.patch(&path(section, name), &Value::Object(patch), None).await?;
    changed(section, &raw, "changed", as_json, session)
}

/// Has one say what a file says, whether it was there before or not.
pub(super) async fn set<W: Write>(
    section: Section,
    args: &SetArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let document = match read(&args.file).and_then(|text| document(section, &args.name, &text)) {
        Ok(document) => document,
        Err(why) => {
            refuse(Code::InputUnreadable, &why);
            return Ok(Exit::Usage);
        }
    };
    replace(section, &args.name, document, args.json, session).await
}

/// Has one say this, whether it was there before or not.
pub(super) async fn replace<W: Write>(
    section: Section,
    name: &str,
    document: Document,
    as_json: bool,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.put(&path(section, name), &Value::Object(document)).await?;
    changed(section, &raw, "set", as_json, session)
}

/// Takes one away.
pub(super) async fn remove<W: Write>(
    section: Section,
    args: &NamedArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.delete(&path(section, &args.name)).await?;
    changed(section, &raw, "removed", args.json, session)
}

fn changed<W: Write>(
    section: Section,
    raw: &RawValue,
    what: &str,
    as_json: bool,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let stored: Stored = parsed(raw)?;
    if as_json {
        session.out.json(raw.get())?;
    } else {
        session.out.line(&stored.name)?;
    }
    for warning in stored.warnings.iter().flat_map(|warning| warning.lines()) {
        say(warning);
    }
    say(&format!("{} {} {what}; Foghorn works by it.", section.one(), stored.name));
    Ok(Exit::Done)
}

pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => io::stdin().lock().read_to_string(&mut text),
        false => fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|why| format!("{} cannot be read: {why}", path.display()))?;
    Ok(text)
}

/// The table `name` of a section: alone, or as it stands in a configuration file.
pub(super) fn document(section: Section, name: &str, text: &str) -> Result<Document, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|why| format!("this is no JSON object: {why}"));
    }
    let table: toml::Table = toml::from_str(text).map_err(|why| format!("this is no TOML: {why}"))?;
    let mut document: Document = table.into_iter().map(|(key, value)| (key, of_toml(value))).collect();
    let own = |value: &Value| value["name"] == name;
    match document.remove(section.as_str()) {
        None => Ok(document),
        Some(Value::Object(mut tables)) if document.is_empty() => match tables.remove(name) {
            Some(Value::Object(table)) => Ok(table),
            _ => Err(format!("there is no [{}.{name}]", section.as_str())),
        },
        Some(Value::Array(list)) if document.is_empty() => match list.into_iter().find(own) {
            Some(Value::Object(table)) => Ok(table),
            _ => Err(format!("there is no [[{}]] named {name:?}", section.as_str())),
        },
        Some(_) => Err(format!("give one table of {} and nothing else", section.as_str())),
    }
}

fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(on) => Value::from(on),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(list) => list.into_iter().map(of_toml).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, of_toml(value))).collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_alone_or_as_it_stands_in_a_file() {
        let expected = json!({"members": ["ada"]});
        for text in [
            "{\"members\":[\"ada\"]}",
            "members = [\"ada\"]",
            "[teams.core]\nmembers = [\"ada\"]\n[teams.other]\nmembers = []",
        ] {
            let found = document(Section::Teams, "core", text).map(Value::Object);
            assert_eq!(found, Ok(expected.clone()), "{text}");
        }
        let route = document(
            Section::Routes,
            "b",
            "[[routes]]\nname = \"a\"\n[[routes]]\nname = \"b\"\npolicy = \"p\"",
        );
        assert_eq!(route.map(Value::Object), Ok(json!({"name": "b", "policy": "p"})));
        let silence = document(Section::Silences, "s", "until = 2026-11-21T22:00:00Z");
        assert_eq!(silence.map(Value::Object), Ok(json!({"until": "2026-11-21T22:00:00Z"})));
        for text in ["[]", "[teams.other]\nmembers = []", "[teams.core]\n[users.ada]", "= 1", "{"] {
            assert!(document(Section::Teams, "core", text).is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_told_where_it_stands_and_what_it_says() {
        let stored = |origin: Value| {
            let mut all = json!({"name": "grace", "document": {"email": "g@x", "ios": ["a", "b"],
                "quiet_hours": {"from": "22:00", "to": "07:00"}}});
            all.as_object_mut().expect("an object").extend(origin.as_object().expect("one").clone());
            told(&serde_json::from_value(all).expect("it is one"), Timestamp::UNIX_EPOCH)
        };
        let said = ["   email        g@x", "   ios          a, b", "   quiet_hours  from=22:00 to=07:00"];
        let lines = stored(json!({"origin": "file", "place": "config.toml:12"}));
        assert_eq!(
            (lines[0].as_str(), &lines[1..]),
            ("grace   config.toml:12", &said.map(str::to_owned)[..])
        );
        let lines = stored(json!({"origin": "store", "version": 3, "updated_at": "1970-01-01T00:00:00Z",
            "updated_by": "api", "left_out": "no such team"}));
        assert_eq!(lines[..2], ["grace   stored, v3, 0s ago by api", "   not in use: no such team"]);
    }
}
