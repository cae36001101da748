//! From a commit to the facts that are told of it. Pure.
//!
//! Told in the order of the batch: how attempts ended, what came in and what that did, what was
//! taken in hand. What a batch changes by condition is not known here and not told: which waiting
//! calls an incident's end cancels, and an outcome that came too late to count.

use std::collections::HashMap;
use std::iter;

use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, NewDelivery, TimelineEntry};
use crate::domain::delivery::{DeliveryState, Job};
use crate::domain::event::{Body, NotificationRequest, RequestText};
use crate::domain::ids::NotificationId;
use crate::domain::incident::Incident;
use crate::domain::malformed::Malformation;
use crate::domain::notification::{Content, Notification, NotificationKind};
use crate::feed::{DeliveryFact, EventFact, EventResult, Fact, IncidentFact};
use crate::store::batch::{AcceptResult, Accepted, Attempted, Batch, Committed, Ended, Next, Quarantined};

/// What `batch` did.
pub(super) fn facts(batch: &Batch, committed: &Committed) -> Vec<Fact> {
    let mut facts: Vec<Fact> = batch.attempted.iter().filter_map(ended).collect();
    let rows = &committed.rows;
    let incidents: HashMap<u64, &Incident> = rows.incidents.iter().map(|i| (i.number, i)).collect();
    let notifications: HashMap<NotificationId, &Notification> =
        rows.notifications.iter().map(|n| (n.id, n)).collect();
    // Both are in the order of the events that caused them.
    let mut changes = rows.timeline.iter().peekable();
    let mut planned = rows.deliveries.iter().filter(|new| new.state != DeliveryState::Sending).peekable();
    for (accept, accepted) in batch.accepts.iter().zip(&committed.accepted) {
        facts.push(came_in(accept, accepted, batch.now));
        while let Some(entry) = changes.next_if(|entry| entry.event == Some(accepted.event)) {
            facts.extend(incidents.get(&entry.incident).map(|incident| changed(entry, incident)));
        }
        let notification = |new: &NewDelivery| notifications.get(&new.delivery.notification);
        let of_this = |new: &&NewDelivery| notification(new).is_some_and(|n| n.event == Some(accepted.event));
        while let Some(new) = planned.next_if(of_this) {
            let kind = notification(new).map_or(NotificationKind::Direct, |n| n.kind);
            let incident = new.delivery.incident.and_then(|number| incidents.get(&number).copied());
            facts.push(unstarted(new, kind, incident, batch.now));
        }
    }
    // What people and timers did comes after what events did.
    facts.extend(
        changes.filter_map(|entry| Some(changed(entry, incidents.get(&entry.incident)?))).collect::<Vec<_>>(),
    );
    for new in planned {
        let kind = notifications.get(&new.delivery.notification).map_or(NotificationKind::Direct, |n| n.kind);
        let incident = new.delivery.incident.and_then(|number| incidents.get(&number).copied());
        facts.push(unstarted(new, kind, incident, batch.now));
    }
    facts.extend(batch.quarantined.iter().map(|letter| quarantined(letter, batch.now)));
    facts.extend(committed.withdrawn.iter().map(|ended| given_up(ended, batch.now)));
    facts.extend(committed.started.iter().map(|job| begun(job, batch.now)));
    for claimed in &committed.claimed {
        facts.extend(claimed.ended.iter().map(|ended| given_up(ended, batch.now)));
        let jobs = claimed.jobs.iter().flat_map(|job| iter::once(job).chain(&job.rest));
        facts.extend(jobs.map(|job| begun(job, batch.now)));
    }
    facts
}

/// A change of an incident; of several in one batch, each with how it stands after the last.
fn changed(entry: &TimelineEntry, incident: &Incident) -> Fact {
    Fact::Incident(IncidentFact {
        at: entry.at,
        change: entry.transition,
        number: entry.incident,
        version: entry.version,
        status: incident.status,
        severity: incident.severity,
        service: incident.service.clone(),
        title: incident.title.clone(),
        dedup_key: incident.dedup_key.clone(),
        source: incident.source.clone(),
        route: incident.route.clone(),
        policy: incident.policy.clone(),
        event_count: incident.event_count,
        detail: entry.detail.clone(),
    })
}

fn came_in(accept: &Accept, accepted: &Accepted, at: Timestamp) -> Fact {
    let event = &accept.event;
    let (result, did) = match accepted.result {
        AcceptResult::Decided(decision) => (EventResult::Accepted, Some(decision.result())),
        AcceptResult::Duplicate => (EventResult::Duplicate, None),
        AcceptResult::Conflict => (EventResult::Rejected, None),
    };
    let mut fact = EventFact {
        event_id: Some(accepted.event),
        did,
        incident_number: accepted.incident,
        reason: (result == EventResult::Rejected).then(|| Malformation::IdConflict.as_str()),
        ..EventFact::bare(at, result, &event.source)
    };
    match &event.body {
        Body::Incident(body) => {
            fact.dedup_key = Some(body.dedup_key.clone());
            fact.severity = Some(body.severity);
            fact.service.clone_from(&body.service);
            fact.title = Some(body.title.clone());
        }
        Body::Notification(NotificationRequest { text: RequestText::Plain { subject, .. }, .. }) => {
            fact.title = Some(subject.clone());
        }
        Body::Notification(_) => {}
    }
    Fact::Event(fact)
}

fn quarantined(letter: &Quarantined, at: Timestamp) -> Fact {
    Fact::Event(EventFact {
        dead_letter_id: Some(letter.id),
        reason: Some(letter.reason.as_str()),
        detail: Some(letter.detail.clone()),
        ..EventFact::bare(at, EventResult::Rejected, &letter.source)
    })
}

/// A new delivery that was not started at once.
fn unstarted(new: &NewDelivery, kind: NotificationKind, incident: Option<&Incident>, at: Timestamp) -> Fact {
    let delivery = &new.delivery;
    Fact::Delivery(DeliveryFact {
        incident_number: delivery.incident,
        severity: incident.map(|incident| incident.severity),
        service: incident.and_then(|incident| incident.service.clone()),
        next_attempt_at: (new.state == DeliveryState::Pending).then_some(delivery.due_at),
        ..DeliveryFact::bare(at, delivery.id, new.state, &delivery.target, kind)
    })
}

/// Ended without another attempt.
fn given_up(ended: &Ended, at: Timestamp) -> Fact {
    Fact::Delivery(DeliveryFact {
        incident_number: ended.incident,
        ..DeliveryFact::bare(at, ended.id, ended.state, &ended.target, ended.kind)
    })
}

/// An attempt begins.
fn begun(job: &Job, at: Timestamp) -> Fact {
    let bare = speaking(&job.content, |kind| {
        DeliveryFact::bare(at, job.id, DeliveryState::Sending, &job.target, kind)
    });
    Fact::Delivery(DeliveryFact { attempt: Some(job.attempt), ..bare })
}

/// An attempt ended.
fn ended(attempted: &Attempted) -> Option<Fact> {
    let about = attempted.about.as_ref()?;
    let (state, next_attempt_at) = match attempted.next {
        Next::Sent => (DeliveryState::Sent, None),
        Next::Retrying { due_at, .. } | Next::Held { due_at } => (DeliveryState::Retrying, Some(due_at)),
        Next::Dead(_) => (DeliveryState::Dead, None),
        Next::Expired => (DeliveryState::Expired, None),
    };
    let reason = match attempted.next {
        Next::Dead(reason) => Some(reason.as_str()),
        _ => None,
    };
    let bare = speaking(&about.content, |kind| {
        DeliveryFact::bare(attempted.at, attempted.id, state, &about.target, kind)
    });
    Some(Fact::Delivery(DeliveryFact {
        attempt: Some(attempted.attempt),
        took_ms: Some(attempted.took_ms),
        outcome: Some(attempted.outcome),
        code: attempted.code.clone(),
        detail: attempted.detail.clone(),
        provider_id: attempted.provider_id.clone(),
        reason,
        next_attempt_at,
        ..bare
    }))
}

/// With what the content says of the incident behind it.
fn speaking(content: &Content, fact: impl FnOnce(NotificationKind) -> DeliveryFact) -> DeliveryFact {
    match content {
        Content::Direct(_) | Content::Bundle(_) => fact(NotificationKind::Direct),
        Content::Incident(about) => DeliveryFact {
            incident_number: Some(about.number),
            severity: Some(about.severity),
            service: about.service.clone(),
            ..fact(about.kind)
        },
    }
}
