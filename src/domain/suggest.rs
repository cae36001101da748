//! What was likely meant.

/// A longer word is nobody's slip, and comparing it would cost as much as it is long.
const LONGEST: usize = 64;

/// The candidate that `word` is most likely a misspelling of. A part of the word counts too:
/// `smtp_hsot` is close to `host`.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter(|_| word.len() <= LONGEST)
        .filter_map(|candidate| Some((distance(word, candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits from `word` to `candidate`; `None` if they are too many for a slip. Whole words come
/// before parts of words.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let (word, candidate) = (word.to_lowercase(), candidate.to_lowercase());
    let allowed = (candidate.chars().count() / 3).max(1);
    let whole = strsim::damerau_levenshtein(&word, &candidate);
    if whole <= allowed {
        return Some(whole);
    }
    let apart = |letter: char| matches!(letter, '_' | '-' | '.' | ' ');
    word.split(apart)
        .filter(|part| part.chars().count() > 2)
        .map(|part| strsim::damerau_levenshtein(part, &candidate))
        .filter(|edits| *edits <= 1)
        .min()
        .map(|edits| edits + 10)
}

/// ` Did you mean "x"?`, or nothing.
pub fn question(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |word| format!(" Did you mean \"{word}\"?"))
}

/// Names in a row, for people.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_does_not() {
        let keys = ["from", "host", "password", "port", "provider", "timeout"];
        assert_eq!(nearest("smtp_hsot", keys), Some("host"));
        assert_eq!(nearest("pasword", keys), Some("password"));
        assert_eq!(nearest("prot", keys), Some("port"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn a_word_without_end_is_no_slip() {
        // What it costs to compare it grows with its length, in time and in memory.
        assert_eq!(nearest(&format!("{}_host", "x".repeat(60)), ["host"]), None);
        assert_eq!(nearest(&format!("{}_host", "x".repeat(59)), ["host"]), Some("host"));
    }
}
