//! The files of a configuration as one text, so that a place is a range of bytes wherever it is.

use std::ops::Range;

use super::problem::InRecord;
use crate::domain::record::Section;

/// All of them, one behind the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    all: String,
    files: Vec<File>,
}

#[derive(Debug, Clone)]
struct File {
    start: usize,
    path: String,
    record: Option<Stored>,
}

/// A file that is a record of the store, and what of its document each range of bytes is.
#[derive(Debug, Clone)]
struct Stored {
    section: Section,
    name: String,
    pointers: Vec<(Range<usize>, String)>,
}

impl Texts {
    /// One file; `path` is what messages call it.
    pub(super) fn of(text: &str, path: &str) -> Self {
        let mut texts = Self::default();
        texts.add(text, path);
        texts
    }

    /// One more file. Returns where its text begins.
    pub(super) fn add(&mut self, text: &str, path: &str) -> usize {
        if !self.files.is_empty() {
            // The end of one is not the beginning of the next.
            self.all.push('\n');
        }
        let start = self.all.len();
        self.all.push_str(text);
        self.files.push(File { start, path: path.to_owned(), record: None });
        start
    }

    /// Says that the last file is this record, and where each part of its document is in all texts.
    pub(super) fn is_record(&mut self, section: Section, name: &str, pointers: Vec<(Range<usize>, String)>) {
        if let Some(file) = self.files.last_mut() {
            file.record = Some(Stored { section, name: name.to_owned(), pointers });
        }
    }

    /// The place of this byte in a record, if it is in one.
    pub(super) fn record_at(&self, at: usize) -> Option<InRecord> {
        let behind = self.files.partition_point(|file| file.start <= at);
        let stored = self.files.get(behind.saturating_sub(1))?.record.as_ref()?;
        let around = stored.pointers.iter().filter(|(range, _)| range.contains(&at));
        let pointer = around.min_by_key(|(range, _)| range.len()).map(|(_, pointer)| pointer.clone());
        let (section, name) = (stored.section, stored.name.clone());
        Some(InRecord { section, name, pointer: pointer.unwrap_or_default() })
    }

    /// Everything.
    pub(super) fn all(&self) -> &str {
        &self.all
    }

    /// What the file with this byte is called, and where its text begins.
    pub(super) fn file_at(&self, at: usize) -> (&str, usize) {
        let behind = self.files.partition_point(|file| file.start <= at);
        let file = self.files.get(behind.saturating_sub(1));
        file.map_or(("", 0), |file| (file.path.as_str(), file.start))
    }

    /// The line of this byte in its file, from 1.
    pub(super) fn line_at(&self, at: usize) -> usize {
        let (_, start) = self.file_at(at);
        self.all[start..floor(&self.all, at)].matches('\n').count() + 1
    }

    /// What the files are called that the first one includes, and what they say.
    pub(super) fn included(&self) -> impl Iterator<Item = (&str, &str)> {
        let ends = self.files.iter().skip(1).map(|file| file.start - 1).chain([self.all.len()]);
        let files = self.files.iter().zip(ends).skip(1).filter(|(file, _)| file.record.is_none());
        files.map(|(file, end)| (file.path.as_str(), &self.all[file.start..end]))
    }
}

/// The nearest boundary of a character at or before `at`.
pub(super) fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}
