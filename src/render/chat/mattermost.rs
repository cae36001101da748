//! Mattermost: one post in Markdown, whose every `@` stands alone.

use serde_json::{Value, json};

use super::{NOTHING, markdown};
use crate::domain::notification::Content;
use crate::render::note::Note;
use crate::render::{Letterhead, TemplateFault};

/// The most characters of each part; a post may have 16,383.
const TITLE: usize = 500;
const TEXT: usize = 6_000;
const LINKS: usize = 4_000;
const FOOTER: usize = 4_000;

/// `content` as the body of a request to an incoming webhook.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn message(content: &Content, letterhead: &Letterhead) -> Result<Value, TemplateFault> {
    let note = Note::of(content, letterhead)?;
    let mut parts = Vec::new();
    if !note.title.is_empty() {
        parts.push(format!("**{}**", markdown::calling_nobody(&note.title, TITLE)));
    }
    let text = markdown::calling_nobody(&note.text, TEXT);
    let links = markdown::links(&note.links, LINKS, markdown::calling_nobody);
    let footer = markdown::calling_nobody(&note.footer, FOOTER);
    parts.extend([text, links, footer].into_iter().filter(|part| !part.is_empty()));
    let text = if parts.is_empty() { NOTHING.to_owned() } else { parts.join("\n\n") };
    Ok(json!({ "text": text }))
}
