//! How attempts end, and what follows.

use foghorn::domain::delivery::{DeadReason, DeliveryState, Job, Repeat, Target};
use foghorn::store::batch::Next;

use crate::support::said::{NOW, after, all, claim, ended, of_state, open};
use crate::support::stores::Subject;

super::laws!(
    an_attempt_that_was_sent_is_on_record_with_the_answer,
    a_retry_counts_and_a_hold_does_not,
    a_dead_worker_is_counted_apart,
    the_outcome_of_another_attempt_changes_nothing,
    an_end_is_an_end,
    a_dead_delivery_is_repeated_once,
    a_repeat_may_go_to_somebody_else,
);

async fn started(subject: &Subject) -> (foghorn::domain::delivery::Lease, Job) {
    let lease = subject.lease().await;
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).accept());
            batch.grants.insert("email".into(), 1);
        })
        .await;
    (lease, committed.started[0].clone())
}

async fn an_attempt_that_was_sent_is_on_record_with_the_answer(subject: Subject) {
    let (lease, job) = started(&subject).await;
    subject.commit(&lease, |batch| batch.attempted.push(ended(&job, "sent", Next::Sent))).await;
    let delivery = subject.store.delivery(job.id).await.unwrap().unwrap();
    assert_eq!((delivery.state, delivery.reason.as_deref()), (DeliveryState::Sent, Some("sent")));
    assert_eq!(delivery.next_attempt_at, None);
    let attempt = subject.store.attempts(job.id).await.unwrap().remove(0);
    assert_eq!(attempt.outcome.as_deref(), Some("sent"));
    assert_eq!(attempt.took_ms, Some(12));
    assert_eq!(attempt.code.as_deref(), Some("250"));
    assert_eq!(attempt.detail.as_deref(), Some("ok; \"quoted\""));
    assert_eq!(attempt.provider_id.as_deref(), Some("<1@mx>"));
}

async fn a_retry_counts_and_a_hold_does_not(subject: Subject) {
    let (lease, first) = started(&subject).await;
    let hold = Next::Held { due_at: after(5) };
    subject.commit(&lease, |batch| batch.attempted.push(ended(&first, "throttled", hold))).await;
    let delivery = subject.store.delivery(first.id).await.unwrap().unwrap();
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Retrying, 0));
    assert_eq!(delivery.next_attempt_at, Some(after(5)));

    let early = subject.commit(&lease, |batch| batch.claims.push(claim("email", 1))).await;
    assert!(early.claimed[0].jobs.is_empty(), "not before it is due");
    assert_eq!(early.claimed[0].next_due, Some(after(5)));

    let claimed = subject.commit_at(&lease, after(5), |batch| batch.claims.push(claim("email", 1))).await;
    let second = &claimed.claimed[0].jobs[0];
    assert_eq!((second.attempt, second.counted), (2, 1));
    assert_eq!(claimed.claimed[0].next_due, None);
    let retry = Next::Retrying { due_at: after(9), crashed: false };
    subject.commit(&lease, |batch| batch.attempted.push(ended(second, "timeout", retry))).await;
    let claimed = subject.commit_at(&lease, after(9), |batch| batch.claims.push(claim("email", 1))).await;
    let third = &claimed.claimed[0].jobs[0];
    assert_eq!((third.attempt, third.counted, third.crashes), (3, 2, 0));
    assert_eq!((third.created_at, third.expires_at), (first.created_at, first.expires_at));
}

async fn a_dead_worker_is_counted_apart(subject: Subject) {
    let (lease, job) = started(&subject).await;
    let crashed = Next::Retrying { due_at: NOW, crashed: true };
    let committed = subject
        .commit(&lease, |batch| {
            batch.attempted.push(ended(&job, "crashed", crashed));
            batch.claims.push(claim("email", 1));
        })
        .await;
    let again = &committed.claimed[0].jobs[0];
    assert_eq!((again.attempt, again.counted, again.crashes), (2, 2, 1));
}

async fn the_outcome_of_another_attempt_changes_nothing(subject: Subject) {
    let (lease, first) = started(&subject).await;
    let retry = Next::Retrying { due_at: NOW, crashed: false };
    let committed = subject
        .commit(&lease, |batch| {
            batch.attempted.push(ended(&first, "timeout", retry));
            batch.claims.push(claim("email", 1));
        })
        .await;
    let second = &committed.claimed[0].jobs[0];
    subject.commit(&lease, |batch| batch.attempted.push(ended(&first, "sent", Next::Sent))).await;
    let delivery = subject.store.delivery(first.id).await.unwrap().unwrap();
    assert_eq!(delivery.state, DeliveryState::Sending);
    let attempts = subject.store.attempts(first.id).await.unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some("timeout"));
    assert_eq!(attempts[1].outcome, None);
    subject.commit(&lease, |batch| batch.attempted.push(ended(second, "sent", Next::Sent))).await;
    let delivery = subject.store.delivery(first.id).await.unwrap().unwrap();
    assert_eq!(delivery.state, DeliveryState::Sent);
}

async fn an_end_is_an_end(subject: Subject) {
    let ends = [
        (Next::Sent, DeliveryState::Sent, "timeout"),
        (Next::Dead(DeadReason::ChannelRemoved), DeliveryState::Dead, "channel_removed"),
        (Next::Expired, DeliveryState::Expired, "timeout"),
    ];
    let lease = subject.lease().await;
    for (offset, (next, state, reason)) in (0..).zip(ends) {
        let committed = subject
            .commit(&lease, |batch| {
                batch.accepts.push(open(offset).direct());
                batch.grants.insert("email".into(), 1);
            })
            .await;
        let job = &committed.started[0];
        subject.commit(&lease, |batch| batch.attempted.push(ended(job, "timeout", next))).await;
        let retry = Next::Retrying { due_at: NOW, crashed: false };
        let committed = subject
            .commit(&lease, |batch| {
                batch.attempted.push(ended(job, "sent", retry));
                batch.claims.push(claim("email", 10));
            })
            .await;
        assert!(committed.claimed[0].jobs.is_empty());
        let delivery = subject.store.delivery(job.id).await.unwrap().unwrap();
        assert_eq!((delivery.state, delivery.reason.as_deref()), (state, Some(reason)));
    }
}

async fn a_dead_delivery_is_repeated_once(mut subject: Subject) {
    let (lease, job) = started(&subject).await;
    let waiting = subject.commit(&lease, |batch| batch.replays.push(job.id.into())).await;
    assert_eq!(waiting.replayed, [None], "it is not dead");

    let dead = Next::Dead(DeadReason::Rejected);
    subject.commit(&lease, |batch| batch.attempted.push(ended(&job, "refused", dead))).await;
    let later = after(100);
    let repeated = subject
        .commit_at(&lease, later, |batch| batch.replays.extend([job.id, job.id].map(Repeat::from)))
        .await;
    let child = repeated.replayed[0].expect("it is repeated");
    assert_eq!(repeated.replayed, [Some(child), None]);
    assert_eq!(repeated.waiting, [("email".into(), 1)]);
    subject.reopen().await;
    let again = subject.commit(&lease, |batch| batch.replays.push(job.id.into())).await;
    assert_eq!(again.replayed, [None]);

    let view = subject.store.delivery(child).await.unwrap().unwrap();
    assert_eq!((view.state, view.replay_of), (DeliveryState::Pending, Some(job.id)));
    assert_eq!(view.next_attempt_at, Some(later));
    assert_eq!(view.expires_at, after(3700), "it lives as long as the first was meant to");
    let claimed = subject.commit_at(&lease, later, |batch| batch.claims.push(claim("email", 1))).await;
    let job = &claimed.claimed[0].jobs[0];
    assert_eq!((job.id, job.attempt, job.counted), (child, 1, 1));
    let dead = subject.store.deliveries(&of_state(DeliveryState::Dead), &all()).await.unwrap();
    assert_eq!(dead.data.len(), 1, "the dead one stays dead");
}

async fn a_repeat_may_go_to_somebody_else(mut subject: Subject) {
    let (lease, job) = started(&subject).await;
    let dead = Next::Dead(DeadReason::Rejected);
    subject.commit(&lease, |batch| batch.attempted.push(ended(&job, "refused", dead))).await;
    let target = Target { recipient: "grace".into(), channel: "sms".into(), address: "+15550112".into() };
    let repeat = Repeat { dead: job.id, to: Some(target.clone()) };
    let repeated = subject.commit(&lease, |batch| batch.replays.push(repeat)).await;
    let child = repeated.replayed[0].expect("it is repeated");
    assert_eq!(repeated.waiting, [("sms".into(), 1)], "the other pool hears of it");
    subject.reopen().await;
    let view = subject.store.delivery(child).await.unwrap().unwrap();
    assert_eq!((view.replay_of, view.incident_number), (Some(job.id), Some(1)));
    let claimed = subject.commit(&lease, |batch| batch.claims.push(claim("sms", 1))).await;
    assert_eq!(claimed.claimed[0].jobs[0].target, target);
    let old = subject.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(old.target, job.target, "the dead one stays as it was");
}
