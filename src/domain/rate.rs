//! How fast a channel may send: `"20/s"`, `"100/m"`, `"1000/h"`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Per,
}

/// A second, a minute or an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// `/s`
    Second,
    /// `/m`
    Minute,
    /// `/h`
    Hour,
}

impl Per {
    const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    fn letter(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
        }
    }

    fn length(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_secs(60),
            Self::Hour => Duration::from_secs(3_600),
        }
    }
}

/// A text that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no rate: write how many in a second, a minute or an hour, as in \"20/s\", \"100/m\", \"1000/h\"")]
pub struct InvalidRate;

/// The highest rate that is kept; above it there is nothing to keep.
const HIGHEST: u32 = 100_000;

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (count, letter) = text.split_once('/').ok_or(InvalidRate)?;
        let count = count.trim().parse().ok().filter(|count: &NonZeroU32| count.get() <= HIGHEST);
        let per = Per::ALL.into_iter().find(|per| per.letter() == letter.trim());
        count.zip(per).map(|(count, per)| Self { count, per }).ok_or(InvalidRate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.letter())
    }
}

impl Rate {
    /// The time from one to the next.
    pub fn interval(self) -> Duration {
        self.per.length() / self.count.get()
    }

    /// How many may go at once: a tenth of a second's worth. Providers count in windows of their own,
    /// so what was saved up is not spent at once.
    pub fn burst(self) -> NonZeroU32 {
        let tenth = Duration::from_millis(100).as_nanos() / self.interval().as_nanos().max(1);
        u32::try_from(tenth).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
    }
}

/// Everything that slows a channel down. None of it costs an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// `rate`: all of it.
    pub channel: Option<Rate>,
    /// `recipient_rate`: to one address.
    pub recipient: Option<Rate>,
    /// `destination_rate`: to one mail domain.
    pub destination: Option<Rate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_reads_back_as_itself() {
        for text in ["20/s", "1/m", "1000/h", "100000/s"] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "20", "0/s", "-1/s", "1/d", "1.5/s", "20 per second", "100001/s", "/s"] {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text}");
        }
    }

    #[test]
    fn a_burst_is_a_tenth_of_a_second() {
        let burst = |text: &str| text.parse::<Rate>().expect("a rate").burst().get();
        assert_eq!([burst("1/s"), burst("20/s"), burst("1000/s"), burst("5/h")], [1, 2, 100, 1]);
    }
}
