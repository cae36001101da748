//! From what the operator wrote to rules, or to everything that is wrong with it.

mod arrival;
mod taking;

use toml::{Table, Value};

use self::taking::Compiling;
use super::condition::{Condition, Wish};
use super::field::{FIELDS, Kind, field};
use super::pointer::Pointer;
use super::rule::Rule;
use crate::domain::pattern::Pattern;
use crate::domain::severity::SeverityAliases;
use crate::domain::suggest::{listed, nearest, question};

/// What a mapper may say for all its rules, beside the fields.
pub const SHARED_KEYS: [&str; 4] = ["headers", "each", "event_type", "rules"];
/// What a rule may say, beside the fields.
pub const RULE_KEYS: [&str; 4] = ["name", "on", "when", "kind"];

/// Something that is wrong with a mapper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The way to it from the mapper: keys, and places in lists.
    pub path: Vec<String>,
    /// What.
    pub detail: String,
    /// What to write instead.
    pub fix: Option<String>,
}

/// Takes note of what is wrong, and where.
#[derive(Default)]
pub(super) struct Objections {
    found: Vec<Objection>,
    path: Vec<String>,
    /// The headers that are kept with a record; if there are some, pointers lead to them or into its body.
    headers: Vec<String>,
}

impl Objections {
    /// Others of the same mapper.
    fn beside(&self) -> Self {
        Self { headers: self.headers.clone(), ..Self::default() }
    }

    pub(super) fn add(&mut self, detail: impl Into<String>, fix: Option<String>) {
        self.found.push(Objection { path: self.path.clone(), detail: detail.into(), fix });
    }

    /// Does this one step further down.
    pub(super) fn at<T>(&mut self, step: impl ToString, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.to_string());
        let done = inner(self);
        self.path.pop();
        done
    }
}

/// What a mapper is made of.
pub(super) struct Compiled {
    pub(super) headers: Vec<String>,
    pub(super) each: Option<Pointer>,
    pub(super) rules: Vec<Rule>,
}

/// The mapper `name`.
pub(super) fn compiled(
    name: &str,
    written: &Table,
    aliases: &SeverityAliases,
) -> Result<Compiled, Vec<Objection>> {
    let mut objections = Objections::default();
    unknown(written, &SHARED_KEYS, &mut objections);
    let headers = arrival::headers(written, &mut objections);
    objections.headers.clone_from(&headers);
    let each = arrival::each(written, &mut objections);
    let rules = rules(name, written, aliases, &mut objections);
    if objections.found.is_empty() { Ok(Compiled { headers, each, rules }) } else { Err(objections.found) }
}

/// Every rule of the mapper `name`.
fn rules(name: &str, written: &Table, aliases: &SeverityAliases, objections: &mut Objections) -> Vec<Rule> {
    let event_type =
        written.get("event_type").and_then(|value| objections.at("event_type", |it| pointer(value, it)));
    let rules = match written.get("rules").map(Value::as_array) {
        None => vec![the_only_one(name, written, aliases, objections)],
        Some(None) => {
            objections.at("rules", |it| {
                it.add("must be a list of tables", Some("write [[mappers.NAME.rules]]".into()))
            });
            Vec::new()
        }
        Some(Some(list)) => {
            let reading = Reading { shared: written, event_type, aliases };
            let each = list.iter().enumerate();
            objections
                .at("rules", |it| each.map(|(at, rule)| it.at(at, |it| reading.rule(at, rule, it))).collect())
        }
    };
    for (at, rule) in rules.iter().enumerate().take(rules.len().saturating_sub(1)) {
        if rule.when.is_empty() && takes_everything(written, at) {
            let detail =
                format!("rule \"{}\" takes every record, so those below it are never reached", rule.name);
            let fix = Some("say when it takes one, or put it last".to_owned());
            objections.at("rules", |it| it.at(at, |it| it.add(detail, fix)));
        }
    }
    if rules.is_empty() && objections.found.is_empty() {
        objections
            .at("rules", |it| it.add("has no rule", Some("remove it, and its mapper is one".to_owned())));
    }
    rules
}

/// Does the rule say nothing of when it takes a record, right or wrong?
fn takes_everything(written: &Table, at: usize) -> bool {
    let rule = written.get("rules").and_then(|rules| rules.get(at)).and_then(Value::as_table);
    rule.is_some_and(|rule| !rule.contains_key("on") && !rule.contains_key("when"))
}

/// A mapper without rules is one itself.
fn the_only_one(name: &str, written: &Table, aliases: &SeverityAliases, objections: &mut Objections) -> Rule {
    let kind = kind_by_fields(written).unwrap_or(Kind::Incident);
    let fields = Compiling { kind, aliases }.fields(written, objections);
    incomplete(kind, |name| written.contains_key(name), objections);
    Rule { name: name.to_owned(), when: Vec::new(), kind, fields }
}

/// What each rule is read with.
struct Reading<'a> {
    shared: &'a Table,
    event_type: Option<Pointer>,
    aliases: &'a SeverityAliases,
}

impl Reading<'_> {
    fn rule(&self, at: usize, written: &Value, objections: &mut Objections) -> Rule {
        let Some(written) = written.as_table() else {
            objections.add("must be a table", None);
            return Rule { name: String::new(), when: Vec::new(), kind: Kind::Incident, fields: Vec::new() };
        };
        unknown(written, &RULE_KEYS, objections);
        let kind = self.kind(written, objections);
        let mut when: Vec<Condition> = self.on(written, objections).into_iter().collect();
        if let Some(conditions) = written.get("when") {
            objections.at("when", |it| when.extend(conditions_of(conditions, it)));
        }
        let compiling = Compiling { kind, aliases: self.aliases };
        let mut fields = compiling.fields(written, objections);
        let mut shared = self.shared.clone();
        shared.retain(|name, _| {
            field(name).is_some_and(|field| kind.has(field)) && !written.contains_key(name)
        });
        // What is wrong with them is told once, with the first rule.
        let mut elsewhere = objections.beside();
        fields.extend(compiling.fields(&shared, &mut elsewhere));
        for objection in elsewhere.found {
            if !objections.found.contains(&objection) {
                objections.found.push(objection);
            }
        }
        let has = |name: &str| written.contains_key(name) || self.shared.contains_key(name);
        incomplete(kind, has, objections);
        if kind == Kind::Ignored && !written.contains_key("on") && !written.contains_key("when") {
            let fix =
                "add on or when: what no rule takes is kept as a dead letter, and nothing is lost by a slip";
            objections.add("does not say which records it lets go", Some(fix.to_owned()));
        }
        Rule { name: named(at, written), when, kind, fields }
    }

    fn kind(&self, written: &Table, objections: &mut Objections) -> Kind {
        match written.get("kind").map(|value| value.as_str().unwrap_or_default()) {
            None => kind_by_fields(written).or_else(|| kind_by_fields(self.shared)).unwrap_or(Kind::Incident),
            Some(word) => Kind::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or_else(|| {
                objections.at("kind", |it| {
                    it.add("is no kind of event", Some("write incident, notification or ignored".into()))
                });
                Kind::Incident
            }),
        }
    }

    /// `on = "payment.*"`, which looks where the mapper says that types are.
    fn on(&self, written: &Table, objections: &mut Objections) -> Option<Condition> {
        let value = written.get("on")?;
        objections.at("on", |it| {
            let Some(pointer) = &self.event_type else {
                let fix = "say where the type of an event is: event_type = \"/type\", above the rules";
                it.add("needs event_type", Some(fix.to_owned()));
                return None;
            };
            let wish = Wish::AnyOf(patterns(value, it)?);
            Some(Condition { pointer: pointer.clone(), wish })
        })
    }
}

fn named(at: usize, written: &Table) -> String {
    let text = |key| written.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("name").or_else(|| text("on")).map_or_else(|| format!("rule {}", at + 1), str::to_owned)
}

/// What the fields belong to that only one kind has.
fn kind_by_fields(written: &Table) -> Option<Kind> {
    FIELDS.into_iter().filter(|field| written.contains_key(field.name)).find_map(|field| field.of)
}

fn unknown(written: &Table, keys: &[&'static str], objections: &mut Objections) {
    let known = || keys.iter().copied().chain(FIELDS.into_iter().map(|field| field.name));
    for key in written.keys().filter(|key| known().all(|known| known != *key)) {
        let fix = format!("known keys: {}.{}", listed(known()), question(nearest(key, known())));
        objections.at(key, |it| it.add("is no key here", Some(fix)));
    }
}

/// What every event needs, and this rule does not fill.
fn incomplete(kind: Kind, has: impl Fn(&str) -> bool, objections: &mut Objections) {
    let add = |what: &str, example: &str, objections: &mut Objections| {
        objections.add(format!("does not say where the {what} is"), Some(format!("add: {example}")));
    };
    match kind {
        Kind::Incident if !has("title") => add("title", "title = \"/title\"", objections),
        Kind::Incident | Kind::Ignored => {}
        Kind::Notification => {
            for (name, example) in [("to", "to = \"/user/email\""), ("via", "via = [\"email\"]")] {
                if !has(name) {
                    add(name, example, objections);
                }
            }
            let own_words = has("subject") && has("body");
            if !own_words && !has("template") {
                add("text", "subject and body, or template", objections);
            }
        }
    }
}

fn conditions_of(value: &Value, objections: &mut Objections) -> Vec<Condition> {
    let Some(table) = value.as_table() else {
        let fix = r#"write it as { "/type" = "payment.*" }"#;
        objections.add("must be a table of JSON Pointers", Some(fix.to_owned()));
        return Vec::new();
    };
    let each = table.iter().filter_map(|(key, value)| {
        objections.at(key, |it| {
            let pointer = it.pointer(key)?;
            Some(Condition { pointer, wish: wish(value, it)? })
        })
    });
    each.collect()
}

fn wish(value: &Value, objections: &mut Objections) -> Option<Wish> {
    let Some(table) = value.as_table() else { return patterns(value, objections).map(Wish::AnyOf) };
    let mut entries = table.iter();
    match (entries.next(), entries.next()) {
        (Some((key, Value::Boolean(there))), None) if key == "exists" => {
            Some(if *there { Wish::There } else { Wish::NotThere })
        }
        (Some((key, value)), None) if key == "not" => {
            objections.at("not", |it| patterns(value, it)).map(Wish::NoneOf)
        }
        _ => {
            let fix = "write a text, a list of them, { not = … } or { exists = true }";
            objections.add("is no condition", Some(fix.to_owned()));
            None
        }
    }
}

fn patterns(value: &Value, objections: &mut Objections) -> Option<Vec<Pattern>> {
    let items = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    let texts: Option<Vec<Pattern>> = items.iter().map(|item| scalar(item).map(Pattern::new)).collect();
    let texts = texts.filter(|texts| !texts.is_empty());
    if texts.is_none() {
        objections.add("must be a text, or a list of texts", Some("\"*\" stands for any letters".to_owned()));
    }
    texts
}

/// A text, a number or a switch as a text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(on) => Some(on.to_string()),
        Value::Datetime(moment) => Some(moment.to_string()),
        Value::Array(_) | Value::Table(_) => None,
    }
}

fn pointer(value: &Value, objections: &mut Objections) -> Option<Pointer> {
    match value.as_str() {
        Some(text) => objections.pointer(text),
        None => {
            objections.add("must be a JSON Pointer", None);
            None
        }
    }
}
