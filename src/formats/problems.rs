//! Collects what is wrong with a record, all of it.

use crate::domain::malformed::{Malformation, Malformed, Problem};

/// More problems than this help nobody and cost memory.
const MOST: usize = 50;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    reason: Option<Malformation>,
}

impl Problems {
    /// JSON that is no event.
    pub(super) fn schema(
        &mut self,
        pointer: String,
        code: &'static str,
        detail: String,
        hint: Option<String>,
    ) {
        self.add(Malformation::Schema, pointer, code, detail, hint);
    }

    /// Anything. The graver reason wins for the whole record.
    pub(super) fn add(
        &mut self,
        reason: Malformation,
        pointer: String,
        code: &'static str,
        detail: String,
        hint: Option<String>,
    ) {
        if self.reason.is_none_or(|known| gravity(reason) > gravity(known)) {
            self.reason = Some(reason);
        }
        if self.found.len() < MOST {
            self.found.push(Problem { pointer, code, detail, hint });
        }
    }

    /// The value, if there is one and nothing was wrong on the way to it.
    pub(super) fn verdict<T>(self, value: Option<T>) -> Result<T, Malformed> {
        match (self.reason, value) {
            (None, Some(value)) => Ok(value),
            (reason, _) => {
                Err(Malformed { reason: reason.unwrap_or(Malformation::Schema), problems: self.found })
            }
        }
    }
}

fn gravity(reason: Malformation) -> u8 {
    match reason {
        Malformation::Parse => 3,
        Malformation::TooLarge => 2,
        Malformation::Schema => 1,
        Malformation::Unroutable | Malformation::IdConflict | Malformation::Poison | Malformation::Loop => 0,
    }
}

/// A record with one thing wrong.
pub(super) fn only(
    reason: Malformation,
    code: &'static str,
    detail: impl Into<String>,
    hint: Option<&str>,
) -> Malformed {
    Malformed {
        reason,
        problems: vec![Problem {
            pointer: String::new(),
            code,
            detail: detail.into(),
            hint: hint.map(str::to_owned),
        }],
    }
}

/// "did you mean …?" for a word that is close to one of `known`.
pub(super) fn suggestion<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let word = shortened(word).to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("did you mean \"{candidate}\"?"))
}

/// A sender's word for use in a sentence: short, and printable.
pub(super) fn shortened(word: &str) -> String {
    let mut short: String = word.chars().filter(|c| !c.is_control()).take(40).collect();
    if short.len() < word.len() {
        short.push('…');
    }
    short
}
