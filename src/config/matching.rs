//! `match = { … }` of routes and silences.

use std::collections::BTreeMap;

use super::channels::texts;
use super::check::is_bad;
use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::{FIELDS, SEVERITIES, join};
use super::tree::{Entry, Node, Place, Table, Value};
use crate::domain::pattern::Pattern;
use crate::domain::routes::Field;
use crate::domain::severity::Severity;
use crate::domain::suggest::{listed, nearest, question};

/// What must match, by field. `labels.env = "x"` without quotes is a table in a table, and means the same.
pub(super) fn matches(table: &Table, path: &str, report: &mut Report<'_>) -> BTreeMap<Field, Vec<Pattern>> {
    let mut found = BTreeMap::new();
    for entry in table.entries.iter().filter(|entry| !is_bad(&entry.node)) {
        let key = join(path, &entry.key);
        if let Value::Table(inner) = &entry.node.value
            && key == "labels"
        {
            found.extend(matches(inner, &key, report));
            continue;
        }
        match Field::parse(&key) {
            Some(field) => {
                let patterns = patterns(&field, entry, report);
                found.insert(field, patterns);
            }
            None => unknown_field(&key, entry, report),
        }
    }
    found
}

fn patterns(field: &Field, entry: &Entry, report: &mut Report<'_>) -> Vec<Pattern> {
    let one = entry.node.text().map(|text| (text.to_owned(), &entry.node.place));
    let patterns: Vec<(String, &Place)> = one.map_or_else(|| texts(&entry.node), |one| vec![one]);
    if patterns.is_empty() {
        let problem = Problem::new(Code::WrongValue, format!("{} matches nothing", entry.key));
        report.at(&entry.node.place, problem.label("write at least one text"));
    }
    for (text, place) in &patterns {
        let severity = || Severity::ALL.iter().any(|known| known.as_str() == text);
        if *field == Field::Severity && !text.contains('*') && !severity() {
            let slip = nearest(text, SEVERITIES.iter().copied());
            let problem = Problem::new(Code::WrongValue, format!("severity {text:?} is not known"))
                .label(format!("write one of: {}.{}", listed(SEVERITIES.iter().copied()), question(slip)));
            report.at(place, problem);
        }
    }
    patterns.into_iter().map(|(text, _)| Pattern::new(text)).collect()
}

/// `group_by = ["service", "labels.env"]`
pub(super) fn fields(node: &Node, report: &mut Report<'_>) -> Vec<Field> {
    let mut fields = Vec::new();
    for (text, place) in texts(node) {
        match Field::parse(&text) {
            Some(field) if !fields.contains(&field) => fields.push(field),
            Some(_) => {}
            None => {
                let slip = nearest(&text, FIELDS);
                let problem = Problem::new(Code::WrongValue, format!("{text:?} is nothing to group by"))
                    .label(format!("write one of: {}, \"labels.NAME\".{}", listed(FIELDS), question(slip)));
                report.at(place, problem);
            }
        }
    }
    fields
}

fn unknown_field(key: &str, entry: &Entry, report: &mut Report<'_>) {
    let slip = nearest(key, FIELDS);
    let problem = Problem::new(Code::UnknownKey, format!("unknown key \"{key}\""))
        .label(format!("routes do not match on it.{}", question(slip)))
        .note(format!("known keys: {}, \"labels.NAME\"", listed(FIELDS)));
    report.at(&entry.place, problem);
}
