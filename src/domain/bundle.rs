//! Messages to one address that go out together, so that a storm is a few messages and not hundreds.
//!
//! The first goes at once; what follows within the *bundle* of its policy waits for the end of it and is
//! said in one message. A *digest* is the same for what was asked for directly, except that the first waits too.
//! Each of them stays a delivery of its own, with its own attempts and its own end: only the call to the
//! provider is one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Timestamp;
use super::notification::NotificationKind;
use super::retry::later;

/// What may be said in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// What is wrong.
    Incident,
    /// What was asked for directly.
    Direct,
}

impl Class {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Incident, Self::Direct];

    /// Of what is told for this reason.
    pub fn of(kind: NotificationKind) -> Self {
        match kind {
            NotificationKind::Direct => Self::Direct,
            _ => Self::Incident,
        }
    }

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Direct => "direct",
        }
    }
}

/// What becomes of messages that are due and may wait for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parted<'a, I> {
    /// The addresses to which something goes now.
    pub going: Vec<&'a str>,
    /// Those that wait: something went there not long ago.
    pub waiting: Vec<I>,
}

/// Parts what is due `now`, as (id, address, bundle), by when something last went to each address.
pub fn part<'a, I>(
    due: impl Iterator<Item = (I, &'a str, Duration)>,
    last: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Parted<'a, I> {
    let (mut going, mut waiting) = (Vec::new(), Vec::new());
    for (id, address, bundle) in due {
        match last.get(address) {
            Some(sent_at) if later(*sent_at, bundle) > now => waiting.push(id),
            _ => going.push(address),
        }
    }
    going.sort_unstable();
    going.dedup();
    Parted { going, waiting }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_goes_and_what_follows_in_time_waits() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let last = BTreeMap::from([("ada".to_owned(), at(100)), ("bob".to_owned(), at(30))]);
        let minute = Duration::from_secs(60);
        let due =
            [(1, "ada", minute), (2, "bob", minute), (3, "cy", minute), (4, "ada", Duration::from_secs(10))];
        let parted = part(due.into_iter(), &last, at(120));
        assert_eq!(parted, Parted { going: vec!["ada", "bob", "cy"], waiting: vec![1] });
    }
}
