//! SMS: one line in as few parts as the operator pays for.
//!
//! The number, the code to reply with and the link are never cut; the title is. Where even a short
//! title would have no room beside the link, the link is left out as a whole. One character outside
//! of the GSM alphabet more than doubles the price of a text, so such characters are swapped for
//! plain ones unless they say what nothing else does ([`Encoding`]).

mod alphabet;
#[cfg(test)]
mod corpus_tests;
mod spelling;

pub use alphabet::Alphabet;

use self::alphabet::segments;
use super::language::Language;
use super::{Letterhead, OwnWords, RenderedText, TemplateFault, bundle, sanitize, words};
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::{Content, IncidentFacts};
use crate::domain::severity::Severity;

/// The most characters of a text that are looked at.
const LONGEST: usize = 2_000;
/// The most characters of a service's name.
const SERVICE: usize = 40;
/// How many characters of service and title have to remain for a link to be worth its room.
const WORDS: usize = 36;
/// As many as there are.
const ALL: usize = usize::MAX;

/// What becomes of characters outside of the GSM alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// They are swapped for plain ones, as far as the text can be read then.
    #[default]
    Gsm7,
    /// They stay, whatever they cost.
    Auto,
}

/// How the operator wants text messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsStyle {
    /// The most parts that one message may take.
    pub max_segments: usize,
    /// What becomes of characters that cost more.
    pub encoding: Encoding,
    /// Say where the incident is to be seen.
    pub links: bool,
    /// Say what to reply.
    pub replies: bool,
}

impl Default for SmsStyle {
    fn default() -> Self {
        Self { max_segments: 1, encoding: Encoding::Gsm7, links: true, replies: false }
    }
}

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMessage {
    /// Its words, one line.
    pub text: String,
    /// In which alphabet it travels.
    pub alphabet: Alphabet,
    /// In how many parts.
    pub segments: usize,
}

/// `content` as one text message.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn render(
    content: &Content,
    letterhead: &Letterhead,
    style: &SmsStyle,
) -> Result<TextMessage, TemplateFault> {
    let text = match content {
        Content::Incident(facts) => incident(facts, letterhead, style),
        Content::Bundle(contents) => {
            let words = style.line(&bundle::summary(contents, letterhead.language()));
            fit("Foghorn", &format!(": {words}"), &[Tail::default()], style)
        }
        Content::Direct(request) => direct(&letterhead.direct(request)?, style),
    };
    Ok(counted(text))
}

/// What a template said as a text message, about this incident if it is about one. Beside it, whether
/// all of its words are there.
pub(super) fn phrased(
    said: &RenderedText,
    about: Option<&IncidentFacts>,
    letterhead: &Letterhead,
    style: &SmsStyle,
) -> (TextMessage, bool) {
    let text = match about {
        Some(facts) => around(&apart(&style.line(&said.text)), facts, letterhead, style),
        None => direct(said, style),
    };
    let is_whole = text.contains(style.line(&said.text).trim());
    (counted(text), is_whole)
}

fn counted(text: String) -> TextMessage {
    let alphabet = Alphabet::of(&text);
    TextMessage { segments: alphabet.segments(&text), alphabet, text }
}

fn direct(said: &RenderedText, style: &SmsStyle) -> String {
    let (subject, body) = (style.line(&said.subject), style.line(&said.text));
    let words = match (subject.is_empty(), body.is_empty()) {
        (true, _) => body,
        (false, true) => subject,
        (false, false) => format!("{subject}: {body}"),
    };
    fit("", &words, &[Tail::default()], style)
}

fn incident(facts: &IncidentFacts, letterhead: &Letterhead, style: &SmsStyle) -> String {
    let words = match letterhead.instead(OwnWords::Sms, facts) {
        Some(said) => apart(&style.line(&said.text)),
        None => own_words(facts, style, letterhead.language()),
    };
    around(&words, facts, letterhead, style)
}

/// What is always there, around `words`.
fn around(words: &str, facts: &IncidentFacts, letterhead: &Letterhead, style: &SmsStyle) -> String {
    let over = facts.status == IncidentStatus::Resolved;
    let word = if over { "OK" } else { short(facts.severity, letterhead.language()) };
    let head = format!("Foghorn {word} #{}", facts.number);
    fit(&head, words, &tails(facts, letterhead, style), style)
}

/// ` checkout-api: 5xx rate above 5%`
fn own_words(facts: &IncidentFacts, style: &SmsStyle, language: Language) -> String {
    let mut words = String::new();
    if let Some(service) = words::service(facts) {
        words = format!(" {}", style.line(&sanitize::cut(&service, SERVICE)));
    }
    words.push_str(": ");
    if let Some(standing) = words::standing(facts, language) {
        words = format!("{words}{}. ", style.line(&standing));
    }
    words.push_str(&style.line(&facts.title));
    words
}

/// `words` as they stand behind a number.
fn apart(words: &str) -> String {
    match words.starts_with([':', ',', '.']) {
        true => words.to_owned(),
        false => format!(" {words}"),
    }
}

/// What stands behind the words.
#[derive(Debug, Default)]
struct Tail {
    /// A sentence that says what to reply; empty for none.
    hint: String,
    /// A space and the address; empty for none.
    link: String,
    /// How many characters of the words have to remain beside it.
    least: usize,
}

/// The best one first; the last one goes with whatever is left of the words.
fn tails(facts: &IncidentFacts, letterhead: &Letterhead, style: &SmsStyle) -> Vec<Tail> {
    let number = facts.number;
    let link = letterhead.incident_url(number).filter(|_| style.links);
    let link = link.map_or_else(String::new, |url| format!(" {url}"));
    if !style.replies || facts.status != IncidentStatus::Open {
        return vec![Tail { link, least: WORDS, ..Tail::default() }, Tail::default()];
    }
    let (reply, take, end) =
        letterhead.language().say(("Reply", "ack", "resolve"), ("Antwort", "übernimmt", "beendet"));
    let both = format!(" {reply} {number}A {take}, {number}R {end}.");
    let hint = format!(" {reply} {number}A {take}.");
    vec![
        Tail { hint: both, link: link.clone(), least: ALL },
        Tail { hint: hint.clone(), link, least: WORDS },
        Tail { hint, ..Tail::default() },
    ]
}

/// `head`, as much of `words` as fits, and the first tail that leaves enough of them.
fn fit(head: &str, words: &str, tails: &[Tail], style: &SmsStyle) -> String {
    let mut text = String::new();
    for tail in tails {
        let whole = joined(head, words, tail);
        if segments(&whole) <= style.max_segments {
            return whole;
        }
        let Some((kept, cut)) = longest(head, words, tail, style.max_segments) else { continue };
        text = cut;
        if kept >= tail.least {
            break;
        }
    }
    text
}

/// The longest text that fits with `words` cut, and how many characters of them it has.
fn longest(head: &str, words: &str, tail: &Tail, most: usize) -> Option<(usize, String)> {
    let cut = |end: usize| joined(head, &format!("{}...", words[..end].trim_end()), tail);
    let ends: Vec<usize> = words.char_indices().map(|(at, _)| at).collect();
    // More words never take fewer parts, so those that fit come first.
    let kept = ends.partition_point(|end| segments(&cut(*end)) <= most).checked_sub(1)?;
    Some((kept, cut(ends[kept])))
}

fn joined(head: &str, words: &str, tail: &Tail) -> String {
    let ended = tail.hint.is_empty() || words.ends_with(['.', '!', '?']);
    let stop = if ended { "" } else { "." };
    format!("{head}{words}{stop}{}{}", tail.hint, tail.link)
}

impl SmsStyle {
    /// Does `text` keep its characters?
    pub(super) fn is_spelled_as_written(&self, text: &str) -> bool {
        self.line(text) == sanitize::line(text, LONGEST)
    }

    /// `text` as one line, spelled as cheaply as it may be.
    fn line(&self, text: &str) -> String {
        let line = sanitize::line(text, LONGEST).into_owned();
        match self.encoding {
            Encoding::Gsm7 => spelling::plain(line),
            Encoding::Auto => line,
        }
    }
}

/// How bad, in a few letters.
fn short(severity: Severity, language: Language) -> &'static str {
    match severity {
        Severity::Critical => language.say("CRIT", "KRIT"),
        _ => words::severity(severity, language),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::RequestText;
    use crate::domain::notification::NotificationKind;
    use crate::render::incident::sample::facts;

    fn house() -> Letterhead {
        Letterhead { public_url: "https://fog.example.com".into(), ..Letterhead::default() }
    }

    fn text(facts: IncidentFacts, style: SmsStyle) -> String {
        render(&Content::Incident(Box::new(facts)), &house(), &style).unwrap().text
    }

    fn titled(title: &str) -> IncidentFacts {
        IncidentFacts { title: title.to_owned(), ..facts(NotificationKind::Opened) }
    }

    const REPLIES: SmsStyle =
        SmsStyle { replies: true, max_segments: 1, encoding: Encoding::Gsm7, links: true };

    #[test]
    fn a_page_says_how_bad_which_number_where_and_what() {
        assert_eq!(
            text(facts(NotificationKind::Opened), SmsStyle::default()),
            "Foghorn CRIT #1042 checkout-api: 5xx rate above 5% https://fog.example.com/incidents/1042"
        );
        assert_eq!(
            text(facts(NotificationKind::Resolved), SmsStyle::default()),
            "Foghorn OK #1042 checkout-api: resolved after 14 min. 5xx rate above 5% \
             https://fog.example.com/incidents/1042"
        );
    }

    #[test]
    fn whoever_may_reply_is_told_how() {
        assert_eq!(
            text(facts(NotificationKind::Opened), REPLIES),
            "Foghorn CRIT #1042 checkout-api: 5xx rate above 5%. Reply 1042A ack, 1042R resolve. \
             https://fog.example.com/incidents/1042"
        );
        let without = SmsStyle { links: false, ..REPLIES };
        assert_eq!(
            text(titled("Disk full!"), without),
            "Foghorn CRIT #1042 checkout-api: Disk full! Reply 1042A ack, 1042R resolve."
        );
        let resolved = text(facts(NotificationKind::Resolved), REPLIES);
        assert!(!resolved.contains("Reply"), "nothing is left to be done: {resolved}");
    }

    #[test]
    fn the_title_is_cut_and_the_number_the_code_and_the_link_are_not() {
        let long = "Queue depth ".repeat(40);
        let page = text(titled(&long), SmsStyle::default());
        assert_eq!(page.len(), 160);
        assert!(page.starts_with("Foghorn CRIT #1042 checkout-api: Queue"));
        assert!(page.ends_with("... https://fog.example.com/incidents/1042"));
        let page = text(titled(&long), REPLIES);
        assert!(page.ends_with("... Reply 1042A ack. https://fog.example.com/incidents/1042"), "{page}");
        assert!((150..=160).contains(&page.len()), "{page}");
    }

    #[test]
    fn where_the_link_leaves_no_room_for_words_it_goes_as_a_whole() {
        let page = text(titled(&"Диск полон ".repeat(20)), REPLIES);
        assert!(page.ends_with("... Reply 1042A ack.") && !page.contains("http"), "{page}");
        assert_eq!(segments(&page), 1);
        let two = SmsStyle { max_segments: 2, ..REPLIES };
        let page = text(titled(&"Диск полон ".repeat(20)), two);
        assert!(page.ends_with("... Reply 1042A ack. https://fog.example.com/incidents/1042"), "{page}");
        assert_eq!(segments(&page), 2);
    }

    #[test]
    fn typography_costs_a_second_part_only_where_it_may() {
        let typographic = "“db” — can’t…";
        let plain = text(titled(typographic), SmsStyle::default());
        assert!(plain.contains(": \"db\" - can't... https"), "{plain}");
        let auto = SmsStyle { encoding: Encoding::Auto, max_segments: 2, ..SmsStyle::default() };
        let page = render(&Content::Incident(Box::new(titled(typographic))), &house(), &auto).unwrap();
        assert!(page.text.contains(typographic), "{}", page.text);
        assert_eq!((page.alphabet, page.segments), (Alphabet::Ucs2, 2));
    }

    #[test]
    fn a_direct_text_is_subject_and_body_in_one_line() {
        let content =
            Content::Direct(RequestText::Plain { subject: "Code".into(), body: "1234\r\nkeep it".into() });
        let said = render(&content, &house(), &REPLIES).unwrap();
        assert_eq!(said.text, "Code: 1234 keep it");
        let long = Content::Direct(RequestText::Plain { subject: String::new(), body: "x".repeat(5_000) });
        let three = SmsStyle { max_segments: 3, ..SmsStyle::default() };
        let said = render(&long, &house(), &three).unwrap();
        assert_eq!((said.text.len(), said.segments), (3 * 153, 3));
    }
}
