//! How long ago, or until when, in the fewest letters: `4m`, `1h`, `3d`.

use crate::domain::Timestamp;

/// The time from `then` to `now`, in its largest unit. The future counts as now.
pub(super) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The moment to the second: `2026-11-21 14:02:10Z`.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let now = Timestamp::from_second(10_000_000).expect("in range");
        for (seconds, told) in [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (8_640_000, "100d"),
        ] {
            let then = Timestamp::from_second(10_000_000 - seconds).expect("in range");
            assert_eq!(age(then, now), told);
        }
        assert_eq!(moment(Timestamp::UNIX_EPOCH), "1970-01-01 00:00:00Z");
    }
}
