//! `include = ["conf.d/*.toml"]`: other files with other keys of the same configuration.
//!
//! Paths are relative to the file that says so. What matches a pattern is read in the order of its
//! name. Nothing is laid over anything: a key that stands in two files is an error.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::load::{read, syntax_error, without_mark};
use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::{self, Entry, Node, Place, Table, Value};
use crate::domain::pattern::Pattern;

/// Takes what was included before as it was then.
pub(super) fn include_again(tree: &mut Table, files: &[(PathBuf, String)], report: &mut Report<'_>) {
    files.iter().for_each(|(file, text)| add(tree, file, text, report));
}

/// Reads what `tree`, which was read from `path`, includes.
pub(super) fn include(tree: &mut Table, path: Option<&Path>, report: &mut Report<'_>) {
    let home = path.and_then(Path::parent).filter(|home| !home.as_os_str().is_empty());
    let home = home.unwrap_or_else(|| Path::new("."));
    let mut known: Vec<PathBuf> = path.and_then(|path| path.canonicalize().ok()).into_iter().collect();
    let patterns = tree.get("include").map(Node::list).unwrap_or_default().to_vec();
    for pattern in &patterns {
        // What is no text is told by the check.
        let Some(text) = pattern.text() else { continue };
        match matching(&home.join(text)) {
            Ok(files) => {
                for file in files {
                    let real = file.canonicalize().unwrap_or_else(|_| file.clone());
                    if !known.contains(&real) {
                        known.push(real);
                        match read(&file) {
                            Ok(text) => add(tree, &file, &text, report),
                            Err(problems) => report.also(problems),
                        }
                    }
                }
            }
            Err(why) => {
                let problem = Problem::new(Code::Included, format!("cannot include {text:?}"));
                report.at(&pattern.place, problem.label(why.to_string()));
            }
        }
    }
}

/// The files that are meant, in the order of their names. A pattern may match nothing; a path may not.
fn matching(path: &Path) -> io::Result<Vec<PathBuf>> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.contains('*') {
        return fs::metadata(path).map(|_| vec![path.to_owned()]);
    }
    let pattern = Pattern::new(name);
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with('.') && pattern.matches(name) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn add(tree: &mut Table, file: &Path, text: &str, report: &mut Report<'_>) {
    let text = without_mark(text);
    let start = report.add(text, &file.display().to_string());
    let place = |span: std::ops::Range<usize>| Place::File(start + span.start..start + span.end);
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => return report.at(&place(error.span().unwrap_or_default()), syntax_error(&error)),
    };
    let mut more = tree::from_document(document.get_ref(), &place);
    if let Some(entry) = more.remove(|entry| entry.key == "include") {
        let problem = Problem::new(Code::Included, "an included file includes others")
            .label("only the main file may have include");
        report.beside(&entry.place, problem);
    }
    merge(tree, more, "", report);
}

fn merge(tree: &mut Table, more: Table, path: &str, report: &mut Report<'_>) {
    for Entry { key, place, node } in more.entries {
        let here = super::schema::join(path, &key);
        let Some(there) = tree.entries.iter_mut().find(|entry| entry.key == key) else {
            tree.entries.push(Entry { key, place, node });
            continue;
        };
        match (&mut there.node.value, node.value) {
            (Value::Table(table), Value::Table(inner)) => merge(table, inner, &here, report),
            _ => {
                let first = report.named(&there.place);
                let problem = Problem::new(Code::Included, format!("{here} stands in two files"))
                    .label(format!("it is also at {first}; keep one of the two"));
                report.beside(&place, problem);
            }
        }
    }
}
