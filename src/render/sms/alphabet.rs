//! How much a text message holds, and into how many parts a longer one falls (GSM 03.38, 03.40).

/// In which alphabet a text message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// The seven bits of GSM 03.38: 160 characters, or 153 in each of several parts.
    Gsm7,
    /// UTF-16: 70 units, or 67 in each of several parts.
    Ucs2,
}

/// In GSM 03.38, beside what it shares with ASCII.
const BEYOND_ASCII: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€";
/// In its extension: each takes two places, and stays in one part.
const EXTENSION: &str = "^{}\\[]~|€";

impl Alphabet {
    /// The one that `text` needs. A single character decides for all.
    pub fn of(text: &str) -> Self {
        if text.chars().all(is_gsm) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// How many parts `text` takes when it travels like this; at least one.
    pub fn segments(self, text: &str) -> usize {
        let (alone, joined) = match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        };
        if text.chars().map(|character| self.size(character)).sum::<usize>() <= alone {
            return 1;
        }
        let (mut parts, mut used) = (1, 0);
        for size in text.chars().map(|character| self.size(character)) {
            // No character is divided between two parts.
            if used + size > joined {
                parts += 1;
                used = 0;
            }
            used += size;
        }
        parts
    }

    fn size(self, character: char) -> usize {
        match self {
            Self::Gsm7 if EXTENSION.contains(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }
}

/// In GSM 03.38 or its extension.
pub(super) fn is_gsm(character: char) -> bool {
    matches!(character, ' '..='~' if character != '`') || BEYOND_ASCII.contains(character)
}

/// How many parts `text` takes in the alphabet that it needs.
pub(super) fn segments(text: &str) -> usize {
    Alphabet::of(text).segments(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_as_carriers_count_them() {
        let table = [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // 153 is odd: the last place of each part stays empty.
            ("€".repeat(152), 2),
            ("€".repeat(153), 3),
            ("ж".repeat(70), 1),
            ("ж".repeat(71), 2),
            ("ж".repeat(134), 2),
            ("ж".repeat(135), 3),
            ("🔴".repeat(35), 1),
            ("🔴".repeat(36), 2),
            ("🔴".repeat(67), 3),
            // One emoji turns 155 cheap characters into dear ones.
            ("a".repeat(155) + "🔴", 3),
        ];
        for (text, parts) in table {
            assert_eq!(segments(&text), parts, "{text}");
        }
    }

    #[test]
    fn what_is_in_the_alphabet_and_what_only_looks_like_it() {
        for gsm in ["@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ", "!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà", "^{}\\[~]|€"]
        {
            assert_eq!(Alphabet::of(gsm), Alphabet::Gsm7, "{gsm}");
        }
        for wide in ["`", "ç", "’", "–", "…", "α", "\u{a0}", "ж", "漢", "🔴"] {
            assert_eq!(Alphabet::of(wide), Alphabet::Ucs2, "{wide}");
        }
    }
}
