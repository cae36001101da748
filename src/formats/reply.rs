//! What a person answers to a text message: `1042A`, `ack 1042`, `a`.
//!
//! Case, spaces and punctuation make no difference, because phones add all of them. Words that the
//! law and carriers reserve (STOP, START, HELP) stand alone. What is not understood comes back with
//! what was likely meant, so that the answer can say it.

use std::fmt;

use crate::domain::suggest::nearest;

/// The most characters of an answer that are looked at.
const LOOKED_AT: usize = 160;
/// The most characters of it that are repeated.
const REPEATED: usize = 20;

/// What to do with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// I have it.
    Acknowledge,
    /// It is over.
    Resolve,
    /// Tell the next one.
    Escalate,
    /// Leave me alone for a while.
    Snooze,
    /// Take back what I did last.
    Undo,
    /// Mine, not theirs.
    TakeOver,
}

/// The letter of each action, and the words that say the same; the first one is told to people.
const ACTIONS: [(Action, &str, &[&str]); 6] = [
    (Action::Acknowledge, "A", &["ACK", "ACKED", "ACKNOWLEDGE", "ACKNOWLEDGED"]),
    (Action::Resolve, "R", &["RESOLVE", "RESOLVED", "FIXED", "DONE"]),
    (Action::Escalate, "E", &["ESCALATE", "ESC"]),
    (Action::Snooze, "S", &["SNOOZE"]),
    (Action::Undo, "U", &["UNDO"]),
    (Action::TakeOver, "T", &["TAKE", "TAKEOVER", "TAKEIT"]),
];

/// The whole message, as carriers and Twilio know them.
const STOP: &[&str] = &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: &[&str] = &["START", "UNSTOP", "YES"];
const HELP: &[&str] = &["HELP", "INFO"];
const ALL: &[&str] = &["AA", "ACKALL"];

impl Action {
    /// The letter behind a number.
    pub fn letter(self) -> &'static str {
        self.line().1
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "ack",
            Self::Resolve => "resolve",
            Self::Escalate => "escalate",
            Self::Snooze => "snooze",
            Self::Undo => "undo",
            Self::TakeOver => "take over",
        }
    }

    fn line(self) -> &'static (Self, &'static str, &'static [&'static str]) {
        let found = ACTIONS.iter().find(|(action, ..)| *action == self);
        found.unwrap_or(&ACTIONS[0])
    }

    fn parse(word: &str) -> Option<Self> {
        let fits = |(_, letter, words): &&(Self, &str, &[&str])| *letter == word || words.contains(&word);
        ACTIONS.iter().find(fits).map(|(action, ..)| *action)
    }
}

/// What was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply {
    /// This, with the incident of this number; without one, with the one that this person was told of
    /// last.
    Act(Action, Option<u64>),
    /// Acknowledge whatever is open.
    AcknowledgeAll,
    /// No more text messages.
    Stop,
    /// Text messages again.
    Start,
    /// What may be said?
    Help,
}

/// As it would be typed.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Act(action, Some(number)) => write!(f, "{number}{}", action.letter()),
            Self::Act(action, None) => f.write_str(action.letter()),
            Self::AcknowledgeAll => f.write_str("AA"),
            Self::Stop => f.write_str("STOP"),
            Self::Start => f.write_str("START"),
            Self::Help => f.write_str("HELP"),
        }
    }
}

/// What was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NotUnderstood {
    /// What was said, cut, on one line.
    pub said: String,
    /// What was likely meant.
    pub meant: Option<Reply>,
}

/// Reads an answer.
///
/// # Errors
/// It says nothing that is known.
pub fn read(text: &str) -> Result<Reply, NotUnderstood> {
    let looked_at: String = text.chars().take(LOOKED_AT).collect();
    let not_understood = |meant| NotUnderstood { said: said(&looked_at), meant };
    // Letters of another script may say anything.
    if looked_at.chars().any(|letter| letter.is_alphanumeric() && !letter.is_ascii()) {
        return Err(not_understood(None));
    }
    let typed: String = looked_at.chars().filter(char::is_ascii_alphanumeric).collect();
    let typed = typed.to_ascii_uppercase();
    let Some((word, number)) = taken_apart(&typed) else { return Err(not_understood(None)) };
    understood(word, number).ok_or_else(|| not_understood(meant(word, number)))
}

/// A word and a number, whichever comes first; `None` if there is more than one of either, or a
/// number that no incident has.
fn taken_apart(typed: &str) -> Option<(&str, Option<u64>)> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let (word, digits) = match typed.find(is_digit) {
        None => (typed, ""),
        Some(0) => {
            let end = typed.find(|letter| !is_digit(letter)).unwrap_or(typed.len());
            (&typed[end..], &typed[..end])
        }
        Some(start) => typed.split_at(start),
    };
    if word.contains(is_digit) || digits.contains(|letter| !is_digit(letter)) {
        return None;
    }
    match digits {
        "" => Some((word, None)),
        digits => Some((word, Some(digits.parse().ok().filter(|number| *number > 0)?))),
    }
}

fn understood(word: &str, number: Option<u64>) -> Option<Reply> {
    if let Some(action) = Action::parse(word) {
        return Some(Reply::Act(action, number));
    }
    let reserved =
        [(STOP, Reply::Stop), (START, Reply::Start), (HELP, Reply::Help), (ALL, Reply::AcknowledgeAll)];
    let found = reserved.into_iter().find(|(words, _)| words.contains(&word));
    found.filter(|_| number.is_none()).map(|(_, reply)| reply)
}

/// A slip of the finger, or a number without a word.
fn meant(word: &str, number: Option<u64>) -> Option<Reply> {
    if word.is_empty() {
        return number.map(|number| Reply::Act(Action::Acknowledge, Some(number)));
    }
    let words = ACTIONS.iter().flat_map(|(_, _, words)| words.iter().copied());
    let reserved = [STOP, START, HELP].into_iter().flatten().copied().filter(|_| number.is_none());
    understood(nearest(word, words.chain(reserved))?, number)
}

fn said(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    line.chars().filter(|letter| !letter.is_control()).take(REPEATED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_is_understood_however_it_is_typed() {
        use Action::{Acknowledge, Escalate, Resolve, Snooze, TakeOver, Undo};
        let table = [
            ("1042A", Reply::Act(Acknowledge, Some(1042))),
            ("1042 a", Reply::Act(Acknowledge, Some(1042))),
            (" #1042a. ", Reply::Act(Acknowledge, Some(1042))),
            ("ack 1042", Reply::Act(Acknowledge, Some(1042))),
            ("Ack #1042!", Reply::Act(Acknowledge, Some(1042))),
            ("acknowledge1042", Reply::Act(Acknowledge, Some(1042))),
            ("a", Reply::Act(Acknowledge, None)),
            ("A\r\n", Reply::Act(Acknowledge, None)),
            ("1042R", Reply::Act(Resolve, Some(1042))),
            ("resolved 1042", Reply::Act(Resolve, Some(1042))),
            ("1042E", Reply::Act(Escalate, Some(1042))),
            ("1042S", Reply::Act(Snooze, Some(1042))),
            ("1042U", Reply::Act(Undo, Some(1042))),
            ("1042T", Reply::Act(TakeOver, Some(1042))),
            ("take over 1042", Reply::Act(TakeOver, Some(1042))),
            ("AA", Reply::AcknowledgeAll),
            ("ack all", Reply::AcknowledgeAll),
            ("Stop", Reply::Stop),
            ("STOPALL", Reply::Stop),
            ("unsubscribe", Reply::Stop),
            ("CANCEL", Reply::Stop),
            ("end", Reply::Stop),
            ("Quit.", Reply::Stop),
            ("start", Reply::Start),
            ("UNSTOP", Reply::Start),
            ("help", Reply::Help),
            ("HELP?", Reply::Help),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_typed_back_is_what_was_said() {
        for (action, ..) in ACTIONS {
            for number in [None, Some(1042)] {
                let reply = Reply::Act(action, number);
                assert_eq!(read(&reply.to_string()), Ok(reply));
            }
        }
        for reply in [Reply::AcknowledgeAll, Reply::Stop, Reply::Start, Reply::Help] {
            assert_eq!(read(&reply.to_string()), Ok(reply));
        }
    }

    #[test]
    fn what_is_not_understood_comes_with_what_was_meant() {
        let ack = |number| Some(Reply::Act(Action::Acknowledge, number));
        let table = [
            ("akc", ack(None)),
            ("akc 1042", ack(Some(1042))),
            ("1042", ack(Some(1042))),
            ("resovle 7", Some(Reply::Act(Action::Resolve, Some(7)))),
            ("stpo", Some(Reply::Stop)),
            // Whoever wants it to end says nothing else.
            ("stop 1042", None),
            ("on my way", None),
            ("1042 A 1043", None),
            ("0A", None),
            ("99999999999999999999999A", None),
            ("١٠٤٢A", None),
            ("а", None),
            ("", None),
            ("🔴", None),
        ];
        for (text, expected) in table {
            let refused = read(text).unwrap_err();
            assert_eq!(refused.meant, expected, "{text}");
        }
        assert_eq!(read("akc\n now\u{7} ").unwrap_err().said, "akc now");
        assert_eq!(read(&"x".repeat(160_000)).unwrap_err().said.len(), REPEATED);
    }

    #[test]
    fn only_the_beginning_is_looked_at() {
        let text = format!("1042A{}now", " ".repeat(LOOKED_AT));
        assert_eq!(read(&text), Ok(Reply::Act(Action::Acknowledge, Some(1042))));
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_does_harm(text in any::<String>()) {
            if let Err(refused) = read(&text) {
                prop_assert!(refused.said.chars().count() <= REPEATED);
            }
        }

        #[test]
        fn every_number_is_found(number in 1_u64.., gap in " {0,3}", word in "[aA]|[aA][cC][kK]") {
            let expected = Ok(Reply::Act(Action::Acknowledge, Some(number)));
            prop_assert_eq!(read(&format!("{number}{gap}{word}")), expected.clone());
            prop_assert_eq!(read(&format!("{word}{gap}{number}")), expected);
        }
    }
}
