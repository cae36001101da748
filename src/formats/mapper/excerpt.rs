//! What was found in a record, in a few words: enough to mend a mapper, too little to leak what is in it.

use super::super::strict_json::Node;
use super::pointer::Pointer;
use crate::domain::delivery::Address;

/// The most characters of a value that are shown.
const SHOWN: usize = 40;
/// The most keys of an object that are named.
const KEYS: usize = 8;

/// `text "P9"`, `a list of 3`, `an object with id, title`.
pub(super) fn excerpt(node: &Node<'_>) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(truth) => format!("{truth}"),
        Node::Number(number) => format!("the number {number}"),
        Node::Text(text) => format!("text \"{}\"", masked(text)),
        Node::List(items) => format!("a list of {}", items.len()),
        Node::Map(entries) if entries.is_empty() => "an empty object".to_owned(),
        Node::Map(entries) => format!("an object with {}", keys(entries.iter().map(|(key, _)| &**key))),
    }
}

/// The same of what lies at `pointer`, which may be nothing.
pub(super) fn found(pointer: &Pointer, root: &Node<'_>) -> String {
    match pointer.find(root) {
        Some(Node::Text(_)) if pointer.leads_to_a_secret() => "text, which is not shown".to_owned(),
        Some(node) => excerpt(node),
        None => missing(pointer, root),
    }
}

/// `nothing; /alert has id, title`
fn missing(pointer: &Pointer, root: &Node<'_>) -> String {
    let (place, node, _) = pointer.gap(root);
    let place = if place.is_empty() { "the record".to_owned() } else { place };
    match node {
        Node::Map(entries) if entries.is_empty() => format!("nothing; {place} is an empty object"),
        Node::Map(entries) => format!("nothing; {place} has {}", keys(entries.iter().map(|(key, _)| &**key))),
        other => format!("nothing; {place} is {}", excerpt(other)),
    }
}

/// What the key was likely called that a pointer did not find.
pub(super) fn meant(pointer: &Pointer, root: &Node<'_>) -> Option<String> {
    let (place, node, step) = pointer.gap(root);
    let Node::Map(entries) = node else { return None };
    let near = crate::domain::suggest::nearest(step?, entries.iter().map(|(key, _)| &**key))?;
    Some(format!("did you mean \"{place}/{}\"?", near.replace('~', "~0").replace('/', "~1")))
}

fn keys<'k>(keys: impl Iterator<Item = &'k str> + Clone) -> String {
    let count = keys.clone().count();
    let named: Vec<String> = keys.take(KEYS).map(|key| shortened(key, SHOWN)).collect();
    let more = if count > KEYS { format!(" and {} more", count - KEYS) } else { String::new() };
    format!("{}{more}", named.join(", "))
}

/// Addresses are masked as they are everywhere.
fn masked(text: &str) -> String {
    let is_mail = text.contains('@') && !text.contains(char::is_whitespace);
    let is_phone =
        text.len() > 7 && text.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    if is_mail || is_phone { shortened(&Address::from(text).masked(), SHOWN) } else { shortened(text, SHOWN) }
}

/// The same sentence without `text`, where it is not to be repeated.
pub(super) fn veiled(sentence: &str, text: &str, is_secret: bool) -> String {
    let shown = if is_secret { "***".to_owned() } else { masked(text) };
    sentence.replace(&format!("\"{}\"", shortened(text, SHOWN)), &format!("\"{shown}\""))
}

/// The beginning of a text, on one line.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_in_a_few_words_and_addresses_are_masked() {
        let text = |text: &'static str| excerpt(&Node::Text(text.into()));
        assert_eq!(text("P9"), "text \"P9\"");
        assert_eq!(text("ada@example.com"), "text \"a***@example.com\"");
        assert_eq!(text("+15550111222"), "text \"+155***22\"");
        assert_eq!(text("a\nb"), "text \"ab…\"");
        assert!(excerpt(&Node::Text("x".repeat(9_000).into())).len() < 60);
        let many = (0..30).map(|at| (format!("key-{at}").into(), Node::Null)).collect();
        assert_eq!(
            excerpt(&Node::Map(many)),
            "an object with key-0, key-1, key-2, key-3, key-4, key-5, key-6, key-7 and 22 more"
        );
    }
}
