//! What a message in a chat says, in parts: clean, and not yet escaped for any chat.

use super::language::Language;
use super::{Letterhead, RenderedText, TemplateFault, bundle, sanitize, words};
use crate::domain::notification::{Content, IncidentFacts, NotificationKind};
use crate::domain::severity::Severity;

/// The most links of an event that are repeated.
const LINKS: usize = 5;
/// The most characters of a link's text.
const LINK_TEXT: usize = 60;

/// What a message in a chat says.
pub(super) struct Note {
    /// How it looks from afar.
    pub(super) tone: Tone,
    /// One line; empty if there is none.
    pub(super) title: String,
    /// Lines; empty if there are none.
    pub(super) text: String,
    /// Where all of it is to be seen, and what the event links to.
    pub(super) links: Vec<(String, String)>,
    /// Everything else that is known, in one line; empty if there is nothing.
    pub(super) footer: String,
}

/// How a message looks from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Something is wrong, this badly.
    Wrong(Severity),
    /// It is over.
    Over,
    /// Neither.
    Plain,
}

impl Tone {
    /// As red, green and blue.
    pub(super) fn colour(self) -> u32 {
        match self {
            Self::Wrong(Severity::Critical) => 0x00d1_242f,
            Self::Wrong(Severity::High) => 0x00e3_6209,
            Self::Wrong(Severity::Medium) => 0x00d4_a72c,
            Self::Wrong(Severity::Low) => 0x0009_69da,
            Self::Wrong(Severity::Info) | Self::Plain => 0x006e_7781,
            Self::Over => 0x001a_7f37,
        }
    }
}

impl Note {
    pub(super) fn of(content: &Content, letterhead: &Letterhead) -> Result<Self, TemplateFault> {
        match content {
            Content::Incident(facts) => Ok(Self::about(facts, letterhead)),
            Content::Direct(request) => Ok(Self::plain(&letterhead.direct(request)?)),
            Content::Bundle(contents) => Ok(Self::plain(&bundle::bundle(contents, letterhead)?)),
        }
    }

    /// What is about no incident by itself.
    fn plain(said: &RenderedText) -> Self {
        Self {
            tone: Tone::Plain,
            title: sanitize::line(&said.subject, sanitize::SUBJECT).into_owned(),
            text: sanitize::block(&said.text).trim().to_owned(),
            links: Vec::new(),
            footer: String::new(),
        }
    }

    fn about(facts: &IncidentFacts, letterhead: &Letterhead) -> Self {
        let language = letterhead.language();
        let description = facts.description.as_deref().map(sanitize::block);
        Self {
            tone: tone(facts),
            title: title(facts, language),
            text: description.map_or_else(String::new, |text| text.trim().to_owned()),
            links: links(facts, letterhead),
            footer: footer(facts, language),
        }
    }

    /// Where all of it is to be seen.
    pub(super) fn home(&self) -> Option<&str> {
        self.links.first().map(|(_, url)| url.as_str())
    }
}

fn tone(facts: &IncidentFacts) -> Tone {
    match words::occasion(facts) {
        NotificationKind::Resolved => Tone::Over,
        _ => Tone::Wrong(facts.severity),
    }
}

/// `▲ CRITICAL checkout-api: 5xx rate above 5%`
fn title(facts: &IncidentFacts, language: Language) -> String {
    let mark = words::mark(facts);
    let (state, headline) = (words::state_before(facts, language), words::headline(facts, language));
    let over = words::lasted(facts, language).filter(|_| tone(facts) == Tone::Over);
    let lasted = over.map_or_else(String::new, |lasted| format!(" {lasted}"));
    format!("{mark} {state}{headline}{lasted}")
}

fn links(facts: &IncidentFacts, letterhead: &Letterhead) -> Vec<(String, String)> {
    let home = letterhead.incident_url(facts.number).map(|url| (format!("#{}", facts.number), url));
    let theirs = facts.links.iter().filter(|link| words::is_web_address(&link.url)).take(LINKS);
    let theirs = theirs.map(|link| {
        let text = sanitize::line(&link.text, LINK_TEXT);
        let text = if text.is_empty() { sanitize::cut(&link.url, LINK_TEXT) } else { text };
        (text.into_owned(), link.url.clone())
    });
    home.into_iter().chain(theirs).collect()
}

fn footer(facts: &IncidentFacts, language: Language) -> String {
    let source = sanitize::line(&facts.source, 60).into_owned();
    let policy =
        words::policy(facts).map(|policy| format!("{} {policy}", language.say("policy", "Richtlinie")));
    let labels = Some(words::labels(facts)).filter(|labels| !labels.is_empty());
    let parts = [
        Some(format!("#{}", facts.number)),
        Some(source),
        policy,
        Some(format!("{} {}", language.say("since", "seit"), words::moment(facts.opened_at, language))),
        labels,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" \u{b7} ")
}

/// `text` with each character spelled as `spell` says (`None`: as it is), at most `longest` UTF-16
/// units long, which is the strictest way in which chats count. It never ends within a spelling, and
/// says if something is missing.
pub(super) fn spelled(text: &str, longest: usize, spell: impl Fn(char) -> Option<&'static str>) -> String {
    let mut spelled = String::with_capacity(text.len().min(longest));
    // Where it ends if the rest does not fit.
    let (mut units, mut end) = (0, 0);
    for character in text.chars() {
        let piece = spell(character);
        units += piece.map_or_else(|| character.len_utf16(), str::len);
        if units > longest {
            spelled.truncate(end);
            spelled.push('\u{2026}');
            return spelled;
        }
        match piece {
            Some(piece) => spelled.push_str(piece),
            None => spelled.push(character),
        }
        if units < longest {
            end = spelled.len();
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doubled(character: char) -> Option<&'static str> {
        (character == 'x').then_some("[x]")
    }

    #[test]
    fn a_spelling_is_whole_or_not_there() {
        for (text, longest, expected) in [
            ("axb", 5, "a[x]b"),
            ("axb", 4, "a\u{2026}"),
            ("axbc", 5, "a[x]\u{2026}"),
            ("abc", 3, "abc"),
            ("\u{1f534}\u{1f534}", 3, "\u{1f534}\u{2026}"),
        ] {
            assert_eq!(spelled(text, longest, doubled), expected, "{text} {longest}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_it_may_be(text in "[ax\u{1f534}\u{e4}]{0,40}", longest in 1_usize..50) {
            let said = spelled(&text, longest, doubled);
            prop_assert!(said.encode_utf16().count() <= longest, "{}", said);
        }
    }
}
