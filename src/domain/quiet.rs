//! Quiet hours: when a person does not want to be woken, on their own clocks.

use jiff::ToSpan;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::Timestamp;
use super::event::Priority;
use super::severity::Severity;

/// `[users.NAME] quiet_hours`. Every day; over midnight where `to` is before `from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    /// They begin.
    pub from: Time,
    /// They are over.
    pub to: Time,
    /// Whose clocks.
    pub zone: TimeZone,
    /// What is said all the same.
    pub except: Vec<Severity>,
}

/// What is said all the same unless something else is written: a page that cannot wait.
pub const EXCEPT: [Severity; 1] = [Severity::Critical];

impl QuietHours {
    /// When they are over, if they are at `at`. A time that the clocks skip is the one as long after;
    /// of a time that comes twice the first one counts.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        let until = self.window(at)?;
        // Where the clocks skip their end, they may begin again at once.
        Some(self.window(until).unwrap_or(until))
    }

    /// The end of the window of one night that `at` is in.
    fn window(&self, at: Timestamp) -> Option<Timestamp> {
        let today = self.zone.to_datetime(at).date();
        let yesterday = today.checked_sub(1.day()).ok();
        let windows = yesterday.into_iter().chain([today]).filter_map(|date| {
            let last = if self.to > self.from { date } else { date.checked_add(1.day()).ok()? };
            let begin = self.zone.to_timestamp(date.to_datetime(self.from)).ok()?;
            let end = self.zone.to_timestamp(last.to_datetime(self.to)).ok()?;
            (begin <= at && at < end).then_some(end)
        });
        windows.max()
    }

    /// Whether an incident of this severity is said all the same.
    pub fn spare(&self, severity: Severity) -> bool {
        self.except.contains(&severity)
    }

    /// Whether something of this priority is said all the same: as an incident would be that takes its lane.
    pub fn spare_lane(&self, priority: Priority) -> bool {
        self.except.iter().any(|severity| Priority::of(*severity) == priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: &str, to: &str, zone: &str) -> QuietHours {
        QuietHours {
            from: from.parse().expect("a time"),
            to: to.parse().expect("a time"),
            zone: TimeZone::get(zone).expect("a zone"),
            except: EXCEPT.to_vec(),
        }
    }

    #[test]
    fn they_end_when_the_clock_on_the_wall_says_so() {
        let london = "Europe/London";
        let table = [
            // Over midnight, in winter and in summer, up to the last moment.
            ("22:00", "07:00", london, "2026-01-10T21:59:59Z", None),
            ("22:00", "07:00", london, "2026-01-10T22:00:00Z", Some("2026-01-11T07:00:00Z")),
            ("22:00", "07:00", london, "2026-01-11T06:59:59Z", Some("2026-01-11T07:00:00Z")),
            ("22:00", "07:00", london, "2026-01-11T07:00:00Z", None),
            ("22:00", "07:00", london, "2026-07-10T21:30:00Z", Some("2026-07-11T06:00:00Z")),
            // The nights of the two changes: an hour shorter, an hour longer.
            ("22:00", "07:00", london, "2026-03-28T23:00:00Z", Some("2026-03-29T06:00:00Z")),
            ("22:00", "07:00", london, "2026-10-24T22:00:00Z", Some("2026-10-25T07:00:00Z")),
            ("22:00", "07:00", "America/New_York", "2026-03-08T04:00:00Z", Some("2026-03-08T11:00:00Z")),
            ("22:00", "07:00", "America/New_York", "2026-11-01T04:00:00Z", Some("2026-11-01T12:00:00Z")),
            ("22:00", "07:00", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", Some("2026-04-04T20:30:00Z")),
            ("22:00", "07:00", "Asia/Kolkata", "2026-03-28T17:00:00Z", Some("2026-03-29T01:30:00Z")),
            // Within a day.
            ("12:00", "14:00", london, "2026-07-10T11:00:00Z", Some("2026-07-10T13:00:00Z")),
            ("12:00", "14:00", london, "2026-07-10T13:00:00Z", None),
            // An end that is skipped, and one that comes twice.
            ("22:00", "01:30", london, "2026-03-29T00:59:00Z", Some("2026-03-29T01:30:00Z")),
            ("22:00", "01:30", london, "2026-10-25T00:10:00Z", Some("2026-10-25T00:30:00Z")),
            ("22:00", "01:30", london, "2026-10-25T00:40:00Z", None),
            // Midnight belongs to the day that it begins.
            ("00:00", "06:00", london, "2026-01-11T00:00:00Z", Some("2026-01-11T06:00:00Z")),
            ("18:00", "00:00", london, "2026-01-10T23:59:59Z", Some("2026-01-11T00:00:00Z")),
        ];
        for (from, to, zone, at, until) in table {
            let found = quiet(from, to, zone).until(at.parse().expect("a moment"));
            assert_eq!(found, until.map(|until| until.parse().expect("a moment")), "{from} {to} {zone} {at}");
        }
    }

    #[test]
    fn when_they_are_over_nobody_waits_again() {
        for zone in ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"] {
            for (from, to) in [("22:00", "07:00"), ("01:15", "02:15"), ("02:15", "01:15"), ("00:00", "23:59")]
            {
                let quiet = quiet(from, to, zone);
                // The weeks in which the clocks change somewhere.
                for begin in ["2026-03-01T00:00:00Z", "2026-09-28T00:00:00Z"] {
                    let mut at: Timestamp = begin.parse().expect("a moment");
                    for _ in 0..40 * 48 {
                        if let Some(until) = quiet.until(at) {
                            assert!(until > at, "{zone} {from} {to} {at}");
                            assert_eq!(quiet.until(until), None, "{zone} {from} {to} {at}");
                        }
                        at += jiff::SignedDuration::from_mins(30);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_excepted_is_said_all_the_same() {
        let quiet = quiet("22:00", "07:00", "UTC");
        assert!(quiet.spare(Severity::Critical) && !quiet.spare(Severity::High));
        assert!(quiet.spare_lane(Priority::Critical) && !quiet.spare_lane(Priority::High));
        let never = QuietHours { except: Vec::new(), ..quiet };
        assert!(!never.spare(Severity::Critical) && !never.spare_lane(Priority::Critical));
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_panic() {
        let quiet = quiet("22:00", "07:00", "Pacific/Kiritimati");
        for at in [Timestamp::MIN, Timestamp::MAX] {
            let _ = quiet.until(at);
        }
    }
}
