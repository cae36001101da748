//! What a timer does to its incident, as rows.

use std::sync::Arc;

use super::draft::{Cause, Draft};
use super::{Grants, IncidentRules, Rows};
use crate::domain::Timestamp;
use crate::domain::action::{By, Via};
use crate::domain::delivery::Target;
use crate::domain::group::{self, Member, RunOut};
use crate::domain::incident::{Calls, Incident, IncidentStatus, Transition};
use crate::domain::notification::NotificationKind;
use crate::domain::retry::later;
use crate::domain::routes::StepPlan;
use crate::domain::timer::{Timer, TimerKind};

/// A timer that is due, with the step that it may be about.
#[derive(Debug, Clone)]
pub struct Firing {
    /// The timer, as it was read.
    pub timer: Timer,
    /// Who is told by the next step, as planned for the incident as it was read.
    pub plan: Option<Arc<StepPlan>>,
}

/// An incident as it stands when its timer fires.
#[derive(Debug, Clone)]
pub struct Affected {
    /// Itself.
    pub incident: Incident,
    /// Who was told in this episode.
    pub told: Vec<Target>,
    /// What it stands for, if that is more than one thing.
    pub members: Vec<Member>,
}

/// Fires the timer of `firing` on its incident as it stands. Whoever calls has seen that the row of the
/// timer is still as it was read, and takes care that it is written with the rest.
pub fn fire(
    firing: &Firing,
    Affected { mut incident, told, members }: Affected,
    grants: &mut Grants,
    rules: &IncidentRules,
    now: Timestamp,
    entropy: &mut dyn FnMut() -> u128,
) -> Rows {
    let mut draft = Draft::new(grants, rules, now, entropy);
    let before = incident.version;
    // Unless what follows arms it again.
    draft.disarm(incident.number, firing.timer.kind);
    match firing.timer.kind {
        TimerKind::Step => step(&mut draft, &mut incident, firing),
        TimerKind::AckTimeout => ack_timeout(&mut draft, &mut incident),
        TimerKind::Snooze => wake(&mut draft, &mut incident),
        TimerKind::AutoResolve => auto_resolve(&mut draft, &mut incident, told),
        TimerKind::Expiry if members.is_empty() => {
            expire(&mut draft, &mut incident, told, firing.timer.due_at);
        }
        TimerKind::Expiry => expire_members(&mut draft, &mut incident, told, members),
    }
    if incident.version != before {
        draft.rows.incidents.push(incident);
    }
    draft.rows
}

fn time_itself() -> Cause {
    Cause { event: None, by: Some(By { who: "foghorn".into(), via: Via::Timer }) }
}

fn step(draft: &mut Draft<'_>, incident: &mut Incident, firing: &Firing) {
    if incident.calls == Calls::Off {
        return;
    }
    let (now, number) = (draft.now, incident.number);
    let Some(policy) = draft.policy(incident) else { return };
    if policy.at(incident.position).is_empty() {
        incident.version += 1;
        let detail = "all steps are taken and nobody answered".to_owned();
        return draft.record(incident, Transition::Exhausted, time_itself(), detail, None);
    }
    let fits = |plan: &&Arc<StepPlan>| {
        Some(&plan.policy) == incident.policy.as_ref() && plan.position == incident.position
    };
    let Some(plan) = firing.plan.as_ref().filter(fits) else {
        // It is another step by now: whoever looks next plans that one.
        return draft.arm(number, TimerKind::Step, now);
    };
    let begins = incident.called_at.is_none_or(|at| at < incident.opened_at);
    let kind = if begins { NotificationKind::Opened } else { NotificationKind::Escalated };
    incident.version += 1;
    let taken = draft.step(incident, plan, kind, None);
    let detail = taken.words();
    draft.record(incident, Transition::Escalated, time_itself(), detail, Some(taken));
}

fn ack_timeout(draft: &mut Draft<'_>, incident: &mut Incident) {
    if incident.status != IncidentStatus::Acknowledged || incident.snoozed_until.is_some() {
        return;
    }
    let who = incident.acknowledged_by.take();
    incident.status = IncidentStatus::Open;
    incident.acknowledged_at = None;
    incident.version += 1;
    draft.call_anew(incident);
    let who = who.as_deref().unwrap_or("somebody");
    let detail = format!("{who} took it and it was not resolved in time: paging begins again");
    draft.record(incident, Transition::Unacknowledged, time_itself(), detail, None);
}

fn wake(draft: &mut Draft<'_>, incident: &mut Incident) {
    if incident.snoozed_until.take().is_none() || incident.status == IncidentStatus::Resolved {
        return;
    }
    incident.status = IncidentStatus::Open;
    (incident.acknowledged_at, incident.acknowledged_by) = (None, None);
    incident.version += 1;
    draft.call_anew(incident);
    draft.record(incident, Transition::Woken, time_itself(), "the snooze is over".to_owned(), None);
}

fn auto_resolve(draft: &mut Draft<'_>, incident: &mut Incident, told: Vec<Target>) {
    let Some(silence) = draft.rules.auto_resolve else { return };
    if incident.status == IncidentStatus::Resolved {
        return;
    }
    let due = later(incident.last_event_at, silence);
    if due > draft.now {
        return draft.arm(incident.number, TimerKind::AutoResolve, due);
    }
    end(draft, incident, told, "nothing was heard of it any more".to_owned());
}

/// Whoever says it again moves the moment; so nobody did.
fn expire(draft: &mut Draft<'_>, incident: &mut Incident, told: Vec<Target>, due_at: Timestamp) {
    if incident.status == IncidentStatus::Resolved {
        return;
    }
    let until = due_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    end(draft, incident, told, format!("it was said to last until {until}, and was not said again"));
}

/// Of a group each member runs out by itself. The last one that was wrong ends the incident.
fn expire_members(draft: &mut Draft<'_>, incident: &mut Incident, told: Vec<Target>, members: Vec<Member>) {
    if incident.status == IncidentStatus::Resolved {
        return;
    }
    let RunOut { over, next, goes_on, words } = group::run_out(members, draft.now);
    let nothing = over.is_empty();
    draft.rows.members.extend(over);
    if !goes_on && !nothing {
        return end(draft, incident, told, words);
    }
    if let Some(next) = next {
        draft.arm(incident.number, TimerKind::Expiry, next);
    }
    if !nothing {
        incident.version += 1;
        draft.record(incident, Transition::Updated, time_itself(), words, None);
    }
}

fn end(draft: &mut Draft<'_>, incident: &mut Incident, told: Vec<Target>, detail: String) {
    incident.resolve("foghorn".into(), draft.now);
    incident.version += 1;
    draft.over(incident);
    draft.tell_news(None, incident, NotificationKind::Resolved, told);
    draft.record(incident, Transition::Resolved, time_itself(), detail, None);
}
