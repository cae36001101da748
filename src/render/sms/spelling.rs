//! Spelling a text in the GSM alphabet, as far as it can be read then.
//!
//! Quotes, dashes, arrows, signs and accents have plain neighbours that say the same; an emoji has
//! none and is left out. Another script stays as it is: question marks would tell nobody anything.

use super::alphabet::is_gsm;

/// A letter, and those that are read as it.
const ACCENTS: &[(char, &str)] = &[
    ('a', "áâãāăąǎ"),
    ('A', "ÀÁÂÃĀĂĄǍ"),
    ('c', "çćĉċč"),
    ('C', "ĆĈĊČ"),
    ('d', "ďđð"),
    ('D', "ĎĐÐ"),
    ('e', "êëēĕėęě"),
    ('E', "ÈÊËĒĔĖĘĚ"),
    ('g', "ĝğġģ"),
    ('G', "ĜĞĠĢ"),
    ('h', "ĥħ"),
    ('H', "ĤĦ"),
    ('i', "íîïĩīĭįı"),
    ('I', "ÌÍÎÏĨĪĬĮİ"),
    ('j', "ĵ"),
    ('J', "Ĵ"),
    ('k', "ķ"),
    ('K', "Ķ"),
    ('l', "ĺļľłŀ"),
    ('L', "ĹĻĽŁĿ"),
    ('n', "ńņňŉ"),
    ('N', "ŃŅŇ"),
    ('o', "óôõōŏő"),
    ('O', "ÒÓÔÕŌŎŐ"),
    ('r', "ŕŗř"),
    ('R', "ŔŖŘ"),
    ('s', "śŝşšș"),
    ('S', "ŚŜŞŠȘ"),
    ('t', "ţťŧț"),
    ('T', "ŢŤŦȚ"),
    ('u', "úûũūŭůűųµμ"),
    ('U', "ÙÚÛŨŪŬŮŰŲ"),
    ('w', "ŵ"),
    ('W', "Ŵ"),
    ('y', "ýÿŷ"),
    ('Y', "ÝŶŸ"),
    ('z', "źżž"),
    ('Z', "ŹŻŽ"),
];

/// Signs, and how they are written without them.
const SIGNS: &[(&str, &str)] = &[
    ("\u{2018}\u{2019}\u{201a}\u{2032}`\u{b4}", "'"),
    ("\u{201c}\u{201d}\u{201e}\u{2033}«»", "\""),
    ("\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}", "-"),
    ("\u{2026}", "..."),
    ("\u{2022}\u{b7}\u{25cf}", "*"),
    ("→⇒➜", "->"),
    ("←⇐", "<-"),
    ("↑▲⬆", "up"),
    ("↓▼⬇", "down"),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("≈", "~"),
    ("×", "x"),
    ("÷", "/"),
    ("±", "+/-"),
    ("°", "deg"),
    ("²", "2"),
    ("³", "3"),
    ("½", "1/2"),
    ("¼", "1/4"),
    ("¾", "3/4"),
    ("№", "No."),
    ("©", "(c)"),
    ("®", "(r)"),
    ("™", "(tm)"),
    ("œ", "oe"),
    ("Œ", "OE"),
    ("þ", "th"),
    ("Þ", "Th"),
];

/// `text`, one line, in the GSM alphabet if it can be read in it, and as it is otherwise.
pub(super) fn plain(text: String) -> String {
    if text.chars().all(is_gsm) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if is_gsm(character) {
            push(&mut plain, character);
        } else if let Some((letter, _)) = ACCENTS.iter().find(|(_, like)| like.contains(character)) {
            plain.push(*letter);
        } else if let Some((_, sign)) = SIGNS.iter().find(|(like, _)| like.contains(character)) {
            plain.push_str(sign);
        } else if character.is_alphanumeric() {
            return text;
        }
    }
    // Of a text of nothing but emoji, emoji are what it says.
    if plain.trim().is_empty() { text } else { plain.trim_end().to_owned() }
}

/// What was left out leaves no gap behind.
fn push(plain: &mut String, character: char) {
    if character != ' ' || !(plain.is_empty() || plain.ends_with(' ')) {
        plain.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_said_plainly_is_and_what_cannot_stays() {
        let table = [
            ("“db” — can’t…", "\"db\" - can't..."),
            ("🔴 disk full 🔥 now", "disk full now"),
            ("Größe über 90 %", "Größe über 90 %"),
            ("Fehler bei François Dvořák", "Fehler bei Francois Dvorak"),
            ("Café au lait: e\u{301}puise\u{301}", "Café au lait: epuise"),
            ("p99 ≥ 250 µs → page", "p99 >= 250 us -> page"),
            ("95 °C ± 2", "95 degC +/- 2"),
            ("Диск полон 🔥", "Диск полон 🔥"),
            ("磁盘已满…", "磁盘已满…"),
            ("🔴", "🔴"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text.to_owned()), expected);
        }
    }

    #[test]
    fn every_substitute_is_in_the_alphabet_and_replaces_what_is_not() {
        for (letter, like) in ACCENTS {
            assert!(is_gsm(*letter) && !like.chars().any(is_gsm), "{letter}");
        }
        for (like, sign) in SIGNS {
            assert!(sign.chars().all(is_gsm) && !like.chars().any(is_gsm), "{sign}");
        }
    }
}
