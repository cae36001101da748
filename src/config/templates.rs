//! `[templates]`: the operator's directory as it was when it was read, and what the store holds beside it.
//!
//! A template of the store is the files of one name, as one table: `subject`, `text`, `html`. Nothing is
//! laid over anything here either: a name that has a file is that file's.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::problem::{Code, Problem};
use super::report::Report;
use super::settings::TemplatesConfig;
use super::stored::{below, unnameable, unplaced};
use super::tree::Table;
use crate::domain::record::{Document, Entry, Origin, Record, Section};
use crate::domain::suggest::{listed, nearest, question};
use crate::render::Templates;
use crate::render::templates::{Flaw, Folder, Part, Sheet};

/// `table` with the templates of its directory, which is read now unless it was before, and those of the
/// store. Beside it, what lay in the directory.
pub(super) fn read(
    table: &Table,
    folder: Option<&Arc<Folder>>,
    records: &[Record],
    report: &mut Report<'_>,
) -> (TemplatesConfig, Arc<Folder>) {
    let text = |key: &str| table.text(key).filter(|text| !text.is_empty());
    let dir = text("dir").map(PathBuf::from);
    let folder = folder.map_or_else(|| Arc::new(opened(table, dir.as_ref(), report)), Arc::clone);
    let stored: Vec<&Record> = records.iter().filter(|record| of_templates(record)).collect();
    let mut sheets = folder.sheets().to_vec();
    for record in &stored {
        sheets.extend(written(record, &folder, report));
    }
    let (templates, flaws) = Templates::of(sheets);
    for flaw in flaws {
        match stored.iter().find(|record| record.name == flaw.name) {
            Some(record) => unplaced(record, pointer(&flaw), noted(&flaw, &flaw.what), report),
            None => refuse(table, noted(&flaw, &folder.told(&flaw)), report),
        }
    }
    let locale = text("locale").map(str::to_owned);
    let all = Arc::new(templates.read_in(locale.clone()));
    (TemplatesConfig { dir, locale, all }, folder)
}

/// Every template, wherever it stands, by name.
pub(super) fn entries(all: &Templates, folder: &Folder, records: &[Record]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for Sheet { name, part, source } in folder.sheets() {
        if entries.last().is_none_or(|entry| entry.name != *name) {
            let place = folder.place(name).unwrap_or_default().display().to_string();
            entries.push(entry(name, Origin::File { place }, Document::new()));
        }
        if let Some(entry) = entries.last_mut() {
            entry.document.insert(part.key().to_owned(), Json::from(source.as_str()));
        }
    }
    let stored = records.iter().filter(|record| of_templates(record));
    entries.extend(stored.map(|record| entry(&record.name, Origin::of(record), record.document.clone())));
    let text = |(part, source): (Part, &str)| (part.key().to_owned(), Json::from(source));
    let built_in = all.built_in().map(|(name, files)| {
        let document = files.parts().map(text).collect();
        entry(&name, Origin::BuiltIn, document)
    });
    entries.extend(built_in);
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}

fn entry(name: &str, origin: Origin, document: Document) -> Entry {
    Entry { section: Section::Templates, name: name.to_owned(), origin, document }
}

fn of_templates(record: &Record) -> bool {
    record.section == Section::Templates
}

fn opened(table: &Table, dir: Option<&PathBuf>, report: &mut Report<'_>) -> Folder {
    let Some(dir) = dir else { return Folder::default() };
    Folder::read(dir).unwrap_or_else(|problems| {
        for problem in problems {
            refuse(table, Problem::new(Code::WrongValue, problem), report);
        }
        Folder::default()
    })
}

fn refuse(table: &Table, problem: Problem, report: &mut Report<'_>) {
    if let Some(node) = table.get("dir") {
        report.at(&node.place, problem);
    }
}

fn noted(flaw: &Flaw, what: &str) -> Problem {
    let problem = Problem::new(Code::WrongValue, what);
    flaw.hint.iter().fold(problem, |problem, hint| problem.note(hint))
}

fn pointer(flaw: &Flaw) -> String {
    flaw.part.map_or_else(String::new, |part| below("", part.key()))
}

/// The parts of a template of the store; none if it is not whole.
fn written(record: &Record, folder: &Folder, report: &mut Report<'_>) -> Vec<Sheet> {
    if let Some(problem) = unnameable(record) {
        unplaced(record, String::new(), problem, report);
        return Vec::new();
    }
    if let Some(file) = folder.place(&record.name) {
        let what = format!("templates.{} stands in a file and in the store", record.name);
        let label = format!("it is also at {}; keep one of the two", file.display());
        unplaced(record, String::new(), Problem::new(Code::Included, what).label(label), report);
        return Vec::new();
    }
    let problems = unfit(&record.document);
    let is_whole = problems.is_empty();
    for (pointer, problem) in problems {
        unplaced(record, pointer, problem, report);
    }
    let sheet = |part: Part| {
        let source = record.document.get(part.key())?.as_str()?.to_owned();
        Some(Sheet { name: record.name.clone(), part, source })
    };
    if is_whole { Part::ALL.into_iter().filter_map(sheet).collect() } else { Vec::new() }
}

/// What a template of the store cannot have, and where. What is `null` is not there.
fn unfit(document: &Map<String, Json>) -> Vec<(String, Problem)> {
    let keys = Part::ALL.map(Part::key);
    let mut problems = Vec::new();
    for (key, value) in document {
        let pointer = below("", key);
        if !keys.contains(&key.as_str()) {
            let label = format!("a template has no such key.{}", question(nearest(key, keys)));
            let problem = Problem::new(Code::UnknownKey, format!("unknown key \"{key}\"")).label(label);
            problems.push((pointer, problem.note(format!("known keys: {}", listed(keys)))));
        } else if !value.is_string() && !value.is_null() {
            problems.push((pointer, Problem::new(Code::WrongValue, format!("{key} is no text"))));
        }
    }
    let text = Part::Text.key();
    if problems.is_empty() && document.get(text).is_none_or(Json::is_null) {
        let problem = Problem::new(Code::Missing, "a template needs a text");
        problems.push((below("", text), problem.label("add: \"text\", what is said")));
    }
    problems
}
