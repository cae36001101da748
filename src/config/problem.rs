//! What is wrong with a configuration, told so that it can be mended: code, what, where, why, fix.
//!
//! ```text
//! error FH0101: unknown key "smtp_hsot"
//!   --> config.toml:88:1
//!    |
//! 88 | smtp_hsot = "mail.example.com"
//!    | ^^^^^^^^^ [channels.email] has no such key. Did you mean "host"?
//!    |
//!    = known keys: from, host, password, port
//! ```

use std::fmt;

/// Every kind of problem, with the code that people search for. A code never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The file itself cannot be read, or is not text.
    Unreadable,
    /// A key that nobody reads.
    UnknownKey,
    /// Not TOML.
    Syntax,
    /// A key that is needed is not there.
    Missing,
    /// A value of the wrong type, or a word that is not known.
    WrongValue,
    /// A duration or a size without a unit.
    NeedsUnit,
    /// A number, duration or size that is too small or too large.
    OutOfRange,
    /// A key or a value that this version does not know yet.
    Later,
    /// Two values that cannot both be meant.
    Contradiction,
    /// A `FOGHORN_*` variable that means nothing.
    UnknownVariable,
    /// A secret points to something that is not there.
    SecretMissing,
    /// A secret points to something empty.
    SecretEmpty,
    /// A secret is written in the file.
    SecretInClear,
    /// A secret points to something that cannot be read.
    SecretUnreadable,
    /// A secret's file can be read by everybody on the machine.
    SecretExposed,
    /// Links in messages lead to the reader's own machine.
    LocalLinks,
    /// A route names a policy that does not exist.
    UnknownPolicy,
    /// A step names a channel that does not exist.
    UnknownChannel,
    /// A step or a team names somebody who does not exist.
    UnknownPerson,
    /// Incidents that no route takes.
    NoRoute,
    /// A policy or a step that reaches nobody.
    NobodyHears,
    /// A route that never gets an incident.
    NeverReached,
    /// Open to the network without a sign-in.
    OpenWithoutAuth,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 23] = [
        Self::Unreadable,
        Self::UnknownKey,
        Self::Syntax,
        Self::Missing,
        Self::WrongValue,
        Self::NeedsUnit,
        Self::OutOfRange,
        Self::Later,
        Self::Contradiction,
        Self::UnknownVariable,
        Self::SecretMissing,
        Self::SecretEmpty,
        Self::SecretInClear,
        Self::SecretUnreadable,
        Self::SecretExposed,
        Self::LocalLinks,
        Self::UnknownPolicy,
        Self::UnknownChannel,
        Self::UnknownPerson,
        Self::NoRoute,
        Self::NobodyHears,
        Self::NeverReached,
        Self::OpenWithoutAuth,
    ];

    /// The code as it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "FH0100",
            Self::UnknownKey => "FH0101",
            Self::Syntax => "FH0102",
            Self::Missing => "FH0104",
            Self::WrongValue => "FH0105",
            Self::NeedsUnit => "FH0106",
            Self::OutOfRange => "FH0107",
            Self::Later => "FH0108",
            Self::Contradiction => "FH0109",
            Self::UnknownVariable => "FH0120",
            Self::SecretMissing => "FH0201",
            Self::SecretEmpty => "FH0202",
            Self::SecretInClear => "FH0203",
            Self::SecretUnreadable => "FH0204",
            Self::SecretExposed => "FH0205",
            Self::LocalLinks => "FH0207",
            Self::UnknownPolicy => "FH0301",
            Self::UnknownChannel => "FH0302",
            Self::UnknownPerson => "FH0303",
            Self::NoRoute => "FH0304",
            Self::NobodyHears => "FH0305",
            Self::NeverReached => "FH0306",
            Self::OpenWithoutAuth => "FH0404",
        }
    }

    /// How grave it is, unless the place says otherwise.
    fn gravity(self) -> Gravity {
        match self {
            Self::UnknownVariable
            | Self::SecretInClear
            | Self::SecretExposed
            | Self::LocalLinks
            | Self::NoRoute
            | Self::NobodyHears
            | Self::NeverReached => Gravity::Warning,
            _ => Gravity::Error,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Does Foghorn start in spite of it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// It does not start.
    Error,
    /// It starts and says so.
    Warning,
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
    /// What to see at the mark.
    pub label: Option<String>,
    /// More lines: what is known, why it matters, what to do.
    pub notes: Vec<String>,
}

impl Problem {
    pub(super) fn new(code: Code, what: impl Into<String>) -> Self {
        Self {
            code,
            gravity: code.gravity(),
            what: what.into(),
            location: None,
            label: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn located(mut self, location: Option<Location>) -> Self {
        self.location = location;
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

    /// Where it lies in the file; what has no place comes last.
    pub(super) fn position(&self) -> (usize, usize) {
        match self.location {
            Some(Location::File { line, column, .. }) => (line, column),
            _ => (usize::MAX, 0),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }
}
