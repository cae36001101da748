//! The rows that a batch is going to write, as they come together.

use std::sync::Arc;
use std::time::Duration;

use super::{Grants, IncidentRules, NewDelivery, Rows, StepTaken, TimelineEntry};
use crate::domain::Timestamp;
use crate::domain::action::By;
use crate::domain::delivery::{Delivery, DeliveryState, Job, Target};
use crate::domain::event::{Priority, RequestText};
use crate::domain::hearing::Matter;
use crate::domain::ids::{DeliveryId, EventId, NotificationId};
use crate::domain::incident::{Calls, Incident, Transition};
use crate::domain::notification::{Content, IncidentFacts, Notification, NotificationKind};
use crate::domain::policy::{News, Policy, Position};
use crate::domain::retry::later;
use crate::domain::routes::{PlannedDelivery, StepPlan};
use crate::domain::timer::TimerKind;

/// What is being decided, and what it is decided by.
pub(super) struct Draft<'a> {
    pub(super) rules: &'a IncidentRules,
    pub(super) now: Timestamp,
    pub(super) rows: Rows,
    grants: &'a mut Grants,
    entropy: &'a mut dyn FnMut() -> u128,
}

/// What made a change: an event, a person, or time.
#[derive(Debug, Clone, Default)]
pub(super) struct Cause {
    pub(super) event: Option<EventId>,
    pub(super) by: Option<By>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        grants: &'a mut Grants,
        rules: &'a IncidentRules,
        now: Timestamp,
        entropy: &'a mut dyn FnMut() -> u128,
    ) -> Self {
        Self { rules, now, rows: Rows::default(), grants, entropy }
    }

    pub(super) fn random(&mut self) -> u128 {
        (self.entropy)()
    }

    /// The policy of `incident`, if it is configured.
    pub(super) fn policy(&self, incident: &Incident) -> Option<&'a Policy> {
        self.rules.policies.get(incident.policy.as_ref()?)
    }

    pub(super) fn arm(&mut self, incident: u64, kind: TimerKind, due_at: Timestamp) {
        self.rows.timers.insert((incident, kind), Some(due_at));
    }

    pub(super) fn disarm(&mut self, incident: u64, kind: TimerKind) {
        self.rows.timers.insert((incident, kind), None);
    }

    /// Takes the steps that `plan` is about: people are told, and the next step is armed.
    pub(super) fn step(
        &mut self,
        incident: &mut Incident,
        plan: &StepPlan,
        kind: NotificationKind,
        event: Option<EventId>,
    ) -> StepTaken {
        let mut taken = StepTaken {
            policy: plan.policy.clone(),
            position: plan.position,
            notification: None,
            told: plan.deliveries.len(),
            withheld: plan.withheld.clone(),
        };
        if let Some(until) = plan.silenced_until {
            // The same step again, once nobody is silenced any more.
            self.arm(incident.number, TimerKind::Step, until);
            return taken;
        }
        let priority = Priority::of(incident.severity);
        taken.notification = Some(self.notify(event, Some(incident), kind, priority, None, &plan.deliveries));
        incident.called_at = Some(self.now);
        let next = self.policy(incident).and_then(|policy| policy.next(plan.position));
        match next {
            Some((position, wait)) => {
                incident.position = position;
                self.arm(incident.number, TimerKind::Step, later(self.now, wait));
            }
            None => {
                incident.position = plan.position.of_next_round();
                self.disarm(incident.number, TimerKind::Step);
            }
        }
        taken
    }

    /// Nobody is called any more, and what waits to be sent is not wanted.
    pub(super) fn quiet(&mut self, incident: &mut Incident) {
        incident.calls = Calls::Off;
        self.disarm(incident.number, TimerKind::Step);
        self.cancel_calls(incident.number);
    }

    /// What follows from somebody having taken it.
    pub(super) fn taken(&mut self, incident: &mut Incident) {
        let policy = self.policy(incident);
        if policy.is_none_or(|policy| !policy.stop_when.pages(incident.status)) {
            self.quiet(incident);
        }
        if let Some(timeout) = policy.and_then(|policy| policy.ack_timeout) {
            self.arm(incident.number, TimerKind::AckTimeout, later(self.now, timeout));
        }
    }

    /// Calling begins again, with the first step and at once.
    pub(super) fn call_anew(&mut self, incident: &mut Incident) {
        incident.calls = Calls::On;
        incident.position = Position::default();
        if incident.policy.is_some() {
            self.arm(incident.number, TimerKind::Step, self.now);
        }
    }

    /// It is over: no timer is wanted, and nobody is called.
    pub(super) fn over(&mut self, incident: &mut Incident) {
        self.quiet(incident);
        for kind in [TimerKind::AckTimeout, TimerKind::Snooze, TimerKind::AutoResolve, TimerKind::Expiry] {
            self.disarm(incident.number, kind);
        }
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

    /// Tells those who were told of this incident what has become of it, if its policy says so, each when
    /// they want to hear.
    pub(super) fn tell_news(
        &mut self,
        event: Option<EventId>,
        incident: &Incident,
        kind: NotificationKind,
        told: Vec<Target>,
    ) {
        let policy = self.policy(incident);
        // Of a policy that is configured no more the end is told: somebody was told of the beginning.
        let news = policy.map_or(News::Notify, |policy| policy.news(incident.status));
        if news == News::Silent || told.is_empty() {
            return;
        }
        let expires_at = later(self.now, NEWS_LIFE);
        let (due_at, bundle) = (self.now, policy.and_then(|policy| policy.bundle));
        let planned = |target: Target| {
            let matter = Matter::Incident(incident.severity);
            let due_at = self.rules.directory.hears(&target, matter, due_at, expires_at).ok()?;
            Some(PlannedDelivery { target, due_at, expires_at, bundle })
        };
        let deliveries: Vec<_> = told.into_iter().filter_map(planned).collect();
        if deliveries.is_empty() {
            return;
        }
        let priority = Priority::of(incident.severity);
        self.notify(event, Some(incident), kind, priority, None, &deliveries);
    }

    pub(super) fn notify(
        &mut self,
        event: Option<EventId>,
        incident: Option<&Incident>,
        kind: NotificationKind,
        priority: Priority,
        request: Option<&RequestText>,
        deliveries: &[PlannedDelivery],
    ) -> NotificationId {
        let notification = Notification {
            id: NotificationId::new(self.now, self.random()),
            event,
            incident: incident.map(|incident| incident.number),
            kind,
            created_at: self.now,
            text: request.cloned(),
        };
        let content = match (incident, request) {
            (Some(incident), _) => Some(Content::Incident(Box::new(IncidentFacts::of(incident, kind)))),
            (None, Some(request)) => Some(Content::Direct(request.clone())),
            (None, None) => None,
        };
        let content = content.map(Arc::new);
        let id = notification.id;
        for planned in deliveries {
            let delivery = Delivery {
                id: DeliveryId::new(self.now, self.random()),
                notification: id,
                incident: notification.incident,
                target: planned.target.clone(),
                priority,
                due_at: planned.due_at,
                expires_at: planned.expires_at,
                replay_of: None,
                bundle: planned.bundle,
            };
            let state = self.start(&delivery, content.as_ref());
            self.rows.deliveries.push(NewDelivery { delivery, state });
        }
        self.rows.notifications.push(notification);
        id
    }

    fn start(&mut self, delivery: &Delivery, content: Option<&Arc<Content>>) -> DeliveryState {
        let Some(content) = content else {
            return DeliveryState::Pending;
        };
        let granted = self.grants.get_mut(&delivery.target.channel).filter(|left| **left > 0);
        // Whether another one has gone there lately is seen when it is claimed.
        let at_once = delivery.due_at <= self.now && delivery.bundle.is_none();
        let Some(left) = granted.filter(|_| at_once) else {
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
            rest: Vec::new(),
        });
        DeliveryState::Sending
    }

    /// Writes a line of the incident's history. The incident has its new version already.
    pub(super) fn record(
        &mut self,
        incident: &Incident,
        transition: Transition,
        cause: Cause,
        detail: String,
        step: Option<StepTaken>,
    ) {
        self.rows.timeline.push(TimelineEntry {
            incident: incident.number,
            version: incident.version,
            at: self.now,
            transition,
            event: cause.event,
            by: cause.by,
            detail,
            step,
        });
    }
}

/// News of what has become of something is of no use a day later.
const NEWS_LIFE: Duration = Duration::from_secs(24 * 3600);
