//! The rows that both SQL stores read for people.

use sqlx::FromRow;

use super::StoreError;
use super::flow::way;
use super::rows::{Readable, corrupt, id, json, number, optional, time, word};
use super::views::{
    AttemptView, BacklogLine, DeadLetterView, DeliveryView, EventView, IncidentCount, Kept, LettersByReason,
    TimelineView,
};
use crate::domain::acceptance::Decision;
use crate::domain::bulk::{Bulk, Rate};
use crate::domain::delivery::{Address, DeliveryState};
use crate::domain::ids::{DeliveryId, JobId};
use crate::domain::notification::NotificationKind;
use crate::domain::way::Way;

#[derive(Debug, FromRow)]
pub(super) struct CountRow {
    incident: i64,
    state: String,
    count: i64,
}

impl Readable for CountRow {
    type Value = (u64, DeliveryState, u64);

    fn read(self) -> Result<Self::Value, StoreError> {
        Ok((number(self.incident)?, word(&self.state)?, number(self.count)?))
    }
}

#[derive(Debug, FromRow)]
pub(super) struct TimelineRow {
    at: i64,
    version: i64,
    kind: String,
    event: Option<String>,
    who: Option<String>,
    via: Option<String>,
    detail: String,
    step_taken: Option<String>,
}

impl Readable for TimelineRow {
    type Value = TimelineView;

    fn read(self) -> Result<TimelineView, StoreError> {
        Ok(TimelineView {
            at: time(self.at)?,
            version: number(self.version)?,
            kind: word(&self.kind)?,
            event_id: optional(self.event, |text| id(&text))?,
            by: self.who,
            via: optional(self.via, |text| word(&text))?,
            detail: self.detail,
            step: optional(self.step_taken, |text| json(&text))?,
        })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct DeliveryRow {
    id: String,
    notification: String,
    incident: Option<i64>,
    kind: String,
    channel: String,
    recipient: String,
    address: String,
    state: String,
    due_at: i64,
    expires_at: i64,
    created_at: i64,
    updated_at: i64,
    attempts: i64,
    held: i64,
    last_outcome: Option<String>,
    dead_reason: Option<String>,
    replay_of: Option<String>,
    settled_at: Option<i64>,
    job: Option<String>,
}

impl Readable for DeliveryRow {
    type Value = DeliveryView;

    fn read(self) -> Result<DeliveryView, StoreError> {
        let state: DeliveryState = word(&self.state)?;
        let waits = matches!(state, DeliveryState::Pending | DeliveryState::Retrying);
        Ok(DeliveryView {
            id: id(&self.id)?,
            incident_number: optional(self.incident, number)?,
            notification: word::<NotificationKind>(&self.kind)?.as_str(),
            notification_id: id(&self.notification)?,
            channel: self.channel.into(),
            recipient: self.recipient,
            to: Address::from(self.address).masked(),
            state,
            reason: self.dead_reason.or(self.last_outcome),
            attempts: number(self.attempts - self.held)?,
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
            next_attempt_at: optional(Some(self.due_at).filter(|_| waits), time)?,
            expires_at: time(self.expires_at)?,
            replay_of: optional(self.replay_of, |text| id(&text))?,
            settled_at: optional(self.settled_at, time)?,
            job: optional(self.job, |text| id(&text))?,
        })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct AttemptRow {
    number: i64,
    started_at: i64,
    took_ms: Option<i64>,
    outcome: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    provider_id: Option<String>,
}

impl Readable for AttemptRow {
    type Value = AttemptView;

    fn read(self) -> Result<AttemptView, StoreError> {
        Ok(AttemptView {
            number: number(self.number)?,
            at: time(self.started_at)?,
            took_ms: self.took_ms,
            outcome: self.outcome,
            code: self.code,
            detail: self.detail,
            provider_id: self.provider_id,
        })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct DeadLetterRow {
    id: String,
    source: String,
    position: String,
    reason: String,
    detail: String,
    quarantined_at: i64,
    bytes: i64,
    raw: Option<Vec<u8>>,
}

impl Readable for DeadLetterRow {
    type Value = DeadLetterView;

    fn read(self) -> Result<DeadLetterView, StoreError> {
        Ok(DeadLetterView {
            id: id(&self.id)?,
            source: self.source,
            position: self.position,
            reason: self.reason,
            detail: self.detail,
            quarantined_at: time(self.quarantined_at)?,
            bytes: number(self.bytes)?,
            payload: self.raw.map(|raw| String::from_utf8_lossy(&raw).into_owned()),
        })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct BacklogRow {
    channel: String,
    state: String,
    count: i64,
    oldest: String,
}

impl Readable for BacklogRow {
    type Value = BacklogLine;

    fn read(self) -> Result<BacklogLine, StoreError> {
        let oldest: DeliveryId = id(&self.oldest)?;
        Ok(BacklogLine {
            channel: self.channel.into(),
            state: word(&self.state)?,
            count: number(self.count)?,
            oldest: Some(time(oldest.created_ms())?),
        })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct PausedRow {
    kind: String,
    name: String,
}

impl Readable for PausedRow {
    type Value = Way;

    fn read(self) -> Result<Way, StoreError> {
        way(&self.kind, &self.name)
    }
}

#[derive(Debug, FromRow)]
pub(super) struct EventRow {
    id: String,
    source: String,
    position: String,
    producer_id: Option<String>,
    received_at: i64,
    decision: String,
    incident: Option<i64>,
    bytes: i64,
    raw: Option<Vec<u8>>,
}

impl Readable for EventRow {
    type Value = EventView;

    fn read(self) -> Result<EventView, StoreError> {
        let decision = Decision::WORDS.into_iter().find(|word| *word == self.decision);
        Ok(EventView {
            id: id(&self.id)?,
            source: self.source,
            position: self.position,
            event_id: self.producer_id,
            received_at: time(self.received_at)?,
            decision: decision.ok_or_else(|| corrupt(format!("\"{}\" is no decision", self.decision)))?,
            incident_number: optional(self.incident, number)?,
            bytes: number(self.bytes)?,
            payload: self.raw.map(|raw| String::from_utf8_lossy(&raw).into_owned()),
        })
    }
}

/// What came in, to be taken in again.
#[derive(Debug, FromRow)]
pub(super) struct KeptRow {
    source: String,
    traceparent: Option<String>,
    raw: Vec<u8>,
}

impl Readable for KeptRow {
    type Value = Kept;

    fn read(self) -> Result<Kept, StoreError> {
        Ok(Kept { source: self.source.into(), traceparent: self.traceparent, raw: self.raw.into() })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct SeverityRow {
    status: String,
    severity: String,
    count: i64,
}

impl Readable for SeverityRow {
    type Value = IncidentCount;

    fn read(self) -> Result<IncidentCount, StoreError> {
        Ok(IncidentCount {
            status: word(&self.status)?,
            severity: word(&self.severity)?,
            count: number(self.count)?,
        })
    }
}

#[derive(Debug, FromRow)]
pub(super) struct ReasonRow {
    reason: String,
    count: i64,
    first: i64,
    last: i64,
}

impl Readable for ReasonRow {
    type Value = LettersByReason;

    fn read(self) -> Result<LettersByReason, StoreError> {
        Ok(LettersByReason {
            reason: self.reason,
            count: number(self.count)?,
            first: time(self.first)?,
            last: time(self.last)?,
        })
    }
}

/// How many deliveries of a job are in a state.
#[derive(Debug, FromRow)]
pub(super) struct OutcomeRow {
    job: String,
    state: String,
    count: i64,
}

impl Readable for OutcomeRow {
    type Value = (JobId, DeliveryState, u64);

    fn read(self) -> Result<Self::Value, StoreError> {
        Ok((id(&self.job)?, word(&self.state)?, number(self.count)?))
    }
}

#[derive(Debug, FromRow)]
pub(super) struct BulkRow {
    id: String,
    action: String,
    filter: String,
    resolved: String,
    per_minute: i64,
    canary: i64,
    state: String,
    matched: i64,
    matched_exact: i64,
    skipped: i64,
    taken: i64,
    done: i64,
    holds_at: i64,
    cursor: String,
    due_at: i64,
    created_at: i64,
    updated_at: i64,
}

impl Readable for BulkRow {
    type Value = Bulk;

    fn read(self) -> Result<Bulk, StoreError> {
        let rate = Rate::per_minute(number(self.per_minute)?);
        Ok(Bulk {
            id: id(&self.id)?,
            action: word(&self.action)?,
            filter: self.filter,
            resolved: word(&self.resolved)?,
            rate: rate.ok_or_else(|| corrupt(format!("{} is no rate", self.per_minute)))?,
            canary: number(self.canary)?,
            state: word(&self.state)?,
            matched: number(self.matched)?,
            matched_exact: self.matched_exact != 0,
            skipped: number(self.skipped)?,
            taken: number(self.taken)?,
            done: number(self.done)?,
            holds_at: number(self.holds_at)?,
            cursor: self.cursor,
            due_at: time(self.due_at)?,
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
        })
    }
}
