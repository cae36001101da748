//! What a rule wants of a record before it takes it.

use super::super::strict_json::Node;
use super::excerpt;
use super::pointer::Pointer;
use super::told::Checked;
use super::value::plain;
use crate::domain::pattern::Pattern;

/// What must be so at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) pointer: Pointer,
    pub(super) wish: Wish,
}

/// What is wanted there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// One of these fits what is there, or one item of a list.
    AnyOf(Vec<Pattern>),
    /// There is something, and none of these fits it.
    NoneOf(Vec<Pattern>),
    /// There is something.
    There,
    /// There is nothing, or `null`.
    NotThere,
}

impl Condition {
    /// Is it so?
    pub(super) fn holds(&self, root: &Node<'_>) -> bool {
        let node = self.pointer.find(root).filter(|node| **node != Node::Null);
        match (&self.wish, node) {
            (Wish::NotThere, node) => node.is_none(),
            (Wish::There, node) => node.is_some(),
            (_, None) => false,
            (Wish::AnyOf(patterns), Some(node)) => fits(patterns, node),
            (Wish::NoneOf(patterns), Some(node)) => !fits(patterns, node),
        }
    }

    /// The same, for people.
    pub(super) fn checked(&self, root: &Node<'_>) -> Checked {
        let texts =
            |patterns: &[Pattern]| patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" | ");
        let wanted = match &self.wish {
            Wish::AnyOf(patterns) => texts(patterns),
            Wish::NoneOf(patterns) => format!("not {}", texts(patterns)),
            Wish::There => "something".to_owned(),
            Wish::NotThere => "nothing".to_owned(),
        };
        Checked {
            pointer: self.pointer.as_str().to_owned(),
            wanted,
            found: excerpt::found(&self.pointer, root),
            holds: self.holds(root),
        }
    }
}

fn fits(patterns: &[Pattern], node: &Node<'_>) -> bool {
    match node {
        Node::List(items) => items.iter().any(|item| fits_plain(patterns, item)),
        node => fits_plain(patterns, node),
    }
}

fn fits_plain(patterns: &[Pattern], node: &Node<'_>) -> bool {
    plain(node).is_some_and(|text| patterns.iter().any(|pattern| pattern.matches(&text)))
}
