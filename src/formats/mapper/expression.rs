//! Texts with expressions in them: `{{ host }}: {{ message | trim }}`.
//!
//! MiniJinja evaluates what stands between the braces, and nothing else of it is there: no statement, no
//! loop, no template beside it, no file, and of its filters those alone whose result is no longer than
//! what they are given. What an expression costs is therefore bounded by its own length times that of the
//! record, whatever the record says; fuel and the length of the result are bounded besides. Names are the
//! keys of the record; `record` is all of it. A name that is not there is a fault and never an empty word.

use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Error, ErrorKind, Expression, context};
use serde_json::Number;

use super::super::strict_json::Node;
use super::excerpt::shortened;
use super::filters::{ENVIRONMENT, FILTERS};
use crate::domain::event::Bounds;

/// The longest expression, bytes: it is compiled by a function that calls itself.
const LONGEST_SOURCE: usize = 1_000;

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
    /// Something that it names is not there: what, as far as that can be told.
    NotThere(Vec<String>),
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
        Ok(value) if value.is_undefined() => Err(not_there(expression, seen)),
        Ok(value) => Ok(value),
        Err(error) if error.kind() == ErrorKind::UndefinedError => Err(not_there(expression, seen)),
        Err(error) if error.kind() == ErrorKind::OutOfFuel => {
            Err(Unsaid::Failed("it takes too long".to_owned()))
        }
        Err(error) => Err(Unsaid::Failed(words(&error))),
    }
}

/// Those of its names that lead nowhere.
fn not_there(expression: &Expression<'_, '_>, seen: &Value) -> Unsaid {
    let leads_nowhere = |name: &String| {
        let mut at = seen.clone();
        for key in name.split('.') {
            match at.get_attr(key) {
                Ok(next) if !next.is_undefined() => at = next,
                _ => return true,
            }
        }
        false
    };
    let mut names: Vec<_> = expression.undeclared_variables(true).into_iter().filter(leads_nowhere).collect();
    names.sort_unstable();
    Unsaid::NotThere(names)
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
    fn pairs_become_an_object_and_digits_become_hexadecimal() {
        let said = |source: &str, record: &str| {
            let root = super::super::super::strict_json::parse(record.as_bytes(), &Bounds::default());
            let seen = seen(&root.expect("it is JSON"));
            let said = Text::compile(source).expect("it compiles").say(&seen, &Bounds::default());
            said.map(|node| node.into_value().to_string())
        };
        let tags = r#"{"tags":[{"key":"env","value":"prod"},{"key":"n","value":1},{"key":"none"},{}]}"#;
        assert_eq!(said("{{ tags | object }}", tags), Ok(r#"{"env":"prod","n":1}"#.to_owned()));
        assert_eq!(said("{{ (tags | object).env }}", tags), Ok(r#""prod""#.to_owned()));
        assert_eq!(said("{{ (tags | object).gone }}", tags), Err(Unsaid::NotThere(Vec::new())));
        let named = r#"{"tags":[{"Name":"a","Text":"b"}]}"#;
        assert_eq!(said("{{ tags | object('Name', 'Text') }}", named), Ok(r#"{"a":"b"}"#.to_owned()));
        for (number, hex) in
            [("\"11400714819323198485\"", "\"9e3779b97f4a7c15\""), ("255", "\"00000000000000ff\"")]
        {
            assert_eq!(said("{{ x | hex }}", &format!("{{\"x\":{number}}}")), Ok(hex.to_owned()), "{number}");
        }
        for bad in ["-1", "\"18446744073709551616\"", "1.5", "\"ab\"", "[]"] {
            assert!(
                matches!(said("{{ x | hex }}", &format!("{{\"x\":{bad}}}")), Err(Unsaid::Failed(_))),
                "{bad}"
            );
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
        assert_eq!(said("{{ y | truncate(7) }}"), Err(Unsaid::NotThere(vec!["y".to_owned()])));
        assert_eq!(said("{{ [x, 5] | join(', ') }}"), Ok(Node::Text("Größe und mehr, 5".into())));
    }
}
