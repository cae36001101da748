//! A sender's texts within our bounds: cut where ours would be refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::event::Link;
use crate::domain::severity::Severity;
use crate::formats::Words;
use crate::formats::native::{self, LABEL_KEY, LABEL_VALUE, LABELS, LINKS};
use crate::formats::strict_json::Node;
use crate::formats::text::{self, Layout};

/// Texts by their names, in order.
pub(super) type Texts<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// One line for readers; `None` if there is nothing to see.
pub fn line(raw: &str, most: usize) -> Option<String> {
    shown(raw, Layout::OneLine, most)
}

/// Several lines for readers; `None` if there is nothing to see.
pub fn lines(raw: &str, most: usize) -> Option<String> {
    shown(raw, Layout::Lines, most)
}

fn shown(raw: &str, layout: Layout, most: usize) -> Option<String> {
    let clean = text::cleaned(raw.into(), layout);
    text::is_visible(&clean).then(|| cut(clean, most))
}

/// At most `most` characters; the last one tells that there were more.
pub(super) fn cut(text: String, most: usize) -> String {
    if !text::is_longer(&text, most) {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Labels as ours may be. What has no name, or a name that is no label's, is left out.
pub(super) fn labels<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let fits =
        |name: &&str| text::is_visible(name) && !text::has_control(name) && !text::is_longer(name, LABEL_KEY);
    let texts = texts.into_iter().filter(|(name, _)| fits(name)).take(LABELS);
    texts
        .map(|(name, value)| {
            (name.to_owned(), cut(text::cleaned(value.into(), Layout::OneLine), LABEL_VALUE))
        })
        .collect()
}

/// Those of `addresses` that can be followed, each with its words.
pub(super) fn links<'a>(addresses: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Link> {
    let link = |(text, url): (&str, &str)| Some(Link { text: text.to_owned(), url: native::address(url)? });
    let mut links: Vec<Link> = Vec::new();
    for link in addresses.into_iter().filter_map(link) {
        if links.len() < LINKS && links.iter().all(|known| known.url != link.url) {
            links.push(link);
        }
    }
    links
}

/// The severity of this word, or that of an event that names none.
pub(super) fn severity(word: Option<&str>, words: &Words) -> Severity {
    word.and_then(|word| words.aliases.resolve(word.trim())).unwrap_or(words.default_severity)
}

/// The text of this name.
pub(super) fn of<'t>(texts: &'t Texts<'_>, name: &str) -> Option<&'t str> {
    texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_ref())
}

/// The first of these names that has something to see.
pub(super) fn first<'t>(texts: &'t Texts<'_>, names: &[&str]) -> Option<&'t str> {
    names.iter().filter_map(|name| of(texts, name)).find(|text| text::is_visible(text))
}

/// As pairs of plain texts.
pub(super) fn pairs<'t>(texts: &'t Texts<'_>) -> impl Iterator<Item = (&'t str, &'t str)> {
    texts.iter().map(|(name, text)| (name.as_ref(), text.as_ref()))
}

/// What stands there, as text, whatever it is.
pub(super) fn plain(node: Node<'_>) -> Option<String> {
    match node {
        Node::Null => None,
        Node::Text(text) => Some(text.into_owned()),
        other => Some(other.into_value().to_string()),
    }
}

/// Each entry as a text by its name.
pub(super) fn scalars(entries: Vec<(Cow<'_, str>, Node<'_>)>) -> Vec<(String, String)> {
    entries.into_iter().filter_map(|(name, node)| Some((name.into_owned(), plain(node)?))).collect()
}
