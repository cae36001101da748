//! Bulk jobs: steps are taken once, and what is settled is no dead letter any more.

use foghorn::domain::Timestamp;
use foghorn::domain::bulk::{Bulk, BulkAction, BulkChange, BulkState, BulkStep, Resolved};
use foghorn::domain::delivery::{DeadReason, DeliveryState, Lease};
use foghorn::domain::ids::{DeliveryId, JobId};
use foghorn::domain::query::{DeadLetterKind, DeadLetterQuery, DeliveryQuery};
use foghorn::store::batch::Next;
use foghorn::store::views::DeadLetterRef;

use crate::support::said::{NOW, after, all, claim, ended, of_state, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    a_step_is_done_once_and_the_row_says_how_far_the_job_is,
    what_is_discarded_leaves_the_list_and_stays_dead,
    a_stopped_job_takes_no_more_steps,
    calls_about_what_is_resolved_are_told_apart,
);

/// Five dead deliveries, newest first.
async fn five_dead(subject: &Subject) -> (Lease, Vec<DeliveryId>) {
    let lease = subject.lease().await;
    let told = ["a", "b", "c", "d", "e"].iter().zip(1..).map(|(key, n)| open(n).about(key).accept());
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.extend(told);
            batch.grants.insert("email".into(), 5);
        })
        .await;
    let dead = Next::Dead(DeadReason::Rejected);
    let ended = committed.started.iter().map(|job| ended(job, "refused", dead));
    subject.commit(&lease, |batch| batch.attempted.extend(ended)).await;
    (lease, letters(subject, &dead_letters()).await)
}

fn dead_letters() -> DeadLetterQuery {
    DeadLetterQuery::all(DeadLetterKind::Delivery)
}

async fn letters(subject: &Subject, query: &DeadLetterQuery) -> Vec<DeliveryId> {
    let page = subject.store.dead_letter_ids(query, &all()).await.unwrap();
    let ids = page.data.into_iter().map(|letter| match letter {
        DeadLetterRef::Delivery(id) => id,
        DeadLetterRef::Event(id) => panic!("{id} is a record"),
    });
    ids.collect()
}

fn job(action: BulkAction) -> Bulk {
    Bulk {
        id: JobId::new(NOW, 7),
        action,
        filter: "channel:email".to_owned(),
        resolved: Resolved::Skip,
        rate: "1000/s".parse().unwrap(),
        canary: 0,
        state: BulkState::Running,
        matched: 5,
        matched_exact: true,
        skipped: 0,
        taken: 0,
        done: 0,
        holds_at: 0,
        cursor: String::new(),
        due_at: NOW,
        created_at: NOW,
        updated_at: NOW,
    }
}

async fn change(subject: &Subject, lease: &Lease, at: Timestamp, change: BulkChange) -> Option<Bulk> {
    let committed = subject.commit_at(lease, at, |batch| batch.bulks.push(change)).await;
    committed.bulks[0].clone()
}

async fn a_step_is_done_once_and_the_row_says_how_far_the_job_is(mut subject: Subject) {
    let (lease, dead) = five_dead(&subject).await;
    let begun = job(BulkAction::Retry);
    change(&subject, &lease, NOW, BulkChange::Begin(Box::new(begun.clone()))).await;
    let cursor = dead[1].to_string();
    let ids = dead[..2].to_vec();
    let step = BulkStep { job: begun.id, after: String::new(), ids, next: Some(cursor.clone()) };
    let bulk = change(&subject, &lease, after(1), BulkChange::Step(step.clone())).await.unwrap();
    assert_eq!((bulk.taken, bulk.done, bulk.cursor.as_str()), (2, 2, cursor.as_str()));
    subject.reopen().await;
    let again = change(&subject, &lease, after(60), BulkChange::Step(step)).await.unwrap();
    assert_eq!(again, bulk, "the job is somewhere else");
    assert_eq!(subject.store.running_bulks().await.unwrap(), std::slice::from_ref(&bulk));
    assert_eq!(
        letters(&subject, &dead_letters()).await,
        dead[2..],
        "what was repeated is on the list no more"
    );

    let rest = BulkStep { job: bulk.id, after: cursor, ids: dead[2..].to_vec(), next: None };
    let bulk = change(&subject, &lease, after(61), BulkChange::Step(rest)).await.unwrap();
    assert_eq!((bulk.state, bulk.done), (BulkState::Done, 5));
    assert_eq!(subject.store.running_bulks().await.unwrap(), []);
    let view = subject.store.bulk(bulk.id).await.unwrap().unwrap();
    assert_eq!((view.bulk, view.outcomes.pending), (bulk, 5));
    let children = subject.store.deliveries(&of_state(DeliveryState::Pending), &all()).await.unwrap().data;
    assert!(children.iter().all(|child| child.job == Some(begun.id)), "{children:?}");
}

async fn what_is_discarded_leaves_the_list_and_stays_dead(subject: Subject) {
    let (lease, dead) = five_dead(&subject).await;
    let begun = job(BulkAction::Discard);
    let step = BulkStep { job: begun.id, after: String::new(), ids: dead[..4].to_vec(), next: None };
    let committed = subject
        .commit(&lease, |batch| {
            batch.bulks = vec![BulkChange::Begin(Box::new(begun)), BulkChange::Step(step)];
        })
        .await;
    assert_eq!(committed.bulks[1].as_ref().map(|bulk| bulk.done), Some(4));
    assert_eq!(letters(&subject, &dead_letters()).await, dead[4..]);
    assert_eq!(subject.store.count_dead_letters(&dead_letters()).await.unwrap().value, 1);
    let backlog = subject.store.backlog().await.unwrap();
    assert_eq!(backlog.deliveries.iter().map(|line| line.count).sum::<u64>(), 1, "{backlog:?}");
    let all_dead = subject.store.deliveries(&of_state(DeliveryState::Dead), &all()).await.unwrap().data;
    assert_eq!(all_dead.len(), 5, "their history stays");
    assert_eq!(all_dead.iter().filter(|view| view.settled_at.is_some()).count(), 4);
    let repeated = subject.commit(&lease, |batch| batch.replays.push(dead[0].into())).await;
    assert_eq!(repeated.replayed, [None], "what was discarded is not repeated");
}

async fn a_stopped_job_takes_no_more_steps(subject: Subject) {
    let (lease, dead) = five_dead(&subject).await;
    let begun = job(BulkAction::Retry);
    change(&subject, &lease, NOW, BulkChange::Begin(Box::new(begun.clone()))).await;
    let stopped = change(&subject, &lease, after(1), BulkChange::Stop(begun.id)).await.unwrap();
    assert_eq!(stopped.state, BulkState::Stopped);
    let step = BulkStep { job: begun.id, after: String::new(), ids: dead.clone(), next: None };
    assert_eq!(change(&subject, &lease, after(2), BulkChange::Step(step)).await, Some(stopped));
    assert_eq!(letters(&subject, &dead_letters()).await, dead);
    assert_eq!(change(&subject, &lease, after(2), BulkChange::Stop(JobId::new(NOW, 8))).await, None);
}

async fn calls_about_what_is_resolved_are_told_apart(subject: Subject) {
    let (lease, dead) = five_dead(&subject).await;
    subject.commit(&lease, |batch| batch.accepts.push(resolved(9).about("a").accept())).await;
    let dead_ones = || DeliveryQuery::default().in_states(&[DeliveryState::Dead]).open_letters();
    let live = letters(&subject, &DeadLetterQuery::Delivery(dead_ones().live_calls())).await;
    assert_eq!((live.len(), dead.len()), (4, 5));
    let reasons = subject.store.letters_by_reason(&dead_ones()).await.unwrap();
    let reasons: Vec<_> = reasons.iter().map(|line| (line.reason.as_str(), line.count)).collect();
    assert_eq!(reasons, [("rejected", 5)]);

    let over = *dead.iter().find(|id| !live.contains(id)).unwrap();
    let begun = Bulk { resolved: Resolved::Include, ..job(BulkAction::Retry) };
    let step = BulkStep { job: begun.id, after: String::new(), ids: vec![over], next: None };
    let begin = [BulkChange::Begin(Box::new(begun)), BulkChange::Step(step)];
    subject.commit(&lease, |batch| batch.bulks.extend(begin)).await;
    let claimed = subject.commit(&lease, |batch| batch.claims.push(claim("email", 9))).await;
    let jobs = &claimed.claimed[0].jobs;
    assert!(jobs.iter().any(|job| job.attempt == 1), "it is sent although its incident is over");
    assert_eq!(claimed.claimed[0].canceled, 0);
}
