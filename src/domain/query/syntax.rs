//! From text to terms, each with the column where it starts. Nothing in here knows a key.

use std::iter::Peekable;
use std::str::CharIndices;

use super::glob::Glob;
use super::{Sense, read};

/// The longest query, characters.
pub const LONGEST: usize = 1_000;
/// Most terms of a query.
pub const MOST_TERMS: usize = 32;
/// Most values of a term, and most `*` in a value.
const MOST_VALUES: usize = 32;
const MOST_GAPS: usize = 8;

/// A query that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct QueryError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong there, what is known, and what was likely meant.
    pub what: String,
}

/// A term as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub(super) column: usize,
    pub(super) sense: Sense,
    /// Without one, it is a word.
    pub(super) key: Option<(String, Operator)>,
    /// At least one.
    pub(super) values: Vec<Value>,
}

/// What stands between a key and its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `:`
    Is,
    /// `>`
    Over,
    /// `<`
    Under,
}

/// A value with its column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) column: usize,
    pub(super) glob: Glob,
}

struct Reader<'a> {
    text: &'a str,
    letters: Peekable<CharIndices<'a>>,
    column: usize,
}

pub(super) fn wrong(column: usize, what: impl Into<String>) -> QueryError {
    QueryError { column, what: what.into() }
}

/// The terms of a query.
pub(super) fn terms(text: &str) -> Result<Vec<Written>, QueryError> {
    if let Some(at) = text.chars().position(|letter| letter.is_control() && !letter.is_whitespace()) {
        return Err(wrong(at + 1, "a control character; nothing holds one"));
    }
    if text.chars().count() > LONGEST {
        return Err(wrong(LONGEST + 1, format!("a query has at most {LONGEST} characters")));
    }
    let mut reader = Reader { text, letters: text.char_indices().peekable(), column: 1 };
    let mut terms = Vec::new();
    while reader.skip_blanks() {
        if terms.len() == MOST_TERMS {
            return Err(wrong(reader.column, format!("a query has at most {MOST_TERMS} terms")));
        }
        terms.push(reader.term()?);
    }
    Ok(terms)
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.letters.peek().map(|(_, letter)| *letter)
    }

    fn next(&mut self) -> Option<char> {
        let (_, letter) = self.letters.next()?;
        self.column += 1;
        Some(letter)
    }

    /// True if something follows.
    fn skip_blanks(&mut self) -> bool {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
        self.peek().is_some()
    }

    fn at_end(&mut self) -> bool {
        self.peek().is_none_or(char::is_whitespace)
    }

    fn term(&mut self) -> Result<Written, QueryError> {
        let column = self.column;
        let mut sense = Sense::Is;
        if self.peek() == Some('-') {
            self.next();
            sense = Sense::IsNot;
            if self.at_end() {
                return Err(wrong(column, "\"-\" turns around what follows it, and nothing does"));
            }
        }
        let key = self.key();
        let commas = if key.is_some() { Commas::Separate } else { Commas::Belong };
        let mut values = vec![self.value(commas)?];
        while self.peek() == Some(',') {
            self.next();
            if values.len() == MOST_VALUES {
                return Err(wrong(self.column, format!("a key has at most {MOST_VALUES} values")));
            }
            values.push(self.value(commas)?);
        }
        Ok(Written { column, sense, key, values })
    }

    /// The key ahead, if what is ahead starts with one.
    fn key(&mut self) -> Option<(String, Operator)> {
        let at = self.letters.peek()?.0;
        let rest = &self.text[at..];
        let end = rest.find(|letter: char| !read::is_of_key(letter))?;
        let operator = match rest[end..].chars().next()? {
            ':' => Operator::Is,
            '>' => Operator::Over,
            '<' => Operator::Under,
            _ => return None,
        };
        if end == 0 {
            return None;
        }
        let key = rest[..end].to_owned();
        for _ in 0..=key.chars().count() {
            self.next();
        }
        Some((key, operator))
    }

    fn value(&mut self, commas: Commas) -> Result<Value, QueryError> {
        let column = self.column;
        let mut parts = vec![String::new()];
        let mut quoted = false;
        while !(self.at_end() || commas == Commas::Separate && self.peek() == Some(',')) {
            match self.next() {
                Some('"') => {
                    quoted = true;
                    let text = self.quoted()?;
                    parts.last_mut().expect("there is one from the start").push_str(&text);
                }
                Some('*') => parts.push(String::new()),
                Some(letter) => parts.last_mut().expect("there is one from the start").push(letter),
                None => {}
            }
        }
        if parts == [""] && !quoted {
            return Err(wrong(column, "a value is missing; \"\" is the empty one"));
        }
        if parts.len() > MOST_GAPS + 1 {
            return Err(wrong(column, format!("a value has at most {MOST_GAPS} \"*\"")));
        }
        Ok(Value { column, glob: Glob::of(parts) })
    }

    /// Up to the closing quote. `\"` and `\\` stand for the second character.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let opened = self.column - 1;
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') if matches!(self.peek(), Some('"' | '\\')) => text.extend(self.next()),
                Some(letter) => text.push(letter),
                None => return Err(wrong(opened, "a quote is opened and not closed")),
            }
        }
    }
}

/// What a comma is in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commas {
    /// The end of it, and another one follows.
    Separate,
    /// A letter of it.
    Belong,
}
