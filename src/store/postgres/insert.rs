//! The rows of accepted events, table by table.

use super::ledger::{PostgresLedger, each, millis};
use super::statements;
use crate::domain::Timestamp;
use crate::domain::acceptance::{DecidedEvent, NewDelivery, Rows, TimelineEntry};
use crate::domain::delivery::{DeliveryState, Lease};
use crate::domain::incident::Incident;
use crate::domain::notification::Notification;
use crate::store::StoreError;
use crate::store::rows::{column, corrupt};
use crate::store::write::{Kinds, kinds};

pub(super) async fn insert(
    ledger: &mut PostgresLedger,
    lease: &Lease,
    now: Timestamp,
    rows: &Rows,
) -> Result<(), StoreError> {
    if !rows.over.is_empty() {
        let cancel = sqlx::query(statements::CANCEL)
            .bind(each(&rows.over, |number| column(*number)))
            .bind(now.as_millisecond());
        ledger.run(cancel).await?;
    }
    events(ledger, &rows.events).await?;
    if !rows.incidents.is_empty() {
        incidents(ledger, &rows.incidents).await?;
    }
    if !rows.timeline.is_empty() {
        timeline(ledger, &rows.timeline).await?;
    }
    if !rows.notifications.is_empty() {
        notifications(ledger, &rows.notifications).await?;
    }
    if !rows.deliveries.is_empty() {
        deliveries(ledger, lease, now, &rows.deliveries, &kinds(rows)).await?;
    }
    Ok(())
}

async fn events(ledger: &mut PostgresLedger, events: &[DecidedEvent]) -> Result<(), StoreError> {
    let query = sqlx::query(statements::INSERT_EVENTS)
        .bind(each(events, |e| e.event.id.to_string()))
        .bind(each(events, |e| e.event.source.as_str()))
        .bind(each(events, |e| e.event.position.to_string()))
        .bind(each(events, |e| e.event.producer_id.as_deref()))
        .bind(each(events, |e| e.event.traceparent.as_deref()))
        .bind(each(events, |e| e.event.received_at.as_millisecond()))
        .bind(each(events, |e| e.decision.as_str()))
        .bind(each(events, |e| e.incident.map(column)))
        .bind(each(events, |e| &*e.event.raw));
    ledger.run(query).await
}

async fn incidents(ledger: &mut PostgresLedger, incidents: &[Incident]) -> Result<(), StoreError> {
    let labels: Result<Vec<String>, _> = incidents.iter().map(|i| serde_json::to_string(&i.labels)).collect();
    let links: Result<Vec<String>, _> = incidents.iter().map(|i| serde_json::to_string(&i.links)).collect();
    let query = sqlx::query(statements::INSERT_INCIDENTS)
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
        .bind(each(incidents, |i| i.last_event_at.as_millisecond()));
    ledger.run(query).await
}

async fn timeline(ledger: &mut PostgresLedger, entries: &[TimelineEntry]) -> Result<(), StoreError> {
    let query = sqlx::query(statements::INSERT_TIMELINE)
        .bind(each(entries, |entry| column(entry.incident)))
        .bind(each(entries, |entry| column(entry.version)))
        .bind(each(entries, |entry| entry.at.as_millisecond()))
        .bind(each(entries, |entry| entry.transition.as_str()))
        .bind(each(entries, |entry| entry.event.to_string()))
        .bind(each(entries, |entry| entry.detail.as_str()));
    ledger.run(query).await
}

async fn notifications(ledger: &mut PostgresLedger, told: &[Notification]) -> Result<(), StoreError> {
    let texts: Result<Vec<Option<String>>, _> =
        told.iter().map(|n| n.text.as_ref().map(serde_json::to_string).transpose()).collect();
    let query = sqlx::query(statements::INSERT_NOTIFICATIONS)
        .bind(each(told, |n| n.id.to_string()))
        .bind(each(told, |n| n.event.to_string()))
        .bind(each(told, |n| n.incident.map(column)))
        .bind(each(told, |n| n.kind.as_str()))
        .bind(each(told, |n| n.created_at.as_millisecond()))
        .bind(texts.map_err(corrupt)?);
    ledger.run(query).await
}

async fn deliveries(
    ledger: &mut PostgresLedger,
    lease: &Lease,
    now: Timestamp,
    new: &[NewDelivery],
    kinds: &Kinds,
) -> Result<(), StoreError> {
    let kind = |new: &NewDelivery| kinds.get(&new.delivery.notification).map(|kind| kind.as_str());
    let query = sqlx::query(statements::INSERT_DELIVERIES)
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
        .bind(now.as_millisecond())
        .bind(lease.node.as_str())
        .bind(lease.epoch);
    ledger.run(query).await
}
