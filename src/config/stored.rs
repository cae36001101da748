//! Records of the store, beside what the files say: each is written as TOML and read like a file of its
//! own, so that whatever is wrong with it is found by the same checks and told in the same words.
//!
//! Nothing is laid over anything. A table that stands in a file, or in the environment, is that one's:
//! a record of the same name is an error. The order of routes: those of the files, then those of the
//! store by `position` and name; but a last route of the files that takes everything stays the last.

use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::nameless;
use super::listing::{Secrecy, masked};
use super::load::syntax_error;
use super::problem::{Code, InRecord, Location, Problem};
use super::report::Report;
use super::schema::{Kind, ROOT};
use super::tree::{self, Entry as TreeEntry, Node, Place, Table, Value};
use crate::domain::record::{Document, Entry, Origin, Record, Section, Tables};

/// A key of stored routes that the file does not have: there the order of the lines counts.
const POSITION: &str = "position";

/// Puts the records where they belong.
pub(super) fn merge(tree: &mut Table, records: &[Record], report: &mut Report<'_>) {
    let mut lists: Vec<(Section, Option<i64>, Node)> = Vec::new();
    for record in records.iter().filter(|record| record.section.is_in_the_file()) {
        if let Some(problem) = unnameable(record) {
            unplaced(record, String::new(), problem, report);
            continue;
        }
        let mut document = record.document.clone();
        if !is_list(record.section) {
            if let Some(entry) = read(record, &document, report) {
                put(tree, record, entry, report);
            }
            continue;
        }
        let position = match document.remove(POSITION) {
            None => None,
            Some(position) if position.is_i64() => position.as_i64(),
            Some(_) => {
                let what = format!("{POSITION} is no whole number");
                unplaced(record, format!("/{POSITION}"), Problem::new(Code::WrongValue, what), report);
                continue;
            }
        };
        document.insert("name".to_owned(), Json::from(record.name.as_str()));
        let items = read(record, &document, report).map(|entry| entry.node.value);
        if let Some(Value::List(items)) = items {
            lists.extend(items.into_iter().map(|item| (record.section, position, item)));
        }
    }
    // Records come by their names, and a stable sort leaves them so.
    lists.sort_by_key(|(section, position, _)| (*section, position.unwrap_or(i64::MAX)));
    for section in Section::ALL.into_iter().filter(|section| section.is_in_the_file()) {
        let own = lists.extract_if(.., |(of, ..)| *of == section);
        insert(tree, section, own.map(|(.., item)| item).collect());
    }
}

/// A name is a part of an address, where dots at its beginning mean something else.
pub(super) fn unnameable(record: &Record) -> Option<Problem> {
    let hidden = || {
        let what = format!("{:?} is no name: it begins with a dot", record.name);
        record.name.starts_with('.').then(|| Problem::new(Code::WrongValue, what))
    };
    nameless(record.section.as_str(), &record.name).or_else(hidden)
}

fn is_list(section: Section) -> bool {
    matches!(ROOT.kind(section.as_str()), Some(Kind::Each(_)))
}

/// The record as an entry of its section.
fn read(record: &Record, document: &Document, report: &mut Report<'_>) -> Option<TreeEntry> {
    let text = match written(record, document) {
        Ok(text) => text,
        Err(pointer) => {
            let problem = Problem::new(Code::WrongValue, "a value that the configuration cannot have");
            unplaced(record, pointer, problem.label("numbers have at most 64 bits, lists no null"), report);
            return None;
        }
    };
    let start = report.add(&text, &called(record));
    report.is_record(record.section, &record.name, Vec::new());
    let place = |span: Range<usize>| Place::File(start + span.start..start + span.end);
    let parsed = match DeTable::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            report.at(&place(error.span().unwrap_or_default()), syntax_error(&error));
            return None;
        }
    };
    let mut pointers = Vec::new();
    let section = parsed.get_ref().iter().next().map(|(_, value)| value)?;
    let root = match section.get_ref() {
        DeValue::Table(table) => table.iter().next().map(|(_, value)| value),
        DeValue::Array(list) => list.first(),
        _ => None,
    };
    point(root?, "", start, &mut pointers);
    report.is_record(record.section, &record.name, pointers);
    let mut table = tree::from_document(parsed.get_ref(), &place);
    let entry = table.remove(|_| true)?;
    match entry.node.value {
        Value::Table(mut inner) => inner.remove(|_| true),
        _ => Some(entry),
    }
}

/// What messages call it.
fn called(record: &Record) -> String {
    format!("store:{}/{}", record.section.as_str(), record.name)
}

/// The record as TOML; a pointer to what cannot be written so.
fn written(record: &Record, document: &Document) -> Result<String, String> {
    let table = toml::Value::Table(table(document, "")?);
    let inner = if is_list(record.section) {
        toml::Value::Array(vec![table])
    } else {
        toml::Value::Table(toml::Table::from_iter([(record.name.clone(), table)]))
    };
    let whole = toml::Table::from_iter([(record.section.as_str().to_owned(), inner)]);
    toml::to_string(&whole).map_err(|_| String::new())
}

/// What is `null` is not there.
fn table(document: &Document, pointer: &str) -> Result<toml::Table, String> {
    let present = document.iter().filter(|(_, value)| !value.is_null());
    present.map(|(key, value)| Ok((key.clone(), value_of(value, &below(pointer, key))?))).collect()
}

fn value_of(json: &Json, pointer: &str) -> Result<toml::Value, String> {
    let unfit = || pointer.to_owned();
    Ok(match json {
        Json::Null => return Err(unfit()),
        Json::Bool(on) => toml::Value::from(*on),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => toml::Value::from(whole),
            None if number.is_u64() => return Err(unfit()),
            None => toml::Value::from(number.as_f64().ok_or_else(unfit)?),
        },
        Json::String(text) => toml::Value::from(text.as_str()),
        Json::Array(list) => {
            let items = list.iter().enumerate();
            let items = items.map(|(index, item)| value_of(item, &below(pointer, &index.to_string())));
            toml::Value::Array(items.collect::<Result<_, _>>()?)
        }
        Json::Object(object) => toml::Value::Table(table(object, pointer)?),
    })
}

/// RFC 6901
pub(super) fn below(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn point(
    value: &Spanned<DeValue<'_>>,
    pointer: &str,
    start: usize,
    pointers: &mut Vec<(Range<usize>, String)>,
) {
    let mut at = |span: Range<usize>, pointer: &str| {
        pointers.push((start + span.start..start + span.end, pointer.to_owned()));
    };
    at(value.span(), pointer);
    match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                let pointer = below(pointer, key.get_ref());
                pointers.push((start + key.span().start..start + key.span().end, pointer.clone()));
                point(value, &pointer, start, pointers);
            }
        }
        DeValue::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                point(item, &below(pointer, &index.to_string()), start, pointers);
            }
        }
        _ => {}
    }
}

/// A problem of something that has no place in the text.
pub(super) fn unplaced(record: &Record, pointer: String, problem: Problem, report: &mut Report<'_>) {
    let place = InRecord { section: record.section, name: record.name.clone(), pointer };
    let problem = problem.located(Some(Location::Whole(called(record))));
    report.also(vec![problem.in_record(Some(place))]);
}

fn put(tree: &mut Table, record: &Record, entry: TreeEntry, report: &mut Report<'_>) {
    let Some(table) = tree.table_mut(record.section.as_str(), &entry.place) else { return };
    match table.entry(&record.name) {
        None => table.entries.push(entry),
        Some(there) => {
            let what = format!(
                "{}.{} stands in the configuration and in the store",
                record.section.as_str(),
                record.name
            );
            let label = format!("it is also at {}; keep one of the two", report.named(&there.place));
            report.beside(&entry.place, Problem::new(Code::Included, what).label(label));
        }
    }
}

/// Behind the others, but before a last one that takes everything.
fn insert(tree: &mut Table, section: Section, items: Vec<Node>) {
    let Some(place) = items.first().map(|item| item.place.clone()) else { return };
    if !tree.has(section.as_str()) {
        let list = Node { place: place.clone(), value: Value::List(Vec::new()) };
        tree.put(section.as_str(), place, list);
    }
    let entry = tree.entries.iter_mut().find(|entry| entry.key == section.as_str());
    if let Some(Value::List(list)) = entry.map(|entry| &mut entry.node.value) {
        let last = list.last().and_then(Node::table);
        let end = list.len() - usize::from(last.is_some_and(takes_everything));
        list.splice(end..end, items);
    }
}

fn takes_everything(route: &Table) -> bool {
    route.get("match").is_none_or(|node| node.table().is_some_and(|table| table.entries.is_empty()))
}

/// The tables of the configuration that could stand in the store, in their order.
pub(super) fn tables(tree: &Table, records: &[Record], report: &Report<'_>) -> Tables {
    let mut found = Vec::new();
    for section in Section::ALL.into_iter().filter(|section| section.is_in_the_file()) {
        let Some(node) = tree.get(section.as_str()) else { continue };
        if let Value::Table(table) = &node.value {
            for entry in &table.entries {
                found.push(shown(section, &entry.key, &entry.place, &entry.node, records, report));
            }
        }
        for (index, item) in node.list().iter().enumerate() {
            let name = item.table().and_then(|table| table.text("name"));
            let name = name.map_or_else(|| format!("{} {}", section.one(), index + 1), str::to_owned);
            found.push(shown(section, &name, &item.place, item, records, report));
        }
    }
    Tables(found)
}

fn shown(
    section: Section,
    name: &str,
    place: &Place,
    node: &Node,
    records: &[Record],
    report: &Report<'_>,
) -> Entry {
    let stored = match place {
        Place::File(span) => report.texts().record_at(span.start),
        _ => None,
    };
    let record =
        stored.and_then(|at| records.iter().find(|one| (one.section, &one.name) == (at.section, &at.name)));
    let (origin, document) = match record {
        Some(record) => (Origin::of(record), record.document.clone()),
        None => {
            let document = serde_json::to_value(masked("", node, Secrecy::of(0))).unwrap_or_default();
            let document = document.as_object().cloned().unwrap_or_default();
            (Origin::File { place: report.named(place) }, document)
        }
    };
    Entry { section, name: name.to_owned(), origin, document }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use serde_json::json;

    use super::super::{Composed, Config, Loaded};
    use super::*;
    use crate::domain::Timestamp;

    const FILE: &str = "[channels.email]\ntype = \"email\"\nprovider = \"smtp\"\nhost = \"mx\"\nfrom = \"a@x.example\"\n\
         [users.ada]\nemail = \"ada@x.example\"\n\
         [policies.mail]\nsteps = [{ after = \"0s\", notify = [\"user:ada\"], via = [\"email\"] }]\n\
         [[routes]]\nname = \"web\"\nmatch = { service = \"web-*\" }\npolicy = \"mail\"\n\
         [[routes]]\nname = \"rest\"\npolicy = \"mail\"\n";

    fn record(section: Section, name: &str, version: u64, document: Json) -> Record {
        Record {
            section,
            name: name.to_owned(),
            document: document.as_object().expect("an object").clone(),
            version,
            updated_at: Timestamp::UNIX_EPOCH,
            updated_by: "api".to_owned(),
        }
    }

    fn file(text: &str) -> Loaded {
        Config::parse(text, Some(Path::new("config.toml")), &BTreeMap::new()).expect("it is valid")
    }

    fn together(records: &[Record]) -> Result<Composed, Vec<Problem>> {
        file(FILE).files.with(records, |_| false)
    }

    fn refused(records: &[Record]) -> Vec<Problem> {
        let problems = together(records).expect_err("it is not valid");
        problems.into_iter().filter(Problem::is_error).collect()
    }

    #[test]
    fn a_record_is_told_what_a_file_is_told_and_where_in_its_document() {
        let step = "{ after = \"0s\", notify = [\"user:eve\"], via = [\"emial\"] }";
        let text =
            format!("{FILE}[policies.page]\nsteps = [{step}]\n[users.grace]\nemial = \"g@x.example\"\n");
        let of_file = Config::parse(&text, None, &BTreeMap::new()).expect_err("it is not valid");
        let page = json!({"steps": [{"after": "0s", "notify": ["user:eve"], "via": ["emial"]}]});
        let of_records = refused(&[
            record(Section::Users, "grace", 1, json!({"emial": "g@x.example"})),
            record(Section::Policies, "page", 2, page),
        ]);
        let words = |problems: &[Problem]| {
            let told = problems.iter().filter(|problem| problem.is_error());
            let mut told: Vec<_> = told.map(|one| (one.code, one.what.clone(), one.notes.clone())).collect();
            told.sort();
            told
        };
        assert_eq!(words(&of_records), words(&of_file));
        let places = of_records.iter().map(|problem| {
            let place = problem.record.as_ref().expect("it lies in a record");
            (place.name.as_str(), place.pointer.as_str())
        });
        let mut places: Vec<_> = places.collect();
        places.sort_unstable();
        let expected = [("grace", "/emial"), ("page", "/steps/0/notify/0"), ("page", "/steps/0/via/0")];
        assert_eq!(places, expected);
        assert!(of_records[0].render().contains("--> store:users/grace:2:1"), "{}", of_records[0]);
    }

    #[test]
    fn what_a_file_or_a_variable_has_is_not_stored_as_well() {
        let problems = refused(&[record(Section::Users, "ada", 1, json!({"phone": "+15550111"}))]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].render().contains("it is also at config.toml:6"), "{}", problems[0]);
        let env = [("FOGHORN_USERS__GRACE__EMAIL".to_owned(), "g@x.example".to_owned())].into();
        let files = Config::parse(FILE, None, &env).expect("it is valid").files;
        let problems = files.with(&[record(Section::Users, "grace", 1, json!({}))], |_| false);
        let told = problems.expect_err("it is not valid")[0].render();
        assert!(told.contains("FOGHORN_USERS__GRACE__EMAIL"), "{told}");
    }

    #[test]
    fn stored_routes_stand_between_those_of_the_file_and_its_last_that_takes_everything() {
        let route = |name: &str, position: Json| {
            let document = json!({"match": {"service": name}, "policy": "mail", "position": position});
            record(Section::Routes, name, 1, document)
        };
        let loaded = together(&[route("a", json!(null)), route("b", json!(2)), route("c", json!(1))]);
        let problems = loaded.expect_err("null is no position");
        assert_eq!(problems[0].record.as_ref().expect("a record").pointer, "/position");
        let none = record(Section::Routes, "a", 1, json!({"match": {"service": "a"}, "policy": "mail"}));
        let loaded = together(&[none, route("b", json!(2)), route("c", json!(1))]).expect("valid").loaded;
        let names: Vec<_> =
            loaded.config.route_table.routes.iter().map(|route| route.name.as_str()).collect();
        assert_eq!(names, ["web", "c", "b", "a", "rest"]);
        let tables: Vec<_> =
            loaded.config.tables.of(Section::Routes).map(|entry| entry.name.as_str()).collect();
        assert_eq!(tables, names);
        assert!(!loaded.warnings.iter().any(|one| one.code == Code::NeverReached), "{:?}", loaded.warnings);
    }

    #[test]
    fn what_does_not_fit_any_more_is_left_out_and_the_rest_is_not() {
        let page = |who: &str| json!({"steps": [{"after": "0s", "notify": [who], "via": ["email"]}]});
        let records = [
            record(Section::Users, "eve", 1, json!({"email": "eve@x.example"})),
            record(Section::Users, "ada", 2, json!({"email": "other@x.example"})),
            record(Section::Teams, "core", 3, json!({"members": ["gone"]})),
            record(Section::Policies, "team", 4, page("team:core")),
            record(Section::Policies, "eve", 5, page("user:eve")),
        ];
        let composed = file(FILE).files.with(&records, |_| true).expect("the file is valid");
        let mut left: Vec<_> = composed.left_out.iter().map(|left| left.name.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["ada", "core", "team"], "{:?}", composed.left_out);
        let config = composed.loaded.config;
        assert!(config.route_table.policies.contains_key("eve"));
        let shown = config.tables.find(Section::Teams, "core").expect("it is shown");
        assert!(matches!(&shown.origin, Origin::Store { left_out: Some(why), .. } if why.contains("gone")));
        assert!(matches!(&config.tables.find(Section::Users, "ada").expect("the file's").origin,
            Origin::File { place } if place == "config.toml:6"));
    }

    #[test]
    fn what_toml_cannot_say_is_named() {
        let pointer = |document| refused(&[record(Section::Users, "a", 1, document)])[0].record.clone();
        let at = |document| pointer(document).map(|place| place.pointer);
        assert_eq!(at(json!({"ios": ["a", null]})), Some("/ios/1".to_owned()));
        assert_eq!(at(json!({"email": u64::MAX})), Some("/email".to_owned()));
        assert!(together(&[record(Section::Users, "a", 1, json!({"phone": null, "email": "a@x"}))]).is_ok());
        for name in ["", "a b", "a/b", "ä", ".."] {
            let problems = refused(&[record(Section::Routes, name, 1, json!({"policy": "mail"}))]);
            assert!(problems[0].what.contains("no name"), "{name:?}: {problems:?}");
        }
    }
}
