//! Chats other than Slack: the same note, as each of them takes it.
//!
//! Teams has texts without markup, Discord and Mattermost read Markdown, so there every character that
//! could mean something is escaped. Nobody is mentioned: Discord is told so, Teams mentions whom a list
//! names that we do not send, and Mattermost finds no name behind an `@` that stands alone.

mod discord;
mod markdown;
mod mattermost;
mod teams;

pub use self::discord::message as discord;
pub use self::mattermost::message as mattermost;
pub use self::teams::message as teams;

use std::borrow::Cow;

use super::note::Note;
use super::{Letterhead, TemplateFault, webhook};
use crate::domain::ids::DeliveryId;
use crate::domain::notification::Content;

/// What a message that says nothing says.
const NOTHING: &str = "(no words)";

/// `content` in parts that an operator's own template may name: all of them, empty if there is
/// nothing to say.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn parts(
    content: &Content,
    letterhead: &Letterhead,
    delivery: DeliveryId,
) -> Result<Vec<(&'static str, Cow<'static, str>)>, TemplateFault> {
    let note = Note::of(content, letterhead)?;
    let (severity, status, number, service) = match content {
        Content::Incident(facts) => (
            facts.severity.as_str(),
            facts.status.as_str(),
            facts.number.to_string(),
            super::words::service(facts).unwrap_or_default(),
        ),
        Content::Direct(_) | Content::Bundle(_) => ("", "", String::new(), String::new()),
    };
    let link = note.home().unwrap_or_default().to_owned();
    Ok(vec![
        ("text", webhook::line(content, letterhead)?.into()),
        ("title", note.title.into()),
        ("body", note.text.into()),
        ("link", link.into()),
        ("severity", severity.into()),
        ("status", status.into()),
        ("number", number.into()),
        ("service", service.into()),
        ("id", delivery.to_string().into()),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::domain::event::{Link, RequestText};
    use crate::domain::notification::{IncidentFacts, NotificationKind};
    use crate::render::incident::sample::facts;

    fn house() -> Letterhead {
        Letterhead { public_url: "https://fog.example.com".into(), ..Letterhead::default() }
    }

    fn direct(subject: &str, body: &str) -> Content {
        Content::Direct(RequestText::Plain { subject: subject.into(), body: body.into() })
    }

    fn hostile(text: &str) -> Content {
        Content::Incident(Box::new(IncidentFacts {
            title: text.into(),
            service: Some(text.into()),
            description: Some(text.into()),
            links: vec![Link { text: text.into(), url: "https://a.example/(x)?y=[1]".into() }],
            source: text.into(),
            ..facts(NotificationKind::Opened)
        }))
    }

    fn all(content: &Content) -> [Value; 3] {
        [discord, mattermost, teams].map(|message| message(content, &house()).unwrap())
    }

    #[test]
    fn each_chat_is_told_how_bad_what_and_where() {
        let content = Content::Incident(Box::new(facts(NotificationKind::Opened)));
        for message in all(&content) {
            let said = message.to_string();
            for part in ["CRITICAL checkout-api: 5xx rate above 5%", "12.4% of requests failed"] {
                assert!(said.contains(part), "{part}: {said}");
            }
            for part in ["https://fog.example.com/incidents/1042", "https://wiki.example.com/checkout"] {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_is_linked() {
        let evil = "@everyone @here <@&1> <@U1> [a](https://evil.example) `x` <at>ada</at> ~town *b*";
        let [discord, mattermost, teams] = all(&hostile(evil));
        assert_eq!(discord["allowed_mentions"], serde_json::json!({ "parse": [] }));
        let description = discord["embeds"][0]["description"].as_str().unwrap();
        assert!(description.contains(r"\<@&1\>") && description.contains(r"\[a\]\("), "{description}");
        let text = mattermost["text"].as_str().unwrap();
        assert!(!text.contains("@everyone") && !text.contains("@here") && !text.contains("[a]("), "{text}");
        assert!(text.contains("@\u{200b}everyone") && text.contains(r"\~town"), "{text}");
        // Runs of text: no Markdown, and nobody is named beside the card.
        let card = &teams["attachments"][0]["content"];
        assert_eq!(card["msteams"]["entities"], Value::Null);
        for block in card["body"].as_array().unwrap() {
            assert_eq!(block["type"], "RichTextBlock", "{block}");
        }
        for message in [discord, mattermost] {
            assert!(message.to_string().contains("https://a.example/%28x%29?y=%5B1%5D"), "{message}");
        }
    }

    #[test]
    fn what_says_nothing_is_still_a_message() {
        for message in all(&direct("", "\u{200b}")) {
            assert!(message.to_string().contains(NOTHING), "{message}");
        }
        for message in all(&direct("Hello", "there")) {
            let said = message.to_string();
            assert!(said.contains("Hello") && said.contains("there"), "{said}");
        }
    }

    #[test]
    fn a_template_may_name_every_part_of_every_message() {
        let id = DeliveryId::new(crate::domain::Timestamp::UNIX_EPOCH, 1);
        let content = Content::Incident(Box::new(facts(NotificationKind::Opened)));
        let names = |content: &Content| {
            let parts = parts(content, &house(), id).unwrap();
            parts.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(&content), names(&direct("", "")));
        let parts = parts(&content, &house(), id).unwrap();
        let part = |name: &str| parts.iter().find(|(known, _)| *known == name).unwrap().1.as_ref();
        assert_eq!(part("link"), "https://fog.example.com/incidents/1042");
        assert_eq!((part("severity"), part("number"), part("status")), ("critical", "1042", "open"));
    }

    proptest! {
        #[test]
        fn no_message_is_longer_than_its_chat_takes(text in "[*@&<\"\u{1f534}\u{20ac}]{0,40}", times in 1_usize..400) {
            let long = text.repeat(times);
            let [discord, mattermost, teams] = all(&hostile(&long));
            let units = |value: &Value| value.as_str().map_or(0, |text| text.encode_utf16().count());
            let embed = &discord["embeds"][0];
            prop_assert!(units(&embed["title"]) <= 256 && units(&embed["description"]) <= 4_096);
            prop_assert!(units(&embed["footer"]["text"]) <= 2_048 && units(&embed["fields"][0]["value"]) <= 1_024);
            prop_assert!(embed.to_string().encode_utf16().count() <= 8_000);
            prop_assert!(units(&mattermost["text"]) <= 16_383);
            prop_assert!(teams.to_string().len() <= 28_000, "{}", teams.to_string().len());
        }
    }
}
