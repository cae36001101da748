//! JSON, read once into a light tree that borrows from the bytes, within bounds.
//!
//! Refused on top of what serde_json refuses: a byte order mark, NUL in any string, equal keys in
//! one object, integers that would lose digits, and anything past the bounds on bytes, depth,
//! keys and string length. What does not end the reading (equal keys, NUL, a long string) is
//! noted with its place and reading goes on, so that the sender learns everything at once.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::problems::{Problems, only, shortened};
use crate::domain::event::Bounds;
use crate::domain::malformed::{Malformation, Malformed};

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number that kept all its digits.
    Number(Number),
    /// A string without NUL.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Node<'a>>),
    /// An object, in order, no key twice.
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Node<'_> {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    /// The same as an owned value.
    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::List(items) => Value::Array(items.into_iter().map(Node::into_value).collect()),
            Self::Map(entries) => Value::Object(into_object(entries)),
        }
    }
}

/// The entries of an object as an owned map.
pub fn into_object(entries: Vec<(Cow<'_, str>, Node<'_>)>) -> Map<String, Value> {
    entries.into_iter().map(|(key, node)| (key.into_owned(), node.into_value())).collect()
}

/// The whole of `raw` as one value.
pub fn parse<'a>(raw: &'a [u8], bounds: &Bounds) -> Result<Node<'a>, Malformed> {
    let mut problems = Problems::default();
    let root = walk(raw, bounds, &mut problems)?;
    problems.verdict(Some(root))
}

/// Like [`parse`], but what does not end the reading is left in `problems`.
pub(super) fn walk<'a>(
    raw: &'a [u8],
    bounds: &Bounds,
    problems: &mut Problems,
) -> Result<Node<'a>, Malformed> {
    let text = as_text(raw, bounds)?;
    let walk = Walk {
        bounds,
        keys: Cell::new(0),
        problems: RefCell::new(std::mem::take(problems)),
        stopped: Cell::new(false),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let root = Seed { walk: &walk, place: &Place::Root, depth: 0 }
        .deserialize(&mut json)
        .and_then(|root| json.end().map(|()| root));
    let stopped = walk.stopped.get();
    *problems = walk.problems.into_inner();
    match root {
        Ok(root) => Ok(root),
        Err(error) => {
            if !stopped {
                let detail = format!("not readable as JSON: {error}");
                problems.add(Malformation::Parse, String::new(), "not_json", detail, None);
            }
            std::mem::take(problems).verdict(None)
        }
    }
}

/// The bytes as text, or what they look like instead.
fn as_text<'a>(raw: &'a [u8], bounds: &Bounds) -> Result<&'a str, Malformed> {
    let not_json = |detail: &str, hint| Err(only(Malformation::Parse, "not_json", detail, hint));
    if raw.len() > bounds.bytes {
        let detail = format!("{} bytes, at most {} are read", raw.len(), bounds.bytes);
        return Err(only(Malformation::TooLarge, "too_large", detail, None));
    }
    match raw {
        [] => return Err(only(Malformation::Parse, "empty", "there are no bytes", None)),
        [0xEF, 0xBB, 0xBF, ..] => {
            return not_json("starts with a byte order mark", Some("send UTF-8 without one"));
        }
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => {
            return not_json("looks like UTF-16", Some("send UTF-8"));
        }
        [0, _, _, _, _, _, ..] => {
            let hint = "Foghorn reads JSON without a schema id in front";
            return not_json("looks like the wire format of a schema registry", Some(hint));
        }
        _ => {}
    }
    let text = std::str::from_utf8(raw).map_err(|error| {
        let detail = format!("not UTF-8 from byte {} on", error.valid_up_to());
        only(Malformation::Parse, "not_json", detail, None)
    })?;
    if text.trim_ascii().is_empty() {
        return Err(only(Malformation::Parse, "empty", "there is nothing but blanks", None));
    }
    Ok(text)
}

/// The way from the root to a value; lives on the stack, so it costs nothing until it is told.
enum Place<'p> {
    Root,
    Key(&'p Place<'p>, &'p str),
    Index(&'p Place<'p>, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Key(parent, key) => pointer_to(&parent.pointer(), key),
            Self::Index(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

/// The JSON Pointer to `key` of the object at `base`.
pub(super) fn pointer_to(base: &str, key: &str) -> String {
    format!("{base}/{}", shortened(key).replace('~', "~0").replace('/', "~1"))
}

struct Walk<'b> {
    bounds: &'b Bounds,
    keys: Cell<usize>,
    problems: RefCell<Problems>,
    /// The reading was ended by a bound, and the problem is noted.
    stopped: Cell<bool>,
}

impl Walk<'_> {
    fn note(&self, place: &Place<'_>, code: &'static str, detail: String) {
        self.problems.borrow_mut().schema(place.pointer(), code, detail, None);
    }

    fn stop<E: Error>(&self, place: &Place<'_>, code: &'static str, detail: String) -> E {
        self.stopped.set(true);
        self.problems.borrow_mut().add(Malformation::TooLarge, place.pointer(), code, detail, None);
        E::custom("past the bounds")
    }

    fn check_text(&self, place: &Place<'_>, text: &str) {
        if text.len() > self.bounds.string {
            let detail = format!("{} bytes, at most {} are taken", text.len(), self.bounds.string);
            self.note(place, "too_long", detail);
        }
    }

    /// Only a string with escapes can hold NUL: raw control characters are no JSON.
    fn check_escaped(&self, place: &Place<'_>, text: &str) {
        self.check_text(place, text);
        if text.contains('\0') {
            self.note(place, "control_character", "has a NUL character".to_owned());
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'w, 'p> {
    walk: &'w Walk<'w>,
    place: &'p Place<'p>,
    depth: usize,
}

impl Seed<'_, '_> {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        let depth = self.depth + 1;
        let most = self.walk.bounds.depth;
        if depth > most {
            let detail = format!("nested deeper than {most}");
            return Err(self.walk.stop(self.place, "too_deep", detail));
        }
        Ok(depth)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(truth))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node<'de>, E> {
        // Integers past 64 bits arrive here, with digits missing.
        const EXACT: f64 = 9.2e18;
        if number.abs() >= EXACT {
            let detail = "a number this large loses digits".to_owned();
            let pointer = self.place.pointer();
            let hint = Some("send it as text".to_owned());
            let mut problems = self.walk.problems.borrow_mut();
            problems.schema(pointer, "not_allowed", detail, hint);
        }
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Node<'de>, E> {
        self.walk.check_text(self.place, text);
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node<'de>, E> {
        self.walk.check_escaped(self.place, text);
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node<'de>, A::Error> {
        let depth = self.deeper()?;
        let mut list = Vec::new();
        loop {
            let place = Place::Index(self.place, list.len());
            let seed = Seed { walk: self.walk, place: &place, depth };
            match items.next_element_seed(seed)? {
                Some(item) => list.push(item),
                None => return Ok(Node::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node<'de>, A::Error> {
        let depth = self.deeper()?;
        let mut map: Vec<(Cow<'de, str>, Node<'de>)> = Vec::with_capacity(12);
        while let Some(key) = entries.next_key_seed(Key(&self))? {
            let keys = self.walk.keys.get() + 1;
            self.walk.keys.set(keys);
            if keys > self.walk.bounds.keys {
                let detail = format!("more than {} keys", self.walk.bounds.keys);
                return Err(self.walk.stop(self.place, "too_many_keys", detail));
            }
            let place = Place::Key(self.place, &key);
            let seed = Seed { walk: self.walk, place: &place, depth };
            let value = entries.next_value_seed(seed)?;
            // Bounded by `keys`, so that a plain search is no way to make it slow.
            if map.iter().any(|(known, _)| *known == key) {
                self.walk.note(&place, "duplicate_key", "is given twice".to_owned());
            } else {
                map.push((key, value));
            }
        }
        Ok(Node::Map(map))
    }
}

struct Key<'s>(&'s Seed<'s, 's>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        self.0.walk.check_text(&Place::Key(self.0.place, key), key);
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Cow<'de, str>, E> {
        self.0.walk.check_escaped(&Place::Key(self.0.place, key), key);
        Ok(Cow::Owned(key.to_owned()))
    }
}
