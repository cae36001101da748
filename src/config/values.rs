//! Durations and sizes as people write them.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use crate::domain::Timestamp;

/// Why a text is no duration or size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A bare number.
    NoUnit,
    /// Something else.
    Nonsense,
}

/// `"30s"`, `"5m"`, `"1h 30m"`, `"7d"`.
pub(super) fn duration(text: &str) -> Result<Duration, Unreadable> {
    if is_bare(text) {
        return Err(Unreadable::NoUnit);
    }
    humantime::parse_duration(text).map_err(|_| Unreadable::Nonsense)
}

/// `"64KiB"`, `"1MiB"`, `"10MB"`, as bytes.
pub(super) fn size(text: &str) -> Result<u64, Unreadable> {
    if is_bare(text) {
        return Err(Unreadable::NoUnit);
    }
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(0);
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim_start() {
        "B" => 1,
        "kB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => return Err(Unreadable::Nonsense),
    };
    let number: u64 = number.parse().map_err(|_| Unreadable::Nonsense)?;
    number.checked_mul(factor).ok_or(Unreadable::Nonsense)
}

/// A date and a time as people write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The same everywhere: `2026-01-05T09:00:00Z`.
    Everywhere(Timestamp),
    /// What the clocks of some place show: `2026-01-05T09:00:00`.
    Local(DateTime),
}

impl Moment {
    /// When it is, on the clocks of `zone` where it does not say.
    pub(super) fn timestamp(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Everywhere(moment) => Some(moment),
            Self::Local(local) => zone.to_timestamp(local).ok(),
        }
    }

    /// What the clocks of `zone` show then.
    pub(super) fn local(self, zone: &TimeZone) -> DateTime {
        match self {
            Self::Everywhere(moment) => zone.to_datetime(moment),
            Self::Local(local) => local,
        }
    }
}

/// `2026-01-05T09:00:00`, `2026-01-05 09:00`, `2026-01-05T09:00:00+01:00`; a date alone is its midnight.
pub(super) fn moment(text: &str) -> Option<Moment> {
    // A zone in brackets would be read over: it is another key.
    if text.contains('[') {
        return None;
    }
    let everywhere = text.parse().map(Moment::Everywhere);
    everywhere.or_else(|_| text.parse().map(Moment::Local)).ok()
}

/// `22:00`
pub(super) fn clock(text: &str) -> Option<Time> {
    text.contains(':').then(|| text.parse().ok()).flatten()
}

fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
}

/// A duration, short: `250ms`, `5s`, `2m 30s`, `24h`.
pub(crate) fn short(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = millis;
    let mut parts = Vec::new();
    for (unit, length) in units {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

/// A size, short: `512B`, `64KiB`, `1MiB`.
pub(super) fn short_size(bytes: u64) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    units
        .into_iter()
        .find(|(_, length)| bytes >= *length && bytes.is_multiple_of(*length))
        .map_or_else(|| format!("{bytes}B"), |(unit, length)| format!("{}{unit}", bytes / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("15"), Err(Unreadable::NoUnit));
        assert_eq!(duration("1.5"), Err(Unreadable::NoUnit));
        assert_eq!(duration("30 parsecs"), Err(Unreadable::Nonsense));
        assert_eq!(duration(""), Err(Unreadable::Nonsense));
        assert_eq!(duration("-5s"), Err(Unreadable::Nonsense));
        assert_eq!(duration("99999999999999999999d"), Err(Unreadable::Nonsense));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
    }

    #[test]
    fn a_size_needs_a_unit() {
        assert_eq!(size("1024"), Err(Unreadable::NoUnit));
        assert_eq!(size("1MiB"), Ok(1 << 20));
        assert_eq!(size("10 kB"), Ok(10_000));
        assert_eq!(size("1 parsec"), Err(Unreadable::Nonsense));
        assert_eq!(size("18446744073709551615GiB"), Err(Unreadable::Nonsense));
        assert_eq!(size("MiB"), Err(Unreadable::Nonsense));
    }

    #[test]
    fn a_moment_is_local_unless_it_says_where() {
        let london = TimeZone::get("Europe/London").expect("a zone");
        for (text, expected) in [
            ("2026-07-05T09:00:00", Some("2026-07-05T08:00:00Z")),
            ("2026-07-05 09:00", Some("2026-07-05T08:00:00Z")),
            ("2026-07-05", Some("2026-07-04T23:00:00Z")),
            ("2026-07-05T09:00:00Z", Some("2026-07-05T09:00:00Z")),
            ("2026-07-05T09:00:00+02:00", Some("2026-07-05T07:00:00Z")),
            ("2026-07-05T09:00[Asia/Tokyo]", None),
            ("2026-02-30", None),
            ("tomorrow", None),
            ("", None),
        ] {
            let found = moment(text).and_then(|moment| moment.timestamp(&london));
            assert_eq!(found.map(|found| found.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(clock("22:00"), Time::new(22, 0, 0, 0).ok());
        assert_eq!([clock("24:00"), clock("22"), clock("ten"), clock("")], [None; 4]);
    }

    #[test]
    fn what_is_written_short_is_read_back() {
        for millis in [0, 1, 250, 5_000, 150_000, 86_400_000, 90_061_001] {
            let wait = Duration::from_millis(millis);
            assert_eq!(duration(&short(wait)), Ok(wait));
        }
        for bytes in [1, 1_000, 1 << 10, 1 << 20, 3 << 30] {
            assert_eq!(size(&short_size(bytes)), Ok(bytes));
        }
    }
}
