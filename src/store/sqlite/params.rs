//! Lists as parameters: one JSON array of arrays for each table, read by `jsonb_each`.
//!
//! A statement for a list costs one crossing to SQLite's thread, however long the list is. SQLite
//! reads `value ->> 0` of the binary form without parsing again.

use serde::ser::SerializeTuple;
use serde::{Serialize, Serializer};

use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, DecidedEvent, NewDelivery, TimelineEntry};
use crate::domain::bulk::Resolved;
use crate::domain::delivery::DeliveryState;
use crate::domain::event::Position;
use crate::domain::ids::{DeliveryId, JobId};
use crate::domain::incident::Incident;
use crate::domain::names::SourceName;
use crate::domain::notification::Notification;
use crate::domain::timer::TimerKind;
use crate::store::StoreError;
use crate::store::batch::Quarantined;
use crate::store::repeating::Replay;
use crate::store::rows::{bundle_ms, corrupt};
use crate::store::write::{Ending, Kinds, Taken};

/// `[row, row, …]`
pub(super) fn list<T: Serialize>(rows: impl Iterator<Item = T>) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(1024);
    serde_json::Serializer::new(&mut bytes).collect_seq(rows).map_err(corrupt)?;
    String::from_utf8(bytes).map_err(corrupt)
}

/// The bytes that came in, which need not be text, behind each other in one blob. A row says where its
/// own begin, counted from 1 as `substr` does, and how many they are.
#[derive(Debug, Default)]
pub(super) struct Raws(Vec<u8>);

impl Raws {
    fn push(&mut self, raw: &[u8]) -> (usize, usize) {
        self.0.extend_from_slice(raw);
        (self.0.len() - raw.len() + 1, raw.len())
    }

    pub(super) fn into_blob(self) -> Vec<u8> {
        self.0
    }
}

/// `[source, position]`
pub(super) fn record<'a>(source: &'a SourceName, position: &'a Position) -> (&'a str, Text<&'a Position>) {
    (source.as_str(), Text(position))
}

/// `[source, position]` of each.
pub(super) fn positions(accepts: &[Accept]) -> Result<String, StoreError> {
    list(accepts.iter().map(|accept| {
        let event = &accept.event;
        (event.source.as_str(), Text(&event.position))
    }))
}

/// `[place, source, producer_id]` of those that have one.
pub(super) fn producer_ids(accepts: &[Accept]) -> Result<String, StoreError> {
    list(accepts.iter().enumerate().filter_map(|(place, accept)| {
        let event = &accept.event;
        let id = event.producer_id.as_deref()?;
        Some((place, event.source.as_str(), id))
    }))
}

pub(super) fn event<'a>(decided: &'a DecidedEvent, raws: &mut Raws) -> impl Serialize + use<'a> {
    let event = &decided.event;
    let (start, length) = raws.push(&event.raw);
    (
        event.id,
        event.source.as_str(),
        Text(&event.position),
        event.producer_id.as_deref(),
        event.traceparent.as_deref(),
        event.received_at.as_millisecond(),
        decided.decision.as_str(),
        decided.incident,
        start,
        length,
    )
}

/// An incident in the order of its columns.
pub(super) struct IncidentParam<'a>(pub(super) &'a Incident);

impl Serialize for IncidentParam<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let incident = self.0;
        let mut row = serializer.serialize_tuple(31)?;
        row.serialize_element(&incident.number)?;
        row.serialize_element(&incident.id)?;
        row.serialize_element(&incident.version)?;
        row.serialize_element(&incident.dedup_key)?;
        row.serialize_element(incident.status.as_str())?;
        row.serialize_element(incident.severity.as_str())?;
        row.serialize_element(&incident.title)?;
        row.serialize_element(&incident.service)?;
        row.serialize_element(&incident.description)?;
        row.serialize_element(&Json(&incident.labels))?;
        row.serialize_element(&Json(&incident.links))?;
        row.serialize_element(&incident.source)?;
        row.serialize_element(&incident.route)?;
        row.serialize_element(&incident.policy)?;
        row.serialize_element(&incident.event_count)?;
        row.serialize_element(&incident.opened_at.as_millisecond())?;
        row.serialize_element(&incident.acknowledged_at.map(|at| at.as_millisecond()))?;
        row.serialize_element(&incident.resolved_at.map(|at| at.as_millisecond()))?;
        row.serialize_element(&incident.last_event_at.as_millisecond())?;
        row.serialize_element(&incident.acknowledged_by)?;
        row.serialize_element(&incident.resolved_by)?;
        row.serialize_element(&incident.assignee)?;
        row.serialize_element(&incident.snoozed_until.map(|at| at.as_millisecond()))?;
        row.serialize_element(incident.calls.as_str())?;
        row.serialize_element(&incident.position.round)?;
        row.serialize_element(&incident.position.step)?;
        row.serialize_element(&incident.called_at.map(|at| at.as_millisecond()))?;
        row.serialize_element(&incident.deleted_at.map(|at| at.as_millisecond()))?;
        row.serialize_element(&incident.clock.began_at.map(|at| at.as_millisecond()))?;
        row.serialize_element(&incident.clock.newest_at.map(|at| at.as_millisecond()))?;
        row.serialize_element(incident.keyspace.name(&incident.source))?;
        row.end()
    }
}

pub(super) fn timeline(entry: &TimelineEntry) -> impl Serialize + '_ {
    (
        entry.incident,
        entry.version,
        entry.at.as_millisecond(),
        entry.transition.as_str(),
        entry.event,
        entry.by.as_ref().map(|by| &*by.who),
        entry.by.as_ref().map(|by| by.via.as_str()),
        entry.detail.as_str(),
        entry.step.as_ref().map(Json),
    )
}

pub(super) fn notification(notification: &Notification) -> impl Serialize + '_ {
    (
        notification.id,
        notification.event,
        notification.incident,
        notification.kind.as_str(),
        notification.created_at.as_millisecond(),
        notification.text.as_ref().map(Json),
    )
}

pub(super) fn delivery<'a>(new: &'a NewDelivery, kinds: &Kinds) -> impl Serialize + use<'a> {
    let delivery = &new.delivery;
    (
        delivery.id,
        delivery.notification,
        delivery.incident,
        kinds.get(&delivery.notification).map(|kind| kind.as_str()),
        delivery.target.channel.as_str(),
        &*delivery.target.recipient,
        delivery.target.address.expose(),
        delivery.priority.rank(),
        new.state.as_str(),
        delivery.due_at.as_millisecond(),
        delivery.expires_at.as_millisecond(),
        i32::from(new.state == DeliveryState::Sending),
        bundle_ms(delivery),
    )
}

pub(super) fn ending<'a>(ending: &'a Ending<'_>) -> impl Serialize + 'a {
    let attempted = ending.attempted;
    (
        attempted.id,
        attempted.attempt,
        attempted.at.as_millisecond(),
        attempted.took_ms,
        attempted.outcome,
        attempted.code.as_str(),
        attempted.detail.as_str(),
        attempted.provider_id.as_deref(),
        ending.state.as_str(),
        ending.due_at.map(|at| at.as_millisecond()),
        ending.held,
        ending.crashes,
        ending.dead_reason,
        attempted.moved_to.as_ref().map(|channel| channel.as_str()),
    )
}

pub(super) fn letter<'a>(letter: &'a Quarantined, raws: &mut Raws) -> impl Serialize + use<'a> {
    let (start, length) = raws.push(&letter.raw);
    (
        letter.id,
        letter.source.as_str(),
        Text(&letter.position),
        letter.reason.as_str(),
        letter.detail.as_str(),
        start,
        length,
        letter.came_back,
    )
}

pub(super) fn timer(
    ((incident, kind), due_at): (&(u64, TimerKind), &Option<Timestamp>),
) -> (u64, &'static str, Option<i64>) {
    (*incident, kind.as_str(), due_at.map(|at| at.as_millisecond()))
}

pub(super) fn taken(taken: &Taken) -> impl Serialize {
    (taken.id, taken.state.as_str(), taken.attempts)
}

type ReplayParam<'a> =
    (DeliveryId, DeliveryId, Option<JobId>, i64, Option<&'a str>, Option<&'a str>, Option<&'a str>);

pub(super) fn replay(replay: &Replay) -> ReplayParam<'_> {
    let Replay { dead, child, job, resolved, to } = replay;
    let even_if_over = i64::from(*resolved == Resolved::Include);
    let to = to.as_ref();
    let channel = to.map(|to| to.channel.as_str());
    let (recipient, address) = (to.map(|to| &*to.recipient), to.map(|to| to.address.expose()));
    (*child, *dead, *job, even_if_over, channel, recipient, address)
}

/// As what it prints.
pub(super) struct Text<T>(T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// As JSON inside a JSON text.
struct Json<T>(T);

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_travel_beside_the_rows() {
        let mut raws = Raws::default();
        assert_eq!([raws.push(b"{}"), raws.push(b""), raws.push(b"\0\xff")], [(1, 2), (3, 0), (3, 2)]);
        assert_eq!(raws.into_blob(), b"{}\0\xff");
        assert_eq!(list([("a", 1), ("\"", 2)].into_iter()).expect("a list"), r#"[["a",1],["\"",2]]"#);
    }
}
