//! The rows of accepted events: every column of every table is a parameter of one statement.

use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;

use super::ledger::{PostgresLedger, each, millis};
use super::statements;
use crate::domain::Timestamp;
use crate::domain::acceptance::{DecidedEvent, NewDelivery, Rows, TimelineEntry};
use crate::domain::delivery::{DeliveryState, Lease};
use crate::domain::incident::Incident;
use crate::domain::notification::Notification;
use crate::store::StoreError;
use crate::store::rows::{bundle_ms, column, corrupt};
use crate::store::write::{Kinds, kinds};

type Insert<'q> = Query<'q, Postgres, PgArguments>;

pub(super) async fn insert(
    ledger: &mut PostgresLedger,
    lease: &Lease,
    now: Timestamp,
    rows: &Rows,
) -> Result<(), StoreError> {
    for (statement, numbers) in [(statements::CANCEL, &rows.over), (statements::CANCEL_ALL, &rows.deleted)] {
        if !numbers.is_empty() {
            let cancel = sqlx::query(statement).bind(each(numbers, |number| column(*number)));
            ledger.run(cancel.bind(now.as_millisecond())).await?;
        }
    }
    let insert = events(sqlx::query(statements::INSERT), &rows.events);
    let insert = incidents(insert, &rows.incidents)?;
    let insert = timeline(insert, &rows.timeline)?;
    let insert = notifications(insert, &rows.notifications)?;
    let insert = deliveries(insert, &rows.deliveries, &kinds(rows))
        .bind(now.as_millisecond())
        .bind(lease.node.as_str())
        .bind(lease.epoch)
        .bind(rows.timers.keys().map(|(incident, _)| column(*incident)).collect::<Vec<_>>())
        .bind(rows.timers.keys().map(|(_, kind)| kind.as_str()).collect::<Vec<_>>())
        .bind(rows.timers.values().map(|due_at| millis(*due_at)).collect::<Vec<_>>())
        .bind(each(&rows.incidents, |i| millis(i.deleted_at)))
        .bind(each(&rows.incidents, |i| millis(i.clock.began_at)))
        .bind(each(&rows.incidents, |i| millis(i.clock.newest_at)))
        .bind(each(&rows.deliveries, |n| bundle_ms(&n.delivery)))
        .bind(each(&rows.incidents, |i| i.keyspace.name(&i.source)));
    ledger.run(insert).await
}

fn events<'q>(insert: Insert<'q>, events: &'q [DecidedEvent]) -> Insert<'q> {
    insert
        .bind(each(events, |e| e.event.id.to_string()))
        .bind(each(events, |e| e.event.source.as_str()))
        .bind(each(events, |e| e.event.position.to_string()))
        .bind(each(events, |e| e.event.producer_id.as_deref()))
        .bind(each(events, |e| e.event.traceparent.as_deref()))
        .bind(each(events, |e| e.event.received_at.as_millisecond()))
        .bind(each(events, |e| e.decision.as_str()))
        .bind(each(events, |e| e.incident.map(column)))
        .bind(each(events, |e| &*e.event.raw))
}

fn incidents<'q>(insert: Insert<'q>, incidents: &'q [Incident]) -> Result<Insert<'q>, StoreError> {
    let labels: Result<Vec<String>, _> = incidents.iter().map(|i| serde_json::to_string(&i.labels)).collect();
    let links: Result<Vec<String>, _> = incidents.iter().map(|i| serde_json::to_string(&i.links)).collect();
    Ok(insert
        .bind(each(incidents, |i| column(i.number)))
        .bind(each(incidents, |i| i.id.to_string()))
        .bind(each(incidents, |i| column(i.version)))
        .bind(each(incidents, |i| i.dedup_key.as_str()))
        .bind(each(incidents, |i| i.status.as_str()))
        .bind(each(incidents, |i| i.severity.as_str()))
        .bind(each(incidents, |i| i.title.as_str()))
        .bind(each(incidents, |i| i.service.as_deref()))
        .bind(each(incidents, |i| i.description.as_deref()))
        .bind(labels.map_err(corrupt)?)
        .bind(links.map_err(corrupt)?)
        .bind(each(incidents, |i| i.source.as_str()))
        .bind(each(incidents, |i| i.route.as_ref().map(|name| name.as_str())))
        .bind(each(incidents, |i| i.policy.as_ref().map(|name| name.as_str())))
        .bind(each(incidents, |i| column(i.event_count)))
        .bind(each(incidents, |i| i.opened_at.as_millisecond()))
        .bind(each(incidents, |i| millis(i.acknowledged_at)))
        .bind(each(incidents, |i| millis(i.resolved_at)))
        .bind(each(incidents, |i| i.last_event_at.as_millisecond()))
        .bind(each(incidents, |i| i.acknowledged_by.as_deref()))
        .bind(each(incidents, |i| i.resolved_by.as_deref()))
        .bind(each(incidents, |i| i.assignee.as_deref()))
        .bind(each(incidents, |i| millis(i.snoozed_until)))
        .bind(each(incidents, |i| i.calls.as_str()))
        .bind(each(incidents, |i| i64::from(i.position.round)))
        .bind(each(incidents, |i| i64::from(i.position.step)))
        .bind(each(incidents, |i| millis(i.called_at))))
}

fn timeline<'q>(insert: Insert<'q>, entries: &'q [TimelineEntry]) -> Result<Insert<'q>, StoreError> {
    let steps: Result<Vec<Option<String>>, _> =
        entries.iter().map(|entry| entry.step.as_ref().map(serde_json::to_string).transpose()).collect();
    Ok(insert
        .bind(each(entries, |entry| column(entry.incident)))
        .bind(each(entries, |entry| column(entry.version)))
        .bind(each(entries, |entry| entry.at.as_millisecond()))
        .bind(each(entries, |entry| entry.transition.as_str()))
        .bind(each(entries, |entry| entry.event.map(|event| event.to_string())))
        .bind(each(entries, |entry| entry.by.as_ref().map(|by| &*by.who)))
        .bind(each(entries, |entry| entry.by.as_ref().map(|by| by.via.as_str())))
        .bind(each(entries, |entry| entry.detail.as_str()))
        .bind(steps.map_err(corrupt)?))
}

fn notifications<'q>(insert: Insert<'q>, told: &'q [Notification]) -> Result<Insert<'q>, StoreError> {
    let texts: Result<Vec<Option<String>>, _> =
        told.iter().map(|n| n.text.as_ref().map(serde_json::to_string).transpose()).collect();
    Ok(insert
        .bind(each(told, |n| n.id.to_string()))
        .bind(each(told, |n| n.event.map(|event| event.to_string())))
        .bind(each(told, |n| n.incident.map(column)))
        .bind(each(told, |n| n.kind.as_str()))
        .bind(each(told, |n| n.created_at.as_millisecond()))
        .bind(texts.map_err(corrupt)?))
}

fn deliveries<'q>(insert: Insert<'q>, new: &'q [NewDelivery], kinds: &Kinds) -> Insert<'q> {
    let kind = |new: &NewDelivery| kinds.get(&new.delivery.notification).map(|kind| kind.as_str());
    insert
        .bind(each(new, |n| n.delivery.id.to_string()))
        .bind(each(new, |n| n.delivery.notification.to_string()))
        .bind(each(new, |n| n.delivery.incident.map(column)))
        .bind(each(new, kind))
        .bind(each(new, |n| n.delivery.target.channel.as_str()))
        .bind(each(new, |n| &*n.delivery.target.recipient))
        .bind(each(new, |n| n.delivery.target.address.expose()))
        .bind(each(new, |n| n.delivery.priority.rank()))
        .bind(each(new, |n| n.state.as_str()))
        .bind(each(new, |n| n.delivery.due_at.as_millisecond()))
        .bind(each(new, |n| n.delivery.expires_at.as_millisecond()))
        .bind(each(new, |n| n.state == DeliveryState::Sending))
}
