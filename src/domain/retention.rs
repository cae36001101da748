//! How long is kept what is there to look back on, and what ended by itself.

use std::time::Duration;

use super::Timestamp;

/// `[store.retention]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Lines of who did what; `None` keeps them for ever.
    pub audit: Option<Duration>,
    /// What was answered to an `Idempotency-Key`.
    pub idempotency_keys: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            audit: Some(Duration::from_secs(365 * 24 * 3_600)),
            idempotency_keys: Duration::from_secs(24 * 3_600),
        }
    }
}

/// What goes at a moment: whatever ended by itself by then, and the oldest lines of who did what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// The moment.
    pub now: Timestamp,
    /// Lines of before this go.
    pub audit_before: Option<Timestamp>,
    /// At most so many lines, so that nobody waits long for the writer.
    pub most: usize,
}

impl Retention {
    /// What goes at `now`.
    pub fn purge(&self, now: Timestamp, most: usize) -> Purge {
        let audit_before = self.audit.and_then(|age| now.checked_sub(age).ok());
        Purge { now, audit_before, most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_ever_has_no_end_and_time_has_a_beginning() {
        let now = Timestamp::from_second(1_000).expect("in range");
        let of = |audit| Retention { audit, ..Retention::default() }.purge(now, 7);
        assert_eq!(of(None), Purge { now, audit_before: None, most: 7 });
        assert_eq!(of(Some(Duration::from_secs(900))).audit_before.map(Timestamp::as_second), Some(100));
        assert_eq!(of(Some(Duration::MAX)).audit_before, None);
    }
}
