//! The fields of one object, taken one by one; what is left over at the end nobody knows.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::problems::{Problems, shortened, suggestion};
use super::strict_json::{Node, into_object, pointer_to};
use super::text::{self, Layout};
use crate::domain::malformed::Malformation;

/// One object being read.
pub(super) struct Fields<'a, 'p> {
    base: Cow<'p, str>,
    entries: Vec<(Cow<'a, str>, Node<'a>)>,
    known: Vec<&'static str>,
    /// Where problems go.
    pub(super) problems: &'p mut Problems,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// The fields of `node`, which lies at the pointer `base`.
    pub(super) fn of(
        node: Node<'a>,
        base: impl Into<Cow<'p, str>>,
        problems: &'p mut Problems,
    ) -> Option<Self> {
        let base = base.into();
        match node {
            Node::Map(entries) => Some(Self { base, entries, known: Vec::with_capacity(16), problems }),
            other => {
                let detail = format!("must be an object, is {}", other.kind());
                let hint = matches!(other, Node::List(_)).then(|| "one record holds one event".to_owned());
                problems.schema(base.into_owned(), "wrong_type", detail, hint);
                None
            }
        }
    }

    fn pointer(&self, name: &str) -> String {
        pointer_to(&self.base, name)
    }

    /// Something is wrong with the field `name`.
    pub(super) fn refuse(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = self.pointer(name);
        self.problems.schema(pointer, code, detail.into(), None);
    }

    fn refuse_type(&mut self, name: &str, wanted: &str, found: &Node<'_>) {
        self.refuse(name, "wrong_type", format!("must be {wanted}, is {}", found.kind()));
    }

    /// A word that is none of `known`.
    pub(super) fn refuse_word<'k>(
        &mut self,
        name: &str,
        word: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let hint = suggestion(word.trim(), known.clone())
            .unwrap_or_else(|| format!("one of {}", known.take(12).collect::<Vec<_>>().join(", ")));
        let detail = format!("\"{}\" is not known here", shortened(word));
        let pointer = self.pointer(name);
        self.problems.schema(pointer, "not_allowed", detail, Some(hint));
    }

    /// The field's value. `null` says the same as leaving it out.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.known.push(name);
        let index = self.entries.iter().position(|(key, _)| key == name)?;
        match self.entries.swap_remove(index).1 {
            Node::Null => None,
            node => Some(node),
        }
    }

    /// Where the field `name` lies.
    pub(super) fn place(&self, name: &str) -> String {
        self.pointer(name)
    }

    /// Something is wrong with the object as a whole.
    pub(super) fn refuse_all(&mut self, code: &'static str, detail: impl Into<String>) {
        let pointer = self.base.clone().into_owned();
        self.problems.schema(pointer, code, detail.into(), None);
    }

    /// What was not asked for, where everything is welcome.
    pub(super) fn rest(self) -> Map<String, Value> {
        into_object(self.entries)
    }

    /// The field must be there: `value`, else a problem unless there already is one.
    pub(super) fn required<T>(&mut self, name: &'static str, value: Option<T>, given: bool) -> Option<T> {
        if value.is_none() && !given {
            self.refuse(name, "missing", format!("\"{name}\" is required"));
        }
        value
    }

    /// True if the field was given and is not yet taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, node)| key == name && *node != Node::Null)
    }

    /// A field that has no place in this record, but is worth suggesting.
    pub(super) fn knows(&mut self, name: &'static str) {
        self.known.push(name);
    }

    /// The pointer of one entry of the list `name`.
    pub(super) fn place_of(&self, name: &str, index: usize) -> String {
        format!("{}/{index}", self.pointer(name))
    }

    /// Text as it stands.
    pub(super) fn word(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        match self.take(name)? {
            Node::Text(text) => Some(text),
            other => {
                self.refuse_type(name, "text", &other);
                None
            }
        }
    }

    /// Text for readers, at most `most` characters.
    pub(super) fn prose(&mut self, name: &'static str, layout: Layout, most: usize) -> Option<String> {
        let raw = self.word(name)?;
        let clean = text::cleaned(raw, layout);
        if !text::is_visible(&clean) {
            self.refuse(name, "empty", "has nothing that a reader could see");
            return None;
        }
        self.no_longer(name, clean, most)
    }

    /// An identity: compared bit by bit, so nothing is taken out of it.
    pub(super) fn id(&mut self, name: &'static str, most: usize) -> Option<String> {
        let raw = self.word(name)?;
        if !text::is_visible(&raw) {
            self.refuse(name, "empty", "is blank");
            return None;
        }
        if text::has_control(&raw) {
            self.refuse(name, "control_character", "has control characters");
            return None;
        }
        self.no_longer(name, raw.into_owned(), most)
    }

    fn no_longer(&mut self, name: &str, text: String, most: usize) -> Option<String> {
        if text::is_longer(&text, most) {
            self.refuse(name, "too_long", format!("longer than {most} characters"));
            return None;
        }
        Some(text)
    }

    /// One text or a list of texts, each an identity, none twice.
    pub(super) fn words(&mut self, name: &'static str, most: usize) -> Option<Vec<String>> {
        const LONGEST: usize = 320;
        let items = match self.take(name)? {
            Node::List(items) => items,
            single => vec![single],
        };
        if items.len() > most {
            self.refuse(name, "too_long", format!("more than {most} entries"));
            return None;
        }
        let mut words: Vec<String> = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Node::Text(text) if !text::is_visible(&text) => {
                    self.refuse(name, "empty", "has a blank entry");
                }
                Node::Text(text) if text::has_control(&text) => {
                    self.refuse(name, "control_character", "has control characters");
                }
                Node::Text(text) if text::is_longer(&text, LONGEST) => {
                    self.refuse(name, "too_long", format!("an entry is longer than {LONGEST} characters"));
                }
                Node::Text(text) if words.iter().any(|known| *known == text) => {}
                Node::Text(text) => words.push(text.into_owned()),
                other => self.refuse_type(name, "text or a list of texts", &other),
            }
        }
        if words.is_empty() {
            let pointer = self.pointer(name);
            self.problems.add(Malformation::Unroutable, pointer, "empty", "names nobody".to_owned(), None);
        }
        Some(words)
    }

    /// RFC 3339 with a zone, 1970 or later.
    pub(super) fn moment(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.word(name)?;
        let moment = rfc3339(&text);
        if moment.is_none() {
            let pointer = self.pointer(name);
            let detail = format!("\"{}\" is no date and time with a zone", shortened(&text));
            let hint = Some("like 2026-11-21T14:02:08Z".to_owned());
            self.problems.schema(pointer, "not_allowed", detail, hint);
        }
        moment
    }

    /// A list of anything.
    pub(super) fn list(&mut self, name: &'static str, most: usize) -> Option<Vec<Node<'a>>> {
        match self.take(name)? {
            Node::List(items) if items.len() > most => {
                self.refuse(name, "too_long", format!("more than {most} entries"));
                None
            }
            Node::List(items) => Some(items),
            other => {
                self.refuse_type(name, "a list", &other);
                None
            }
        }
    }

    /// An object of texts, at most `most` of them.
    pub(super) fn labels(&mut self, name: &'static str, most: usize) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let entries = match self.take(name) {
            None => return Vec::new(),
            Some(Node::Map(entries)) => entries,
            Some(other) => {
                self.refuse_type(name, "an object", &other);
                return Vec::new();
            }
        };
        if entries.len() > most {
            self.refuse(name, "too_many_keys", format!("more than {most} labels"));
            return Vec::new();
        }
        let mut labels = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match value {
                Node::Text(value) => labels.push((key, value)),
                other => {
                    let pointer = pointer_to(&self.pointer(name), &key);
                    let detail = format!("must be text, is {}", other.kind());
                    self.problems.schema(pointer, "wrong_type", detail, None);
                }
            }
        }
        labels
    }

    /// An object of texts whose number is its sender's business.
    pub(super) fn texts(&mut self, name: &'static str) -> Option<Vec<(Cow<'a, str>, Cow<'a, str>)>> {
        self.has(name).then(|| self.labels(name, usize::MAX))
    }

    /// True if the field is a text that begins so.
    pub(super) fn begins(&self, name: &str, start: &str) -> bool {
        let begins = |node: &Node<'_>| matches!(node, Node::Text(text) if text.starts_with(start));
        self.entries.iter().any(|(key, node)| key == name && begins(node))
    }

    /// An object of anything.
    pub(super) fn object(&mut self, name: &'static str) -> Option<Map<String, Value>> {
        match self.take(name)? {
            Node::Map(entries) => Some(into_object(entries)),
            other => {
                self.refuse_type(name, "an object", &other);
                None
            }
        }
    }

    /// Whatever was not asked for is a mistake: a typo that were ignored would lose what it says.
    pub(super) fn finish(self) {
        let Self { base, entries, known, problems } = self;
        for (key, _) in entries {
            let detail = format!("\"{}\" is no field here", shortened(&key));
            let hint = suggestion(&key, known.iter().copied());
            problems.schema(pointer_to(&base, &key), "unknown_field", detail, hint);
        }
    }
}

/// jiff reads more than RFC 3339; the shape is checked first. A leap second becomes the last
/// second before it.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let zoned = bytes.ends_with(b"Z")
        || bytes.ends_with(b"z")
        || bytes
            .len()
            .checked_sub(6)
            .is_some_and(|at| matches!(bytes[at], b'+' | b'-') && bytes[at + 3] == b':');
    let shaped = (20..=40).contains(&bytes.len())
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && matches!(bytes[10], b'T' | b't' | b' ')
        && bytes[13] == b':'
        && bytes[16] == b':';
    if !(zoned && shaped) {
        return None;
    }
    text.parse().ok().filter(|moment: &Timestamp| *moment >= Timestamp::UNIX_EPOCH)
}
