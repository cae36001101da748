//! Messages to one address that go out together: one call to the provider, and still a delivery for each.

use foghorn::domain::acceptance::Accept;
use foghorn::domain::delivery::{DeliveryState, Job};
use foghorn::store::batch::{Adopt, Claimed, Next};

use crate::support::said::{adopting, after, claim, ended, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    the_first_goes_at_once_and_what_follows_is_one_message,
    each_address_has_its_own_and_who_waits_for_nobody_is_alone,
    what_is_over_meanwhile_is_left_out,
    a_message_that_failed_comes_again_without_waiting_anew,
    a_digest_goes_when_its_first_is_due,
    what_goes_out_together_is_not_adopted_while_it_does,
);

const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Incidents about these keys that wait two minutes for others.
fn storm(offset: i64, keys: &[&'static str]) -> Vec<Accept> {
    let said = |(at, key): (usize, &&'static str)| {
        open(offset + i64::try_from(at).unwrap()).about(key).to(&["email:ada@x"]).bundled(120).accept()
    };
    keys.iter().enumerate().map(said).collect()
}

async fn take(subject: &Subject, at: i64) -> Claimed {
    let lease = subject.store.lease(&"node-a".into(), after(0)).await.unwrap();
    let committed = subject.commit_at(&lease, after(at), |batch| batch.claims.push(claim("email", 9))).await;
    committed.claimed.into_iter().next().unwrap()
}

async fn say(subject: &Subject, at: i64, accepts: Vec<Accept>) {
    let lease = subject.store.lease(&"node-a".into(), after(0)).await.unwrap();
    subject
        .commit_at(&lease, after(at), |batch| {
            batch.accepts.extend(accepts);
            // However many places are free.
            batch.grants.insert("email".into(), 9);
        })
        .await;
}

fn sizes(claimed: &Claimed) -> Vec<usize> {
    claimed.jobs.iter().map(|job| job.ids().count()).collect()
}

async fn the_first_goes_at_once_and_what_follows_is_one_message(subject: Subject) {
    say(&subject, 0, storm(1, &KEYS[..1])).await;
    assert_eq!(sizes(&take(&subject, 0).await), [1]);
    say(&subject, 10, storm(2, &KEYS[1..4])).await;
    say(&subject, 60, storm(5, &KEYS[4..])).await;
    let waits = take(&subject, 61).await;
    assert_eq!((sizes(&waits), waits.next_due), (vec![], Some(after(120))));
    let rest = take(&subject, 120).await;
    assert_eq!(sizes(&rest), [5]);
    for id in rest.jobs[0].ids() {
        let delivery = subject.store.delivery(id).await.unwrap().unwrap();
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Sending, 1));
        assert_eq!(subject.store.attempts(id).await.unwrap().len(), 1, "each has its own");
    }
}

async fn each_address_has_its_own_and_who_waits_for_nobody_is_alone(subject: Subject) {
    let to = ["email:ada@x", "email:bob@x"];
    let mut accepts: Vec<Accept> =
        KEYS[..3].iter().zip(1..).map(|(key, at)| open(at).about(key).to(&to).bundled(60).accept()).collect();
    accepts.push(open(7).about("d").to(&["email:ada@x"]).accept());
    say(&subject, 0, accepts).await;
    let claimed = take(&subject, 0).await;
    let mut sizes = sizes(&claimed);
    sizes.sort_unstable();
    // The fourth had a free place at once.
    assert_eq!(sizes, [3, 3]);
    for job in &claimed.jobs {
        let theirs = job.rest.iter().all(|one| one.target.address == job.target.address);
        assert!(theirs, "{job:?}");
    }
}

async fn what_is_over_meanwhile_is_left_out(subject: Subject) {
    say(&subject, 0, storm(1, &KEYS[..1])).await;
    take(&subject, 0).await;
    say(&subject, 10, storm(2, &KEYS[1..4])).await;
    take(&subject, 10).await;
    say(&subject, 20, vec![resolved(9).about("c").accept()]).await;
    let claimed = take(&subject, 120).await;
    assert_eq!(sizes(&claimed), [2]);
    let incident = subject.store.incident(3).await.unwrap().unwrap();
    assert_eq!((incident.deliveries.canceled, incident.deliveries.sending), (1, 0));
}

async fn a_message_that_failed_comes_again_without_waiting_anew(subject: Subject) {
    say(&subject, 0, storm(1, &KEYS[..3])).await;
    let lease = subject.lease().await;
    let claimed = subject.commit(&lease, |batch| batch.claims.push(claim("email", 9))).await.claimed;
    let jobs: Vec<Job> = claimed[0].jobs[0].clone().each().collect();
    subject
        .commit(&lease, |batch| {
            let again =
                |job: &Job| ended(job, "timeout", Next::Retrying { due_at: after(5), crashed: false });
            batch.attempted.extend(jobs.iter().map(again));
        })
        .await;
    let again = take(&subject, 5).await;
    assert_eq!(sizes(&again), [3]);
    assert_eq!(again.jobs[0].attempt, 2);
}

async fn a_digest_goes_when_its_first_is_due(subject: Subject) {
    let waits = |at: i64| open(at).to(&["email:ada@x"]).due(after(at)).bundled(60).direct();
    say(&subject, 0, vec![waits(60), waits(90), waits(110)]).await;
    assert_eq!(sizes(&take(&subject, 59).await), [0; 0]);
    assert_eq!(sizes(&take(&subject, 60).await), [3]);
}

async fn what_goes_out_together_is_not_adopted_while_it_does(subject: Subject) {
    say(&subject, 0, storm(1, &KEYS[..3])).await;
    let lease = subject.lease().await;
    let taken = subject.commit(&lease, |batch| batch.claims.push(claim("email", 9))).await.claimed;
    let holding: Vec<_> = taken[0].jobs[0].ids().collect();
    let again = adopting("email", Adopt::Retry, &holding);
    let adopted = subject.commit(&lease, |batch| batch.claims.push(again)).await;
    assert_eq!(sizes(&adopted.claimed[0]), [0; 0]);
    // A pool that knows of none of them tries them again.
    let adopted =
        subject.commit(&lease, |batch| batch.claims.push(adopting("email", Adopt::Retry, &[]))).await;
    assert_eq!(sizes(&adopted.claimed[0]), [3]);
}
