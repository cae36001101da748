//! Reading with care after a life that ended without a word (I5).
//!
//! A panic over a record is caught. A record that takes the whole process along (an abort, a stack
//! that overflows, memory that runs out) leaves nothing behind but that end. So the next life tries
//! the records that may have been in hand one at a time, each written down first; what was written
//! down at an end without a word is a suspect, and at the third such end it is poison.
//!
//! A process is also killed from outside, with some innocent record in hand. That it was the same
//! record twice is likely only if the killer is quick and comes again and again; so a suspect is
//! tried only after the process has lived through [`QUIET`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::event::Position;

/// How long a life must have lasted without a suspect in hand before it tries one. A trial takes
/// milliseconds: a kill that is not the suspect's doing hits it once in a thousand times or less.
pub const QUIET: Duration = Duration::from_secs(10);

/// Ends over a record that are on record before it is given up. The end before them, which made the
/// node cautious, is the first of three: the record was in hand then too, in a crowd.
pub const RECORDED: u32 = 2;

/// What becomes of the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is tried now.
    Try,
    /// It is a suspect: it is tried if the process lives that much longer.
    TryAfter(Duration),
    /// It is poison.
    Condemn,
}

/// What becomes of a record that `ends` lives ended over, of which `waited` were known of before the
/// last wait.
pub fn judge(ends: u32, waited: u32) -> Step {
    if ends >= RECORDED {
        Step::Condemn
    } else if ends > waited {
        Step::TryAfter(QUIET)
    } else {
        Step::Try
    }
}

type Partition = (Arc<str>, i32);

/// Which records may have been in hand at an end without a word.
///
/// What is in hand is bounded, and a partition is read in order. So they are among the first so many
/// of each partition that are not in the store yet.
#[derive(Debug, Clone)]
pub struct Caution {
    window: usize,
    left: HashMap<Partition, usize>,
}

impl Caution {
    /// At most `window` records may have been in hand.
    pub fn over(window: usize) -> Self {
        Self { window, left: HashMap::new() }
    }

    /// May this record have been in hand?
    pub fn watches(&self, position: &Position) -> bool {
        partition(position).is_some_and(|partition| self.left.get(&partition) != Some(&0))
    }

    /// A record is settled that was not in the store before.
    pub fn settled(&mut self, position: &Position) {
        if let Some(partition) = partition(position) {
            let left = self.left.entry(partition).or_insert(self.window);
            *left = left.saturating_sub(1);
        }
    }
}

/// A request is not given again by its source, so it has none.
fn partition(position: &Position) -> Option<Partition> {
    match position {
        Position::Kafka { topic, partition, .. } => Some((Arc::clone(topic), *partition)),
        Position::Message { stream, .. } => Some((Arc::clone(stream), 0)),
        Position::Part { of, .. } => partition(of),
        Position::Request(_) | Position::Replay { .. } | Position::Retry(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::ids::EventId;

    fn at(partition: i32, offset: i64) -> Position {
        Position::Kafka { topic: "t".into(), partition, offset, timestamp_ms: 0 }
    }

    #[test]
    fn a_suspect_waits_once_for_each_end_and_the_third_end_is_the_last() {
        let table = [
            (0, 0, Step::Try),
            (1, 0, Step::TryAfter(QUIET)),
            (1, 1, Step::Try),
            (2, 0, Step::Condemn),
            (2, 1, Step::Condemn),
            (7, 7, Step::Condemn),
        ];
        for (ends, waited, step) in table {
            assert_eq!(judge(ends, waited), step, "{ends} ends, {waited} waited for");
        }
    }

    #[test]
    fn each_partition_is_watched_until_so_many_of_it_are_settled() {
        let mut caution = Caution::over(2);
        assert!(caution.watches(&at(0, 5)) && caution.watches(&at(1, 0)));
        caution.settled(&at(0, 5));
        caution.settled(&at(1, 0));
        assert!(caution.watches(&at(0, 6)));
        caution.settled(&at(0, 6));
        assert!(!caution.watches(&at(0, 7)), "two of it are over");
        assert!(caution.watches(&at(1, 1)));
    }

    #[test]
    fn a_request_does_not_come_again_by_itself() {
        let request = Position::Request(EventId::new(Timestamp::UNIX_EPOCH, 1));
        assert!(!Caution::over(2).watches(&request));
    }
}
