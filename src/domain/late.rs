//! What comes too late. A source says when a thing happened, and its events do not always arrive in that
//! order: what it says of an earlier moment than the newest that it has spoken of changes nothing.
//!
//! Only the moment that a source gives (`occurred_at`) counts, never when a record was written or read. A
//! source that gives none is taken in the order in which it is read, and the clocks of two sources are never
//! compared: a page too many is better than none.

use std::time::Duration;

use super::Timestamp;
use super::event::EventStatus;
use super::names::SourceName;

/// What is known of an incident by the clock of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceClock {
    /// When what began the episode happened.
    pub began_at: Option<Timestamp>,
    /// The newest moment that the source has spoken of.
    pub newest_at: Option<Timestamp>,
}

impl SourceClock {
    /// An episode begins with what happened at `moment`.
    pub fn begin(&mut self, moment: Option<Timestamp>, now: Timestamp) {
        self.began_at = moment;
        self.hear(moment, now);
    }

    /// The source spoke of `moment`. A clock that is ahead of ours must not make late what follows, so that
    /// nothing newer than `now` is known.
    pub fn hear(&mut self, moment: Option<Timestamp>, now: Timestamp) {
        self.newest_at = self.newest_at.max(moment.map(|moment| moment.min(now)));
    }

    /// Before which moment it is too late to say this. Taking an incident contradicts only what began it:
    /// whoever takes it often has another clock, and says nothing of whether it goes on.
    pub fn against(&self, said: EventStatus) -> Option<Timestamp> {
        match said {
            EventStatus::Acknowledged => self.began_at,
            EventStatus::Open | EventStatus::Resolved => self.newest_at,
        }
    }

    /// Is it too late to say this of `moment`?
    pub fn is_past(&self, said: EventStatus, moment: Option<Timestamp>) -> bool {
        moment.zip(self.against(said)).is_some_and(|(moment, known)| moment < known)
    }
}

/// An end that came before its beginning: what begins earlier is over already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Of what.
    pub dedup_key: String,
    /// Who said so.
    pub source: SourceName,
    /// When it ended, by that source's clock.
    pub ended_at: Timestamp,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}

/// How long an end waits for its beginning.
pub const TOMBSTONE_LIFE: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(second).expect("in range"))
    }

    #[test]
    fn an_earlier_moment_is_past_and_no_moment_never_is() {
        let mut clock = SourceClock::default();
        clock.begin(at(10), at(100).expect("now"));
        clock.hear(at(20), at(100).expect("now"));
        use EventStatus::{Acknowledged, Open, Resolved};
        let table = [
            (Open, at(19), true),
            (Open, at(20), false),
            (Open, None, false),
            (Resolved, at(19), true),
            (Resolved, at(21), false),
            (Acknowledged, at(9), true),
            (Acknowledged, at(11), false),
        ];
        for (said, moment, past) in table {
            assert_eq!(clock.is_past(said, moment), past, "{said:?} {moment:?}");
            assert!(!SourceClock::default().is_past(said, moment), "nothing is known yet");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_makes_nothing_late_that_happens_from_now_on() {
        let mut clock = SourceClock::default();
        clock.begin(at(1_000), at(50).expect("now"));
        assert!(!clock.is_past(EventStatus::Open, at(50)));
        assert!(clock.is_past(EventStatus::Open, at(49)));
    }
}
