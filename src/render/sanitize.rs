//! The edge between what came from outside and what goes into a message.
//!
//! A *line* goes into a header, an SMS or a title: it can neither end the line nor hide one in an
//! encoded word. A *block* is the body of a message: it keeps its line ends, written as `\n`.
//! Neither holds control characters or characters that turn the direction of text around.

use std::borrow::Cow;

/// The most characters a subject may have.
pub const SUBJECT: usize = 200;

/// `text` as one line of at most `longest` characters.
pub fn line(text: &str, longest: usize) -> Cow<'_, str> {
    if is_plain_line(text, longest) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len().min(longest.saturating_mul(4)));
    let mut gap = false;
    for character in text.chars() {
        if ends_line(character) || character.is_whitespace() || character.is_control() {
            gap = !clean.is_empty();
            continue;
        }
        if is_invisible(character) {
            continue;
        }
        // "=?" opens an encoded word, which a reader would decode to anything.
        if std::mem::take(&mut gap) || (character == '?' && clean.ends_with('=')) {
            clean.push(' ');
        }
        clean.push(character);
    }
    Cow::Owned(cut(&clean, longest).into_owned())
}

/// `text` with its lines, each ended by `\n` alone.
pub fn block(text: &str) -> Cow<'_, str> {
    let is_kept = |character: char| {
        character == '\n'
            || character == '\t'
            || !(character.is_control() || ends_line(character) || is_invisible(character))
    };
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut after_return = false;
    for character in text.chars() {
        let continues_end = std::mem::replace(&mut after_return, character == '\r') && character == '\n';
        if continues_end {
            continue;
        }
        if ends_line(character) {
            clean.push('\n');
        } else if is_kept(character) {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

/// `text` cut to `longest` characters, the last of which then says that something is missing.
pub fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest || text.chars().nth(longest).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    Cow::Owned(kept.trim_end().to_owned() + "…")
}

/// Appends `text` to `page` so that HTML reads it as text, in and out of attributes.
pub fn push_html(page: &mut String, text: &str) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        page.push_str(&text[plain..at]);
        page.push_str(entity);
        plain = at + 1;
    }
    page.push_str(&text[plain..]);
}

fn is_plain_line(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !text.contains("=?")
        && !text.contains("  ")
        && text.trim().len() == text.len()
}

fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Takes no room on paper but changes what is read: overrides of direction, marks of byte order.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{61c}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_one_line_whatever_came_in() {
        let table = [
            ("5xx rate above 5%", "5xx rate above 5%"),
            ("a\r\nBcc: x@y.z", "a Bcc: x@y.z"),
            ("a\rb\nc", "a b c"),
            ("a\0b\u{7f}\u{9b}c", "a b c"),
            ("a\u{2028}b\u{2029}c\u{85}d", "a b c d"),
            ("\u{202e}evil\u{202c}", "evil"),
            ("\u{1b}[31mred", "[31mred"),
            ("=?utf-8?q?=0d=0aBcc:x?=", "= ?utf-8?q?=0d=0aBcc:x?="),
            ("=\u{200b}?utf-8?", "= ?utf-8?"),
            ("  spaced \t out  ", "spaced out"),
            ("\u{200b}", ""),
            ("größer 🔴", "größer 🔴"),
        ];
        for (dirty, clean) in table {
            assert_eq!(line(dirty, SUBJECT), clean, "{dirty:?}");
        }
    }

    #[test]
    fn a_block_keeps_its_lines_and_nothing_else_that_is_not_text() {
        let table = [
            ("one\ntwo", "one\ntwo"),
            ("one\r\ntwo\rthree\u{2028}four", "one\ntwo\nthree\nfour"),
            ("\r\r\n\n", "\n\n\n"),
            (".\n..\n", ".\n..\n"),
            ("a\0\u{202e}b\tc", "ab\tc"),
        ];
        for (dirty, clean) in table {
            assert_eq!(block(dirty), clean, "{dirty:?}");
        }
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(line(&"x".repeat(2_000), 10), "xxxxxxxxx…");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü", 2), "ä…");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_line_or_hides_another(text in "\\PC*|[\\x00-\\x20=?\u{2028}\u{202e}a]{0,40}") {
            let clean = line(&text, 50);
            prop_assert!(clean.chars().count() <= 50);
            prop_assert!(!clean.contains("=?"));
            prop_assert!(!clean.chars().any(|c| c.is_control() || ends_line(c) || is_invisible(c)));
            prop_assert_eq!(line(&clean, 50), clean.clone());
        }

        #[test]
        fn a_clean_block_stays_as_it_is(text in any::<String>()) {
            let clean = block(&text).into_owned();
            prop_assert!(!clean.contains('\r'));
            prop_assert_eq!(block(&clean), clean.clone());
        }
    }
}
