//! A record with a list of events in it, cut into records with one event each.
//!
//! Only the list and what it lies in are understood here, so that one bad event does not spoil its
//! neighbours. What is kept of the rest goes along with each of them: of a sender whose format is known, what
//! its events need; of anybody's JSON, all of it, byte for byte.

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
/// What goes along with all of them, counted once for each, may have this many bytes.
const MOST_REPEATED: usize = MOST * MOST_SHARED;

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

/// The parts of `raw` with one item each of the list to which `path` leads, step by step, and with all that is
/// around that list. An object where the list is expected counts as a list of one.
pub(super) fn cut_at(raw: &[u8], bounds: &Bounds, path: &[String]) -> Result<Parts, Malformed> {
    within(raw, bounds)?;
    let Some(list) = at(raw, path) else { return Ok(Parts::Whole) };
    let begin = list.get().as_ptr() as usize - raw.as_ptr() as usize;
    let (before, after) = (&raw[..begin], &raw[begin + list.get().len()..]);
    let part = |item: &RawValue| Arc::from([before, b"[", item.get().as_bytes(), b"]", after].concat());
    if list.get().starts_with('{') {
        return Ok(Parts::Each(vec![part(list)]));
    }
    let Some(items) = items(list)?.filter(|items| items.len() > 1) else { return Ok(Parts::Whole) };
    let rest = before.len() + after.len();
    if rest * items.len() > MOST_REPEATED {
        let detail = format!(
            "{rest} bytes around a list of {} events: each has them beside it, and that is more than {} MiB",
            items.len(),
            MOST_REPEATED >> 20
        );
        return Err(only(Malformation::TooLarge, "too_large", detail, None));
    }
    Ok(Parts::Each(items.into_iter().map(part).collect()))
}

/// What lies there, if it is there once.
fn at<'r>(raw: &'r [u8], path: &[String]) -> Option<&'r RawValue> {
    path.iter().try_fold(serde_json::from_slice(raw).ok()?, |value: &RawValue, step| {
        let mut below = entries(value.get().as_bytes())?.into_iter().filter(|(key, _)| key == step);
        match (below.next(), below.next()) {
            (Some((_, only)), None) => Some(only),
            _ => None,
        }
    })
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
