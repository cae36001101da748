//! Between rows and domain values: the rows that both SQL stores read to decide and to write.
//! Those for people are in [`super::view_rows`].
//!
//! Columns have the same names and types in both, so each row is declared once. A word or a number
//! that this version does not know is [`StoreError::Corrupt`], never a panic.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::StoreError;
use super::intake::{Seen, SeenBy};
use super::write::Candidate;
use crate::domain::Timestamp;
use crate::domain::action::Via;
use crate::domain::bulk::{BulkAction, BulkState, Resolved};
use crate::domain::delivery::{Delivery, DeliveryState, Target};
use crate::domain::event::Priority;
use crate::domain::incident::{Calls, IncidentStatus, Transition};
use crate::domain::notification::NotificationKind;
use crate::domain::severity::Severity;
use crate::domain::timer::{Timer, TimerKind};

/// A row that both databases can give.
pub(super) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A row that stands for a domain value.
pub(super) trait Readable: Row {
    type Value: Send;

    fn read(self) -> Result<Self::Value, StoreError>;
}

/// Reads every row, or fails with the first that cannot be read.
pub(super) fn read_all<T: Readable>(rows: Vec<T>) -> Result<Vec<T::Value>, StoreError> {
    rows.into_iter().map(T::read).collect()
}

pub(super) fn corrupt(why: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(why.to_string())
}

pub(super) fn time(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(corrupt)
}

pub(super) fn number<T: TryFrom<i64>>(value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| corrupt(format!("{value} is out of range")))
}

pub(super) fn optional<A, B>(
    value: Option<A>,
    read: impl FnOnce(A) -> Result<B, StoreError>,
) -> Result<Option<B>, StoreError> {
    value.map(read).transpose()
}

/// For columns: numbers that the domain counts unsigned.
pub(super) fn column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(corrupt)
}

pub(super) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(corrupt)
}

/// Words to values.
pub(super) trait Word: Sized {
    fn read(text: &str) -> Option<Self>;
}

impl Word for DeliveryState {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for BulkAction {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for BulkState {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for Resolved {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for IncidentStatus {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for Calls {
    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|calls| calls.as_str() == text)
    }
}

impl Word for TimerKind {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for Via {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for NotificationKind {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for Severity {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Word for Transition {
    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

pub(super) fn word<T: Word>(text: &str) -> Result<T, StoreError> {
    T::read(text).ok_or_else(|| corrupt(format!("\"{text}\" is no word of this version")))
}

/// An event that is known, by its position (no bytes) or its producer's id (with them).
#[derive(Debug, FromRow)]
pub(super) struct SeenRow {
    pub(super) place: i64,
    event: String,
    pub(super) incident: Option<i64>,
    raw: Option<Vec<u8>>,
}

impl Readable for SeenRow {
    type Value = Seen;

    fn read(self) -> Result<Seen, StoreError> {
        Ok(Seen {
            index: number(self.place)?,
            event: id(&self.event)?,
            incident: optional(self.incident, number)?,
            by: self.raw.map_or(SeenBy::Position, SeenBy::ProducerId),
        })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct ToldRow {
    incident: i64,
    channel: String,
    recipient: String,
    address: String,
}

impl Readable for ToldRow {
    type Value = (u64, Target);

    fn read(self) -> Result<(u64, Target), StoreError> {
        let target = Target {
            recipient: self.recipient.into(),
            channel: self.channel.into(),
            address: self.address.into(),
        };
        Ok((number(self.incident)?, target))
    }
}

/// How long a delivery waits for others, as a column.
pub(super) fn bundle_ms(delivery: &Delivery) -> Option<i64> {
    delivery.bundle.map(|bundle| i64::try_from(bundle.as_millis()).unwrap_or(i64::MAX))
}

/// The columns of [`CandidateRow`], from `delivery d` and `notification n`.
macro_rules! candidate_columns {
    () => {
        "d.id, d.incident, d.kind, d.channel, d.recipient, d.address, d.priority, d.attempts, d.held, d.crashes, \
         d.created_at, d.expires_at, d.even_if_over, d.bundle, n.text"
    };
}
pub(super) use candidate_columns;

#[derive(Debug, FromRow)]
pub(super) struct CandidateRow {
    id: String,
    incident: Option<i64>,
    kind: String,
    channel: String,
    recipient: String,
    address: String,
    priority: i16,
    attempts: i64,
    held: i64,
    crashes: i64,
    created_at: i64,
    expires_at: i64,
    even_if_over: i64,
    bundle: Option<i64>,
    text: Option<String>,
}

impl Readable for CandidateRow {
    type Value = Candidate;

    fn read(self) -> Result<Candidate, StoreError> {
        Ok(Candidate {
            id: id(&self.id)?,
            incident: optional(self.incident, number)?,
            kind: word(&self.kind)?,
            target: Target {
                recipient: self.recipient.into(),
                channel: self.channel.into(),
                address: self.address.into(),
            },
            priority: Priority::of_rank(self.priority)
                .ok_or_else(|| corrupt(format!("no priority {}", self.priority)))?,
            attempts: number(self.attempts)?,
            held: number(self.held)?,
            crashes: number(self.crashes)?,
            created_at: time(self.created_at)?,
            expires_at: time(self.expires_at)?,
            even_if_over: self.even_if_over != 0,
            bundle: optional(self.bundle, |ms| number(ms).map(Duration::from_millis))?,
            text: optional(self.text, |text| json(&text))?,
        })
    }
}

/// A timer that is armed.
#[derive(Debug, FromRow)]
pub(super) struct TimerRow {
    pub(super) timer_incident: i64,
    pub(super) timer_kind: String,
    pub(super) timer_due_at: i64,
}

impl Readable for TimerRow {
    type Value = Timer;

    fn read(self) -> Result<Timer, StoreError> {
        Ok(Timer {
            incident: number(self.timer_incident)?,
            kind: word(&self.timer_kind)?,
            due_at: time(self.timer_due_at)?,
        })
    }
}

/// A row of one id.
#[derive(Debug, FromRow)]
pub(super) struct IdRow {
    pub(super) id: String,
}

impl Readable for IdRow {
    type Value = String;

    fn read(self) -> Result<String, StoreError> {
        Ok(self.id)
    }
}

/// The ids of these rows.
pub(super) fn ids<T>(rows: Vec<IdRow>) -> Result<HashSet<T>, StoreError>
where
    T: std::str::FromStr<Err: std::fmt::Display> + std::hash::Hash + Eq,
{
    rows.iter().map(|row| id(&row.id)).collect()
}

/// A row of one number that may be missing.
#[derive(Debug, FromRow)]
pub(super) struct NumberRow {
    pub(super) value: Option<i64>,
}

/// A row of one number that is there.
#[derive(Debug, FromRow)]
pub(super) struct CountedRow {
    pub(super) count: i64,
}

/// What was repeated, and on which channel.
#[derive(Debug, FromRow)]
pub(super) struct ReplayedRow {
    pub(super) id: String,
    pub(super) channel: String,
}

/// A row of one word.
#[derive(Debug, FromRow)]
pub(super) struct WordRow {
    pub(super) word: String,
}
