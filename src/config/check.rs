//! Walks the tree along the schema and reports every unknown key and every wrong value. What is
//! wrong is marked [`Value::Bad`], so that nobody reports it again as missing.

use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::{
    Kind, ROOT, SOURCE_TYPES, SOURCE_TYPES_LATER, SOURCES, Section, join, source_keys, source_type,
};
use super::tree::{Entry, Node, Table, Value};
use super::unknown::{Unknown, excuse};
use super::wrong::wrong;

/// Checks the whole tree.
pub(super) fn check(tree: &mut Table, report: &mut Report<'_>) {
    Check { report }.table("", tree, &ROOT);
}

struct Check<'a, 'b> {
    report: &'a mut Report<'b>,
}

impl Check<'_, '_> {
    fn table(&mut self, path: &str, table: &mut Table, section: &'static Section) {
        let mut meant = Vec::new();
        for entry in &mut table.entries {
            if let Some(kind) = section.kind(&entry.key) {
                self.value(&join(path, &entry.key), &entry.key, kind, &mut entry.node);
            } else if !section.open {
                let known: Vec<&str> = section.names().collect();
                let unknown = Unknown { path, known: &known, later: section.later };
                meant.extend(unknown.report(entry, self.report));
                entry.node.value = Value::Bad;
            }
        }
        excuse(table, meant);
    }

    fn value(&mut self, path: &str, key: &str, kind: Kind, node: &mut Node) {
        match (kind, &mut node.value) {
            (_, Value::Bad) | (Kind::Mapped, _) => {}
            (Kind::Table(section), Value::Table(table)) => self.table(path, table, section),
            (Kind::Named(section), Value::Table(table)) => self.named(path, table, section),
            (Kind::Sources, Value::Table(table)) => self.sources(path, table),
            (Kind::Each(section), Value::List(list)) => self.each(path, list, section),
            (Kind::Properties, Value::Table(table)) => self.all(path, table, Kind::Properties),
            (Kind::Words(words), Value::Table(table)) => self.all(path, table, Kind::Word(words, &[])),
            (Kind::Switches, Value::Table(table)) => self.all(path, table, Kind::Switch),
            (Kind::Match | Kind::Patterns, Value::Table(table)) => {
                self.all(path, table, Kind::Patterns);
            }
            (kind, value) => {
                if let Some(problem) = wrong(key, kind, value) {
                    self.report.at(&node.place, problem);
                    node.value = Value::Bad;
                }
            }
        }
    }

    /// Every value of a table whose keys are free.
    fn all(&mut self, path: &str, table: &mut Table, kind: Kind) {
        for entry in &mut table.entries {
            self.value(&join(path, &entry.key), &entry.key, kind, &mut entry.node);
        }
    }

    fn each(&mut self, path: &str, list: &mut [Node], section: &'static Section) {
        for item in list {
            self.value(path, path, Kind::Table(section), item);
        }
    }

    fn named(&mut self, path: &str, table: &mut Table, section: &'static Section) {
        self.names(path, table);
        self.all(path, table, Kind::Table(section));
    }

    fn sources(&mut self, path: &str, table: &mut Table) {
        self.names(path, table);
        for entry in &mut table.entries {
            let here = join(path, &entry.key);
            let kind = self.source_kind(&here, entry);
            if let Some(section) = kind {
                self.value(&here, &entry.key, Kind::Table(section), &mut entry.node);
            }
        }
    }

    fn source_kind(&mut self, path: &str, entry: &mut Entry) -> Option<&'static Section> {
        let Value::Table(table) = &entry.node.value else {
            return Some(SOURCES[0].section);
        };
        let kind = |name: &str| source_type(name).map(|kind| kind.section);
        match table.get("type") {
            Some(node) => {
                if let Some(section) = node.text().and_then(kind) {
                    return Some(section);
                }
                let problem = wrong("type", Kind::Word(SOURCE_TYPES, SOURCE_TYPES_LATER), &node.value);
                self.report.at(&node.place, problem?);
            }
            None if entry.key == "api" => return kind("http"),
            None => {
                let known: Vec<&str> = source_keys().iter().map(|key| key.name).collect();
                let slip = table.entries.iter().find(|entry| {
                    !known.contains(&entry.key.as_str())
                        && strsim::damerau_levenshtein(&entry.key, "type") <= 1
                });
                let unknown = Unknown { path, known: &known, later: &[] };
                match slip {
                    Some(slip) => drop(unknown.report(slip, self.report)),
                    None => self.report.at(
                        &entry.place,
                        Problem::new(Code::Missing, format!("[{path}] needs a type"))
                            .label(r#"add: type = "kafka""#),
                    ),
                }
            }
        }
        entry.node.value = Value::Bad;
        None
    }

    /// Names become metric labels and parts of addresses, and people mix up their cases.
    fn names(&mut self, path: &str, table: &Table) {
        for (index, entry) in table.entries.iter().enumerate() {
            let name = &entry.key;
            if let Some(problem) = nameless(path, name) {
                self.report.at(&entry.place, problem);
            }
            let twin = table.entries[..index].iter().find(|earlier| earlier.key.eq_ignore_ascii_case(name));
            if let Some(twin) = twin {
                let what = format!("[{path}.{name}] differs from [{path}.{}] only in case", twin.key);
                let problem = Problem::new(Code::Contradiction, what).label("choose another name");
                self.report.at(&entry.place, problem);
            }
        }
    }
}

/// What is wrong with this name in that table.
pub(super) fn nameless(path: &str, name: &str) -> Option<Problem> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let fits = !name.is_empty() && name.len() <= 64 && name.chars().all(plain);
    let problem = || {
        Problem::new(Code::WrongValue, format!("{name:?} is no name for [{path}.NAME]"))
            .label("use up to 64 letters, digits, \"-\", \"_\" and \".\"")
    };
    (!fits).then(problem)
}

/// Is it worth asking for a value here, or was one written and found wrong?
pub(super) fn is_bad(node: &Node) -> bool {
    matches!(node.value, Value::Bad)
}
