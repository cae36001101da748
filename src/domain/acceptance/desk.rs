//! One event after the other: what each does to the incidents, and whom it makes Foghorn tell.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Accept, DecidedEvent, Decision, Grants, IncidentRules, Known, NewDelivery, Rows, TimelineEntry};
use crate::domain::Timestamp;
use crate::domain::delivery::{Delivery, DeliveryState, Job};
use crate::domain::event::{Body, Event, IncidentEvent, NotificationRequest, Priority};
use crate::domain::ids::{DeliveryId, EventId, IncidentId, NotificationId};
use crate::domain::incident::{Incident, Transition, transition};
use crate::domain::notification::{Content, IncidentFacts, Notification, NotificationKind};
use crate::domain::retry::later;
use crate::domain::routes::{OnResolve, Plan, PlannedDelivery};

pub(super) struct Desk<'a> {
    known: Known,
    grants: &'a mut Grants,
    rules: &'a IncidentRules,
    now: Timestamp,
    entropy: &'a mut dyn FnMut() -> u128,
    rows: Rows,
    /// Dedup keys of incidents to write.
    changed: HashSet<String>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        known: Known,
        grants: &'a mut Grants,
        rules: &'a IncidentRules,
        now: Timestamp,
        entropy: &'a mut dyn FnMut() -> u128,
    ) -> Self {
        Self { known, grants, rules, now, entropy, rows: Rows::default(), changed: HashSet::new() }
    }

    pub(super) fn accept(&mut self, accept: &Accept) {
        let event = &accept.event;
        let (decision, incident) = match &event.body {
            Body::Incident(body) => self.accept_incident(event, body, &accept.plan),
            Body::Notification(body) => {
                self.accept_direct(event, body, &accept.plan);
                (Decision::Direct, None)
            }
        };
        self.rows.events.push(DecidedEvent { event: Arc::clone(event), decision, incident });
    }

    fn accept_incident(
        &mut self,
        event: &Event,
        body: &IncidentEvent,
        plan: &Plan,
    ) -> (Decision, Option<u64>) {
        let current = self.known.incidents.get(&body.dedup_key);
        let change = match current {
            None => transition(None, body.status, None, self.rules.dedup_window),
            Some(incident) => incident.transition(body.status, self.now, self.rules.dedup_window),
        };
        let decision = match plan {
            Plan::Routed { .. } | Plan::Direct { .. } => Decision::Routed(change),
            Plan::NoRoute => Decision::NoRoute(change),
        };
        match change {
            Transition::Ignored => return (decision, current.map(|incident| incident.number)),
            Transition::Opened => self.open(event, body),
            change => {
                if let Some(incident) = self.known.incidents.get_mut(&body.dedup_key) {
                    incident.apply(change, body, self.now);
                }
                self.changed.insert(body.dedup_key.clone());
            }
        }
        let number = self.tell(event, body, plan, change);
        (decision, number)
    }

    fn open(&mut self, event: &Event, body: &IncidentEvent) {
        self.known.last_number += 1;
        let id = IncidentId::new(self.now, (self.entropy)());
        let incident = Incident::open(id, self.known.last_number, body, &event.source, self.now);
        let replaced = self.known.incidents.insert(body.dedup_key.clone(), incident);
        if !self.changed.insert(body.dedup_key.clone()) {
            self.rows.incidents.extend(replaced);
        }
    }

    /// Writes the timeline of a change and tells whoever is to be told of it.
    fn tell(&mut self, event: &Event, body: &IncidentEvent, plan: &Plan, change: Transition) -> Option<u64> {
        let mut incident = self.known.incidents.remove(&body.dedup_key)?;
        let mut detail = String::new();
        match (change, plan) {
            (
                Transition::Opened | Transition::Reopened,
                Plan::Routed { route, policy, deliveries, unreachable, .. },
            ) => {
                incident.route = Some(route.clone());
                incident.policy = Some(policy.clone());
                let kind = if change == Transition::Opened {
                    NotificationKind::Opened
                } else {
                    NotificationKind::Reopened
                };
                detail = described(route.as_str(), policy.as_str(), deliveries.len(), unreachable);
                let priority = Priority::of(incident.severity);
                self.notify(event.id, Some(&incident), kind, priority, None, deliveries);
            }
            (Transition::Opened | Transition::Reopened, _) => {
                (incident.route, incident.policy) = (None, None);
                "no route matches: nobody is told".clone_into(&mut detail);
            }
            (Transition::Resolved, _) => {
                self.cancel_calls(incident.number);
                if let Plan::Routed { on_resolve: OnResolve::Notify, .. } = plan {
                    self.tell_it_is_over(event, &incident);
                }
            }
            _ => {}
        }
        self.rows.timeline.push(TimelineEntry {
            incident: incident.number,
            version: incident.version,
            at: self.now,
            transition: change,
            event: event.id,
            detail,
        });
        let number = incident.number;
        self.known.incidents.insert(body.dedup_key.clone(), incident);
        Some(number)
    }

    /// Takes back what this batch was about to say and leaves the store to cancel the rest.
    fn cancel_calls(&mut self, number: u64) {
        self.rows.over.push(number);
        let calls: Vec<NotificationId> = self
            .rows
            .notifications
            .iter()
            .filter(|n| n.incident == Some(number) && n.kind.calls_for_action())
            .map(|n| n.id)
            .collect();
        for new in &mut self.rows.deliveries {
            if calls.contains(&new.delivery.notification) {
                if new.state == DeliveryState::Sending {
                    *self.grants.entry(new.delivery.target.channel.clone()).or_default() += 1;
                    self.rows.started.retain(|job| job.id != new.delivery.id);
                }
                new.state = DeliveryState::Canceled;
            }
        }
    }

    fn tell_it_is_over(&mut self, event: &Event, incident: &Incident) {
        let Some(told) = self.known.told.remove(&incident.number) else {
            return;
        };
        let expires_at = later(self.now, RESOLVE_NEWS_LIFE);
        let deliveries: Vec<_> =
            told.into_iter().map(|target| PlannedDelivery { target, due_at: self.now, expires_at }).collect();
        if !deliveries.is_empty() {
            let priority = Priority::of(incident.severity);
            self.notify(event.id, Some(incident), NotificationKind::Resolved, priority, None, &deliveries);
        }
    }

    fn accept_direct(&mut self, event: &Event, body: &NotificationRequest, plan: &Plan) {
        if let Plan::Direct { deliveries, .. } = plan {
            let kind = NotificationKind::Direct;
            self.notify(event.id, None, kind, body.priority, Some(body), deliveries);
        }
    }

    fn notify(
        &mut self,
        event: EventId,
        incident: Option<&Incident>,
        kind: NotificationKind,
        priority: Priority,
        request: Option<&NotificationRequest>,
        deliveries: &[PlannedDelivery],
    ) {
        let notification = Notification {
            id: NotificationId::new(self.now, (self.entropy)()),
            event,
            incident: incident.map(|incident| incident.number),
            kind,
            created_at: self.now,
            text: request.map(|request| request.text.clone()),
        };
        let content = match (incident, request) {
            (Some(incident), _) => Some(Content::Incident(Box::new(IncidentFacts::of(incident, kind)))),
            (None, Some(request)) => Some(Content::Direct(request.text.clone())),
            (None, None) => None,
        };
        let content = content.map(Arc::new);
        for planned in deliveries {
            let delivery = Delivery {
                id: DeliveryId::new(self.now, (self.entropy)()),
                notification: notification.id,
                incident: notification.incident,
                target: planned.target.clone(),
                priority,
                due_at: planned.due_at,
                expires_at: planned.expires_at,
                replay_of: None,
            };
            let state = self.start(&delivery, content.as_ref());
            self.rows.deliveries.push(NewDelivery { delivery, state });
        }
        self.rows.notifications.push(notification);
    }

    fn start(&mut self, delivery: &Delivery, content: Option<&Arc<Content>>) -> DeliveryState {
        let Some(content) = content else {
            return DeliveryState::Pending;
        };
        let granted = self.grants.get_mut(&delivery.target.channel).filter(|left| **left > 0);
        let Some(left) = granted.filter(|_| delivery.due_at <= self.now) else {
            return DeliveryState::Pending;
        };
        *left -= 1;
        self.rows.started.push(Job {
            id: delivery.id,
            target: delivery.target.clone(),
            content: Arc::clone(content),
            priority: delivery.priority,
            attempt: 1,
            counted: 1,
            crashes: 0,
            created_at: self.now,
            expires_at: delivery.expires_at,
        });
        DeliveryState::Sending
    }

    pub(super) fn finish(mut self) -> Rows {
        for key in &self.changed {
            self.rows.incidents.extend(self.known.incidents.remove(key));
        }
        self.rows.incidents.sort_unstable_by_key(|incident| incident.number);
        self.rows
    }
}

/// News that something is over is of no use a day later.
const RESOLVE_NEWS_LIFE: Duration = Duration::from_secs(24 * 3600);

fn described(route: &str, policy: &str, told: usize, unreachable: &[String]) -> String {
    let mut detail = format!("route \"{route}\" → policy \"{policy}\": {told} deliveries");
    if !unreachable.is_empty() {
        detail.push_str("; not reached: ");
        detail.push_str(&unreachable.join("; "));
    }
    detail
}
