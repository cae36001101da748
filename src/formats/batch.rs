//! One request of several records, cut into the bytes of each.
//!
//! Only the outermost list is understood here; what is in an item is for [`super::native`] to
//! judge, so that one bad item does not spoil its neighbours. Cutting does not recurse: depth
//! costs nothing before it is bounded.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::problems::only;
use crate::domain::event::Bounds;
use crate::domain::malformed::{Malformation, Malformed};

/// Most records of one request.
pub const MOST: usize = 500;

/// The records in `body`: one object, or a list of one to [`MOST`] items.
pub fn split<'a>(body: &'a [u8], bounds: &Bounds) -> Result<Vec<&'a [u8]>, Malformed> {
    if body.len() > bounds.bytes {
        let detail = format!("{} bytes, at most {} are read", body.len(), bounds.bytes);
        return Err(only(Malformation::TooLarge, "too_large", detail, None));
    }
    // Everything that is no list is one record, and refused as one if it is none.
    if body.trim_ascii_start().first() != Some(&b'[') {
        return Ok(vec![body]);
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let items =
        json.deserialize_seq(Items).and_then(|items| json.end().map(|()| items)).map_err(|error| {
            let detail = format!("not readable as JSON: {error}");
            only(Malformation::Parse, "not_json", detail, None)
        })?;
    match items {
        None => {
            let detail = format!("more than {MOST} events in one request");
            Err(only(Malformation::TooLarge, "too_large", detail, None))
        }
        Some(items) if items.is_empty() => {
            Err(only(Malformation::Schema, "empty", "the list has no events", None))
        }
        Some(items) => Ok(items),
    }
}

struct Items;

impl<'de> Visitor<'de> for Items {
    /// `None` if there are too many.
    type Value = Option<Vec<&'de [u8]>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        let mut rest = 0;
        while let Some(item) = list.next_element::<&'de RawValue>()? {
            if items.len() < MOST {
                items.push(item.get().as_bytes());
            } else {
                rest += 1;
            }
        }
        Ok((rest == 0).then_some(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &[u8]) -> &'static str {
        split(body, &Bounds::default()).expect_err("refused").problems[0].code
    }

    #[test]
    fn one_object_is_one_record_and_a_list_is_its_items_byte_for_byte() {
        let bounds = Bounds::default();
        assert_eq!(split(b"{\"a\":1}", &bounds), Ok(vec![&b"{\"a\":1}"[..]]));
        let both: [&[u8]; 2] = [b"{ \"a\" : 1 }", b"2"];
        assert_eq!(split(b" [ { \"a\" : 1 } , 2 ] ", &bounds), Ok(both.to_vec()));
    }

    #[test]
    fn five_hundred_are_taken_and_one_more_is_not() {
        let list = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(split(list(500).as_bytes(), &Bounds::default()).map(|items| items.len()), Ok(500));
        assert_eq!(code(list(501).as_bytes()), "too_large");
    }

    #[test]
    fn a_list_that_is_none_is_refused_as_a_whole() {
        assert_eq!(code(b"[]"), "empty");
        assert_eq!(code(b"[{}"), "not_json");
        assert_eq!(code(b"[{},]"), "not_json");
        assert_eq!(code(b"[{}] {}"), "not_json");
        assert_eq!(code(b"[\"\xff\"]"), "not_json");
        assert_eq!(code("[".repeat(1 << 20).as_bytes()), "not_json");
    }
}
