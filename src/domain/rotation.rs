//! Who is on call: people of a team take turns, and stand in for each other.
//!
//! Turns change at a time of the day that people can rely on: every seven days at nine is nine o'clock
//! before and after the clocks change, so one turn is an hour longer than another. Turns of no whole
//! number of days are counted in hours that pass. A time that the clocks skip is the one as long
//! after the skip as it would have been; of a time that comes twice the first one counts.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};

use super::Timestamp;
use super::names::UserName;

const DAY: u64 = 24 * 3600;
/// The last moment at which a turn can end.
const LAST: Timestamp = Timestamp::constant(253_402_207_199, 0);

/// `[teams.NAME] rotation` and `[[teams.NAME.overrides]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// How long a turn is.
    pub every: Turn,
    /// When the first one begins, on the clocks of `zone`.
    pub starts: DateTime,
    /// Whose clocks.
    pub zone: TimeZone,
    /// Who takes turns; never empty.
    pub order: Vec<UserName>,
    /// Who stands in. Where two hold, the later one of the list does.
    pub overrides: Vec<Override>,
}

/// How long a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many days of the calendar, at least one.
    Days(u32),
    /// So much time, at least a minute.
    Time(Duration),
}

impl Turn {
    /// Whole days are days of the calendar.
    pub fn of(every: Duration) -> Self {
        let days = every.as_secs() / DAY;
        match u32::try_from(days) {
            Ok(days) if days > 0 && every == Duration::from_secs(u64::from(days) * DAY) => Self::Days(days),
            _ => Self::Time(every.max(Duration::from_secs(60))),
        }
    }
}

/// Somebody is on call whose turn it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who.
    pub user: UserName,
    /// From this moment.
    pub from: Timestamp,
    /// Up to this moment.
    pub until: Timestamp,
}

/// Who is on call, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who; nobody before the first turn.
    pub user: Option<UserName>,
    /// Since when.
    pub from: Timestamp,
    /// Until when; not any more at this moment.
    pub until: Timestamp,
    /// Why they.
    pub because: Because,
}

/// Why somebody is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = OnCallBecause)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It is their turn.
    Turn,
    /// They stand in.
    Override,
    /// It is nobody's turn yet.
    NotYet,
}

impl Rotation {
    /// Who is on call at `at`, since when and until when.
    pub fn on_call(&self, at: Timestamp) -> Shift {
        let holding = |over: &Override| over.from <= at && at < over.until;
        let (shift, above) = match self.overrides.iter().rposition(holding) {
            Some(place) => {
                let Override { user, from, until } = &self.overrides[place];
                let user = Some(user.clone());
                let shift = Shift { user, from: *from, until: *until, because: Because::Override };
                (shift, &self.overrides[place + 1..])
            }
            None => (self.turn_at(at), &self.overrides[..]),
        };
        above.iter().filter(|over| over.from < over.until).fold(shift, |shift, over| Shift {
            from: if over.until <= at { shift.from.max(over.until) } else { shift.from },
            until: if over.from > at { shift.until.min(over.from) } else { shift.until },
            ..shift
        })
    }

    /// Every shift that has a part between `from` and `until`, each as long as it really is: they follow
    /// one another without a gap.
    pub fn shifts(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Shift> {
        let mut next = (from < until).then(|| self.on_call(from));
        std::iter::from_fn(move || {
            let shift = next.take()?;
            next = (shift.until < until).then(|| self.on_call(shift.until));
            Some(shift)
        })
    }

    /// Everybody who may be on call some day.
    pub fn people(&self) -> impl Iterator<Item = &UserName> {
        self.order.iter().chain(self.overrides.iter().map(|over| &over.user))
    }

    /// Whose turn it is, overrides or not.
    fn turn_at(&self, at: Timestamp) -> Shift {
        let first = self.handover(0);
        if at < first {
            return Shift { user: None, from: Timestamp::MIN, until: first, because: Because::NotYet };
        }
        let mut number = self.about(at, first);
        while number > 0 && self.handover(number) > at {
            number -= 1;
        }
        // Two may be at one moment, where the calendar leaves out a day: then the first is no turn.
        while self.handover(number + 1) <= at.min(LAST) {
            number += 1;
        }
        let place = usize::try_from(number).ok().and_then(|number| number.checked_rem(self.order.len()));
        Shift {
            user: place.and_then(|place| self.order.get(place)).cloned(),
            from: self.handover(number),
            until: self.handover(number + 1),
            because: Because::Turn,
        }
    }

    /// The number of the turn at `at`, or one close to it.
    fn about(&self, at: Timestamp, first: Timestamp) -> u64 {
        let (passed, each) = match self.every {
            Turn::Days(days) => {
                let date = self.zone.to_datetime(at).date();
                let passed = date.duration_since(self.starts.date()).as_secs() / DAY.cast_signed();
                (passed, i64::from(days.max(1)))
            }
            Turn::Time(time) => {
                (at.duration_since(first).as_secs(), i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
            }
        };
        u64::try_from(passed / each.max(1)).unwrap_or_default()
    }

    /// When the turn of this number begins. What is beyond the calendar never does.
    fn handover(&self, number: u64) -> Timestamp {
        let moment = |civil: DateTime| self.zone.to_timestamp(civil).ok();
        let found = match self.every {
            Turn::Days(days) => i64::try_from(number)
                .ok()
                .and_then(|number| number.checked_mul(i64::from(days.max(1))))
                .and_then(|days| Span::new().try_days(days).ok())
                .and_then(|span| self.starts.checked_add(span).ok())
                .and_then(moment),
            Turn::Time(time) => moment(self.starts).and_then(|first| {
                let seconds = number.checked_mul(time.as_secs())?;
                let passed = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
                first.checked_add(passed).ok()
            }),
        };
        found.unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests;
