//! A record that is an object with a list of events in it, cut into records with one event each.
//!
//! Only the outermost object and its list are understood here, so that one bad event does not spoil its
//! neighbours, and what is kept of the object goes along with each of them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::event::Bounds;
use crate::domain::malformed::{Malformation, Malformed};
use crate::formats::Parts;
use crate::formats::problems::only;

/// Most events of one record.
const MOST: usize = 2_000;
/// What goes along with each event may have this many bytes.
const MOST_SHARED: usize = 16 << 10;

/// How a format is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// The list with the events.
    pub(super) list: &'static str,
    /// What of the rest goes along with each of them.
    pub(super) shared: &'static [&'static str],
}

type Entries<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// The parts of `raw`.
pub(super) fn cut(raw: &[u8], bounds: &Bounds, how: Cut) -> Result<Parts, Malformed> {
    within(raw, bounds)?;
    // What is no object, or has no list, is one record, and refused as one.
    let Some(entries) = entries(raw) else { return Ok(Parts::Whole) };
    let mut lists = entries.iter().filter(|(key, _)| key == how.list);
    let (Some((_, list)), None) = (lists.next(), lists.next()) else { return Ok(Parts::Whole) };
    let Some(items) = items(list)?.filter(|items| items.len() > 1) else { return Ok(Parts::Whole) };
    let mut shared = String::new();
    for (key, value) in entries.iter().filter(|(key, _)| how.shared.contains(&key.as_ref())) {
        shared.push_str(&format!("\"{key}\":{value},"));
    }
    if shared.len() > MOST_SHARED {
        let detail = format!("what its events share has {} bytes, at most {MOST_SHARED}", shared.len());
        return Err(only(Malformation::TooLarge, "too_large", detail, None));
    }
    let part = |item: &&RawValue| {
        let list = how.list;
        Arc::from(format!("{{{shared}\"{list}\":[{item}]}}").into_bytes())
    };
    Ok(Parts::Each(items.iter().map(part).collect()))
}

/// The items of the list `raw`; `None` if it is none.
pub(super) fn list_of<'r>(raw: &'r [u8], bounds: &Bounds) -> Result<Option<Vec<&'r RawValue>>, Malformed> {
    within(raw, bounds)?;
    serde_json::from_slice::<&RawValue>(raw).ok().map_or(Ok(None), items)
}

/// The keys of the outermost object, if that is what it is.
pub(super) fn keys_of(raw: &[u8]) -> Option<Vec<Cow<'_, str>>> {
    Some(entries(raw)?.into_iter().map(|(key, _)| key).collect())
}

fn within(raw: &[u8], bounds: &Bounds) -> Result<(), Malformed> {
    if raw.len() <= bounds.bytes {
        return Ok(());
    }
    let detail = format!("{} bytes, at most {} are read", raw.len(), bounds.bytes);
    Err(only(Malformation::TooLarge, "too_large", detail, None))
}

fn entries(raw: &[u8]) -> Option<Entries<'_>> {
    let mut json = serde_json::Deserializer::from_slice(raw);
    json.deserialize_map(Object).and_then(|entries| json.end().map(|()| entries)).ok()
}

fn items(list: &RawValue) -> Result<Option<Vec<&RawValue>>, Malformed> {
    let items = serde_json::Deserializer::from_str(list.get()).deserialize_seq(List).ok();
    match &items {
        Some(items) if items.len() > MOST => {
            let detail = format!("{} events in one record, at most {MOST} are read", items.len());
            Err(only(Malformation::TooLarge, "too_large", detail, None))
        }
        _ => Ok(items),
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        const MOST_KEYS: usize = 1_024;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if entries.len() == MOST_KEYS {
                return Err(A::Error::custom("too many keys"));
            }
            entries.push((key, map.next_value()?));
        }
        Ok(entries)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}
