//! `[mappers]`, and which source reads by which.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::is_bad;
use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::{Entry, Node, Place, Table, Value};
use crate::domain::names::MapperName;
use crate::domain::severity::SeverityAliases;
use crate::domain::suggest::{listed, nearest, question};
use crate::formats::Format;
use crate::formats::mapper::{Mapper, Objection, ready};

/// Every mapper, by its name; nothing of one whose problems are reported.
pub(super) type Mappers = BTreeMap<MapperName, Option<Arc<Mapper>>>;

/// Every mapper there is.
pub(super) fn read(table: &Table, aliases: &SeverityAliases, report: &mut Report<'_>) -> Mappers {
    let mut mappers = Mappers::new();
    for entry in &table.entries {
        // What is marked already would look as if it were not there.
        let written = entry.node.table().filter(|table| !holds_bad(table));
        let compiled = written.map(|written| Mapper::compile(&entry.key, &written.to_toml(), aliases));
        if let Some(Err(objections)) = &compiled {
            objections.iter().for_each(|one| object(entry, one, report));
        }
        let mapper = compiled.and_then(Result::ok).map(Arc::new);
        mappers.insert(MapperName::from(entry.key.as_str()), mapper);
    }
    mappers
}

fn holds_bad(table: &Table) -> bool {
    let bad = |node: &Node| match &node.value {
        Value::Bad => true,
        Value::Table(inner) => holds_bad(inner),
        Value::List(items) => items.iter().any(|item| is_bad(item) || item.table().is_some_and(holds_bad)),
        _ => false,
    };
    table.entries.iter().any(|entry| bad(&entry.node))
}

fn object(entry: &Entry, objection: &Objection, report: &mut Report<'_>) {
    let mut words = Vec::new();
    let mut steps = objection.path.iter().peekable();
    while let Some(step) = steps.next() {
        let place = steps.peek().and_then(|next| next.parse::<usize>().ok());
        words.push(match place {
            Some(at) if step == "rules" => {
                steps.next();
                format!("rule {}", at + 1)
            }
            _ => step.clone(),
        });
    }
    let where_in = if words.is_empty() { String::new() } else { format!(" {}", words.join(", ")) };
    let what = format!("[mappers.{}]{where_in}: {}", entry.key, objection.detail);
    let problem = Problem::new(Code::WrongValue, what);
    let problem = match &objection.fix {
        Some(fix) => problem.label(fix.clone()),
        None => problem,
    };
    report.at(place(entry, &objection.path), problem);
}

/// Where the path leads, as far as it does.
fn place<'e>(entry: &'e Entry, path: &[String]) -> &'e Place {
    let (mut place, mut node) = (&entry.place, &entry.node);
    for step in path {
        let below = match &node.value {
            Value::Table(table) => table.entry(step).map(|entry| (&entry.place, &entry.node)),
            Value::List(items) => {
                step.parse().ok().and_then(|at: usize| items.get(at)).map(|item| (&item.place, item))
            }
            _ => None,
        };
        let Some(below) = below else { break };
        (place, node) = below;
    }
    // A value says more than its key, unless it is as long as a table.
    if node.table().is_some() { place } else { &node.place }
}

/// The format of a source that names a mapper; its two keys are taken out of `settings`, whose other keys are
/// those of its type. `Ok(None)` where the source names another format.
///
/// # Errors
/// It was reported.
pub(super) fn format_of(
    entry: &Entry,
    settings: &mut Table,
    mappers: &Mappers,
    report: &mut Report<'_>,
) -> Result<Option<Format>, Reported> {
    let is_json = settings.text("format") == Some("json");
    let named = settings.entry("mapper").cloned();
    settings.entries.retain(|entry| entry.key != "mapper" && !(is_json && entry.key == "format"));
    let own = |name: &str| mappers.keys().any(|known| known.as_str() == name);
    let known =
        || mappers.keys().map(MapperName::as_str).chain(ready::NAMES.into_iter().filter(|name| !own(name)));
    match (is_json, &named) {
        (false, None) => Ok(None),
        (false, Some(named)) => {
            let what = format!("[sources.{}] has a mapper, and its format is not json", entry.key);
            report.at(&named.place, Problem::new(Code::Contradiction, what).label("add: format = \"json\""));
            Err(Reported)
        }
        (true, None) => {
            let what = format!("[sources.{}] needs mapper: JSON alone does not say what it means", entry.key);
            let problem = Problem::new(Code::Missing, what)
                .label("add: mapper = \"NAME\", and a [mappers.NAME]")
                .note(format!("mappers: {}", listed(known())));
            report.at(&entry.place, problem);
            Err(Reported)
        }
        (true, Some(named)) if is_bad(&named.node) => Err(Reported),
        (true, Some(named)) => {
            let name = named.node.text().unwrap_or_default();
            let Some(mapper) = mappers.get(name).cloned().or_else(|| ready::mapper(name).map(Some)) else {
                let what = format!("[sources.{}] names the mapper \"{name}\", which is not there", entry.key);
                let near = question(nearest(name, known()));
                let problem = Problem::new(Code::WrongValue, what)
                    .label(format!("mappers: {}.{near}", listed(known())));
                report.at(&named.node.place, problem);
                return Err(Reported);
            };
            mapper.map(|mapper| Some(Format::Json(mapper))).ok_or(Reported)
        }
    }
}

/// It was reported.
pub(super) struct Reported;
