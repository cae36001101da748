//! What is wrong with a configuration, told so that it can be mended: code, what, where, why, fix.
//!
//! ```text
//! error FHnnnn: unknown key "smtp_hsot"
//!   --> config.toml:88:1
//!    |
//! 88 | smtp_hsot = "mail.example.com"
//!    | ^^^^^^^^^ [channels.email] has no such key. Did you mean "host"?
//!    |
//!    = known keys: from, host, password, port
//! ```

use std::fmt;

use crate::catalogue::Effect;
use crate::domain::record::Section;

pub use crate::catalogue::Code;

/// Does Foghorn start in spite of it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// It does not start.
    Error,
    /// It starts and says so.
    Warning,
}

impl Gravity {
    /// How grave it is, unless the place says otherwise.
    fn of(code: Code) -> Self {
        match code.effect() {
            Effect::Warns => Self::Warning,
            _ => Self::Error,
        }
    }
}

/// Where a problem lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the file.
    File {
        /// Its path, as it was found.
        path: String,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// The line, if it helps. Secrets are already masked.
        excerpt: Option<Excerpt>,
    },
    /// In an environment variable.
    Variable(String),
    /// In the file as a whole.
    Whole(String),
}

/// A place in a record of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InRecord {
    /// Where the record stands.
    pub section: Section,
    /// Its name there.
    pub name: String,
    /// A JSON pointer into its document.
    pub pointer: String,
}

/// A line of the file with a mark under part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, masked.
    pub line: String,
    /// Characters before the mark.
    pub start: usize,
    /// Characters marked, at least one.
    pub width: usize,
}

/// One thing that is wrong, or dubious.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub code: Code,
    /// Does it keep Foghorn from starting?
    pub gravity: Gravity,
    /// What, in one line.
    pub what: String,
    /// Where.
    pub location: Option<Location>,
    /// Where in the store, if it lies there.
    pub record: Option<InRecord>,
    /// What to see at the mark.
    pub label: Option<String>,
    /// More lines: what is known, why it matters, what to do.
    pub notes: Vec<String>,
}

impl Problem {
    pub(super) fn new(code: Code, what: impl Into<String>) -> Self {
        Self {
            code,
            gravity: Gravity::of(code),
            what: what.into(),
            location: None,
            record: None,
            label: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn located(mut self, location: Option<Location>) -> Self {
        self.location = location;
        self
    }

    pub(super) fn in_record(mut self, record: Option<InRecord>) -> Self {
        self.record = record;
        self
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(super) fn only_a_warning(mut self) -> Self {
        self.gravity = Gravity::Warning;
        self
    }

    /// Does it keep Foghorn from starting?
    pub fn is_error(&self) -> bool {
        self.gravity == Gravity::Error
    }

    /// The problem for people, on several lines, without one at the end.
    pub fn render(&self) -> String {
        self.to_string()
    }

    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> Result<usize, fmt::Error> {
        match &self.location {
            Some(Location::File { path, line, column, excerpt }) => {
                let gutter = line.to_string().len();
                write!(f, "\n{:gutter$}--> {path}:{line}:{column}", "")?;
                match excerpt {
                    Some(excerpt) => self.write_excerpt(f, *line, excerpt)?,
                    None => self.write_loose_label(f, gutter)?,
                }
                Ok(gutter)
            }
            Some(Location::Variable(name)) => {
                write!(f, "\n  --> environment: {name}")?;
                self.write_loose_label(f, 2)?;
                Ok(2)
            }
            Some(Location::Whole(path)) => {
                write!(f, "\n  --> {path}")?;
                self.write_loose_label(f, 2)?;
                Ok(2)
            }
            None => {
                self.write_loose_label(f, 2)?;
                Ok(2)
            }
        }
    }

    fn write_loose_label(&self, f: &mut fmt::Formatter<'_>, gutter: usize) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "\n{:gutter$} = {label}", ""),
            None => Ok(()),
        }
    }

    fn write_excerpt(&self, f: &mut fmt::Formatter<'_>, line: usize, excerpt: &Excerpt) -> fmt::Result {
        let gutter = line.to_string().len();
        let pad: String = excerpt
            .line
            .chars()
            .take(excerpt.start)
            .map(|letter| if letter == '\t' { '\t' } else { ' ' })
            .collect();
        let mark = "^".repeat(excerpt.width.max(1));
        write!(f, "\n{:gutter$} |\n{line} | {}", "", excerpt.line)?;
        write!(f, "\n{:gutter$} | {pad}{mark}", "")?;
        if let Some(label) = &self.label {
            write!(f, " {label}")?;
        }
        if self.notes.is_empty() {
            return Ok(());
        }
        write!(f, "\n{:gutter$} |", "")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gravity = match self.gravity {
            Gravity::Error => "error",
            Gravity::Warning => "warning",
        };
        write!(f, "{gravity} {}: {}", self.code, self.what)?;
        let gutter = self.write_place(f)?;
        for note in &self.notes {
            write!(f, "\n{:gutter$} = {note}", "")?;
        }
        Ok(())
    }
}
