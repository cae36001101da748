//! The records of a file or of standard input, as they stand there: whoever reads them is told of two equal
//! keys, and of digits that a number would lose.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::value::RawValue;

/// The longest line that is kept, bytes; more is no record.
const LONGEST: usize = 8 << 20;
/// The longest file that is read as a whole, bytes.
const LONGEST_WHOLE: u64 = 64 << 20;

/// One record, and the line that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// From 1.
    pub(super) line: u64,
    /// What stands there.
    pub(super) raw: Vec<u8>,
}

/// What people call the file.
pub(super) fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Opens the file at `path`, or standard input if that is `-`.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, String> {
    if is_standard_input(path) {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    let file = opened.map_err(|why| format!("{} cannot be read: {why}", name(path)))?;
    Ok(Box::new(BufReader::new(file)))
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// Every record of a file of moderate length: objects behind each other, on lines of their own or not, and
/// arrays of them. What is none of this is one record, or one a line if the first line is one.
pub(super) fn all(path: &Path) -> Result<Vec<Record>, String> {
    let mut text = Vec::new();
    let unreadable = |why: io::Error| format!("{} cannot be read: {why}", name(path));
    open(path)?.take(LONGEST_WHOLE + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST_WHOLE {
        return Err(format!("{} is longer than {} MiB: take a part of it", name(path), LONGEST_WHOLE >> 20));
    }
    Ok(records(&text))
}

fn records(text: &[u8]) -> Vec<Record> {
    if let Some(records) = values(text) {
        return records;
    }
    let by_line = || {
        let mut lines = Lines::of(Box::new(io::Cursor::new(text.to_vec())));
        std::iter::from_fn(move || lines.next().and_then(Result::ok))
    };
    let first_is_json =
        by_line().next().is_some_and(|first| serde_json::from_slice::<&RawValue>(&first.raw).is_ok());
    if first_is_json { by_line().collect() } else { vec![Record { line: 1, raw: text.to_vec() }] }
}

/// The values in it, if it is JSON from its beginning to its end.
fn values(text: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    for value in serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>() {
        let value = value.ok()?.get();
        if value.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(value).ok()?;
            records.extend(items.into_iter().map(|item| record(text, item.get())));
        } else {
            records.push(record(text, value));
        }
    }
    Some(records)
}

fn record(text: &[u8], value: &str) -> Record {
    let before = (value.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
    let line = text[..before].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    Record { line, raw: value.as_bytes().to_vec() }
}

/// The lines of a file, blank ones passed over. One is held at a time.
pub(super) struct Lines {
    from: Box<dyn BufRead + Send>,
    line: u64,
}

impl Lines {
    pub(super) fn of(from: Box<dyn BufRead + Send>) -> Self {
        Self { from, line: 0 }
    }

    /// One line without its end, as far as it is kept; `None` at the end.
    fn one(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut raw = Vec::new();
        let most = LONGEST as u64 + 1;
        if self.from.by_ref().take(most).read_until(b'\n', &mut raw)? == 0 {
            return Ok(None);
        }
        if raw.last() != Some(&b'\n') && raw.len() as u64 == most {
            self.pass_over()?;
        }
        Ok(Some(raw))
    }

    fn pass_over(&mut self) -> io::Result<()> {
        loop {
            let held = self.from.fill_buf()?;
            let (passed, is_end) = match held.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (held.len(), held.is_empty()),
            };
            self.from.consume(passed);
            if is_end {
                return Ok(());
            }
        }
    }
}

impl Iterator for Lines {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line += 1;
            let mut raw = match self.one() {
                Ok(raw) => raw?,
                Err(error) => return Some(Err(error)),
            };
            let end = raw.trim_ascii_end().len();
            raw.truncate(end);
            if !raw.is_empty() {
                return Some(Ok(Record { line: self.line, raw }));
            }
        }
    }
}

impl Record {
    /// Why it cannot be a record, whatever its format.
    pub(super) fn flaw(&self) -> Option<String> {
        if self.raw.len() > LONGEST {
            return Some(format!("longer than {} MiB", LONGEST >> 20));
        }
        serde_json::from_slice::<&RawValue>(&self.raw).err().map(|error| format!("no JSON: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(u64, String)> {
        let one = |record: Record| (record.line, String::from_utf8_lossy(&record.raw).into_owned());
        records(text.as_bytes()).into_iter().map(one).collect()
    }

    fn lines(text: &str) -> Vec<(u64, usize)> {
        let lines = Lines::of(Box::new(io::Cursor::new(text.to_owned().into_bytes())));
        lines.map(|line| line.expect("readable")).map(|record| (record.line, record.raw.len())).collect()
    }

    #[test]
    fn objects_arrays_and_lines_are_records_byte_for_byte() {
        let two = |first: u64, second: u64| {
            vec![(first, "{\"a\": 1}".to_owned()), (second, "{\"b\":2}".to_owned())]
        };
        assert_eq!(found("{\"a\": 1}\n\n{\"b\":2}\n"), two(1, 3));
        assert_eq!(found("[{\"a\": 1},\n{\"b\":2}]"), two(1, 2));
        assert_eq!(found("\n{\"a\":\n1,\"a\":2}"), [(2, "{\"a\":\n1,\"a\":2}".to_owned())]);
        assert_eq!(found(""), []);
        assert_eq!(found("{\"a\": 1}\nnope\n"), [(1, "{\"a\": 1}".to_owned()), (2, "nope".to_owned())]);
        assert_eq!(found("{\"a\":\n"), [(1, "{\"a\":\n".to_owned())]);
    }

    #[test]
    fn lines_are_counted_and_one_without_an_end_is_held_no_longer_than_it_may_be() {
        assert_eq!(lines("{}\r\n\n  \n{\"a\":1}"), [(1, 2), (4, 7)]);
        let long = "x".repeat(LONGEST * 2);
        assert_eq!(lines(&format!("{long}\n{{}}\n")), [(1, LONGEST + 1), (2, 2)]);
        assert_eq!(lines(&long), [(1, LONGEST + 1)]);
    }
}
