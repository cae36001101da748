//! Texts with expressions in them: `{{ host }}: {{ message | trim }}`.
//!
//! MiniJinja evaluates what stands between the braces, and nothing else of it is there: no statement, no
//! loop, no template beside it, no file, and of its filters those alone whose result is no longer than
//! what they are given. What an expression costs is therefore bounded by its own length times that of the
//! record, whatever the record says; fuel and the length of the result are bounded besides. Names are the
//! keys of the record; `record` is all of it. A name that is not there is a fault and never an empty word.

use std::sync::LazyLock;

use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{
    Environment, Error, ErrorKind, Expression, UndefinedBehavior, context, filters, tests as checks,
};
use serde_json::Number;

use super::super::strict_json::Node;
use super::excerpt::shortened;
use crate::domain::event::Bounds;

/// The longest expression, bytes: it is compiled by a function that calls itself.
const LONGEST_SOURCE: usize = 1_000;
/// Instructions one expression may take.
const FUEL: u64 = 10_000;
/// The longest that a filter makes of many texts, bytes.
const LONGEST: usize = 256 << 10;

/// What expressions are evaluated in: the same for all, since none can change it.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut all = Environment::empty();
    all.set_undefined_behavior(UndefinedBehavior::Strict);
    all.set_fuel(Some(FUEL));
    all.set_debug(false);
    all.add_filter("lower", filters::lower);
    all.add_filter("upper", filters::upper);
    all.add_filter("title", filters::title);
    all.add_filter("capitalize", filters::capitalize);
    all.add_filter("trim", filters::trim);
    all.add_filter("lines", filters::lines);
    all.add_filter("split", filters::split);
    all.add_filter("replace", replaced);
    all.add_filter("join", joined);
    all.add_filter("truncate", truncated);
    all.add_filter("urlencode", filters::urlencode);
    all.add_filter("string", filters::string);
    all.add_filter("int", filters::int);
    all.add_filter("float", filters::float);
    all.add_filter("round", filters::round);
    all.add_filter("abs", filters::abs);
    all.add_filter("length", filters::length);
    all.add_filter("first", filters::first);
    all.add_filter("last", filters::last);
    all.add_filter("list", filters::list);
    all.add_filter("unique", filters::unique);
    all.add_filter("sort", filters::sort);
    all.add_filter("items", filters::items);
    all.add_filter("attr", filters::attr);
    all.add_filter("map", attributes);
    all.add_filter("selectattr", filters::selectattr);
    all.add_filter("rejectattr", filters::rejectattr);
    all.add_filter("default", filters::default);
    all.add_filter("tojson", |value: &Value| serde_json::to_string(value).unwrap_or_default());
    all.add_test("defined", checks::is_defined);
    all.add_test("undefined", checks::is_undefined);
    all.add_test("none", checks::is_none);
    all.add_test("string", checks::is_string);
    all.add_test("number", checks::is_number);
    all.add_test("boolean", checks::is_boolean);
    all.add_test("mapping", checks::is_mapping);
    all.add_test("sequence", checks::is_sequence);
    all.add_test("startingwith", checks::is_startingwith);
    all.add_test("endingwith", checks::is_endingwith);
    all.add_test("eq", checks::is_eq);
    all.add_test("equalto", checks::is_eq);
    all.add_test("ne", checks::is_ne);
    all.add_test("in", checks::is_in);
    all.add_test("true", checks::is_true);
    all
});

/// The filters there are.
const FILTERS: [&str; 29] = [
    "lower",
    "upper",
    "title",
    "capitalize",
    "trim",
    "lines",
    "split",
    "replace",
    "join",
    "truncate",
    "urlencode",
    "string",
    "int",
    "float",
    "round",
    "abs",
    "length",
    "first",
    "last",
    "list",
    "unique",
    "sort",
    "items",
    "attr",
    "map",
    "selectattr",
    "rejectattr",
    "default",
    "tojson",
];

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("makes more than {LONGEST} bytes"))
}

/// As MiniJinja's own, but bounded: between each two letters of a long text a long one could be put.
fn replaced(text: &Value, from: &Value, to: &Value) -> Result<String, Error> {
    let (text, from, to) = (there(text)?, there(from)?, there(to)?);
    let times = text.matches(&from).count();
    let grown = times.saturating_mul(to.len()).saturating_add(text.len());
    if grown > LONGEST { Err(too_long()) } else { Ok(text.replace(&from, &to)) }
}

/// As MiniJinja's own, but bounded.
fn joined(list: &Value, between: Option<&str>) -> Result<String, Error> {
    let mut text = String::new();
    if list.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    for (at, item) in list.try_iter()?.enumerate() {
        if at > 0 {
            text.push_str(between.unwrap_or_default());
        }
        text.push_str(&item.to_string());
        if text.len() > LONGEST {
            return Err(too_long());
        }
    }
    Ok(text)
}

/// The beginning of a text, so many characters of it at the most.
fn truncated(text: &Value, most: usize) -> Result<String, Error> {
    let text = there(text)?;
    Ok(match text.char_indices().nth(most) {
        None => text,
        Some(_) => {
            let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(end, _)| end);
            format!("{}…", text[..end].trim_end())
        }
    })
}

/// A value as a text, if there is one.
fn there(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// One attribute of each item.
fn attributes(list: &Value, how: Kwargs) -> Result<Vec<Value>, Error> {
    if list.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let name: Value = how.get("attribute")?;
    how.assert_all_used()?;
    list.try_iter()?.map(|item| item.get_item(&name)).collect()
}

/// What expressions see of a record.
pub(super) fn seen(root: &Node<'_>) -> Value {
    let record = Value::from(Serde(&root.clone().into_value()));
    if record.kind() == ValueKind::Map {
        context! { record => record.clone(), ..record }
    } else {
        context! { record }
    }
}

/// A text with expressions in it, compiled.
#[derive(Debug)]
pub(super) struct Text {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Plain(String),
    Expression(Expression<'static, 'static>),
}

/// Why a text says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// Something that it names is not there.
    NotThere,
    /// Anything else, in words.
    Failed(String),
}

impl Text {
    /// Is it one, and not just a text?
    pub(super) fn is_one(source: &str) -> bool {
        ["{{", "{%", "{#"].iter().any(|mark| source.contains(mark))
    }

    /// As it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The text, compiled.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(super) fn compile(source: &str) -> Result<Self, String> {
        if source.contains("{%") || source.contains("{#") {
            return Err("a mapper has expressions alone, {{ … }}; for cases write several rules, or {{ a if b else c }}"
                .to_owned());
        }
        let (mut parts, mut rest) = (Vec::new(), source);
        while let Some((plain, behind)) = rest.split_once("{{") {
            let Some((inner, after)) = behind.split_once("}}") else {
                return Err("\"{{\" has no \"}}\" behind it".to_owned());
            };
            if !plain.is_empty() {
                parts.push(Part::Plain(plain.to_owned()));
            }
            parts.push(Part::Expression(compiled(inner.trim())?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Plain(rest.to_owned()));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    /// What it says of what is `seen`. One expression and nothing else may be any value; of several parts
    /// a text is made.
    pub(super) fn say(&self, seen: &Value, bounds: &Bounds) -> Result<Node<'static>, Unsaid> {
        if let [Part::Expression(one)] = self.parts.as_slice() {
            let mut room = Room { items: bounds.keys, bytes: bounds.string };
            return room.node(&evaluated(one, seen)?, bounds.depth);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Expression(expression) => {
                    let value = evaluated(expression, seen)?;
                    if !value.is_none() {
                        text.push_str(
                            value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str(),
                        );
                    }
                }
            }
            if text.len() > bounds.string {
                return Err(too_much(bounds.string));
            }
        }
        Ok(Node::Text(text.into()))
    }
}

fn compiled(source: &str) -> Result<Expression<'static, 'static>, String> {
    if source.len() > LONGEST_SOURCE {
        return Err(format!("an expression has at most {LONGEST_SOURCE} bytes"));
    }
    if multiplies(source) {
        return Err("\"*\" has no place here: what it makes may be of any length".to_owned());
    }
    let expression = ENVIRONMENT.compile_expression_owned(source.to_owned());
    let expression =
        expression.map_err(|error| format!("{{{{ {source} }}}} is no expression: {}", words(&error)))?;
    // A filter that is not there is found when it is used, and that is too late.
    match used_filter(source) {
        Some(unknown) => Err(format!("there is no filter \"{unknown}\"; there are: {}", FILTERS.join(", "))),
        None => Ok(expression),
    }
}

/// Parts of an expression that are no text in quotes.
fn bare(source: &str) -> impl Iterator<Item = char> {
    let (mut quote, mut escaped) = (None, false);
    source.chars().map(move |letter| {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None => return letter,
        }
        // What is in quotes says nothing here, and keeps apart what is around it.
        '"'
    })
}

fn multiplies(source: &str) -> bool {
    bare(source).any(|letter| letter == '*')
}

/// A filter that is used and is not there.
fn used_filter(source: &str) -> Option<String> {
    let bare: String = bare(source).collect();
    let names = bare.split('|').skip(1).map(|behind| {
        let word = |letter: &char| letter.is_alphanumeric() || *letter == '_';
        behind.trim_start().chars().take_while(word).collect::<String>()
    });
    let mut unknown = names.filter(|name| !FILTERS.contains(&name.as_str()));
    unknown.next()
}

fn evaluated(expression: &Expression<'_, '_>, seen: &Value) -> Result<Value, Unsaid> {
    match expression.eval(seen.clone()) {
        Ok(value) if value.is_undefined() => Err(Unsaid::NotThere),
        Ok(value) => Ok(value),
        Err(error) if error.kind() == ErrorKind::UndefinedError => Err(Unsaid::NotThere),
        Err(error) if error.kind() == ErrorKind::OutOfFuel => {
            Err(Unsaid::Failed("it takes too long".to_owned()))
        }
        Err(error) => Err(Unsaid::Failed(words(&error))),
    }
}

fn words(error: &Error) -> String {
    shortened(&error.detail().map_or_else(|| error.kind().to_string(), str::to_owned), 200)
}

fn too_much(most: usize) -> Unsaid {
    Unsaid::Failed(format!("it makes more than {most} bytes"))
}

/// How much a value may still hold.
struct Room {
    items: usize,
    bytes: usize,
}

impl Room {
    fn node(&mut self, value: &Value, depth: usize) -> Result<Node<'static>, Unsaid> {
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(Unsaid::Failed("what it makes is nested too deep".to_owned()));
        };
        Ok(match value.kind() {
            ValueKind::Undefined | ValueKind::None => Node::Null,
            ValueKind::Bool => Node::Bool(value.is_true()),
            ValueKind::Number => Node::Number(number(value)?),
            ValueKind::String => self.text(value.as_str().unwrap_or_default())?,
            ValueKind::Seq | ValueKind::Iterable => {
                let mut items = Vec::new();
                for item in entries(value)? {
                    self.count()?;
                    items.push(self.node(&item, deeper)?);
                }
                Node::List(items)
            }
            ValueKind::Map => {
                let mut map = Vec::new();
                for key in entries(value)? {
                    self.count()?;
                    let item = value.get_item(&key).map_err(|error| Unsaid::Failed(words(&error)))?;
                    map.push((key.to_string().into(), self.node(&item, deeper)?));
                }
                Node::Map(map)
            }
            kind => return Err(Unsaid::Failed(format!("it makes a {kind}, which is no JSON"))),
        })
    }

    fn text(&mut self, text: &str) -> Result<Node<'static>, Unsaid> {
        if text.len() > self.bytes {
            return Err(too_much(self.bytes));
        }
        Ok(Node::Text(text.to_owned().into()))
    }

    fn count(&mut self) -> Result<(), Unsaid> {
        let left =
            self.items.checked_sub(1).ok_or_else(|| Unsaid::Failed("it makes too many values".to_owned()));
        self.items = left?;
        Ok(())
    }
}

fn entries(value: &Value) -> Result<impl Iterator<Item = Value>, Unsaid> {
    value.try_iter().map_err(|error| Unsaid::Failed(words(&error)))
}

fn number(value: &Value) -> Result<Number, Unsaid> {
    let number = serde_json::to_value(value).ok().and_then(|value| value.as_number().cloned());
    number.ok_or_else(|| Unsaid::Failed("it makes no number that JSON has".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_that_is_named_is_there() {
        for name in FILTERS {
            let text = Text::compile(&format!("{{{{ x | {name} }}}}")).expect("it compiles");
            let said =
                text.say(&seen(&Node::Map(vec![("x".into(), Node::Text("a".into()))])), &Bounds::default());
            let words = format!("{said:?}");
            assert!(!words.contains("unknown filter"), "{name}: {words}");
        }
    }

    #[test]
    fn a_text_is_cut_with_a_mark() {
        let said = |source: &str| {
            let record = Node::Map(vec![("x".into(), Node::Text("Größe und mehr".into()))]);
            Text::compile(source).expect("it compiles").say(&seen(&record), &Bounds::default())
        };
        assert_eq!(said("{{ x | truncate(7) }}"), Ok(Node::Text("Größe…".into())));
        assert_eq!(said("{{ x | truncate(99) }}!"), Ok(Node::Text("Größe und mehr!".into())));
        assert_eq!(said("{{ y | truncate(7) }}"), Err(Unsaid::NotThere));
        assert_eq!(said("{{ [x, 5] | join(', ') }}"), Ok(Node::Text("Größe und mehr, 5".into())));
    }
}
