//! What may stand in a text that people read, and what is taken out of it.
//!
//! A terminal, a mail client and a phone each do something of their own with escape sequences and
//! writing-direction overrides. None of them carries meaning in an event, so they go.

use std::borrow::Cow;

/// How a text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Line breaks and tabs become blanks.
    OneLine,
    /// Line breaks and tabs stay.
    Lines,
}

/// The text without control characters, escape sequences and direction overrides, trimmed.
pub(super) fn cleaned(text: Cow<'_, str>, layout: Layout) -> String {
    if text.bytes().all(is_plain) {
        let trimmed = text.trim();
        return if trimmed.len() == text.len() { text.into_owned() } else { trimmed.to_owned() };
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                // A control sequence ends with one of these.
                rest.by_ref().find(|end| ('\u{40}'..='\u{7e}').contains(end));
            }
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push(match layout {
                Layout::OneLine => ' ',
                Layout::Lines => '\n',
            }),
            '\t' => clean.push(match layout {
                Layout::OneLine => ' ',
                Layout::Lines => '\t',
            }),
            c if c.is_control() || is_direction(c) => {}
            c => clean.push(c),
        }
    }
    let trimmed = clean.trim();
    if trimmed.len() == clean.len() { clean } else { trimmed.to_owned() }
}

/// Printable ASCII, or part of a character that is neither a control nor a direction mark: those
/// start with one of three bytes.
fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && !matches!(byte, 0x7f | 0xC2 | 0xD8 | 0xE2)
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True if a reader would see something.
pub(super) fn is_visible(text: &str) -> bool {
    text.chars().any(|c| {
        !(c.is_whitespace()
            || c.is_control()
            || is_direction(c)
            || matches!(c, '\u{00ad}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}'))
    })
}

/// True if it can stand in an id: nothing that a log or a terminal would act on.
pub(super) fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || is_direction(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Longer than `most` characters. Counts only when the bytes do not already tell.
pub(super) fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().nth(most).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        cleaned(text.into(), Layout::OneLine)
    }

    #[test]
    fn escapes_overrides_and_controls_go_and_words_stay() {
        assert_eq!(line("  plain "), "plain");
        assert_eq!(line("\u{1b}[31mred\u{1b}[0m alert"), "red alert");
        assert_eq!(line("evil\u{202e}gnp.exe"), "evilgnp.exe");
        assert_eq!(line("a\r\nb\tc\u{2028}d\u{7}"), "a b c d");
        assert_eq!(line("Größe ≥ 5 µs, Привет, 東京 🔥"), "Größe ≥ 5 µs, Привет, 東京 🔥");
        assert_eq!(cleaned("a\r\nb\rc\td\u{1b}[2J".into(), Layout::Lines), "a\nb\nc\td");
    }

    #[test]
    fn an_escape_that_never_ends_swallows_only_itself() {
        assert_eq!(line("x\u{1b}[31"), "x");
        assert_eq!(line("x\u{1b}y"), "xy");
    }

    #[test]
    fn what_nobody_can_see_is_not_visible() {
        for text in ["", " \t\n", "\u{200b}", "\u{feff}\u{2060}", "\u{202e}", "\u{3164}"] {
            assert!(!is_visible(text), "{text:?}");
        }
        assert!(is_visible("z\u{0335}\u{0336}algo"));
        assert!(is_visible("🔥"));
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(!is_longer("ööö", 3));
        assert!(is_longer("öööö", 3));
    }
}
