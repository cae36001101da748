//! The values of a rule.
//!
//! ```text
//! "/alert/title"                                    a JSON Pointer: it begins with a slash
//! "{{ host }}: {{ message }}"                       a text with expressions in it
//! "critical", 3, true                               this, always
//! { pointer = "/prio", map = { P1 = "critical" }, default = "medium" }
//! { pointer = ["/id", "/uuid"] }                    the first that is there
//! { expression = "prio | lower" }, { value = "/x" }
//! ```

use std::collections::BTreeMap;

use toml::{Table, Value as Written};

use super::super::super::strict_json::Node;
use super::super::expression::Text;
use super::super::field::{Class, FIELDS, Field, Kind};
use super::super::pointer::Pointer;
use super::super::rule::{ALL, Link, Taking};
use super::super::value::{From, Value};
use super::{Objections, scalar};
use crate::domain::event::{EventStatus, Priority};
use crate::domain::severity::{Severity, SeverityAliases};
use crate::domain::suggest::{listed, nearest, question};

/// What a value may say of itself.
const VALUE_KEYS: [&str; 5] = ["pointer", "expression", "value", "map", "default"];

/// What fields are compiled with.
#[derive(Clone, Copy)]
pub(super) struct Compiling<'a> {
    pub(super) kind: Kind,
    pub(super) aliases: &'a SeverityAliases,
}

impl Compiling<'_> {
    /// Every field that is written.
    pub(super) fn fields(self, written: &Table, objections: &mut Objections) -> Vec<(Field, Taking)> {
        let there = FIELDS.into_iter().filter_map(|field| Some((field, written.get(field.name)?)));
        let each = there.filter_map(|(field, value)| {
            objections.at(field.name, |it| {
                if !self.kind.has(field) {
                    it.add(self.misplaced(field), Some("remove it, or say kind".to_owned()));
                    return None;
                }
                Some((field, self.taking(field, value, it)?))
            })
        });
        each.collect()
    }

    /// Why a rule of this kind has no such field.
    fn misplaced(self, field: Field) -> String {
        let whose =
            field.of.map_or_else(|| "an event".to_owned(), |of| format!("an event of kind {}", of.as_str()));
        match self.kind {
            Kind::Ignored => format!("belongs to {whose}, and this rule makes none"),
            kind => format!("belongs to {whose}, and this is one of kind {}", kind.as_str()),
        }
    }

    fn taking(self, field: Field, written: &Written, objections: &mut Objections) -> Option<Taking> {
        let taking = match (field.class, written) {
            (Class::Words, Written::Array(items)) => {
                let each = items.iter().enumerate();
                Taking::Each(each.filter_map(|(at, item)| objections.at(at, |it| value(item, it))).collect())
            }
            (Class::Labels | Class::Variables, Written::Table(table)) => {
                let named = table.iter().filter_map(|(name, item)| {
                    let value = objections.at(name, |it| value(item, it))?;
                    Some((name.clone(), value))
                });
                Taking::Named(named.collect())
            }
            (Class::Labels | Class::Variables, item) => {
                Taking::Named(vec![(ALL.to_owned(), value(item, objections)?)])
            }
            (Class::Links, Written::Array(items)) => {
                let each = items.iter().enumerate();
                Taking::Links(each.filter_map(|(at, item)| objections.at(at, |it| link(item, it))).collect())
            }
            (Class::Links, item @ Written::String(_)) => Taking::One(value(item, objections)?),
            (Class::Links, _) => {
                let fix = r#"write a pointer to one, or [{ text = "Runbook", url = "/runbook" }]"#;
                objections.add("must be a list of links", Some(fix.to_owned()));
                return None;
            }
            (_, item) => Taking::One(value(item, objections)?),
        };
        self.check_words(field, &taking, objections);
        Some(taking)
    }

    /// Words of ours that the operator writes are ours, which a record need not come to tell.
    fn check_words(self, field: Field, taking: &Taking, objections: &mut Objections) {
        let Taking::One(value) = taking else { return };
        let table = value.table.iter().flat_map(BTreeMap::values);
        let constant = match &value.from {
            From::Constant(constant) => Some(constant),
            From::Record(_) | From::Text(_) => None,
        };
        for word in table.chain(&value.default).chain(constant).filter_map(|node| match node {
            Node::Text(text) => Some(&**text),
            _ => None,
        }) {
            let known: Vec<&str> = match field.name {
                "severity" if self.aliases.resolve(word).is_none() => {
                    let aliases = self.aliases.0.keys().map(String::as_str);
                    Severity::ALL.iter().map(|severity| severity.as_str()).chain(aliases).collect()
                }
                "status" if EventStatus::parse(word).is_none() => {
                    EventStatus::ALL.map(EventStatus::as_str).to_vec()
                }
                "priority" if Priority::parse(word).is_none() => Priority::ALL.map(Priority::as_str).to_vec(),
                _ => continue,
            };
            let near = question(nearest(word, known.iter().copied()));
            let fix = format!("one of: {}.{near}", listed(known.iter().copied()));
            objections.add(format!("makes \"{word}\", which is not known"), Some(fix));
        }
    }
}

fn link(written: &Written, objections: &mut Objections) -> Option<Link> {
    let table = written.as_table().filter(|table| table.keys().all(|key| key == "text" || key == "url"));
    let Some((table, url)) = table.and_then(|table| Some((table, table.get("url")?))) else {
        let fix = r#"write it as { text = "Runbook", url = "/runbook" }"#;
        objections.add("is no link", Some(fix.to_owned()));
        return None;
    };
    let url = objections.at("url", |it| value(url, it));
    let text = table.get("text").map(|text| objections.at("text", |it| value(text, it)));
    Some(Link { url: url?, text: text.flatten() })
}

fn value(written: &Written, objections: &mut Objections) -> Option<Value> {
    let plain = |from| Some(Value { from, table: None, default: None });
    match written {
        Written::String(text) if text.starts_with('/') => {
            plain(From::Record(vec![objections.pointer(text)?]))
        }
        Written::String(text) if Text::is_one(text) => plain(From::Text(expression(text, objections)?)),
        Written::Table(table) => detailed(table, objections),
        Written::Array(_) => {
            objections.add(
                "must be one value",
                Some("the first of several places is { pointer = [\"/a\", \"/b\"] }".into()),
            );
            None
        }
        other => plain(From::Constant(constant(other, objections)?)),
    }
}

fn detailed(table: &Table, objections: &mut Objections) -> Option<Value> {
    for key in table.keys().filter(|key| !VALUE_KEYS.contains(&key.as_str())) {
        let fix = format!("known keys: {}.{}", listed(VALUE_KEYS), question(nearest(key, VALUE_KEYS)));
        objections.at(key, |it| it.add("is no key here", Some(fix)));
    }
    let from = match (table.get("pointer"), table.get("expression"), table.get("value")) {
        (Some(written), None, None) => objections.at("pointer", |it| From::record(written, it)),
        (None, Some(Written::String(text)), None) => {
            let text = format!("{{{{ {text} }}}}");
            objections.at("expression", |it| expression(&text, it)).map(From::Text)
        }
        (None, None, Some(written)) => objections.at("value", |it| constant(written, it)).map(From::Constant),
        _ => {
            let fix = r#"write one of pointer = "/a", expression = "a | lower", value = "a""#;
            objections.add("does not say where it comes from", Some(fix.to_owned()));
            None
        }
    };
    let words = table.get("map").map(|written| objections.at("map", |it| words(written, it)));
    let default = table.get("default").map(|written| objections.at("default", |it| constant(written, it)));
    Some(Value { from: from?, table: words.flatten(), default: default.flatten() })
}

impl From {
    fn record(written: &Written, objections: &mut Objections) -> Option<Self> {
        let items = written.as_array().map_or_else(|| std::slice::from_ref(written), Vec::as_slice);
        let pointers: Option<Vec<Pointer>> =
            items.iter().map(|item| objections.pointer(item.as_str().unwrap_or("…"))).collect();
        let pointers = pointers?;
        if pointers.is_empty() {
            objections.add("names no place", None);
            return None;
        }
        Some(Self::Record(pointers))
    }
}

fn words(written: &Written, objections: &mut Objections) -> Option<BTreeMap<String, Node<'static>>> {
    let Some(table) = written.as_table().filter(|table| !table.is_empty()) else {
        objections.add("must be a table", Some("write { P1 = \"critical\" }".to_owned()));
        return None;
    };
    let each = table.iter();
    each.map(|(word, value)| Some((word.clone(), objections.at(word, |it| constant(value, it))?))).collect()
}

fn expression(text: &str, objections: &mut Objections) -> Option<Text> {
    Text::compile(text).map_err(|why| objections.add(why, None)).ok()
}

/// A value that stands in the mapper: one text, or texts.
fn constant(written: &Written, objections: &mut Objections) -> Option<Node<'static>> {
    let texts = |items: &Vec<Written>| {
        items.iter().map(|item| Some(Node::Text(scalar(item)?.into()))).collect::<Option<_>>().map(Node::List)
    };
    let found = match written {
        Written::Array(items) => texts(items),
        other => scalar(other).map(|text| Node::Text(text.into())),
    };
    if found.is_none() {
        objections.add("must be a text, a number, a switch, or a list of texts", None);
    }
    found
}
