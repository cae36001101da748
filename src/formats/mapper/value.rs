//! Where one value comes from: a place in the record, an expression over it, or the mapper itself; the
//! table it is looked up in, and what stands for one that is not there.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::super::problems::suggestion;
use super::super::strict_json::Node;
use super::excerpt::{self, excerpt, shortened};
use super::expression::{Text, Unsaid, seen};
use super::pointer::Pointer;
use crate::domain::event::Bounds;
use crate::domain::malformed::Problem;

/// A record, as mappers look at it.
pub(super) struct Record<'n, 'a> {
    pub(super) root: &'n Node<'a>,
    pub(super) bounds: &'n Bounds,
    /// What expressions see, made for the first one.
    seen: OnceCell<minijinja::Value>,
}

impl<'n, 'a> Record<'n, 'a> {
    pub(super) fn new(root: &'n Node<'a>, bounds: &'n Bounds) -> Self {
        Self { root, bounds, seen: OnceCell::new() }
    }
}

/// One value of a rule.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) from: From,
    /// What each word of the record is called here.
    pub(super) table: Option<BTreeMap<String, Node<'static>>>,
    /// What stands for one that is not there, or not in the table.
    pub(super) default: Option<Node<'static>>,
}

/// Where it is taken from.
#[derive(Debug)]
pub(super) enum From {
    /// The first of these places where there is something.
    Record(Vec<Pointer>),
    /// What an expression says.
    Text(Text),
    /// Always this.
    Constant(Node<'static>),
}

impl Value {
    /// What it is of this record; nothing if there is nothing, which `null` and a blank text are, too.
    ///
    /// # Errors
    /// What is wrong with what was found.
    pub(super) fn take<'a>(&self, record: &Record<'_, 'a>) -> Result<Option<Node<'a>>, Problem> {
        let found: Option<Node<'a>> = match &self.from {
            From::Constant(constant) => return Ok(Some(constant.clone())),
            From::Record(pointers) => {
                let mut found = pointers.iter().filter_map(|pointer| pointer.find(record.root));
                found.find(|node| !is_nothing(node)).cloned()
            }
            From::Text(text) => {
                match text.say(record.seen.get_or_init(|| seen(record.root)), record.bounds) {
                    Ok(node) => Some(node).filter(|node| !is_nothing(node)),
                    Err(Unsaid::NotThere(_)) if self.default.is_some() => None,
                    Err(unsaid) => return Err(self.unsaid(unsaid)),
                }
            }
        };
        match (found, &self.table) {
            (None, _) => Ok(self.default.clone()),
            (Some(node), None) => Ok(Some(node)),
            (Some(node), Some(table)) => self.looked_up(node, table).map(Some),
        }
    }

    /// Each word of a list by itself.
    fn looked_up<'a>(
        &self,
        node: Node<'a>,
        table: &BTreeMap<String, Node<'static>>,
    ) -> Result<Node<'a>, Problem> {
        if let Node::List(items) = node {
            let each = items.into_iter().map(|item| self.looked_up(item, table));
            return each.collect::<Result<_, _>>().map(Node::List);
        }
        let word = plain(&node);
        if let Some(value) = word.as_deref().and_then(|word| table.get(word)).or(self.default.as_ref()) {
            return Ok(value.clone());
        }
        let words: Vec<&str> = table.keys().map(String::as_str).collect();
        let near = word.as_deref().and_then(|word| suggestion(word, words.iter().copied()));
        let known = words.iter().take(12).map(|word| shortened(word, 40)).collect::<Vec<_>>().join(", ");
        let hint = near.unwrap_or_else(|| format!("its map has {known}; add this one there, or a default"));
        let detail = format!("{} is not in the map", self.shown(&node));
        Err(Problem { pointer: self.pointer(), code: "not_allowed", detail, hint: Some(hint) })
    }

    fn unsaid(&self, unsaid: Unsaid) -> Problem {
        let (code, detail, hint) = match unsaid {
            Unsaid::NotThere(names) => (
                "missing",
                match names.as_slice() {
                    [] => "the expression names something that is not there".to_owned(),
                    names => format!("the record has no {}", shortened(&names.join(", no "), 80)),
                },
                Some("give it a default, or write {{ name | default(\"…\") }}".to_owned()),
            ),
            Unsaid::Failed(why) => ("not_allowed", format!("the expression failed: {why}"), None),
        };
        Problem { pointer: String::new(), code, detail, hint }
    }

    /// The place in the record that it is about; of several, the first.
    pub(super) fn pointer(&self) -> String {
        match &self.from {
            From::Record(pointers) => pointers.first().map(|one| one.as_str().to_owned()).unwrap_or_default(),
            From::Text(_) | From::Constant(_) => String::new(),
        }
    }

    /// Where it is taken from, for people.
    pub(super) fn source(&self) -> String {
        let from = match &self.from {
            From::Record(pointers) => {
                let names = pointers.iter().map(|pointer| match pointer.as_str() {
                    "" => "the whole record",
                    text => text,
                });
                names.collect::<Vec<_>>().join(" or ")
            }
            From::Text(text) => shortened(text.source(), 80),
            From::Constant(constant) => return format!("always {}", excerpt(constant)),
        };
        if self.table.is_some() { format!("{from}, by its map") } else { from }
    }

    /// What lies there, for people.
    pub(super) fn found(&self, record: &Record<'_, '_>) -> Option<String> {
        let From::Record(pointers) = &self.from else { return None };
        let there = |pointer: &&Pointer| pointer.find(record.root).is_some_and(|node| !is_nothing(node));
        let pointer = pointers.iter().find(there).or(pointers.first())?;
        Some(excerpt::found(pointer, record.root))
    }

    /// A sentence about what lies there, which may repeat it, as it may be told.
    pub(super) fn veiled(&self, sentence: &str, record: &Record<'_, '_>) -> String {
        let From::Record(pointers) = &self.from else { return sentence.to_owned() };
        let texts = pointers.iter().filter_map(|pointer| match pointer.find(record.root)? {
            Node::Text(text) => Some((text, pointer.leads_to_a_secret())),
            _ => None,
        });
        texts.fold(sentence.to_owned(), |told, (text, is_secret)| excerpt::veiled(&told, text, is_secret))
    }

    /// What a pointer that found nothing likely meant.
    pub(super) fn meant(&self, record: &Record<'_, '_>) -> Option<String> {
        let From::Record(pointers) = &self.from else { return None };
        excerpt::meant(pointers.first()?, record.root)
    }

    /// A value that came from here, for people.
    pub(super) fn shown(&self, node: &Node<'_>) -> String {
        let secret = match &self.from {
            From::Record(pointers) => pointers.iter().any(Pointer::leads_to_a_secret),
            From::Text(_) | From::Constant(_) => false,
        };
        if secret { "a text, which is not shown".to_owned() } else { excerpt(node) }
    }
}

/// Is there nothing to take? Senders leave a field out, or write `null` or `""`.
fn is_nothing(node: &Node<'_>) -> bool {
    match node {
        Node::Null => true,
        Node::Text(text) => text.trim_ascii().is_empty(),
        _ => false,
    }
}

/// A text, a number or a boolean as a text.
pub(super) fn plain<'t>(node: &'t Node<'_>) -> Option<Cow<'t, str>> {
    match node {
        Node::Text(text) => Some(Cow::Borrowed(text)),
        Node::Number(number) => Some(Cow::Owned(number.to_string())),
        Node::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Node::Null | Node::List(_) | Node::Map(_) => None,
    }
}

/// The same of a value that is given away; what is no such value stays what it is.
pub(super) fn into_text(node: Node<'_>) -> Node<'_> {
    match node {
        Node::Number(number) => Node::Text(number.to_string().into()),
        Node::Bool(truth) => Node::Text(Cow::Borrowed(if truth { "true" } else { "false" })),
        node => node,
    }
}
