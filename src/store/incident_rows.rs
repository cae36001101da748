//! An incident as a row of both SQL stores.

use sqlx::FromRow;

use super::StoreError;
use super::rows::{Readable, id, json, number, optional, time, word};
use crate::domain::dedup::Keyspace;
use crate::domain::incident::Incident;
use crate::domain::late::SourceClock;
use crate::domain::policy::Position;

/// The columns of [`IncidentRow`], from a table named `i`.
macro_rules! incident_columns {
    () => {
        "i.number, i.id, i.version, i.dedup_key, i.status, i.severity, i.title, i.service, \
         i.description, i.labels, i.links, i.source, i.route, i.policy, i.event_count, i.opened_at, \
         i.acknowledged_at, i.resolved_at, i.last_event_at, i.acknowledged_by, i.resolved_by, i.assignee, \
         i.snoozed_until, i.calls, i.round, i.step, i.called_at, i.deleted_at, i.began_at, i.newest_at, \
         i.keyspace"
    };
}
pub(super) use incident_columns;

#[derive(Debug, FromRow)]
pub(super) struct IncidentRow {
    number: i64,
    id: String,
    version: i64,
    dedup_key: String,
    status: String,
    severity: String,
    title: String,
    service: Option<String>,
    description: Option<String>,
    labels: String,
    links: String,
    source: String,
    route: Option<String>,
    policy: Option<String>,
    event_count: i64,
    opened_at: i64,
    acknowledged_at: Option<i64>,
    resolved_at: Option<i64>,
    last_event_at: i64,
    acknowledged_by: Option<String>,
    resolved_by: Option<String>,
    assignee: Option<String>,
    snoozed_until: Option<i64>,
    calls: String,
    round: i64,
    step: i64,
    called_at: Option<i64>,
    deleted_at: Option<i64>,
    began_at: Option<i64>,
    newest_at: Option<i64>,
    keyspace: String,
}

/// The newest incident of a dedup key, with its place among those that were asked for.
#[derive(Debug, FromRow)]
pub(super) struct NewestRow {
    place: i64,
    #[sqlx(flatten)]
    incident: IncidentRow,
}

impl Readable for NewestRow {
    type Value = (usize, Incident);

    fn read(self) -> Result<(usize, Incident), StoreError> {
        Ok((number(self.place)?, self.incident.read()?))
    }
}

impl Readable for IncidentRow {
    type Value = Incident;

    fn read(self) -> Result<Incident, StoreError> {
        Ok(Incident {
            id: id(&self.id)?,
            number: number(self.number)?,
            version: number(self.version)?,
            dedup_key: self.dedup_key,
            keyspace: Keyspace::named(&self.keyspace),
            status: word(&self.status)?,
            severity: word(&self.severity)?,
            title: self.title,
            service: self.service,
            description: self.description,
            labels: json(&self.labels)?,
            links: json(&self.links)?,
            source: self.source.into(),
            route: self.route.map(Into::into),
            policy: self.policy.map(Into::into),
            event_count: number(self.event_count)?,
            opened_at: time(self.opened_at)?,
            acknowledged_at: optional(self.acknowledged_at, time)?,
            resolved_at: optional(self.resolved_at, time)?,
            last_event_at: time(self.last_event_at)?,
            acknowledged_by: self.acknowledged_by.map(Into::into),
            resolved_by: self.resolved_by.map(Into::into),
            assignee: self.assignee.map(Into::into),
            snoozed_until: optional(self.snoozed_until, time)?,
            calls: word(&self.calls)?,
            position: Position { round: number(self.round)?, step: number(self.step)? },
            called_at: optional(self.called_at, time)?,
            deleted_at: optional(self.deleted_at, time)?,
            clock: SourceClock {
                began_at: optional(self.began_at, time)?,
                newest_at: optional(self.newest_at, time)?,
            },
        })
    }
}
