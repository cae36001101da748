//! The patterns of routes: a text, or a text with `*` for any run of characters.

use serde::{Deserialize, Serialize};

/// One pattern; case matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text of the pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does `text` match? Linear in the length of both, whatever the pattern (S15).
    pub fn matches(&self, text: &str) -> bool {
        fits(self.0.split('*'), text)
    }
}

/// Is `text` these parts with any run of characters between each two of them?
pub(super) fn fits<'a>(mut parts: impl Iterator<Item = &'a str>, text: &str) -> bool {
    let Some(mut rest) = parts.next().and_then(|head| text.strip_prefix(head)) else {
        return false;
    };
    let mut tail = None;
    for part in parts {
        if let Some(middle) = tail.replace(part) {
            let Some(at) = rest.find(middle) else { return false };
            rest = &rest[at + middle.len()..];
        }
    }
    tail.map_or(rest.is_empty(), |tail| rest.len() >= tail.len() && rest.ends_with(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let table = [
            ("checkout-api", "checkout-api", true),
            ("checkout-api", "checkout-apis", false),
            ("checkout-*", "checkout-api", true),
            ("checkout-*", "checkout-", true),
            ("checkout-*", "payments", false),
            ("*", "", true),
            ("*-api", "checkout-api", true),
            ("*-api", "-api", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("", "", true),
            ("", "x", false),
            ("a.c", "abc", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} ~ {text}");
        }
    }
}
