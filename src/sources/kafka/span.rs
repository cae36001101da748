//! The fence of one partition in one assignment of it.

/// The records that were yielded since the partition was assigned. What is settled must lie in
/// here: an answer about an earlier assignment is too late.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    first: Option<i64>,
    next: i64,
}

impl Span {
    /// A record was yielded. One that comes before others is of a log that was made anew.
    pub(super) fn extend(&mut self, offset: i64) {
        if offset < self.next {
            self.first = None;
        }
        self.first.get_or_insert(offset);
        self.next = offset + 1;
    }

    /// Whether "everything before `settled`" speaks of records in here.
    pub(super) fn holds(self, settled: i64) -> bool {
        self.first.is_some_and(|first| first < settled && settled <= self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn only_what_was_read_in_this_assignment_can_be_settled() {
        let mut span = Span::default();
        assert!(!span.holds(0) && !span.holds(1));
        for offset in [5, 6, 8] {
            span.extend(offset);
        }
        assert!(!span.holds(5));
        assert!(span.holds(6) && span.holds(9));
        assert!(!span.holds(10));
    }

    #[test]
    fn a_log_that_was_made_anew_is_settled_from_its_start() {
        let mut span = Span::default();
        for offset in [5, 6, 0, 1] {
            span.extend(offset);
        }
        assert!(span.holds(1) && span.holds(2));
        assert!(!span.holds(6) && !span.holds(7));
    }
}
