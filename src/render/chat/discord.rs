//! Discord: one embed, which mentions nobody.

use serde_json::{Value, json};

use super::{NOTHING, markdown};
use crate::domain::notification::Content;
use crate::render::note::{Note, spelled};
use crate::render::{Letterhead, TemplateFault};

/// The most characters that Discord takes in each place; together they stay below the 6,000 of an embed.
const TITLE: usize = 256;
const DESCRIPTION: usize = 3_000;
const FIELD: usize = 1_024;
const FOOTER: usize = 1_000;

/// `content` as the body of a request to a webhook.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn message(content: &Content, letterhead: &Letterhead) -> Result<Value, TemplateFault> {
    let note = Note::of(content, letterhead)?;
    let mut embed = json!({ "color": note.tone.colour() });
    if !note.title.is_empty() {
        embed["title"] = json!(markdown::text(&note.title, TITLE));
    }
    let silent = note.title.is_empty() && note.text.is_empty();
    let text = if silent { NOTHING.to_owned() } else { markdown::text(&note.text, DESCRIPTION) };
    if !text.is_empty() {
        embed["description"] = json!(text);
    }
    let links = markdown::links(&note.links, FIELD, markdown::text);
    if !links.is_empty() {
        embed["fields"] = json!([{ "name": "Links", "value": links }]);
    }
    if !note.footer.is_empty() {
        // A footer reads no Markdown.
        embed["footer"] = json!({ "text": spelled(&note.footer, FOOTER, |_| None) });
    }
    Ok(json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } }))
}
