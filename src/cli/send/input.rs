//! Events from a file: one object, an array, or JSON lines.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

/// The events of the file at `path`, or of standard input if that is `-`.
///
/// # Errors
/// It cannot be read, or is no JSON; with the place.
pub(super) fn read(path: &Path) -> Result<Vec<Value>, String> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => io::stdin().lock().read_to_string(&mut text),
        false => fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|why| format!("{name} cannot be read: {why}"))?;
    events(&text).map_err(|why| format!("{name} is no JSON: {why}"))
}

/// Objects behind each other, on lines of their own or not, and arrays of them.
fn events(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    let mut events = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value? {
            Value::Array(items) => events.extend(items),
            value => events.push(value),
        }
    }
    Ok(events)
}

/// The events in batches of at most so many, and of about so many bytes.
pub(super) fn batches(events: &[Value], most: usize, bytes: usize) -> Vec<&[Value]> {
    let mut batches = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, event) in events.iter().enumerate() {
        let more = event.to_string().len();
        if at > start && (at - start == most || size + more > bytes) {
            batches.push(&events[start..at]);
            (start, size) = (at, 0);
        }
        size += more;
    }
    batches.extend((start < events.len()).then(|| &events[start..]));
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> Option<usize> {
        events(text).ok().map(|events| events.len())
    }

    #[test]
    fn an_object_an_array_and_lines_are_all_events() {
        assert_eq!(count(r#"{"title":"a"}"#), Some(1));
        assert_eq!(count(r#"[{"title":"a"},{"title":"b"}]"#), Some(2));
        assert_eq!(count("{\"title\":\"a\"}\n\n{\"title\":\"b\"}\n"), Some(2));
        assert_eq!(count(""), Some(0));
        assert_eq!(count("{\"title\":\"a\"}\n{\"tit"), None);
    }

    #[test]
    fn batches_are_bounded_by_count_and_bytes_and_lose_nothing() {
        let events: Vec<Value> = (0..10).map(Value::from).collect();
        let lengths = |most, bytes| batches(&events, most, bytes).iter().map(|b| b.len()).collect::<Vec<_>>();
        assert_eq!(lengths(4, 1_000), [4, 4, 2]);
        assert_eq!(lengths(100, 3), [3, 3, 3, 1]);
        assert_eq!(lengths(100, 0), [1; 10]);
        assert!(batches(&[], 4, 4).is_empty());
    }
}
