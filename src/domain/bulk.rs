//! A bulk job: one thing done to many dead letters, a few at a time, at a pace.
//!
//! The row says all that is known of a job; whoever drives it reads the row, takes the next few dead
//! letters and writes both in one transaction. Pure: what a step does to the row is said here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use super::Timestamp;
use super::ids::{DeliveryId, JobId};

macro_rules! words {
    ($name:ident: $($word:ident = $text:literal),* $(,)?) => {
        impl $name {
            /// Every one.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$word),*];

            /// The word used in the store, the API and on the command line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }

            /// The one of this word.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|word| word.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = JobAction)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Dead deliveries are repeated as new ones.
    Retry,
    /// Dead deliveries leave the list of dead letters. Their history stays.
    Discard,
}

words!(BulkAction: Retry = "retry", Discard = "discard");

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = JobState)]
#[serde(rename_all = "snake_case")]
pub enum BulkState {
    /// It goes on.
    Running,
    /// The first few are done; somebody has to look at what became of them.
    WaitingCanary,
    /// Nothing is left.
    Done,
    /// Somebody stopped it.
    Stopped,
}

words!(BulkState: Running = "running", WaitingCanary = "waiting_canary", Done = "done", Stopped = "stopped");

/// What becomes of calls to act about incidents that are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ResolvedIncidents)]
#[serde(rename_all = "snake_case")]
pub enum Resolved {
    /// They are left alone: nobody has to act any more.
    Skip,
    /// They are sent like the others.
    Include,
}

words!(Resolved: Skip = "skip", Include = "include");

/// How many a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u32);

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no rate: write 10/s or 30/m, at most 1000/s")]
pub struct InvalidRate(String);

impl Rate {
    /// Unless told otherwise: 10 a second.
    pub const USUAL: Self = Self(600);
    const MOST: u32 = 60_000;
    /// How many steps there are in a minute, if there is enough to do.
    const STEPS: u32 = 600;

    /// So many a minute, if that is a rate.
    pub fn per_minute(count: u32) -> Option<Self> {
        (1..=Self::MOST).contains(&count).then_some(Self(count))
    }

    /// How many a minute.
    pub fn as_per_minute(self) -> u32 {
        self.0
    }

    /// How many are taken at once.
    fn chunk(self) -> u32 {
        (self.0 / Self::STEPS).max(1)
    }

    /// How long these many take.
    pub fn time_for(self, count: u64) -> Duration {
        Duration::from_millis(count.saturating_mul(60_000) / u64::from(self.0))
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let invalid = || InvalidRate(text.to_owned());
        let (count, times) = match text.split_once('/') {
            Some((count, "s")) => (count, 60),
            Some((count, "m" | "min")) => (count, 1),
            _ => return Err(invalid()),
        };
        let count: u32 = count.parse().map_err(|_| invalid())?;
        count.checked_mul(times).and_then(Self::per_minute).ok_or_else(invalid)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(60) { write!(f, "{}/s", self.0 / 60) } else { write!(f, "{}/m", self.0) }
    }
}

impl utoipa::PartialSchema for Rate {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("How many a second, or a minute: at most 1000/s."))
            .pattern(Some("^[1-9][0-9]{0,4}/(s|m|min)$"))
            .examples(["10/s", "30/m"])
            .into()
    }
}

impl utoipa::ToSchema for Rate {}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A job, as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// Its id.
    pub id: JobId,
    /// What is done.
    pub action: BulkAction,
    /// To which: a query about dead deliveries, whose ages are counted back from `created_at`.
    pub filter: String,
    /// Calls to act about what is resolved.
    pub resolved: Resolved,
    /// How fast.
    pub rate: Rate,
    /// How many are done before it waits to be told to go on.
    pub canary: u64,
    /// How far it is.
    pub state: BulkState,
    /// How many fitted at the start, counted up to a cap, those to skip included.
    pub matched: u64,
    /// False if there may have been more.
    pub matched_exact: bool,
    /// How many of those were to be skipped.
    pub skipped: u64,
    /// How many it has looked at.
    pub taken: u64,
    /// To how many of them it was done; somebody else was quicker with the others.
    pub done: u64,
    /// It waits when it has taken so many; 0 if it does not.
    pub holds_at: u64,
    /// The last one taken; empty at the start. The list is walked from the newest to the oldest, and
    /// a repeat is newer than all, so a repeat that dies is not met again.
    pub cursor: String,
    /// When the next step is due.
    pub due_at: Timestamp,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the row changed last.
    pub updated_at: Timestamp,
}

/// The next few, as somebody found them who looked at the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkStep {
    /// Of which job.
    pub job: JobId,
    /// The cursor they were found from: if the job is somewhere else by now, nothing is done.
    pub after: String,
    /// Which.
    pub ids: Vec<DeliveryId>,
    /// Where to go on; `None` if that is all.
    pub next: Option<String>,
}

/// What is to become of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkChange {
    /// It begins.
    Begin(Box<Bulk>),
    /// The next few.
    Step(BulkStep),
    /// It ends here. One that has ended stays as it is.
    Stop(JobId),
    /// It goes on after its canary. One that does not wait stays as it is.
    Continue(JobId),
}

impl Bulk {
    /// How many may be taken in one step.
    pub fn room(&self) -> usize {
        let chunk = u64::from(self.rate.chunk());
        let room = match self.holds_at {
            0 => chunk,
            holds_at => chunk.min(holds_at.saturating_sub(self.taken)),
        };
        usize::try_from(room).unwrap_or(1).max(1)
    }

    /// May this step be done?
    pub fn takes(&self, step: &BulkStep, now: Timestamp) -> bool {
        self.state == BulkState::Running
            && self.cursor == step.after
            && self.due_at <= now
            && step.ids.len() <= self.room()
    }

    /// `step` was done to so many of its letters.
    pub fn stepped(&mut self, step: &BulkStep, done: u64, now: Timestamp) {
        let taken = step.ids.len() as u64;
        self.taken += taken;
        self.done += done;
        self.updated_at = now;
        match &step.next {
            None => self.state = BulkState::Done,
            Some(next) => {
                self.cursor.clone_from(next);
                if self.holds_at > 0 && self.taken >= self.holds_at {
                    self.state = BulkState::WaitingCanary;
                }
            }
        }
        // A step that comes late does not slow the job down; a pause is not made up for.
        let pause = self.rate.time_for(taken);
        let oldest = now.checked_sub(pause).unwrap_or(now);
        self.due_at = self.due_at.max(oldest).checked_add(pause).unwrap_or(Timestamp::MAX);
    }

    /// It ends here.
    pub fn stop(&mut self, now: Timestamp) {
        if matches!(self.state, BulkState::Running | BulkState::WaitingCanary) {
            (self.state, self.updated_at) = (BulkState::Stopped, now);
        }
    }

    /// It goes on after its canary.
    pub fn go_on(&mut self, now: Timestamp) {
        if self.state == BulkState::WaitingCanary {
            (self.state, self.updated_at, self.due_at, self.holds_at) = (BulkState::Running, now, now, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("in range")
    }

    fn job(rate: &str, canary: u64) -> Bulk {
        Bulk {
            id: JobId::new(at(0), 1),
            action: BulkAction::Retry,
            filter: String::new(),
            resolved: Resolved::Skip,
            rate: rate.parse().expect("a rate"),
            canary,
            state: BulkState::Running,
            matched: 100,
            matched_exact: true,
            skipped: 0,
            taken: 0,
            done: 0,
            holds_at: canary,
            cursor: String::new(),
            due_at: at(0),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    fn step(job: &Bulk, count: usize, next: Option<&str>) -> BulkStep {
        let ids = (0..count).map(|n| DeliveryId::new(at(1), n as u128)).collect();
        BulkStep { job: job.id, after: job.cursor.clone(), ids, next: next.map(str::to_owned) }
    }

    #[test]
    fn a_rate_is_written_as_it_is_read_and_bounds_its_steps() {
        for (text, chunk, pause) in
            [("10/s", 1, 100), ("1/s", 1, 1_000), ("1000/s", 100, 100), ("7/m", 1, 8_571)]
        {
            let rate: Rate = text.parse().expect("a rate");
            assert_eq!(rate.to_string(), text);
            assert_eq!(rate.chunk(), chunk, "{text}");
            assert_eq!(rate.time_for(u64::from(chunk)), Duration::from_millis(pause), "{text}");
        }
        for bad in ["", "10", "0/s", "1001/s", "-1/s", "10/h", "99999999999/s", "4294967295/s"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn steps_keep_the_pace_and_are_taken_once() {
        let mut job = job("10/s", 0);
        let first = step(&job, 1, Some("a"));
        assert!(job.takes(&first, at(0)));
        job.stepped(&first, 1, at(0));
        assert_eq!(job.due_at, at(100));
        assert!(!job.takes(&first, at(100)), "the job is somewhere else");
        let second = step(&job, 1, Some("b"));
        assert!(!job.takes(&second, at(99)), "too early");
        job.stepped(&second, 1, at(150));
        assert_eq!(job.due_at, at(200), "a late step does not slow it down");
        job.stepped(&step(&job, 1, Some("c")), 0, at(60_000));
        assert_eq!(job.due_at, at(60_000), "nor is a pause made up for by more than one");
        assert_eq!((job.taken, job.done), (3, 2));
        job.stepped(&step(&job, 0, None), 0, at(60_001));
        assert_eq!(job.state, BulkState::Done);
    }

    #[test]
    fn after_its_canary_it_waits_to_be_told_to_go_on() {
        let mut job = job("1000/s", 5);
        assert_eq!(job.room(), 5);
        assert!(!job.takes(&step(&job, 6, Some("a")), at(0)), "more than the canary");
        job.stepped(&step(&job, 3, Some("a")), 3, at(0));
        assert_eq!((job.state, job.room()), (BulkState::Running, 2));
        job.stepped(&step(&job, 2, Some("b")), 2, at(0));
        assert_eq!(job.state, BulkState::WaitingCanary);
        job.go_on(at(5));
        assert_eq!((job.state, job.room()), (BulkState::Running, 100));
        job.stop(at(6));
        job.go_on(at(7));
        assert_eq!((job.state, job.updated_at), (BulkState::Stopped, at(6)));
    }
}
