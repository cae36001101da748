//! SMS: one line that fits one part, 160 characters of the GSM alphabet or 70 of any other.
//!
//! The number and the link are never cut; the title is. Typographic characters that would push a
//! text out of the GSM alphabet, and so more than double its price, are swapped for plain ones.

use super::{Letterhead, TemplateFault, sanitize, words};
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::{Content, IncidentFacts};
use crate::domain::severity::Severity;

/// Characters of one part in the GSM alphabet.
const GSM_PART: usize = 160;
/// UTF-16 units of one part in any other alphabet.
const WIDE_PART: usize = 70;
/// What has to remain for words before a link is worth its room.
const WORDS: usize = 40;

/// `content` as one text message.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn render(content: &Content, letterhead: &Letterhead) -> Result<String, TemplateFault> {
    match content {
        Content::Incident(facts) => Ok(incident(facts, letterhead)),
        Content::Direct(request) => {
            let rendered = letterhead.direct(request)?;
            let (subject, body) = (plain(&rendered.subject), plain(&rendered.text));
            Ok(match (subject.is_empty(), body.is_empty()) {
                (true, _) => fit("", &body, ""),
                (false, true) => fit("", &subject, ""),
                (false, false) => fit("", &format!("{subject}: {body}"), ""),
            })
        }
    }
}

fn incident(facts: &IncidentFacts, letterhead: &Letterhead) -> String {
    let over = facts.status == IncidentStatus::Resolved;
    let word = if over { "OK" } else { short(facts.severity) };
    let head = format!("Foghorn {word} #{}", facts.number);
    let mut words = String::new();
    if let Some(service) = words::service(facts) {
        words = format!(" {}", sanitize::cut(&plain(&service), 40));
    }
    words.push_str(": ");
    if let (true, Some(lasted)) = (over, words::lasted(facts)) {
        words = format!("{words}resolved {lasted}. ");
    }
    words.push_str(&plain(&facts.title));
    let link = letterhead.incident_url(facts.number).map_or_else(String::new, |url| format!(" {url}"));
    fit(&head, &words, &link)
}

/// `head`, as much of `words` as fits one part, and `link` if that leaves room for words.
fn fit(head: &str, words: &str, link: &str) -> String {
    let whole = format!("{head}{words}{link}");
    let size: fn(char) -> usize = if whole.chars().all(is_gsm) { gsm_size } else { char::len_utf16 };
    let part = if whole.chars().all(is_gsm) { GSM_PART } else { WIDE_PART };
    let length = |text: &str| text.chars().map(size).sum::<usize>();
    if length(&whole) <= part {
        return whole;
    }
    let link = if length(head) + length(link) + WORDS > part { "" } else { link };
    let room = part.saturating_sub(length(head) + length(link) + "...".len());
    let mut kept = String::new();
    let mut used = 0;
    for character in words.chars() {
        used += size(character);
        if used > room {
            return format!("{head}{}...{link}", kept.trim_end());
        }
        kept.push(character);
    }
    format!("{head}{kept}{link}")
}

/// One line in the GSM alphabet as far as that changes no meaning.
fn plain(text: &str) -> String {
    let line = sanitize::line(text, 1_000);
    let mut plain = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '\u{2018}' | '\u{2019}' | '`' | '\u{b4}' => plain.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => plain.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => plain.push('-'),
            '\u{2026}' => plain.push_str("..."),
            '\u{2022}' | '\u{b7}' => plain.push('*'),
            other => plain.push(other),
        }
    }
    plain
}

fn short(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRIT",
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
        Severity::Info => "INFO",
    }
}

/// In the alphabet of GSM 03.38 or its extension.
fn is_gsm(character: char) -> bool {
    const OTHERS: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€";
    matches!(character, ' '..='~' if character != '`') || OTHERS.contains(character)
}

/// Characters of the extension take two places.
fn gsm_size(character: char) -> usize {
    if "^{}\\[]~|€".contains(character) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::RequestText;
    use crate::domain::notification::NotificationKind;
    use crate::render::words::tests_facts::facts;
    use proptest::prelude::*;

    fn house() -> Letterhead {
        Letterhead { public_url: "https://fog.example.com".into(), ..Letterhead::default() }
    }

    fn text(facts: IncidentFacts) -> String {
        render(&Content::Incident(Box::new(facts)), &house()).unwrap()
    }

    #[test]
    fn a_page_says_how_bad_which_number_where_and_what() {
        assert_eq!(
            text(facts(NotificationKind::Opened)),
            "Foghorn CRIT #1042 checkout-api: 5xx rate above 5% https://fog.example.com/incidents/1042"
        );
        assert_eq!(
            text(facts(NotificationKind::Resolved)),
            "Foghorn OK #1042 checkout-api: resolved after 14 min. 5xx rate above 5% \
             https://fog.example.com/incidents/1042"
        );
    }

    #[test]
    fn the_title_is_cut_and_the_number_and_link_are_not() {
        let mut long = facts(NotificationKind::Opened);
        long.title = "Queue depth ".repeat(40);
        let text = text(long);
        assert_eq!(text.len(), 160);
        assert!(text.starts_with("Foghorn CRIT #1042 checkout-api: Queue"));
        assert!(text.ends_with("... https://fog.example.com/incidents/1042"));
    }

    #[test]
    fn typography_costs_no_second_part() {
        let mut typographic = facts(NotificationKind::Opened);
        typographic.title = "“db” — can’t…".into();
        assert!(text(typographic).contains(": \"db\" - can't... https"));
    }

    #[test]
    fn a_direct_text_is_subject_and_body_in_one_line() {
        let content =
            Content::Direct(RequestText::Plain { subject: "Code".into(), body: "1234\r\nkeep it".into() });
        assert_eq!(render(&content, &house()).unwrap(), "Code: 1234 keep it");
    }

    proptest! {
        #[test]
        fn every_page_fits_one_part_and_says_its_number(title in any::<String>(), service in "\\PC{0,80}") {
            let mut any = facts(NotificationKind::Opened);
            any.title = title;
            any.service = Some(service);
            let text = text(any);
            prop_assert!(text.starts_with("Foghorn CRIT #1042"));
            if text.chars().all(is_gsm) {
                prop_assert!(text.chars().map(gsm_size).sum::<usize>() <= GSM_PART);
            } else {
                prop_assert!(text.encode_utf16().count() <= WIDE_PART);
            }
        }
    }
}
