//! Markdown as chats read it: what came from outside is text in it and nothing else.

use crate::render::note::spelled;

/// `text` as Markdown that says just that.
pub(super) fn text(text: &str, longest: usize) -> String {
    spelled(text, longest, escape)
}

/// The same, where an `@` would call somebody: a space without width parts it from the name.
pub(super) fn calling_nobody(text: &str, longest: usize) -> String {
    spelled(text, longest, |character| match character {
        '@' => Some("@\u{200b}"),
        other => escape(other),
    })
}

/// As many of `links` as fit, each with its text made by `spell`.
pub(super) fn links(links: &[(String, String)], longest: usize, spell: fn(&str, usize) -> String) -> String {
    let mut line = String::new();
    for (text, url) in links {
        let link = format!("[{}]({})", spell(text, longest), address(url));
        let separator = if line.is_empty() { "" } else { " \u{b7} " };
        // Bytes are more than any chat counts.
        if line.len() + separator.len() + link.len() > longest {
            break;
        }
        line.push_str(separator);
        line.push_str(&link);
    }
    line
}

/// What could end the address, or make something else of it, is written as its bytes.
pub(super) fn address(url: &str) -> String {
    url.chars()
        .map(|character| percent(character).map_or_else(|| character.to_string(), str::to_owned))
        .collect()
}

fn percent(character: char) -> Option<&'static str> {
    match character {
        '(' => Some("%28"),
        ')' => Some("%29"),
        '[' => Some("%5B"),
        ']' => Some("%5D"),
        '*' => Some("%2A"),
        '`' => Some("%60"),
        '|' => Some("%7C"),
        '@' => Some("%40"),
        _ => None,
    }
}

fn escape(character: char) -> Option<&'static str> {
    match character {
        '\\' => Some(r"\\"),
        '`' => Some(r"\`"),
        '*' => Some(r"\*"),
        '_' => Some(r"\_"),
        '~' => Some(r"\~"),
        '|' => Some(r"\|"),
        '[' => Some(r"\["),
        ']' => Some(r"\]"),
        '(' => Some(r"\("),
        ')' => Some(r"\)"),
        '<' => Some(r"\<"),
        '>' => Some(r"\>"),
        '#' => Some(r"\#"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(text("*a* [b](c) `d` __e__", 100), r"\*a\* \[b\]\(c\) \`d\` \_\_e\_\_");
        assert_eq!(text("\\*", 100), r"\\\*");
        assert_eq!(calling_nobody("@all a@b", 100), "@\u{200b}all a@\u{200b}b");
        assert_eq!(text("***", 5), "\\*\\*\u{2026}");
    }

    #[test]
    fn links_are_whole_or_not_there() {
        let known = [
            ("a]".to_owned(), "https://x.example/)".to_owned()),
            ("b".to_owned(), "https://y.example".to_owned()),
        ];
        let first = r"[a\]](https://x.example/%29)";
        assert_eq!(links(&known, 100, text), format!("{first} \u{b7} [b](https://y.example)"));
        assert_eq!(links(&known, 40, text), first);
        assert_eq!(links(&known, 10, text), "");
    }
}
