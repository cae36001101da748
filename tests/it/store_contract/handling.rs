//! What operators do to single deliveries: done once, and before or after an attempt, never during one.

use foghorn::domain::delivery::{DeadReason, DeliveryState, Lease};
use foghorn::domain::handling::{Handled, Handling, Refusal};
use foghorn::domain::ids::{DeliveryId, NotificationId};
use foghorn::store::batch::{Committed, Next};
use foghorn::store::views::DeliveryView;

use crate::support::said::{NOW, after, all, claim, ended, open};
use crate::support::stores::Subject;

super::laws!(
    what_waits_is_canceled_once_and_never_claimed,
    what_waits_is_due_now_and_keeps_its_attempts,
    what_is_in_hand_is_left_alone,
    what_is_dead_is_repeated_once_however_often_it_is_asked_for,
    a_direct_notification_is_taken_back_as_a_whole,
);

async fn handle(subject: &Subject, lease: &Lease, wish: Handling) -> Committed {
    subject.commit(lease, |batch| batch.handlings.push(wish)).await
}

async fn deliveries(subject: &Subject) -> Vec<DeliveryView> {
    subject.store.deliveries(&Default::default(), &all()).await.unwrap().data
}

async fn view(subject: &Subject, id: DeliveryId) -> DeliveryView {
    subject.store.delivery(id).await.unwrap().unwrap()
}

async fn what_waits_is_canceled_once_and_never_claimed(mut subject: Subject) {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.accepts.push(open(1).accept())).await;
    let id = deliveries(&subject).await[0].id;
    let committed = subject
        .commit(&lease, |batch| {
            batch.handlings.push(Handling::Cancel(id));
            batch.claims.push(claim("email", 9));
        })
        .await;
    assert_eq!(committed.handled, [Handled::Done(vec![id])]);
    assert!(committed.claimed[0].jobs.is_empty(), "the operator was first");
    let withdrawn = &committed.withdrawn[0];
    assert_eq!((withdrawn.id, withdrawn.state, withdrawn.incident), (id, DeliveryState::Canceled, Some(1)));
    subject.reopen().await;
    assert_eq!(view(&subject, id).await.state, DeliveryState::Canceled);
    assert_eq!(handle(&subject, &lease, Handling::Cancel(id)).await.handled, [Handled::Already]);
    let refused = [Handled::Refused(Refusal::Is(DeliveryState::Canceled))];
    assert_eq!(handle(&subject, &lease, Handling::Retry(id)).await.handled, refused);
    let nobody = DeliveryId::new(NOW, 7);
    assert_eq!(handle(&subject, &lease, Handling::Cancel(nobody)).await.handled, [Handled::NotFound]);
}

async fn what_waits_is_due_now_and_keeps_its_attempts(subject: Subject) {
    let lease = subject.lease().await;
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).accept());
            batch.grants.insert("email".into(), 1);
        })
        .await;
    let job = &committed.started[0];
    let retry = Next::Retrying { due_at: after(600), crashed: false };
    subject.commit(&lease, |batch| batch.attempted.push(ended(job, "timeout", retry))).await;
    let committed = handle(&subject, &lease, Handling::Retry(job.id)).await;
    assert_eq!(committed.handled, [Handled::Done(vec![job.id])]);
    assert_eq!(committed.waiting, [("email".into(), 1)], "its pool hears of it");
    let claimed = subject.commit(&lease, |batch| batch.claims.push(claim("email", 9))).await;
    let again = &claimed.claimed[0].jobs[0];
    assert_eq!((again.id, again.attempt, again.counted), (job.id, 2, 2));
}

async fn what_is_in_hand_is_left_alone(subject: Subject) {
    let lease = subject.lease().await;
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).accept());
            batch.grants.insert("email".into(), 1);
        })
        .await;
    let job = &committed.started[0];
    for (next, state) in [(None, DeliveryState::Sending), (Some(Next::Sent), DeliveryState::Sent)] {
        if let Some(next) = next {
            subject.commit(&lease, |batch| batch.attempted.push(ended(job, "sent", next))).await;
        }
        for wish in [Handling::Cancel(job.id), Handling::Retry(job.id)] {
            let handled = handle(&subject, &lease, wish).await.handled;
            assert_eq!(handled, [Handled::Refused(Refusal::Is(state))], "{wish:?}");
        }
        assert_eq!(view(&subject, job.id).await.state, state);
    }
}

async fn what_is_dead_is_repeated_once_however_often_it_is_asked_for(mut subject: Subject) {
    let lease = subject.lease().await;
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).accept());
            batch.grants.insert("email".into(), 1);
        })
        .await;
    let job = &committed.started[0];
    let dead = Next::Dead(DeadReason::Rejected);
    subject.commit(&lease, |batch| batch.attempted.push(ended(job, "refused", dead))).await;
    let refused = [Handled::Refused(Refusal::Is(DeliveryState::Dead))];
    assert_eq!(handle(&subject, &lease, Handling::Cancel(job.id)).await.handled, refused);
    let twice = [Handling::Retry(job.id), Handling::Retry(job.id)];
    let committed = subject.commit(&lease, |batch| batch.handlings.extend(twice)).await;
    let Handled::Repeated(child) = committed.handled[0] else { panic!("{:?}", committed.handled) };
    assert_eq!(committed.handled[1], Handled::Repeated(child));
    subject.reopen().await;
    assert_eq!(handle(&subject, &lease, Handling::Retry(job.id)).await.handled, [Handled::Repeated(child)]);
    let child = view(&subject, child).await;
    assert_eq!((child.replay_of, child.state), (Some(job.id), DeliveryState::Pending));
    assert_eq!(deliveries(&subject).await.len(), 2);
}

async fn a_direct_notification_is_taken_back_as_a_whole(subject: Subject) {
    let lease = subject.lease().await;
    let to = ["email:ada@example.com", "sms:+15550111"];
    let later = open(1).to(&to).due(after(600));
    subject
        .commit(&lease, |batch| batch.accepts.extend([later.direct(), open(2).about("disk").accept()]))
        .await;
    let planned = deliveries(&subject).await;
    let direct: Vec<&DeliveryView> = planned.iter().filter(|one| one.notification == "direct").collect();
    let incident = planned.iter().find(|one| one.notification == "opened").unwrap();
    let of_it = Handling::CancelAll(direct[0].notification_id);
    let handled = handle(&subject, &lease, of_it).await.handled.remove(0);
    let Handled::Done(mut canceled) = handled else { panic!("{handled:?}") };
    canceled.sort_unstable();
    let mut both: Vec<DeliveryId> = direct.iter().map(|one| one.id).collect();
    both.sort_unstable();
    assert_eq!(canceled, both);
    assert_eq!(handle(&subject, &lease, of_it).await.handled, [Handled::Already]);
    let claimed = subject.commit_at(&lease, after(601), |batch| batch.claims.push(claim("sms", 9))).await;
    assert!(claimed.claimed[0].jobs.is_empty());
    for id in [incident.notification_id, NotificationId::new(NOW, 7)] {
        let handled = handle(&subject, &lease, Handling::CancelAll(id)).await.handled;
        assert_eq!(handled, [Handled::NotFound], "only what somebody said directly is taken back");
    }
}
