//! The files of a configuration as one text, so that a place is a range of bytes wherever it is.

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
        self.files.push(File { start, path: path.to_owned() });
        start
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

    /// What the files are called that the first one includes.
    pub(super) fn included(&self) -> impl Iterator<Item = &str> {
        self.files.iter().skip(1).map(|file| file.path.as_str())
    }
}

/// The nearest boundary of a character at or before `at`.
pub(super) fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}
