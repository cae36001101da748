//! What a person does to an incident, as rows.

use super::draft::{Cause, Draft};
use super::{Grants, IncidentRules, Rows};
use crate::domain::Timestamp;
use crate::domain::action::{Act, Acted, Action, By, Sense, sense};
use crate::domain::delivery::Target;
use crate::domain::incident::{Calls, Incident, IncidentStatus, Transition};
use crate::domain::notification::NotificationKind;
use crate::domain::policy::Position;
use crate::domain::retry::later;
use crate::domain::timer::TimerKind;

/// Does `act` to `incident`, of which `told` were told.
pub fn act(
    act: &Act,
    incident: Incident,
    told: Vec<Target>,
    grants: &mut Grants,
    rules: &IncidentRules,
    now: Timestamp,
    entropy: &mut dyn FnMut() -> u128,
) -> (Acted, Rows) {
    let another = act.if_version.is_some_and(|version| version != incident.version)
        || act.episode.is_some_and(|episode| episode != incident.opened_at.as_millisecond());
    if another {
        return (Acted::Changed(Box::new(incident)), Rows::default());
    }
    match sense(&incident, &act.action, now) {
        // Words are kept even if nothing else is left to do.
        Sense::Already if act.note.is_none() => {
            return (Acted::Already(Box::new(incident)), Rows::default());
        }
        Sense::None(why) => return (Acted::Refused(Box::new(incident), why), Rows::default()),
        _ => {}
    }
    let mut incident = incident;
    let already = sense(&incident, &act.action, now) == Sense::Already;
    let mut draft = Draft::new(grants, rules, now, entropy);
    incident.version += 1;
    let (transition, said) = match already {
        true => (Transition::Noted, String::new()),
        false => apply(&mut draft, &mut incident, &act.action, &act.by, told),
    };
    let note = act.note.as_deref().unwrap_or_default();
    let detail = match (said.is_empty(), note.is_empty()) {
        (_, true) => said,
        (true, false) => note.to_owned(),
        (false, false) => format!("{said}: {note}"),
    };
    draft.record(&incident, transition, Cause { event: None, by: Some(act.by.clone()) }, detail, None);
    draft.rows.incidents.push(incident.clone());
    (Acted::Done(Box::new(incident)), draft.rows)
}

fn apply(
    draft: &mut Draft<'_>,
    incident: &mut Incident,
    action: &Action,
    by: &By,
    told: Vec<Target>,
) -> (Transition, String) {
    let now = draft.now;
    // Whoever did it knows it.
    let told: Vec<Target> = told.into_iter().filter(|target| target.recipient != by.who).collect();
    match action {
        Action::Note => (Transition::Noted, String::new()),
        Action::Acknowledge => {
            incident.acknowledge(by.who.clone(), now);
            draft.taken(incident);
            draft.tell_news(None, incident, NotificationKind::Acknowledged, told);
            (Transition::Acknowledged, String::new())
        }
        Action::Unacknowledge => {
            give_back(draft, incident);
            (Transition::Unacknowledged, String::new())
        }
        Action::Resolve => {
            incident.resolve(by.who.clone(), now);
            draft.over(incident);
            draft.tell_news(None, incident, NotificationKind::Resolved, told);
            (Transition::Resolved, String::new())
        }
        Action::Reopen => {
            incident.reopen(now);
            draft.call_anew(incident);
            (Transition::Reopened, String::new())
        }
        Action::Snooze(until) => {
            incident.snoozed_until = Some(*until);
            draft.quiet(incident);
            draft.disarm(incident.number, TimerKind::AckTimeout);
            draft.arm(incident.number, TimerKind::Snooze, *until);
            (Transition::Snoozed, format!("until {}", until.strftime("%Y-%m-%d %H:%M:%S UTC")))
        }
        Action::Unsnooze => {
            incident.snoozed_until = None;
            draft.disarm(incident.number, TimerKind::Snooze);
            match incident.status {
                IncidentStatus::Acknowledged => draft.taken(incident),
                _ => go_on(draft, incident),
            }
            (Transition::Woken, String::new())
        }
        Action::Escalate => {
            escalate(draft, incident);
            (Transition::Updated, "to be escalated now".to_owned())
        }
        Action::Edit(edit) => {
            let words = edit.words();
            edit.apply(incident);
            (Transition::Edited, words)
        }
        Action::Delete => (delete(draft, incident, by), "deleted".to_owned()),
    }
}

/// It ends without a word: whatever waits to be said of it is not wanted any more.
fn delete(draft: &mut Draft<'_>, incident: &mut Incident, by: &By) -> Transition {
    let was_over = incident.status == IncidentStatus::Resolved;
    if !was_over {
        incident.resolve(by.who.clone(), draft.now);
    }
    incident.deleted_at = Some(draft.now);
    draft.over(incident);
    draft.rows.deleted.push(incident.number);
    if was_over { Transition::Edited } else { Transition::Resolved }
}

/// Nobody has it any more: calling goes on.
fn give_back(draft: &mut Draft<'_>, incident: &mut Incident) {
    incident.status = IncidentStatus::Open;
    (incident.acknowledged_at, incident.acknowledged_by) = (None, None);
    draft.disarm(incident.number, TimerKind::AckTimeout);
    if incident.snoozed_until.is_none() {
        go_on(draft, incident);
    }
}

/// Calling goes on where it was, after the wait that lies before that step.
fn go_on(draft: &mut Draft<'_>, incident: &mut Incident) {
    incident.calls = Calls::On;
    let Some(policy) = draft.policy(incident) else { return };
    if incident.called_at.is_none_or(|at| at < incident.opened_at) {
        return draft.call_anew(incident);
    }
    let wait = policy.wait_before(incident.position);
    if let Some(wait) = wait {
        draft.arm(incident.number, TimerKind::Step, later(draft.now, wait));
    }
}

/// The next step is due now, whoever has it; after the last one, the first.
fn escalate(draft: &mut Draft<'_>, incident: &mut Incident) {
    incident.status = IncidentStatus::Open;
    (incident.acknowledged_at, incident.acknowledged_by) = (None, None);
    incident.snoozed_until = None;
    incident.calls = Calls::On;
    for kind in [TimerKind::AckTimeout, TimerKind::Snooze] {
        draft.disarm(incident.number, kind);
    }
    if draft.policy(incident).is_none_or(|policy| policy.at(incident.position).is_empty()) {
        incident.position = Position::default();
    }
    draft.arm(incident.number, TimerKind::Step, draft.now);
}
