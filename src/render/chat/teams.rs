//! Microsoft Teams: an adaptive card, as workflows ("When a Teams webhook request is received") take it.
//!
//! Its texts are runs, which read no Markdown; links are buttons.

use serde_json::{Value, json};

use super::NOTHING;
use crate::domain::notification::Content;
use crate::domain::severity::Severity;
use crate::render::note::{Note, Tone, spelled};
use crate::render::{Letterhead, TemplateFault};

/// The most characters of each part: a message may have 28 kB, and a character three bytes.
const TITLE: usize = 500;
const TEXT: usize = 3_000;
const FOOTER: usize = 1_000;
/// The most bytes of all addresses.
const ADDRESSES: usize = 6_000;

/// `content` as the body of a request to a workflow.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn message(content: &Content, letterhead: &Letterhead) -> Result<Value, TemplateFault> {
    let note = Note::of(content, letterhead)?;
    let mut body = Vec::new();
    if !note.title.is_empty() {
        let look = json!({ "weight": "Bolder", "size": "Medium", "color": colour(note.tone) });
        body.push(block(&note.title, TITLE, &look));
    }
    if !note.text.is_empty() {
        body.push(block(&note.text, TEXT, &json!({})));
    }
    if !note.footer.is_empty() {
        body.push(block(&note.footer, FOOTER, &json!({ "isSubtle": true, "size": "Small" })));
    }
    if body.is_empty() {
        body.push(block(NOTHING, TEXT, &json!({})));
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
        "version": "1.4", "body": body, "actions": actions(&note.links), "msteams": { "width": "Full" }
    });
    let attachment = json!({
        "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card
    });
    Ok(json!({ "type": "message", "attachments": [attachment] }))
}

fn block(text: &str, longest: usize, look: &Value) -> Value {
    let mut run = look.clone();
    run["type"] = json!("TextRun");
    run["text"] = json!(spelled(text, longest, |_| None));
    json!({ "type": "RichTextBlock", "inlines": [run] })
}

/// As many as fit.
fn actions(links: &[(String, String)]) -> Vec<Value> {
    let mut left = ADDRESSES;
    let mut fits = |(_, url): &&(String, String)| {
        left = left.saturating_sub(url.len());
        left > 0
    };
    let action =
        |(text, url): &(String, String)| json!({ "type": "Action.OpenUrl", "title": text, "url": url });
    links.iter().take_while(|link| fits(link)).map(action).collect()
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Wrong(Severity::Critical | Severity::High) => "Attention",
        Tone::Wrong(Severity::Medium) => "Warning",
        Tone::Wrong(Severity::Low) => "Accent",
        Tone::Wrong(Severity::Info) | Tone::Plain => "Default",
        Tone::Over => "Good",
    }
}
