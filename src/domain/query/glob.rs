//! What a value of a query looks like: literal text, with gaps where a `*` stood.

use crate::domain::pattern::fits;

/// Literal parts with any run of characters between each two of them. Unlike a route's pattern it
/// may hold a literal `*`, because one in quotes stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<String>,
}

impl Glob {
    /// A glob of parts; one part is a literal. No parts are the empty literal.
    pub fn of(mut parts: Vec<String>) -> Self {
        if parts.is_empty() {
            parts.push(String::new());
        }
        Self { parts }
    }

    /// Exactly this text.
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![text.to_owned()] }
    }

    /// The parts.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The text, if it has no gap.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }

    /// Is `text` this? Case matters.
    pub fn matches(&self, text: &str) -> bool {
        fits(self.parts.iter().map(String::as_str), text)
    }

    /// Is this somewhere in `text`, ASCII letters in any case?
    pub fn is_within(&self, text: &str) -> bool {
        self.within().matches(&text.to_ascii_lowercase())
    }

    /// The same in small ASCII letters, with anything before and after it.
    #[must_use]
    pub fn within(&self) -> Self {
        let own = self.parts.iter().map(|part| part.to_ascii_lowercase());
        Self { parts: [String::new()].into_iter().chain(own).chain([String::new()]).collect() }
    }
}
