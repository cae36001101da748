//! A line that repeats itself is written once; how often it came again is said when ten seconds are
//! over, or when the process ends.
//!
//! Two lines are the same if they have the same level, the same message and the same fields, but for
//! those that name a single case ([`SINGLE`]): a thousand deliveries refused by one channel for one
//! reason are one line and a count, two channels are two lines. Whatever is not known to name a
//! single case tells lines apart, so that nothing is folded into something else. `debug` and `trace`
//! are for somebody who wants to see everything.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Level;

use super::lines::Fields;

/// How long a line counts before its count is written.
pub(super) const WINDOW: Duration = Duration::from_secs(10);

/// So many lines are counted at once; one more is written each time it comes.
const MOST: usize = 128;

/// Fields that name a single case.
const SINGLE: [&str; 12] = [
    "delivery",
    "dead_letter",
    "position",
    "attempt",
    "detail",
    "bytes",
    "request.id",
    "partition",
    "wanted",
    "oldest",
    "gone",
    "took_ms",
];

/// What is counted now.
#[derive(Debug, Default)]
pub(super) struct Folds(HashMap<Key, Fold>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    level: Level,
    target: &'static str,
    fields: Fields,
}

#[derive(Debug)]
struct Fold {
    began: Timestamp,
    more: u64,
}

/// A line that came again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    pub(super) level: Level,
    pub(super) target: &'static str,
    /// What was the same each time.
    pub(super) fields: Fields,
    /// How often it came after it was written.
    pub(super) times: u64,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Written,
    Counted,
}

impl Folds {
    /// Is this line written? Take what is [`Folds::due`] first.
    pub(super) fn judge(
        &mut self,
        level: Level,
        target: &'static str,
        fields: &Fields,
        now: Timestamp,
    ) -> Fate {
        if level > Level::INFO {
            return Fate::Written;
        }
        let key = Key { level, target, fields: fields.without(&SINGLE) };
        if let Some(fold) = self.0.get_mut(&key) {
            fold.more += 1;
            return Fate::Counted;
        }
        if self.0.len() < MOST {
            self.0.insert(key, Fold { began: now, more: 0 });
        }
        Fate::Written
    }

    /// The counts whose time is over. Their lines are written again when they come again.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Repeated> {
        // A clock that is set back must not keep a line silent.
        self.take(|fold| now.duration_since(fold.began).unsigned_abs() >= WINDOW)
    }

    /// All counts: there is nothing more to come.
    pub(super) fn all(&mut self) -> Vec<Repeated> {
        self.take(|_| true)
    }

    fn take(&mut self, over: impl Fn(&Fold) -> bool) -> Vec<Repeated> {
        let ended = self.0.extract_if(|_, fold| over(fold)).filter(|(_, fold)| fold.more > 0);
        let mut ended: Vec<_> = ended.collect();
        ended.sort_by_key(|(_, fold)| fold.began);
        let repeated = |(key, fold): (Key, Fold)| Repeated {
            level: key.level,
            target: key.target,
            fields: key.fields,
            times: fold.more,
        };
        ended.into_iter().map(repeated).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).expect("a time")
    }

    fn said(folds: &mut Folds, message: &str, channel: &str, second: i64) -> Fate {
        let fields = Fields::of(&[("message", message), ("channel", channel)]);
        folds.judge(Level::WARN, "foghorn", &fields, at(second))
    }

    #[test]
    fn the_first_is_written_at_once_and_the_others_are_a_count_after_ten_seconds() {
        let mut folds = Folds::default();
        assert_eq!(said(&mut folds, "refused", "sms", 0), Fate::Written);
        for second in 0..9 {
            assert_eq!(said(&mut folds, "refused", "sms", second), Fate::Counted);
        }
        assert_eq!(folds.due(at(9)), []);
        let due = folds.due(at(10));
        assert_eq!(due.iter().map(|repeated| repeated.times).collect::<Vec<_>>(), [9]);
        assert_eq!(folds.due(at(30)), [], "it is told once");
        assert_eq!(said(&mut folds, "refused", "sms", 30), Fate::Written, "and begins anew");
        assert_eq!(folds.all(), [], "what came once has no count");
    }

    #[test]
    fn lines_of_two_channels_are_two_lines_and_single_cases_are_not() {
        let mut folds = Folds::default();
        assert_eq!(said(&mut folds, "refused", "sms", 0), Fate::Written);
        assert_eq!(said(&mut folds, "refused", "email", 0), Fate::Written);
        for delivery in ["1", "2", "3"] {
            let fields = Fields::of(&[("message", "dead"), ("channel", "sms"), ("delivery", delivery)]);
            let fate = folds.judge(Level::WARN, "foghorn", &fields, at(0));
            assert_eq!(fate == Fate::Written, delivery == "1", "{delivery}");
        }
        let fields = Fields::of(&[("message", "refused"), ("channel", "sms")]);
        assert_eq!(folds.judge(Level::ERROR, "foghorn", &fields, at(0)), Fate::Written, "graver");
    }

    #[test]
    fn whoever_wants_everything_gets_everything_and_memory_is_bounded() {
        let mut folds = Folds::default();
        let fields = Fields::of(&[("message", "tick")]);
        for _ in 0..3 {
            assert_eq!(folds.judge(Level::DEBUG, "foghorn", &fields, at(0)), Fate::Written);
        }
        for number in 0..10 * MOST {
            assert_eq!(said(&mut folds, &number.to_string(), "sms", 0), Fate::Written);
        }
        assert_eq!(folds.0.len(), MOST);
        assert_eq!(said(&mut folds, &MOST.to_string(), "sms", 0), Fate::Written, "no room to count it");
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_a_line_silent() {
        let mut folds = Folds::default();
        said(&mut folds, "refused", "sms", 1_000);
        said(&mut folds, "refused", "sms", 1_000);
        assert_eq!(folds.due(at(0)).len(), 1);
    }
}
