//! A configuration as a list of values, each with where it comes from, for people who ask why
//! something is as it is. What may be a secret is masked; where a secret is, is no secret.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::load::{Found, Reading, defaults, find, without_mark, written as written_tree};
use super::problem::Problem;
use super::report::{Report, may_be_secret};
use super::secrets::reference;
use super::settings::{ChannelConfig, Config, SourceConfig, StoreUrl};
use super::texts::Texts;
use super::tree::{Entry, Node, Place, Table, Value};
use super::values::short;
use crate::domain::retry::OnUnknown;
use crate::sources::settings::Start;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// A line of the file.
    File {
        /// Its path, as it was found.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its key with those of its tables, as TOML writes them: `channels.email.host`.
    pub key: String,
    /// The value, masked.
    pub value: toml::Value,
    /// Where it comes from.
    pub origin: Origin,
    /// Of a list of tables, where each of them comes from.
    pub items: Vec<Origin>,
}

/// A value that is not the default.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What it is.
    pub setting: Setting,
    /// What it would be otherwise, if there is a default.
    pub default: Option<toml::Value>,
}

type Environment = BTreeMap<String, String>;

/// What file and environment say.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn written(explicit: Option<&Path>, env: &Environment) -> Result<Vec<Setting>, Vec<Problem>> {
    let (found, _) = valid(explicit, env)?;
    let (tree, lines) = said(&found, env)?;
    Ok(lines.settings(&tree))
}

/// What everything amounts to, defaults and inherited values included.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn effective(explicit: Option<&Path>, env: &Environment) -> Result<Vec<Setting>, Vec<Problem>> {
    let (found, config) = valid(explicit, env)?;
    let (said, lines) = said(&found, env)?;
    let mut whole = defaults();
    inherit(&mut whole, &config, &said);
    whole.lay(said);
    Ok(lines.settings(&whole))
}

/// What file and environment say, as far as it is not the default.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn differences(explicit: Option<&Path>, env: &Environment) -> Result<Vec<Difference>, Vec<Problem>> {
    let usual: BTreeMap<String, toml::Value> = Lines(Texts::default())
        .settings(&defaults())
        .into_iter()
        .map(|setting| (setting.key, setting.value))
        .collect();
    let differing = written(explicit, env)?.into_iter().filter_map(|setting| {
        let default = usual.get(&setting.key).cloned();
        (default.as_ref() != Some(&setting.value)).then_some(Difference { setting, default })
    });
    Ok(differing.collect())
}

fn valid(explicit: Option<&Path>, env: &Environment) -> Result<(Found, Config), Vec<Problem>> {
    let mut found = find(explicit, env)?;
    found.text = without_mark(&found.text).to_owned();
    let loaded = Config::parse(&found.text, found.path.as_deref(), env)?;
    Ok((found, loaded.config))
}

fn said(found: &Found, env: &Environment) -> Result<(Table, Lines), Vec<Problem>> {
    let path = found.path.as_deref();
    let shown = path.map(|path| path.display().to_string()).unwrap_or_default();
    let mut report = Report::new(&found.text, &shown);
    let (tree, _) = written_tree(&Reading::of(&found.text, path, env), &mut report)?;
    Ok((tree, Lines(report.texts().clone())))
}

/// Lays what nobody wrote down under the operator's names: a channel has what `[delivery]` says, and
/// what its type is best with.
fn inherit(whole: &mut Table, config: &Config, said: &Table) {
    if !said.table("store").has("url") {
        put(whole, &["store", "url"], config.store.url.to_string(), &Place::Default);
    }
    for (name, channel) in &config.channels {
        channel_defaults(whole, name.as_str(), channel, said.table("delivery"));
    }
    for (name, source) in &config.sources {
        source_defaults(whole, name.as_str(), source);
    }
}

fn put(whole: &mut Table, path: &[&str], value: impl Into<toml::Value>, place: &Place) {
    let Some((key, tables)) = path.split_last() else {
        return;
    };
    let mut table = Some(whole);
    for name in tables {
        table = table.and_then(|table| table.table_mut(name, &Place::Default));
    }
    let value = match value.into() {
        toml::Value::Integer(number) => Value::Integer(i128::from(number)),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::String(text) => Value::Text(text),
        _ => return,
    };
    if let Some(table) = table {
        table.put(key, place.clone(), Node { place: place.clone(), value });
    }
}

fn channel_defaults(whole: &mut Table, name: &str, channel: &ChannelConfig, delivery: &Table) {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let place = |table: &Table, key: &str| table.get(key).map_or(Place::Default, |node| node.place.clone());
    let workers = place(delivery, "workers");
    put(whole, &["channels", name, "workers"], number(channel.workers), &workers);
    let (retry, said) = (&channel.retry, delivery.table("retry"));
    let on_unknown = match retry.on_unknown {
        OnUnknown::Retry => "retry",
        OnUnknown::Hold => "hold",
    };
    let values: [(&str, toml::Value); 6] = [
        ("base", short(retry.base).into()),
        ("cap", short(retry.cap).into()),
        ("max_attempts", i64::from(retry.max_attempts).into()),
        ("max_age", short(retry.max_age).into()),
        ("jitter", retry.jitter.into()),
        ("on_unknown", on_unknown.into()),
    ];
    for (key, value) in values {
        put(whole, &["channels", name, "retry", key], value, &place(said, key));
    }
}

fn source_defaults(whole: &mut Table, name: &str, source: &SourceConfig) {
    let start = |start: Start| match start {
        Start::Earliest => "earliest",
        Start::Latest => "latest",
    };
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let values: Vec<(&str, toml::Value)> = match source {
        SourceConfig::Http(_) => Vec::new(),
        SourceConfig::Kafka(settings) => vec![
            ("group_id", settings.group_id.clone().into()),
            ("start", start(settings.start).into()),
            ("max_in_flight", number(settings.max_in_flight).into()),
        ],
        SourceConfig::Redis(settings) => vec![
            ("group", settings.group.clone().into()),
            ("start", start(settings.start).into()),
            ("claim_idle", short(settings.claim_idle).into()),
            ("max_in_flight", number(settings.max_in_flight).into()),
        ],
        SourceConfig::Nats(settings) => vec![
            ("consumer", settings.consumer.clone().into()),
            ("start", start(settings.start).into()),
            ("ack_wait", short(settings.ack_wait).into()),
            ("max_in_flight", number(settings.max_in_flight).into()),
        ],
        SourceConfig::RabbitMq(settings) => vec![
            ("declare", settings.declare.into()),
            ("reject_to_dlx", settings.reject_to_dlx.into()),
            ("max_in_flight", number(settings.max_in_flight).into()),
        ],
        SourceConfig::PubSub(settings) => vec![("max_in_flight", number(settings.max_in_flight).into())],
    };
    for (key, value) in values {
        put(whole, &["sources", name, key], value, &Place::Default);
    }
}

/// The files, to say on which line of which a value is.
struct Lines(Texts);

impl Lines {
    fn origin(&self, place: &Place) -> Origin {
        match place {
            Place::Default => Origin::Default,
            Place::Variable(name) => Origin::Variable(name.to_string()),
            Place::File(span) => {
                let (path, _) = self.0.file_at(span.start);
                Origin::File { path: PathBuf::from(path), line: self.0.line_at(span.start) }
            }
        }
    }

    fn settings(&self, tree: &Table) -> Vec<Setting> {
        let mut found = Vec::new();
        self.collect("", tree, Secrecy::of(0), &mut found);
        found
    }

    fn collect(&self, path: &str, table: &Table, around: Secrecy, found: &mut Vec<Setting>) {
        for entry in &table.entries {
            let secrecy = around.below(&entry.key, &entry.node);
            let key = match path {
                "" => bare(&entry.key),
                path => format!("{path}.{}", bare(&entry.key)),
            };
            match &entry.node.value {
                Value::Table(inner) if !inner.entries.is_empty() && reference(inner, true).is_none() => {
                    self.collect(&key, inner, secrecy, found);
                }
                _ => {
                    let tables = entry.node.list().iter().filter(|item| item.table().is_some());
                    found.push(Setting {
                        value: masked(&key, &entry.node, secrecy),
                        origin: self.origin(&entry.node.place),
                        items: tables.map(|item| self.origin(&item.place)).collect(),
                        key,
                    });
                }
            }
        }
    }
}

/// A key as TOML writes it.
pub(super) fn bare(key: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !key.is_empty() && key.chars().all(plain) {
        key.to_owned()
    } else {
        toml::Value::String(key.to_owned()).to_string()
    }
}

/// What stands for a value that nobody should see.
const MASK: &str = "***";

/// Names of librdkafka's own settings that hold a key itself, rather than where it is.
const KEYS_THEMSELVES: [&str; 2] = ["pem", "jaas"];

/// Whether what stands here may be a secret, by its key and those around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Secrecy {
    depth: usize,
    secret: bool,
}

impl Secrecy {
    pub(super) fn of(depth: usize) -> Self {
        Self { depth, secret: false }
    }

    pub(super) fn below(self, key: &str, node: &Node) -> Self {
        // `[channels.password-resets]` is a name.
        let name = self.depth == 1 && node.table().is_some_and(|table| reference(table, true).is_none());
        let telling = may_be_secret(key) || KEYS_THEMSELVES.iter().any(|part| key.contains(part));
        Self { depth: self.depth + 1, secret: self.secret || (telling && !name) }
    }
}

pub(super) fn masked(path: &str, node: &Node, secrecy: Secrecy) -> toml::Value {
    let inside = |item: &Node| masked(path, item, secrecy);
    match &node.value {
        Value::Table(table) => match reference(table, true) {
            Some((kind, place)) => {
                let name = place.text().unwrap_or(MASK);
                toml::Value::Table(toml::Table::from_iter([(kind.to_owned(), toml::Value::from(name))]))
            }
            None => {
                let inner = |entry: &Entry| {
                    let secrecy = secrecy.below(&entry.key, &entry.node);
                    (entry.key.clone(), masked(path, &entry.node, secrecy))
                };
                toml::Value::Table(table.entries.iter().map(inner).collect())
            }
        },
        Value::List(list) => toml::Value::Array(list.iter().map(inside).collect()),
        Value::Secret(_) | Value::Bad => toml::Value::from(MASK),
        _ if secrecy.secret => toml::Value::from(MASK),
        // A password may stand in an address, and a database's may be in its query too.
        Value::Text(text) if path == "store.url" || text.contains("://") => {
            toml::Value::from(StoreUrl::new(text.as_str()).to_string())
        }
        Value::Text(text) | Value::Datetime(text) => toml::Value::from(text.as_str()),
        Value::Integer(number) => toml::Value::from(i64::try_from(*number).unwrap_or(i64::MAX)),
        Value::Float(number) => toml::Value::from(*number),
        Value::Switch(on) => toml::Value::from(*on),
    }
}
