//! A button under a message about an incident.
//!
//! It carries the incident as it was when the message was made, so that pressing it again, or the same
//! request played back, is the same answer, and a message of an earlier episode closes no later one.

use std::fmt;
use std::str::FromStr;

use super::incident::IncidentStatus;
use super::notification::IncidentFacts;

/// What whoever presses it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// I have it.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl Wish {
    /// Every wish.
    pub const ALL: [Self; 2] = [Self::Acknowledge, Self::Resolve];

    /// Its word in a button's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }

    /// The wish of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wish| wish.as_str() == text)
    }

    /// Where the incident stands once it is granted.
    pub fn status(self) -> IncidentStatus {
        match self {
            Self::Acknowledge => IncidentStatus::Acknowledged,
            Self::Resolve => IncidentStatus::Resolved,
        }
    }
}

/// A button, written `acknowledge:1042:3:1795269730000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Button {
    /// What for.
    pub wish: Wish,
    /// Of which incident.
    pub number: u64,
    /// Which version of it the message told of.
    pub version: u64,
    /// When its episode began: milliseconds since 1970.
    pub episode: i64,
}

impl Button {
    /// The buttons of a message about this incident: what it does not need any more has none.
    pub fn of(facts: &IncidentFacts) -> Vec<Self> {
        let wishes: &[Wish] = match facts.status {
            IncidentStatus::Open => &Wish::ALL,
            IncidentStatus::Acknowledged => &[Wish::Resolve],
            IncidentStatus::Resolved => &[],
        };
        let button = |wish: &Wish| Self {
            wish: *wish,
            number: facts.number,
            version: facts.version,
            episode: facts.opened_at.as_millisecond(),
        };
        wishes.iter().map(button).collect()
    }
}

impl fmt::Display for Button {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.wish.as_str(), self.number, self.version, self.episode)
    }
}

/// A text that is no button's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no value of a button")]
pub struct NoButton;

impl FromStr for Button {
    type Err = NoButton;

    fn from_str(text: &str) -> Result<Self, NoButton> {
        let mut parts = text.split(':');
        let mut next = || parts.next().ok_or(NoButton);
        let button = Self {
            wish: Wish::parse(next()?).ok_or(NoButton)?,
            number: next()?.parse().map_err(|_| NoButton)?,
            version: next()?.parse().map_err(|_| NoButton)?,
            episode: next()?.parse().map_err(|_| NoButton)?,
        };
        if parts.next().is_some() { Err(NoButton) } else { Ok(button) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(number in any::<u64>(), version in any::<u64>(), episode in any::<i64>()) {
            for wish in Wish::ALL {
                let button = Button { wish, number, version, episode };
                prop_assert_eq!(button.to_string().parse(), Ok(button));
            }
        }

        #[test]
        fn nothing_else_is_a_button(text in "[a-z:0-9]{0,30}|\\PC{0,20}") {
            if let Ok(button) = text.parse::<Button>() {
                prop_assert_eq!(button.to_string().parse(), Ok(button));
            }
        }
    }

    #[test]
    fn a_part_too_few_or_too_many_is_none() {
        for text in ["", "acknowledge", "resolve:1:2", "resolve:1:2:3:4", "close:1:2:3", "resolve:-1:2:3"] {
            assert_eq!(text.parse::<Button>(), Err(NoButton), "{text}");
        }
    }
}
