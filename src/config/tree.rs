//! A configuration as a tree of values that know where they were written.
//!
//! The file, the environment and the compiled-in defaults become trees of the same kind and are
//! laid over each other; whoever reads a value can say where it came from.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::values;
use crate::domain::rate::Rate;

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the compiled-in `config.toml`.
    Default,
    /// In the operator's file, as a range of bytes.
    File(Range<usize>),
    /// In this environment variable.
    Variable(Arc<str>),
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Secret(SecretString),
    Integer(i128),
    Float(f64),
    Switch(bool),
    Datetime(String),
    List(Vec<Node>),
    Table(Table),
    /// Something was here and its problem is reported: it is neither used nor missing.
    Bad,
}

/// A key, its place, and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// Entries in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

impl Value {
    /// What it is, in a sentence.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Secret(_) => "a secret",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::Datetime(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) | Self::Bad => "a table",
        }
    }
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Secret(secret) => Some(secret.expose_secret()),
            _ => None,
        }
    }

    /// A date or a time, in quotes or without.
    pub(super) fn date(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Datetime(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> &[Self] {
        match &self.value {
            Value::List(list) => list,
            _ => &[],
        }
    }

    pub(super) fn is_default(&self) -> bool {
        self.place == Place::Default
    }
}

impl Table {
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// The entry at `a.b.c`; the deepest one that is there.
    pub(super) fn deep_entry(&self, path: &str) -> Option<&Entry> {
        let (key, rest) = path.split_once('.').unwrap_or((path, ""));
        let entry = self.entry(path).or_else(|| self.entry(key))?;
        let deeper = entry.node.table().filter(|_| !rest.is_empty());
        deeper.and_then(|table| table.deep_entry(rest)).or(Some(entry))
    }

    /// Keys whose problem is reported.
    pub(super) fn bad_keys(&self) -> Vec<&str> {
        let bad = self.entries.iter().filter(|entry| matches!(entry.node.value, Value::Bad));
        bad.map(|entry| entry.key.as_str()).collect()
    }

    /// The table behind `key`; an empty one if there is none.
    pub(super) fn table(&self, key: &str) -> &Self {
        static EMPTY: Table = Table { entries: Vec::new() };
        self.get(key).and_then(Node::table).unwrap_or(&EMPTY)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }

    pub(super) fn count(&self, key: &str) -> Option<u64> {
        match self.get(key)?.value {
            Value::Integer(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    pub(super) fn share(&self, key: &str) -> Option<f64> {
        match self.get(key)?.value {
            Value::Float(number) => Some(number),
            Value::Integer(number) => Some(f64::from(u8::try_from(number).ok()?)),
            _ => None,
        }
    }

    pub(super) fn switch(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Switch(on) => Some(on),
            _ => None,
        }
    }

    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        values::duration(self.text(key)?).ok()
    }

    pub(super) fn rate(&self, key: &str) -> Option<Rate> {
        self.text(key)?.parse().ok()
    }

    pub(super) fn size(&self, key: &str) -> Option<u64> {
        values::size(self.text(key)?).ok()
    }

    /// Puts `node` at `key`, over what may be there.
    pub(super) fn put(&mut self, key: &str, place: Place, node: Node) {
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.node = node,
            None => self.entries.push(Entry { key: key.to_owned(), place, node }),
        }
    }

    /// The table behind `key`, made if there is none.
    pub(super) fn table_mut(&mut self, key: &str, place: &Place) -> Option<&mut Self> {
        if !self.has(key) {
            let node = Node { place: place.clone(), value: Value::Table(Self::default()) };
            self.put(key, place.clone(), node);
        }
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        match &mut entry.node.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The table behind `key`, if there is one.
    pub(super) fn existing(&mut self, key: &str) -> Option<&mut Self> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        match &mut entry.node.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Takes out the first entry like this.
    pub(super) fn remove(&mut self, like: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let at = self.entries.iter().position(like)?;
        Some(self.entries.remove(at))
    }

    /// May `entry` be put at `a.b.c`? Not over something, unless both are tables without a key in
    /// common.
    pub(super) fn has_room(&self, path: &str, entry: &Entry) -> bool {
        let (key, rest) = path.split_once('.').unwrap_or((path, ""));
        match (self.get(key).map(|node| &node.value), &entry.node.value, rest) {
            (None, ..) => true,
            (Some(Value::Table(table)), _, rest) if !rest.is_empty() => table.has_room(rest, entry),
            (Some(Value::Table(table)), Value::Table(more), _) => {
                more.entries.iter().all(|entry| !table.has(&entry.key))
            }
            _ => false,
        }
    }

    /// Puts `entry` at `a.b.c`, its own key forgotten.
    pub(super) fn put_deep(&mut self, path: &str, entry: Entry) {
        let place = entry.place.clone();
        let mut parts = path.rsplit('.');
        let key = parts.next().unwrap_or(path).to_owned();
        let mut over = Self { entries: vec![Entry { key, ..entry }] };
        for part in parts {
            let node = Node { place: place.clone(), value: Value::Table(over) };
            over = Self { entries: vec![Entry { key: part.to_owned(), place: place.clone(), node }] };
        }
        self.lay(over);
    }

    /// Lays `over` over this table: tables are merged, everything else is replaced.
    pub(super) fn lay(&mut self, over: Self) {
        for entry in over.entries {
            let below = self.entries.iter_mut().find(|below| below.key == entry.key);
            let Some(below) = below else {
                self.entries.push(entry);
                continue;
            };
            match (&mut below.node.value, entry.node.value) {
                (Value::Table(table), Value::Table(above)) => {
                    table.lay(above);
                    below.node.place = entry.node.place;
                }
                (_, Value::Bad) => {}
                (value, above) => {
                    *value = above;
                    below.node.place = entry.node.place;
                }
            }
            below.place = entry.place;
        }
    }

    /// How many values there are at the ends of the tree.
    pub(super) fn count_leaves(&self) -> usize {
        let leaves = |entry: &Entry| match &entry.node.value {
            Value::Table(table) => table.count_leaves(),
            Value::List(list) if list.iter().any(|item| item.table().is_some()) => {
                list.iter().filter_map(Node::table).map(Self::count_leaves).sum()
            }
            _ => 1,
        };
        self.entries.iter().map(leaves).sum()
    }

    /// The table as TOML, secrets in the clear: for the one who uses them.
    pub(super) fn to_toml(&self) -> toml::Table {
        self.entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.node.to_toml()?))).collect()
    }
}

impl Node {
    /// The value as TOML, a secret in the clear.
    pub(super) fn to_toml(&self) -> Option<toml::Value> {
        Some(match &self.value {
            Value::Text(text) | Value::Datetime(text) => toml::Value::String(text.clone()),
            Value::Secret(secret) => toml::Value::String(secret.expose_secret().to_owned()),
            Value::Integer(number) => toml::Value::Integer(i64::try_from(*number).unwrap_or(i64::MAX)),
            Value::Float(number) => toml::Value::Float(*number),
            Value::Switch(on) => toml::Value::Boolean(*on),
            Value::List(list) => toml::Value::Array(list.iter().filter_map(Self::to_toml).collect()),
            Value::Table(table) => toml::Value::Table(table.to_toml()),
            Value::Bad => return None,
        })
    }
}

/// Gives the place of a span of the text that is being read.
pub(super) type Placing<'a> = &'a dyn Fn(Range<usize>) -> Place;

/// The tree of a parsed document.
pub(super) fn from_document(document: &DeTable<'_>, placing: Placing<'_>) -> Table {
    let mut entries: Vec<(Range<usize>, Entry)> = document
        .iter()
        .map(|(key, value)| {
            let entry = Entry {
                key: key.get_ref().clone().into_owned(),
                place: placing(key.span()),
                node: from_toml(value, placing),
            };
            (key.span(), entry)
        })
        .collect();
    entries.sort_by_key(|(span, _)| span.start);
    Table { entries: entries.into_iter().map(|(_, entry)| entry).collect() }
}

/// The tree of one parsed value.
pub(super) fn from_toml(value: &Spanned<DeValue<'_>>, placing: Placing<'_>) -> Node {
    let place = placing(value.span());
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => {
            Value::Integer(i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX))
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(on) => Value::Switch(*on),
        DeValue::Datetime(date) => Value::Datetime(date.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|item| from_toml(item, placing)).collect()),
        DeValue::Table(table) => Value::Table(from_document(table, placing)),
    };
    Node { place, value }
}

/// The tree of a JSON value, all of it at one place.
pub(super) fn from_json(json: serde_json::Value, place: &Place) -> Node {
    let value = match json {
        serde_json::Value::Null => Value::Text(String::new()),
        serde_json::Value::Bool(on) => Value::Switch(on),
        serde_json::Value::Number(number) => match number.as_i128() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(list) => {
            Value::List(list.into_iter().map(|item| from_json(item, place)).collect())
        }
        serde_json::Value::Object(object) => Value::Table(Table {
            entries: object
                .into_iter()
                .map(|(key, value)| Entry { key, place: place.clone(), node: from_json(value, place) })
                .collect(),
        }),
    };
    Node { place: place.clone(), value }
}
