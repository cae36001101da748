//! Slack: blocks for people who look, and one line for notifications.
//!
//! What came from outside stands in blocks of plain text, where no markup counts, and is escaped
//! besides (`&`, `<`, `>`), so that it mentions nobody (`<!channel>`) and links to nothing. Only our
//! own links are markup.

use serde_json::{Value, json};

use super::language::Language;
use super::note::{Note, spelled};
use super::{Letterhead, TemplateFault, sanitize, webhook};
use crate::domain::button::{Button, Wish};
use crate::domain::notification::Content;

/// The most characters that Slack takes in each place.
const HEADER: usize = 150;
const SECTION: usize = 3_000;
const CONTEXT: usize = 2_000;
const LINE: usize = 4_000;

/// What a message that says nothing says.
const NOTHING: &str = "(no words)";

/// Whether people can press anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buttons {
    /// Nobody would hear it.
    Left,
    /// What an open incident needs: Acknowledge and Resolve.
    Shown,
}

/// `content` as `text` and `blocks`.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn message(content: &Content, letterhead: &Letterhead, buttons: Buttons) -> Result<Value, TemplateFault> {
    let note = Note::of(content, letterhead)?;
    let mut blocks = Vec::new();
    if !note.title.is_empty() {
        blocks.push(json!({ "type": "header", "text": plain(&note.title, HEADER) }));
    }
    if !note.text.is_empty() {
        blocks.push(json!({ "type": "section", "text": plain(&note.text, SECTION) }));
    }
    let links = links(&note.links);
    if !links.is_empty() {
        // Verbatim: a name or a channel in a link's text stays a text.
        let text = json!({ "type": "mrkdwn", "text": links, "verbatim": true });
        blocks.push(json!({ "type": "section", "text": text }));
    }
    if !note.footer.is_empty() {
        blocks.push(json!({ "type": "context", "elements": [plain(&note.footer, CONTEXT)] }));
    }
    blocks.extend(actions(content, buttons, letterhead.language()));
    let line = webhook::line(content, letterhead)?;
    let line = if line.trim().is_empty() { NOTHING } else { &line };
    let mut message = json!({
        "text": spelled(line, LINE, escape), "mrkdwn": false, "unfurl_links": false, "unfurl_media": false
    });
    if !blocks.is_empty() {
        message["blocks"] = Value::from(blocks);
    }
    Ok(message)
}

/// `words` for whoever pressed a button, and for nobody else.
pub fn whisper(words: &str) -> Value {
    let text = spelled(&sanitize::block(words), LINE, escape);
    json!({ "response_type": "ephemeral", "replace_original": false, "text": text })
}

fn plain(text: &str, longest: usize) -> Value {
    json!({ "type": "plain_text", "text": spelled(text, longest, escape), "emoji": false })
}

fn escape(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

/// As many links as fit.
fn links(links: &[(String, String)]) -> String {
    let mut line = String::new();
    for (text, url) in links {
        // A bar ends the address.
        let (text, url) = (spelled(text, SECTION, escape), url.replace('|', "%7C").replace('&', "&amp;"));
        let link = format!("<{url}|{text}>");
        let separator = if line.is_empty() { "" } else { " \u{b7} " };
        if line.len() + separator.len() + link.len() > SECTION {
            break;
        }
        line.push_str(separator);
        line.push_str(&link);
    }
    line
}

fn actions(content: &Content, buttons: Buttons, language: Language) -> Option<Value> {
    let (Content::Incident(facts), Buttons::Shown) = (content, buttons) else { return None };
    let elements: Vec<Value> = Button::of(facts).iter().map(|button| element(button, language)).collect();
    (!elements.is_empty()).then(|| json!({ "type": "actions", "elements": elements }))
}

fn element(button: &Button, language: Language) -> Value {
    let text = match button.wish {
        Wish::Acknowledge => language.say("Acknowledge", "Übernehmen"),
        Wish::Resolve => language.say("Resolve", "Beheben"),
    };
    let mut element = json!({
        "type": "button", "action_id": button.wish.as_str(), "value": button.to_string(),
        "text": { "type": "plain_text", "text": text, "emoji": false }
    });
    if button.wish == Wish::Acknowledge {
        element["style"] = json!("primary");
    }
    element
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Link, RequestText};
    use crate::domain::incident::IncidentStatus;
    use crate::domain::notification::{IncidentFacts, NotificationKind};
    use crate::render::incident::sample::facts;
    use proptest::prelude::*;

    fn house() -> Letterhead {
        Letterhead { public_url: "https://fog.example.com".into(), ..Letterhead::default() }
    }

    fn about(facts: IncidentFacts, buttons: Buttons) -> Value {
        message(&Content::Incident(Box::new(facts)), &house(), buttons).unwrap()
    }

    fn kinds(message: &Value) -> Vec<&str> {
        let blocks = message["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
        blocks.iter().filter_map(|block| block["type"].as_str()).collect()
    }

    #[test]
    fn an_open_incident_says_how_bad_what_where_and_what_to_press() {
        let message = about(facts(NotificationKind::Opened), Buttons::Shown);
        assert_eq!(kinds(&message), ["header", "section", "section", "context", "actions"]);
        let text = |block: usize| message["blocks"][block]["text"]["text"].as_str().unwrap();
        assert_eq!(text(0), "\u{25b2} CRITICAL checkout-api: 5xx rate above 5%");
        assert_eq!(text(1), "12.4% of requests failed");
        assert_eq!(
            text(2),
            "<https://fog.example.com/incidents/1042|#1042> \u{b7} <https://wiki.example.com/checkout|Runbook>"
        );
        assert!(message["text"].as_str().unwrap().contains("CRITICAL #1042"));
        let values: Vec<_> = message["blocks"][4]["elements"].as_array().unwrap().iter().collect();
        assert_eq!(
            values.iter().map(|button| button["value"].as_str().unwrap()).collect::<Vec<_>>(),
            ["acknowledge:1042:3:1795269730000", "resolve:1042:3:1795269730000"]
        );
    }

    #[test]
    fn what_needs_nobody_has_nothing_to_press() {
        let taken = IncidentFacts { status: IncidentStatus::Acknowledged, ..facts(NotificationKind::Opened) };
        let message = about(taken, Buttons::Shown);
        assert_eq!(message["blocks"][4]["elements"].as_array().unwrap().len(), 1);
        for (kind, buttons) in
            [(NotificationKind::Resolved, Buttons::Shown), (NotificationKind::Opened, Buttons::Left)]
        {
            assert!(!kinds(&about(facts(kind), buttons)).contains(&"actions"));
        }
    }

    #[test]
    fn no_text_mentions_anybody_or_links_anywhere() {
        let evil = "<!channel> <@U1> <https://evil.example|a & b>";
        let said = "&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|a &amp; b&gt;";
        let hostile = IncidentFacts {
            title: evil.into(),
            service: Some(evil.into()),
            description: Some(evil.into()),
            links: vec![
                Link { text: evil.into(), url: "https://a.example/?x=1&y=<!here>".into() },
                Link { text: evil.into(), url: "https://a.example/?x|y&z".into() },
            ],
            source: evil.into(),
            ..facts(NotificationKind::Opened)
        };
        let message = about(hostile, Buttons::Shown);
        let all = message.to_string();
        assert!(all.contains(said) && !all.contains("<!") && !all.contains("<@"), "{all}");
        assert!(all.contains(&format!("<https://a.example/?x%7Cy&amp;z|{said}>")), "{all}");
        assert_eq!(message["blocks"][1]["text"]["type"], "plain_text");
    }

    #[test]
    fn what_says_nothing_is_still_a_message() {
        let direct = |subject: &str, body: &str| {
            let text = RequestText::Plain { subject: subject.into(), body: body.into() };
            message(&Content::Direct(text), &house(), Buttons::Shown).unwrap()
        };
        assert_eq!(kinds(&direct("Hello", "there")), ["header", "section"]);
        let empty = direct("", "\u{200b}");
        assert_eq!((kinds(&empty), empty["text"].as_str()), (vec![], Some(NOTHING)));
    }

    proptest! {
        #[test]
        fn no_block_is_longer_than_slack_takes(text in "[<&a\u{1f534}]{0,40}", times in 1_usize..400) {
            let long = text.repeat(times);
            let facts = IncidentFacts {
                title: long.clone(),
                description: Some(long.clone()),
                labels: (0..40).map(|label| (format!("{label}{text}"), long.clone())).collect(),
                links: (0..40).map(|_| Link { text: long.clone(), url: format!("https://a.example/{}", "x".repeat(times)) }).collect(),
                ..facts(NotificationKind::Opened)
            };
            let message = about(facts, Buttons::Shown);
            let units = |value: &Value| value.as_str().map_or(0, |text| text.encode_utf16().count());
            for block in message["blocks"].as_array().unwrap() {
                let most = if block["type"] == "header" { HEADER } else { SECTION };
                prop_assert!(units(&block["text"]["text"]) <= most);
                prop_assert!(units(&block["elements"][0]["text"]) <= CONTEXT);
            }
            prop_assert!(units(&message["text"]) <= LINE);
            prop_assert!(message.to_string().len() < 64_000);
        }
    }
}
