//! Taking waiting deliveries in hand.

use foghorn::domain::delivery::{DeliveryState, Job};
use foghorn::domain::ids::DeliveryId;
use foghorn::domain::notification::Content;
use foghorn::domain::severity::Severity;
use foghorn::store::batch::{Adopt, Claimed, Next};

use crate::support::said::{NOW, adopting, after, all, claim, ended, of_state, open};
use crate::support::stores::Subject;

super::laws!(
    the_worst_go_first_and_then_the_oldest,
    no_delivery_is_given_out_twice,
    another_channel_is_left_alone,
    what_is_too_late_is_not_given_out,
    what_says_nothing_new_waits_for_its_time,
    a_job_says_what_is_true_when_it_is_given_out,
    a_delivery_is_seen_as_whoever_takes_it_in_hand_sees_it,
    a_restart_gives_out_again_what_was_in_hand,
    what_may_not_be_sent_twice_is_dead_after_a_restart,
    what_a_pool_works_on_is_not_adopted,
    the_outcome_of_a_former_life_changes_nothing,
    what_other_nodes_have_in_hand_is_theirs,
);

fn addresses(claimed: &Claimed) -> Vec<&str> {
    claimed.jobs.iter().map(|job| job.target.address.expose()).collect()
}

async fn the_worst_go_first_and_then_the_oldest(subject: Subject) {
    let lease = subject.lease().await;
    let told = [
        (open(1).about("a").severity(Severity::Low), "email:low@x", -9),
        (open(2).about("b").severity(Severity::Medium), "email:normal@x", -5),
        (open(3).about("c").severity(Severity::Critical), "email:critical-late@x", -1),
        (open(4).about("d").severity(Severity::High), "email:high@x", -3),
        (open(5).about("e").severity(Severity::Critical), "email:critical@x", -2),
        (open(6).about("f").severity(Severity::Critical), "email:critical-future@x", 60),
    ];
    subject
        .commit(&lease, |batch| {
            batch.accepts.extend(told.map(|(said, to, due)| said.to(&[to]).due(after(due)).accept()));
        })
        .await;
    assert_eq!(subject.store.next_due(&"email".into()).await.unwrap(), Some(after(-9)));
    let two = subject.commit(&lease, |batch| batch.claims.push(claim("email", 2))).await;
    assert_eq!(addresses(&two.claimed[0]), ["critical@x", "critical-late@x"]);
    assert_eq!(two.claimed[0].next_due, Some(after(-9)), "more are due");
    let rest = subject.commit(&lease, |batch| batch.claims.push(claim("email", 9))).await;
    assert_eq!(addresses(&rest.claimed[0]), ["high@x", "normal@x", "low@x"]);
    assert_eq!(rest.claimed[0].next_due, Some(after(60)));
    assert_eq!(subject.store.next_due(&"email".into()).await.unwrap(), Some(after(60)));
}

async fn no_delivery_is_given_out_twice(subject: Subject) {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.accepts.extend((0..20).map(|offset| open(offset).direct()))).await;
    let committed = subject
        .commit(&lease, |batch| {
            batch.claims.extend([claim("email", 7), claim("email", 7), claim("email", 0)])
        })
        .await;
    let next = subject.commit(&lease, |batch| batch.claims.push(claim("email", 100))).await;
    let claimed = committed.claimed.iter().chain(&next.claimed);
    let mut ids: Vec<_> = claimed.flat_map(|claimed| &claimed.jobs).map(|job| job.id).collect();
    assert_eq!(ids.len(), 20);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    assert_eq!(committed.claimed[2].next_due, Some(NOW));
    assert_eq!(next.claimed[0].next_due, None);
}

async fn another_channel_is_left_alone(subject: Subject) {
    let lease = subject.lease().await;
    let to = ["email:a@x", "sms:+15550100"];
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).to(&to).accept());
            batch.claims.extend([claim("sms", 5), claim("fax", 5)]);
        })
        .await;
    assert_eq!(addresses(&committed.claimed[0]), ["+15550100"]);
    assert!(committed.claimed[1].jobs.is_empty());
    assert_eq!(committed.claimed[1].next_due, None);
    assert_eq!(subject.store.next_due(&"email".into()).await.unwrap(), Some(NOW));
}

async fn what_is_too_late_is_not_given_out(subject: Subject) {
    let lease = subject.lease().await;
    let both = [open(1).expires(after(10)).direct(), open(2).expires(after(11)).direct()];
    subject.commit(&lease, |batch| batch.accepts.extend(both)).await;
    let committed = subject.commit_at(&lease, after(10), |batch| batch.claims.push(claim("email", 5))).await;
    assert_eq!((committed.claimed[0].jobs.len(), committed.claimed[0].expired), (1, 1));
    let expired = subject.store.deliveries(&of_state(DeliveryState::Expired), &all()).await.unwrap().data;
    assert_eq!((expired.len(), expired[0].attempts), (1, 0));
    assert!(subject.store.attempts(expired[0].id).await.unwrap().is_empty());
}

async fn what_says_nothing_new_waits_for_its_time(subject: Subject) {
    let lease = subject.lease().await;
    let later = open(1).due(after(30));
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(later.accept());
            batch.grants.insert("email".into(), 5);
            batch.claims.push(claim("email", 5));
        })
        .await;
    assert!(committed.started.is_empty() && committed.claimed[0].jobs.is_empty());
    assert_eq!(committed.claimed[0].next_due, Some(after(30)));
}

async fn a_job_says_what_is_true_when_it_is_given_out(subject: Subject) {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.accepts.push(open(1).severity(Severity::Low).accept())).await;
    subject.commit(&lease, |batch| batch.accepts.push(open(2).severity(Severity::High).accept())).await;
    let committed = subject.commit(&lease, |batch| batch.claims.push(claim("email", 5))).await;
    let Content::Incident(facts) = &*committed.claimed[0].jobs[0].content else {
        panic!("about an incident");
    };
    assert_eq!((facts.severity, facts.event_count, facts.number), (Severity::High, 2, 1));
    assert_eq!(facts.title, "disk \"full\" — ünïcode 🚨");
    assert_eq!(facts.labels["zone"], "a'b\\c");
    assert_eq!(facts.links[0].url, "https://example.com/?a=1&b=\"");
    assert_eq!(facts.policy, Some("everybody".into()));
}

/// Two deliveries in the hands of a life that is over, and the lease of the next.
async fn left_behind(subject: &mut Subject) -> (Vec<Job>, foghorn::domain::delivery::Lease) {
    let old = subject.lease().await;
    let committed = subject
        .commit(&old, |batch| {
            batch.accepts.extend([open(1).direct(), open(2).direct()]);
            batch.grants.insert("email".into(), 2);
        })
        .await;
    subject.reopen().await;
    (committed.started, subject.lease().await)
}

async fn a_delivery_is_seen_as_whoever_takes_it_in_hand_sees_it(subject: Subject) {
    let lease = subject.lease().await;
    let accepts = [open(1).to(&["email:a@x"]).accept(), open(2).direct()];
    subject.commit(&lease, |batch| batch.accepts.extend(accepts)).await;
    let committed = subject.commit(&lease, |batch| batch.claims.push(claim("email", 9))).await;
    let jobs = &committed.claimed[0].jobs;
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        let seen = subject.store.job(job.id).await.unwrap().expect("it is there");
        // It has begun since, so the next one would be the second.
        assert_eq!(seen, Job { attempt: 2, counted: 2, ..job.clone() });
    }
    assert_eq!(subject.store.job(DeliveryId::new(NOW, 404)).await.unwrap(), None);
}

async fn a_restart_gives_out_again_what_was_in_hand(mut subject: Subject) {
    let (left, lease) = left_behind(&mut subject).await;
    let plain = subject.commit(&lease, |batch| batch.claims.push(claim("email", 9))).await;
    assert!(plain.claimed[0].jobs.is_empty(), "only if it is asked for");

    let wish = adopting("email", Adopt::Retry, &[]);
    let committed = subject.commit_at(&lease, after(3), |batch| batch.claims.push(wish)).await;
    let jobs = &committed.claimed[0].jobs;
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        assert!(left.iter().any(|left| left.id == job.id && left.content == job.content));
        assert_eq!((job.attempt, job.counted), (2, 2), "the attempt that died counts");
        let attempts = subject.store.attempts(job.id).await.unwrap();
        assert_eq!(attempts[0].outcome.as_deref(), Some("unknown"));
        assert_eq!((attempts.len(), attempts[1].outcome.as_deref()), (2, None));
    }
}

async fn what_may_not_be_sent_twice_is_dead_after_a_restart(mut subject: Subject) {
    let (left, lease) = left_behind(&mut subject).await;
    let wish = adopting("email", Adopt::Hold, &[]);
    let committed = subject.commit(&lease, |batch| batch.claims.push(wish)).await;
    assert!(committed.claimed[0].jobs.is_empty());
    for job in left {
        let delivery = subject.store.delivery(job.id).await.unwrap().unwrap();
        assert_eq!((delivery.state, delivery.reason.as_deref()), (DeliveryState::Dead, Some("unknown")));
    }
}

async fn what_a_pool_works_on_is_not_adopted(subject: Subject) {
    let lease = subject.lease().await;
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.extend((0..3).map(|offset| open(offset).direct()));
            batch.grants.insert("email".into(), 3);
        })
        .await;
    let holding = [committed.started[0].id];
    let ended = ended(&committed.started[1], "sent", Next::Sent);
    let committed_again = subject
        .commit(&lease, |batch| {
            batch.attempted.push(ended);
            batch.accepts.push(open(9).direct());
            batch.grants.insert("email".into(), 1);
            batch.claims.push(adopting("email", Adopt::Retry, &holding));
        })
        .await;
    assert_eq!(committed_again.started.len(), 1, "what this very batch starts is not lost either");
    let ids: Vec<_> = committed_again.claimed[0].jobs.iter().map(|job| job.id).collect();
    assert_eq!(ids, [committed.started[2].id]);
}

async fn the_outcome_of_a_former_life_changes_nothing(mut subject: Subject) {
    let (left, lease) = left_behind(&mut subject).await;
    subject.commit(&lease, |batch| batch.attempted.push(ended(&left[0], "sent", Next::Sent))).await;
    let delivery = subject.store.delivery(left[0].id).await.unwrap().unwrap();
    assert_eq!(delivery.state, DeliveryState::Sending);
    assert_eq!(subject.store.attempts(left[0].id).await.unwrap()[0].outcome, None);
}

async fn what_other_nodes_have_in_hand_is_theirs(subject: Subject) {
    let lease = subject.lease().await;
    subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).direct());
            batch.grants.insert("email".into(), 1);
        })
        .await;
    let other = subject.store.lease(&"node-b".into(), NOW).await.unwrap();
    let wish = adopting("email", Adopt::Retry, &[]);
    let committed = subject.commit(&other, |batch| batch.claims.push(wish)).await;
    assert!(committed.claimed[0].jobs.is_empty());
    subject.commit(&lease, |_| {}).await;
}
