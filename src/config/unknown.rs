//! What to say of a key that nobody reads.

use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::home_of;
use super::tree::{Entry, Node, Place, Table, Value};
use crate::domain::suggest::{listed, nearest, question};

/// Where the key stands and what is known there.
pub(super) struct Unknown<'a> {
    /// Path of the table.
    pub(super) path: &'a str,
    /// Keys that are known.
    pub(super) known: &'a [&'a str],
    /// Keys that a later version will know.
    pub(super) later: &'a [&'a str],
}

/// A key that was likely meant, and the place where it is misspelt.
pub(super) type Meant = (String, Place);

impl Unknown<'_> {
    /// Reports the key; returns the key that was likely meant.
    pub(super) fn report(&self, entry: &Entry, report: &mut Report<'_>) -> Option<Meant> {
        let key = &entry.key;
        if let Place::Variable(name) = &entry.place {
            report.at(&entry.place, self.variable(key, name));
            return None;
        }
        let table = self.title();
        if self.later.contains(&key.as_str()) {
            let problem = Problem::new(Code::Later, format!("\"{key}\" arrives in a later version"))
                .label(format!("{table} does not know it yet"))
                .note("fix: remove it; what it asks for would not happen");
            report.at(&entry.place, problem);
            return None;
        }
        let mut known = self.known.to_vec();
        known.sort_unstable();
        let slip = nearest(key, known.iter().copied()).or_else(|| whole(key, &known));
        let mut label = format!("{table} has no such key.{}", question(slip));
        if slip.is_none()
            && let Some(home) = home_of(key, self.path)
        {
            label.push_str(&format!(" It belongs in [{home}]"));
        }
        let problem = Problem::new(Code::UnknownKey, format!("unknown key \"{key}\""))
            .label(label)
            .note(format!("known keys: {}", listed(known)));
        report.at(&entry.place, problem);
        slip.map(|slip| (slip.to_owned(), entry.place.clone()))
    }

    fn title(&self) -> String {
        if self.path.is_empty() { "the top level".to_owned() } else { format!("[{}]", self.path) }
    }

    /// A variable is no reason not to start: its name may be meant for something else.
    fn variable(&self, key: &str, name: &str) -> Problem {
        let depth = if self.path.is_empty() { 0 } else { self.path.split('.').count() };
        let meant = nearest(key, self.known.iter().copied()).map(|slip| {
            let mut parts: Vec<String> =
                name.trim_start_matches("FOGHORN_").split("__").map(str::to_owned).collect();
            if let Some(part) = parts.get_mut(depth) {
                *part = slip.to_uppercase();
            }
            format!("FOGHORN_{}", parts.join("__"))
        });
        let problem = Problem::new(Code::UnknownVariable, format!("{name} means nothing and is ignored"));
        let problem = problem.label(format!("{} has no key \"{key}\"", self.title()));
        match meant {
            Some(meant) => problem.note(format!("did you mean {meant}?")),
            None => problem,
        }
    }
}

/// The one known key that `key` is a part of: `url` for `webhook_url`.
fn whole<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let is_whole = |name: &&&str| name.strip_suffix(key).is_some_and(|rest| rest.ends_with('_'));
    let mut found = known.iter().filter(is_whole);
    found.next().copied().filter(|_| found.next().is_none())
}

/// Keys that were meant and misspelt are not missing as well.
pub(super) fn excuse(table: &mut Table, meant: Vec<Meant>) {
    for (key, place) in meant {
        if !table.has(&key) {
            let node = Node { place: place.clone(), value: Value::Bad };
            table.put(&key, place, node);
        }
    }
}
