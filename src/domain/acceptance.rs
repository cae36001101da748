//! What accepting a batch of events means: the rows to write, decided without any store.
//!
//! A store drops the events it already has, looks up the incidents the rest is about, asks
//! [`decide`] and writes what it says, all in one transaction. So the three stores cannot disagree
//! about meaning, only about SQL.
//!
//! Of each event the answer records one decision ([`Decision`]); of each incident that changed, its
//! final state; and for everybody to be told, a delivery. A delivery that is due now and for which
//! the pool of its channel has a free place (a *grant*) is written as `sending` with its first
//! attempt, and handed out at once; the rest wait as `pending` rows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Timestamp;
use super::delivery::{Delivery, DeliveryState, Job, Target};
use super::event::{Body, Event, IncidentEvent, NotificationRequest, Priority};
use super::ids::{DeliveryId, EventId, IncidentId, NotificationId};
use super::incident::{Incident, Transition, transition};
use super::names::ChannelName;
use super::notification::{Content, IncidentFacts, Notification, NotificationKind};
use super::retry::later;
use super::routes::{OnResolve, Plan, PlannedDelivery};

/// An event to accept, with its plan.
#[derive(Debug, Clone)]
pub struct Accept {
    /// The event.
    pub event: Arc<Event>,
    /// What would be done about it.
    pub plan: Arc<Plan>,
}

/// `[incidents]`, as far as acceptance needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRules {
    /// An incident that is over reopens inside this window.
    pub dedup_window: Duration,
}

impl Default for IncidentRules {
    fn default() -> Self {
        Self {
            dedup_window: Duration::from_secs(24 * 3600),
        }
    }
}

/// How many deliveries may start at once, by channel. Taking one uses it up.
pub type Grants = HashMap<ChannelName, usize>;

/// What a store knows before it decides.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The newest incident of each dedup key in the batch.
    pub incidents: HashMap<String, Incident>,
    /// Of incidents that the batch may end: who was told in this episode.
    pub told: HashMap<u64, Vec<Target>>,
    /// The highest incident number so far.
    pub last_number: u64,
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It was about an incident, and a route took it.
    Routed(Transition),
    /// It was about an incident that no route matches.
    NoRoute(Transition),
    /// It asked to tell people directly.
    Direct,
}

impl Decision {
    /// The word of the decision in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Routed(_) => "routed",
            Self::NoRoute(_) => "no_route",
            Self::Direct => "direct",
        }
    }

    /// The `result` of an event in the API.
    pub fn result(self) -> &'static str {
        match self {
            Self::Routed(transition) | Self::NoRoute(transition) => transition.as_str(),
            Self::Direct => "notified",
        }
    }
}

/// One event and what became of it.
#[derive(Debug, Clone)]
pub struct DecidedEvent {
    /// The event.
    pub event: Arc<Event>,
    /// What became of it.
    pub decision: Decision,
    /// The incident it is about.
    pub incident: Option<u64>,
}

/// One line of an incident's history.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    /// The incident.
    pub incident: u64,
    /// The version that this change made; entries are unique by incident and version.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub transition: Transition,
    /// The event that did it.
    pub event: EventId,
    /// Why whom was told or not, in words.
    pub detail: String,
}

/// A delivery to insert, in the state to insert it in.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// `Pending`, `Sending` (with attempt 1) or `Canceled`.
    pub state: DeliveryState,
}

/// The rows of one batch.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Each event with its decision, in order.
    pub events: Vec<DecidedEvent>,
    /// The final state of each incident that changed or is new, by number.
    pub incidents: Vec<Incident>,
    /// Decisions to tell.
    pub notifications: Vec<Notification>,
    /// Whom to tell.
    pub deliveries: Vec<NewDelivery>,
    /// What is handed out at once: the deliveries in state `Sending`.
    pub started: Vec<Job>,
    /// One entry for each change of an incident.
    pub timeline: Vec<TimelineEntry>,
    /// Incidents whose waiting calls for action make no sense any more (I4).
    pub over: Vec<u64>,
}

/// Decides a batch. `entropy` gives the random part of new ids.
pub fn decide(
    accepts: &[Accept],
    known: Known,
    grants: &mut Grants,
    rules: &IncidentRules,
    now: Timestamp,
    entropy: &mut dyn FnMut() -> u128,
) -> Rows {
    let mut desk = Desk {
        known,
        grants,
        rules,
        now,
        entropy,
        rows: Rows::default(),
        changed: Vec::new(),
    };
    for accept in accepts {
        desk.accept(accept);
    }
    desk.finish()
}

struct Desk<'a> {
    known: Known,
    grants: &'a mut Grants,
    rules: &'a IncidentRules,
    now: Timestamp,
    entropy: &'a mut dyn FnMut() -> u128,
    rows: Rows,
    /// Dedup keys of incidents to write, in the order of their first change.
    changed: Vec<String>,
}

impl Desk<'_> {
    fn accept(&mut self, accept: &Accept) {
        let event = &accept.event;
        let (decision, incident) = match &event.body {
            Body::Incident(body) => self.accept_incident(event, body, &accept.plan),
            Body::Notification(body) => {
                self.accept_direct(event, body, &accept.plan);
                (Decision::Direct, None)
            }
        };
        self.rows.events.push(DecidedEvent {
            event: Arc::clone(event),
            decision,
            incident,
        });
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
                if !self.changed.contains(&body.dedup_key) {
                    self.changed.push(body.dedup_key.clone());
                }
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
        if self.changed.contains(&body.dedup_key) {
            self.rows.incidents.extend(replaced);
        } else {
            self.changed.push(body.dedup_key.clone());
        }
    }

    /// Writes the timeline of a change and tells whoever is to be told of it.
    fn tell(&mut self, event: &Event, body: &IncidentEvent, plan: &Plan, change: Transition) -> Option<u64> {
        let mut incident = self.known.incidents.remove(&body.dedup_key)?;
        let mut detail = String::new();
        match (change, plan) {
            (
                Transition::Opened | Transition::Reopened,
                Plan::Routed {
                    route,
                    policy,
                    deliveries,
                    unreachable,
                    ..
                },
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
                if let Plan::Routed {
                    on_resolve: OnResolve::Notify,
                    ..
                } = plan
                {
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
                    *self
                        .grants
                        .entry(new.delivery.target.channel.clone())
                        .or_default() += 1;
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
        let deliveries: Vec<_> = told
            .into_iter()
            .map(|target| PlannedDelivery {
                target,
                due_at: self.now,
                expires_at,
            })
            .collect();
        if !deliveries.is_empty() {
            let priority = Priority::of(incident.severity);
            self.notify(
                event.id,
                Some(incident),
                NotificationKind::Resolved,
                priority,
                None,
                &deliveries,
            );
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
        let granted = self
            .grants
            .get_mut(&delivery.target.channel)
            .filter(|left| **left > 0);
        let Some(left) = granted.filter(|_| delivery.due_at <= self.now) else {
            return DeliveryState::Pending;
        };
        *left -= 1;
        self.rows.started.push(Job {
            id: delivery.id,
            target: delivery.target.clone(),
            content: Arc::clone(content),
            attempt: 1,
            counted: 1,
            crashes: 0,
            created_at: self.now,
            expires_at: delivery.expires_at,
        });
        DeliveryState::Sending
    }

    fn finish(mut self) -> Rows {
        for key in &self.changed {
            self.rows.incidents.extend(self.known.incidents.remove(key));
        }
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
