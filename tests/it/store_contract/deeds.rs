//! What people do to incidents and what timers do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::Timestamp;
use foghorn::domain::acceptance::{Accept, Firing, IncidentRules};
use foghorn::domain::action::{Act, Acted, Action, By, Via};
use foghorn::domain::delivery::{DeliveryState, Lease};
use foghorn::domain::event::{Body, EventStatus};
use foghorn::domain::incident::{IncidentStatus, Transition};
use foghorn::domain::policy::{News, Policy, Step, StopWhen};
use foghorn::domain::routes::{Plan, PlannedDelivery, StepPlan};
use foghorn::domain::timer::TimerKind;
use foghorn::store::batch::Committed;

use crate::support::said::{Said, after, claim, open, rules};
use crate::support::stores::Subject;

super::laws!(
    steps_follow_each_other_until_somebody_takes_it,
    nobody_answers_and_it_is_written_down,
    an_action_is_done_once_and_says_who_did_it,
    whoever_saw_another_version_is_told,
    taking_it_cancels_what_waits_and_no_step_follows,
    where_only_the_end_stops_it_taking_it_does_not,
    who_takes_it_and_does_nothing_loses_it,
    a_snooze_is_quiet_and_ends_by_itself,
    what_was_taken_back_goes_on_where_it_was,
    a_timer_fires_once_whoever_fires_it,
    timers_outlive_the_process,
    flapping_calls_once_in_its_window,
    what_nothing_is_heard_of_is_over,
    those_who_were_told_hear_who_has_it,
);

/// One incident and the time that passes over it.
struct Night {
    subject: Subject,
    lease: Lease,
    rules: IncidentRules,
    offset: i64,
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// Ada at once, grace after three minutes, both again after five more.
fn page() -> Policy {
    let step = |after| Step { after: minutes(after), notify: Vec::new(), via: Vec::new() };
    Policy { steps: vec![step(0), step(3)], repeat: 1, ..Policy::default() }
}

fn by(who: &str) -> By {
    By { who: who.into(), via: Via::Cli }
}

fn act(action: Action) -> Act {
    Act { number: 1, action, note: None, by: by("ada"), if_version: None, episode: None }
}

impl Night {
    async fn begins(subject: Subject, policy: Policy) -> Self {
        let lease = subject.lease().await;
        let policies = Arc::new(BTreeMap::from([("everybody".into(), policy)]));
        Self { subject, lease, rules: IncidentRules { policies, ..rules() }, offset: 0 }
    }

    fn planned(&self, number: usize, now: Timestamp) -> StepPlan {
        let to = ["email:ada@example.com", "email:grace@example.com"][number.min(1)];
        let Plan::Routed { step, .. } = &*open(1).to(&[to]).accept().plan else { panic!("it is routed") };
        let deliveries: Vec<PlannedDelivery> = step
            .deliveries
            .iter()
            .map(|planned| PlannedDelivery { due_at: now, ..planned.clone() })
            .collect();
        StepPlan { deliveries, ..step.clone() }
    }

    async fn says(&mut self, minute: i64, status: EventStatus) -> Committed {
        self.offset += 1;
        let said = Said { status, ..open(self.offset) };
        let now = after(minute * 60);
        let accept = said.accept();
        let Plan::Routed { route, .. } = &*accept.plan else { panic!("it is routed") };
        let plan = Plan::Routed { route: route.clone(), group: None, step: self.planned(0, now) };
        let accept = Accept { plan: Arc::new(plan), ..accept };
        assert!(matches!(accept.event.body, Body::Incident(_)));
        let rules = self.rules.clone();
        self.subject
            .commit_at(&self.lease, now, |batch| {
                batch.rules = rules;
                batch.accepts.push(accept);
            })
            .await
    }

    async fn does(&self, minute: i64, act: Act) -> Acted {
        let rules = self.rules.clone();
        let committed = self
            .subject
            .commit_at(&self.lease, after(minute * 60), |batch| {
                batch.rules = rules;
                batch.acts.push(act);
            })
            .await;
        committed.acted.into_iter().next().unwrap()
    }

    async fn due(&self, minute: i64) -> Vec<Firing> {
        let now = after(minute * 60);
        let due = self.subject.store.due_timers(now, 10).await.unwrap();
        due.into_iter()
            .map(|(timer, incident)| {
                let plan = self.planned(incident.position.step as usize, now);
                let plan = StepPlan { position: incident.position, ..plan };
                Firing { timer, plan: (timer.kind == TimerKind::Step).then(|| Arc::new(plan)) }
            })
            .collect()
    }

    async fn fires(&self, minute: i64, firings: Vec<Firing>) -> usize {
        let rules = self.rules.clone();
        let fire = |batch: &mut foghorn::store::batch::Batch| {
            batch.rules = rules;
            batch.firings = firings;
        };
        self.subject.commit_at(&self.lease, after(minute * 60), fire).await.fired
    }

    /// Time passes, and what is due fires.
    async fn passes(&self, minutes: std::ops::RangeInclusive<i64>) {
        for minute in minutes {
            let due = self.due(minute).await;
            if !due.is_empty() {
                self.fires(minute, due).await;
            }
        }
    }

    /// The history: minute, what, and by whom if no event did it.
    async fn history(&self) -> Vec<(i64, Transition, String)> {
        let lines = self.subject.store.timeline(1).await.unwrap();
        lines
            .into_iter()
            .map(|line| {
                let minute = (line.at.as_second() - after(0).as_second()) / 60;
                (minute, line.kind, line.by.unwrap_or_default())
            })
            .collect()
    }

    /// Who was called or told, in order of time: minute, why, to whom, and whether it still waits.
    async fn told(&self) -> Vec<(i64, &'static str, String, DeliveryState)> {
        let list = foghorn::domain::query::DeliveryQuery::default();
        let page = foghorn::store::Paging { before: None, limit: 200 };
        let mut told = self.subject.store.deliveries(&list, &page).await.unwrap().data;
        told.sort_by_key(|one| (one.created_at, one.recipient.clone(), one.notification));
        told.into_iter()
            .map(|one| {
                let minute = (one.created_at.as_second() - after(0).as_second()) / 60;
                (minute, one.notification, one.to[..1].to_owned(), one.state)
            })
            .collect()
    }

    async fn status(&self) -> IncidentStatus {
        self.subject.store.incident(1).await.unwrap().unwrap().status
    }
}

async fn steps_follow_each_other_until_somebody_takes_it(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    night.passes(0..=9).await;
    night.does(10, act(Action::Acknowledge)).await;
    night.passes(10..=60).await;
    let calls: Vec<_> = night.told().await.into_iter().map(|(at, why, to, _)| (at, why, to)).collect();
    let expected = [(0, "opened", "a"), (3, "escalated", "g"), (8, "escalated", "a")];
    assert_eq!(calls, expected.map(|(at, why, to)| (at, why, to.to_owned())));
    let ada = "ada".to_owned();
    let foghorn = || "foghorn".to_owned();
    assert_eq!(
        night.history().await,
        [
            (0, Transition::Opened, String::new()),
            (3, Transition::Escalated, foghorn()),
            (8, Transition::Escalated, foghorn()),
            (10, Transition::Acknowledged, ada),
        ]
    );
    assert_eq!(night.subject.store.next_timer().await.unwrap(), None);
}

async fn nobody_answers_and_it_is_written_down(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    night.passes(1..=120).await;
    let minutes: Vec<_> = night.history().await.into_iter().map(|(at, what, _)| (at, what)).collect();
    let escalated = [3, 8, 11].map(|minute| (minute, Transition::Escalated));
    let expected =
        [[(0, Transition::Opened)].as_slice(), &escalated, &[(16, Transition::Exhausted)]].concat();
    assert_eq!(minutes, expected);
    // Somebody wants them called all the same: from the first.
    night.does(130, act(Action::Escalate)).await;
    night.passes(130..=131).await;
    assert_eq!(night.told().await.last().unwrap().2, "a");
}

async fn an_action_is_done_once_and_says_who_did_it(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    let note = Some("rolling back".to_owned());
    let acted = night.does(1, Act { note, ..act(Action::Acknowledge) }).await;
    assert!(matches!(acted, Acted::Done(incident) if incident.version == 2), "done");
    let acted = night.does(2, Act { by: by("grace"), ..act(Action::Acknowledge) }).await;
    assert!(matches!(acted, Acted::Already(incident) if incident.acknowledged_by.as_deref() == Some("ada")));
    let lines = night.subject.store.timeline(1).await.unwrap();
    let last = lines.last().unwrap();
    assert_eq!(
        (last.by.as_deref(), last.via, last.detail.as_str()),
        (Some("ada"), Some(Via::Cli), "rolling back")
    );
    assert_eq!(last.event_id, None);
    night.does(3, act(Action::Resolve)).await;
    assert!(matches!(night.does(4, act(Action::Acknowledge)).await, Acted::Refused(..)));
    assert!(matches!(night.does(4, Act { number: 7, ..act(Action::Note) }).await, Acted::NotFound));
}

async fn whoever_saw_another_version_is_told(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    let seen = |version| Act { if_version: Some(version), ..act(Action::Acknowledge) };
    assert!(matches!(night.does(1, seen(7)).await, Acted::Changed(incident) if incident.version == 1));
    assert!(matches!(night.does(1, seen(1)).await, Acted::Done(_)));
    let of_before = Act { episode: Some(after(-60).as_millisecond()), ..act(Action::Resolve) };
    assert!(matches!(night.does(2, of_before).await, Acted::Changed(_)));
    assert_eq!(night.status().await, IncidentStatus::Acknowledged);
}

async fn taking_it_cancels_what_waits_and_no_step_follows(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    // The step was read before it was taken.
    let due = night.due(3).await;
    assert_eq!(due.len(), 1);
    night.does(3, act(Action::Acknowledge)).await;
    assert_eq!(night.fires(3, due).await, 0);
    assert!(matches!(night.told().await[..], [(0, "opened", _, DeliveryState::Canceled)]));
    let claimed = night
        .subject
        .commit_at(&night.lease, after(200), |batch| batch.claims.push(claim("email", 10)))
        .await;
    assert!(claimed.claimed[0].jobs.is_empty());
    assert_eq!(night.told().await.len(), 1);
}

async fn where_only_the_end_stops_it_taking_it_does_not(subject: Subject) {
    let policy = Policy { stop_when: StopWhen::Resolved, ..page() };
    let mut night = Night::begins(subject, policy).await;
    night.says(0, EventStatus::Open).await;
    night.does(1, act(Action::Acknowledge)).await;
    night.passes(2..=4).await;
    assert_eq!(night.told().await.len(), 2);
    night.says(5, EventStatus::Resolved).await;
    night.passes(5..=60).await;
    let calls = night.told().await.into_iter().filter(|(_, why, ..)| *why != "resolved").count();
    assert_eq!(calls, 2);
}

async fn who_takes_it_and_does_nothing_loses_it(subject: Subject) {
    let policy = Policy { ack_timeout: Some(minutes(30)), ..page() };
    let mut night = Night::begins(subject, policy).await;
    night.says(0, EventStatus::Open).await;
    night.does(1, act(Action::Acknowledge)).await;
    night.passes(2..=30).await;
    assert_eq!(night.status().await, IncidentStatus::Acknowledged);
    night.passes(31..=32).await;
    assert_eq!(night.status().await, IncidentStatus::Open);
    let last = night.told().await.pop().unwrap();
    assert_eq!((last.1, last.2.as_str()), ("escalated", "a"));
    assert_eq!(night.history().await[2], (31, Transition::Unacknowledged, "foghorn".to_owned()));
}

async fn a_snooze_is_quiet_and_ends_by_itself(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    assert!(matches!(night.does(1, act(Action::Snooze(after(0)))).await, Acted::Refused(..)));
    night.does(1, act(Action::Snooze(after(3600)))).await;
    night.says(2, EventStatus::Open).await;
    night.passes(2..=59).await;
    assert_eq!(night.told().await.len(), 1);
    night.passes(60..=61).await;
    assert_eq!(night.told().await.len(), 2);
    let woken = night.subject.store.incident(1).await.unwrap().unwrap();
    assert_eq!(woken.snoozed_until, None);
    assert!(night.history().await.iter().any(|(at, what, _)| (*at, *what) == (60, Transition::Woken)));
}

async fn what_was_taken_back_goes_on_where_it_was(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    night.does(1, act(Action::Acknowledge)).await;
    night.does(2, act(Action::Unacknowledge)).await;
    night.passes(2..=4).await;
    assert_eq!(night.told().await.len(), 1, "the step has its wait again");
    night.passes(5..=5).await;
    assert_eq!(night.told().await.pop().unwrap().2, "g");
    night.does(6, act(Action::Resolve)).await;
    assert_eq!(night.subject.store.next_timer().await.unwrap(), None);
    night.does(7, act(Action::Reopen)).await;
    assert_eq!(night.status().await, IncidentStatus::Open);
    night.passes(7..=7).await;
    assert_eq!(night.told().await.into_iter().filter(|(at, ..)| *at == 7).count(), 1);
}

async fn a_timer_fires_once_whoever_fires_it(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    let due = night.due(3).await;
    assert_eq!(night.fires(3, due.clone()).await, 1);
    assert_eq!(night.fires(3, due).await, 0, "the row is another one now");
    assert_eq!(night.told().await.len(), 2);
    // A plan for another step than the present one tells nobody; the timer stays.
    let stale = night
        .due(8)
        .await
        .into_iter()
        .map(|firing| Firing { plan: Some(Arc::new(night.planned(0, after(480)))), ..firing });
    let stale: Vec<_> = stale.collect();
    night.fires(8, stale).await;
    assert_eq!(night.told().await.len(), 2);
    night.passes(8..=8).await;
    assert_eq!(night.told().await.len(), 3);
}

async fn timers_outlive_the_process(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.says(0, EventStatus::Open).await;
    let timers = night.subject.store.timers(1).await.unwrap();
    night.subject.reopen().await;
    night.lease = night.subject.lease().await;
    assert_eq!(night.subject.store.timers(1).await.unwrap(), timers);
    assert_eq!(night.subject.store.next_timer().await.unwrap(), Some(after(180)));
    night.passes(100..=100).await;
    assert_eq!(night.told().await.len(), 2, "late, and once");
}

async fn flapping_calls_once_in_its_window(subject: Subject) {
    let mut night = Night::begins(subject, page()).await;
    night.rules.flap_window = minutes(10);
    for minute in 0..5 {
        night.says(minute, if minute % 2 == 0 { EventStatus::Open } else { EventStatus::Resolved }).await;
        night.passes(minute..=minute).await;
    }
    let calls = |told: Vec<(i64, &str, String, DeliveryState)>| {
        told.into_iter().filter(|(_, why, ..)| *why != "resolved").map(|(at, ..)| at).collect::<Vec<_>>()
    };
    assert_eq!(calls(night.told().await), [0]);
    night.passes(5..=10).await;
    assert_eq!(calls(night.told().await), [0, 10], "it is still open then");
}

async fn what_nothing_is_heard_of_is_over(subject: Subject) {
    let mut night = Night::begins(subject, Policy { steps: page().steps, ..Policy::default() }).await;
    night.rules.auto_resolve = Some(minutes(30));
    night.says(0, EventStatus::Open).await;
    night.says(20, EventStatus::Open).await;
    night.passes(20..=49).await;
    assert_eq!(night.status().await, IncidentStatus::Open);
    night.passes(50..=50).await;
    assert_eq!(night.status().await, IncidentStatus::Resolved);
    let (at, what, who) = night.history().await.pop().unwrap();
    assert_eq!((at, what, who.as_str()), (50, Transition::Resolved, "foghorn"));
}

async fn those_who_were_told_hear_who_has_it(subject: Subject) {
    let policy = Policy { on_acknowledge: News::Notify, ..page() };
    let mut night = Night::begins(subject, policy).await;
    night.says(0, EventStatus::Open).await;
    let sent = |batch: &mut foghorn::store::batch::Batch| batch.claims.push(claim("email", 10));
    night.subject.commit_at(&night.lease, after(1), sent).await;
    let news = async |night: &Night, minute| {
        let told = night.told().await;
        told.iter().any(|(at, why, to, _)| (*at, *why, to.as_str()) == (minute, "acknowledged", "a"))
    };
    night.does(1, act(Action::Acknowledge)).await;
    assert!(!news(&night, 1).await, "ada knows what she did");
    night.does(2, act(Action::Unacknowledge)).await;
    night.does(2, Act { by: by("grace"), ..act(Action::Acknowledge) }).await;
    assert!(news(&night, 2).await, "{:?}", night.told().await);
}
