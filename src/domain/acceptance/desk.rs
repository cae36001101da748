//! One event after the other: what each does to the incidents, and whom it makes Foghorn tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::draft::{Cause, Draft};
use super::{Accept, DecidedEvent, Decision, Grants, IncidentRules, Known, Rows, StepTaken};
use crate::domain::Timestamp;
use crate::domain::dedup::DedupKey;
use crate::domain::delivery::Target;
use crate::domain::event::{Body, Event, EventStatus, IncidentEvent, NotificationRequest, RequestText};
use crate::domain::group::{self, Member};
use crate::domain::incident::{Calls, Incident, IncidentStatus, Transition, transition};
use crate::domain::late::{TOMBSTONE_LIFE, Tombstone};
use crate::domain::names::{RouteName, SourceName};
use crate::domain::notification::NotificationKind;
use crate::domain::retry::later;
use crate::domain::routes::{Plan, PlannedDelivery, StepPlan};
use crate::domain::severity::Severity;
use crate::domain::timer::TimerKind;

pub(super) struct Desk<'a> {
    /// Numbers of incidents by their dedup keys, and those of their members.
    pub(super) newest: HashMap<DedupKey, u64>,
    pub(super) incidents: HashMap<u64, Incident>,
    /// Of incidents that stand for several things.
    pub(super) members: HashMap<u64, Vec<Member>>,
    told: HashMap<u64, Vec<Target>>,
    tombstones: HashMap<(String, SourceName), Timestamp>,
    pub(super) last_number: u64,
    pub(super) draft: Draft<'a>,
    /// Incidents to write.
    changed: BTreeSet<u64>,
    /// Members to write.
    pub(super) changed_members: BTreeSet<(u64, DedupKey)>,
}

/// An event about an incident, and what it does to it.
#[derive(Clone, Copy)]
struct Said<'e> {
    event: &'e Event,
    body: &'e IncidentEvent,
    plan: &'e Plan,
    change: Transition,
    /// How bad the incident was before.
    before: Option<Severity>,
}

impl Said<'_> {
    /// Does it say that it is worse than it was?
    fn is_worse(&self) -> bool {
        let is_open = self.body.status == EventStatus::Open;
        is_open && self.before.is_some_and(|before| self.body.severity < before)
    }
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        known: Known,
        grants: &'a mut Grants,
        rules: &'a IncidentRules,
        now: Timestamp,
        entropy: &'a mut dyn FnMut() -> u128,
    ) -> Self {
        let Known { newest, incidents, members, told, tombstones, last_number } = known;
        let draft = Draft::new(grants, rules, now, entropy);
        let (changed, changed_members) = (BTreeSet::new(), BTreeSet::new());
        Self { newest, incidents, members, told, tombstones, last_number, draft, changed, changed_members }
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
        self.draft.rows.events.push(DecidedEvent { event: Arc::clone(event), decision, incident });
    }

    fn accept_incident(
        &mut self,
        event: &Event,
        body: &IncidentEvent,
        plan: &Plan,
    ) -> (Decision, Option<u64>) {
        let found = self.find(event, body, plan.group());
        let change = match found {
            None => transition(None, body.status, None, self.draft.rules.dedup_window),
            Some(number) => self.change(number, event, body),
        };
        let decision = match plan {
            Plan::Routed { .. } | Plan::Direct { .. } => Decision::Routed(change),
            Plan::NoRoute => Decision::NoRoute(change),
        };
        let before = found.and_then(|number| self.incidents.get(&number)).map(|incident| incident.severity);
        let number = match (change, found) {
            (Transition::Opened, _) => self.open(event, body, plan.group()),
            (Transition::Ignored, _) | (_, None) => return (decision, self.ignore(found, event, body)),
            (change, Some(number)) => {
                self.apply(number, change, event, body);
                number
            }
        };
        self.changed.insert(number);
        if let Some(mut incident) = self.incidents.remove(&number) {
            self.follow_up(Said { event, body, plan, change, before }, &mut incident);
            self.incidents.insert(number, incident);
        }
        (decision, Some(number))
    }

    /// Writes down what became of `incident`, and lets follow what does.
    fn follow_up(&mut self, said: Said<'_>, incident: &mut Incident) {
        let Said { event, body, change, .. } = said;
        let (mut detail, step) = self.follow(said, incident);
        if detail.is_empty() && change == Transition::Updated {
            detail = self.group_words(incident.number, event, body).unwrap_or_default();
        }
        let cause = Cause { event: Some(event.id), by: None };
        self.draft.record(incident, change, cause.clone(), detail, step);
        if let Some(ended_at) = self.ended_before(event, body).filter(|_| change == Transition::Opened) {
            self.was_over(incident, event, body, ended_at);
            incident.resolve(event.source.as_str().into(), self.draft.now);
            incident.version += 1;
            self.draft.over(incident);
            self.draft.record(incident, Transition::Resolved, cause, String::new(), None);
        }
    }

    /// Nothing changes; but of what it speaks nobody need hear an earlier word.
    fn ignore(&mut self, found: Option<u64>, event: &Event, body: &IncidentEvent) -> Option<u64> {
        let (now, key) = (self.draft.now, &body.dedup_key);
        if let Some(number) = found {
            if !self.hear_of_member(number, event, body)
                && let Some(incident) = self.incidents.get_mut(&number)
            {
                let known = incident.clock;
                incident.hear(body, &event.source, now);
                if incident.clock != known {
                    self.changed.insert(number);
                }
            }
            return found;
        }
        if let Some(ended_at) = body.occurred_at.filter(|_| body.status == EventStatus::Resolved) {
            let (dedup_key, source, ended_at) = (key.clone(), event.source.clone(), ended_at.min(now));
            self.tombstones.insert((dedup_key.clone(), source.clone()), ended_at);
            let expires_at = later(now, TOMBSTONE_LIFE);
            self.draft.rows.tombstones.push(Tombstone { dedup_key, source, ended_at, expires_at });
        }
        None
    }

    /// When what `event` begins ended, if its end was here before it.
    pub(super) fn ended_before(&self, event: &Event, body: &IncidentEvent) -> Option<Timestamp> {
        let ended_at = self.tombstones.get(&(body.dedup_key.clone(), event.source.clone()))?;
        body.occurred_at.filter(|began_at| began_at < ended_at).and(Some(*ended_at))
    }

    /// What follows from a change: whom it makes Foghorn tell, and which timers. Says why, in words.
    fn follow(&mut self, said: Said<'_>, incident: &mut Incident) -> (String, Option<StepTaken>) {
        let Said { event, body, plan, change, .. } = said;
        let mut told = self.told.get(&incident.number).cloned().unwrap_or_default();
        if let Plan::Routed { step, .. } = plan
            && step.silenced_until.is_some()
        {
            // Who was told before can look; nobody is to be woken while a silence holds.
            told.clear();
        }
        if change == Transition::Opened && self.ended_before(event, body).is_some() {
            assign(incident, plan);
            return ("its end was here before its beginning: nobody is told".to_owned(), None);
        }
        let draft = &mut self.draft;
        match change {
            Transition::Opened | Transition::Reopened => {
                self.arm_ends(incident.number, body);
                return self.call(said, incident);
            }
            Transition::Late => return (late(self.known_against(event, body, incident), body), None),
            Transition::Resolved => {
                draft.over(incident);
                self.told.remove(&incident.number);
                self.draft.tell_news(Some(event.id), incident, NotificationKind::Resolved, told);
            }
            Transition::Acknowledged => {
                draft.taken(incident);
                draft.tell_news(Some(event.id), incident, NotificationKind::Acknowledged, told);
                self.arm_ends(incident.number, body);
            }
            _ => {
                if said.is_worse() && incident.status == IncidentStatus::Open {
                    draft.tell_news(Some(event.id), incident, NotificationKind::Updated, told);
                }
                self.arm_ends(incident.number, body);
                // So far it was only known to have been wrong long ago.
                if incident.waits_for_news() && !self.is_old(body) {
                    incident.calls = Calls::On;
                    return self.call(said, incident);
                }
            }
        }
        (String::new(), None)
    }

    /// Did it happen too long ago to call people for it?
    fn is_old(&self, body: &IncidentEvent) -> bool {
        let latest = body.occurred_at.zip(self.draft.rules.max_age);
        latest.is_some_and(|(happened, max_age)| later(happened, max_age) < self.draft.now)
    }

    /// When it is over by itself.
    fn arm_ends(&mut self, number: u64, body: &IncidentEvent) {
        let of_group = self.members.get(&number).map(|members| group::expires_at(members));
        match of_group.unwrap_or_else(|| body.expires_at.filter(|_| body.status == EventStatus::Open)) {
            Some(expires_at) => self.draft.arm(number, TimerKind::Expiry, expires_at),
            None if of_group.is_some() => self.draft.disarm(number, TimerKind::Expiry),
            None => {}
        }
        if let Some(silence) = self.draft.rules.auto_resolve {
            self.draft.arm(number, TimerKind::AutoResolve, later(self.draft.now, silence));
        }
    }

    /// Calls people for an episode that begins.
    fn call(&mut self, said: Said<'_>, incident: &mut Incident) -> (String, Option<StepTaken>) {
        let Said { event, body, plan, change, .. } = said;
        let Some((route, step)) = assign(incident, plan) else {
            return ("no route matches: nobody is told".to_owned(), None);
        };
        if self.is_old(body) {
            incident.calls = Calls::Off;
            let happened = shown(body.occurred_at);
            return (format!("{}: nobody is called for what happened at {happened}", to(route, step)), None);
        }
        let draft = &mut self.draft;
        let rest = later(incident.called_at.unwrap_or(Timestamp::MIN), draft.rules.flap_window);
        if change == Transition::Reopened && rest > draft.now {
            draft.arm(incident.number, TimerKind::Step, rest);
            let rest = rest.strftime("%H:%M:%S UTC");
            return (format!("{}, flapping: if it is still open at {rest}", to(route, step)), None);
        }
        let begins_after = draft.policy(incident).map(|policy| policy.begins_after()).unwrap_or_default();
        if !begins_after.is_zero() {
            draft.arm(incident.number, TimerKind::Step, later(draft.now, begins_after));
            return (to(route, step), None);
        }
        let kind = match change {
            Transition::Reopened => NotificationKind::Reopened,
            _ => NotificationKind::Opened,
        };
        let taken = draft.step(incident, step, kind, Some(event.id));
        (format!("{}: {}", to(route, step), taken.words()), Some(taken))
    }

    fn accept_direct(&mut self, event: &Event, body: &NotificationRequest, plan: &Plan) {
        let Plan::Direct { deliveries, locales, .. } = plan else { return };
        let (event, kind) = (Some(event.id), NotificationKind::Direct);
        let template = match &body.text {
            RequestText::Template { name, vars, subject, .. } if !locales.is_empty() => (name, vars, subject),
            text => {
                self.draft.notify(event, None, kind, body.priority, Some(text), deliveries);
                return;
            }
        };
        // Those who read the same are told together.
        let mut readers: BTreeMap<Option<&String>, Vec<PlannedDelivery>> = BTreeMap::new();
        for planned in deliveries {
            readers.entry(locales.get(&planned.target.recipient)).or_default().push(planned.clone());
        }
        for (locale, deliveries) in readers {
            let (name, vars, subject) = (template.0.clone(), template.1.clone(), template.2.clone());
            let text = RequestText::Template { name, vars, subject, locale: locale.cloned() };
            self.draft.notify(event, None, kind, body.priority, Some(&text), &deliveries);
        }
    }

    pub(super) fn finish(mut self) -> Rows {
        let changed = self.changed.iter().filter_map(|number| self.incidents.remove(number));
        let mut rows = self.draft.rows;
        rows.incidents.extend(changed);
        let is_changed = |member: &Member| self.changed_members.contains(&(member.incident, member.key()));
        rows.members = self.members.into_values().flatten().filter(is_changed).collect();
        rows
    }
}

/// Whose it is from now on: the route that takes it, and what its policy does first.
fn assign<'p>(incident: &mut Incident, plan: &'p Plan) -> Option<(&'p RouteName, &'p StepPlan)> {
    let taken = match plan {
        Plan::Routed { route, step, .. } => Some((route, step)),
        Plan::NoRoute | Plan::Direct { .. } => None,
    };
    incident.route = taken.map(|(route, _)| route.clone());
    incident.policy = taken.map(|(_, step)| step.policy.clone());
    taken
}

/// Why it changes nothing.
fn late(known: Option<Timestamp>, body: &IncidentEvent) -> String {
    let said = body.status.as_str();
    format!("{said} at {}: more is known since {}", shown(body.occurred_at), shown(known))
}

fn shown(moment: Option<Timestamp>) -> impl fmt::Display {
    moment.unwrap_or_default().strftime("%Y-%m-%d %H:%M:%S UTC")
}

fn to(route: &RouteName, step: &StepPlan) -> String {
    format!("route \"{route}\" → policy \"{}\"", step.policy)
}
