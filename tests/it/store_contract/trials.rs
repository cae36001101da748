//! Ends without a word, and the records that may be to blame for them.

use foghorn::domain::caution::RECORDED;
use foghorn::domain::delivery::Lease;
use foghorn::domain::event::Position;
use foghorn::domain::ids::DeadLetterId;
use foghorn::domain::malformed::Malformation;
use foghorn::store::batch::{Quarantined, Trial};

use crate::support::said::{NOW, after, open};
use crate::support::stores::Subject;

super::laws!(
    an_end_is_in_order_only_if_it_is_said,
    a_life_that_was_replaced_cannot_say_so_any_more,
    a_record_is_blamed_for_each_life_that_ended_over_it,
    asking_again_in_the_same_life_counts_once,
    a_suspect_is_not_tried_before_its_time,
    what_is_settled_is_no_suspect,
    what_is_in_the_store_is_no_suspect,
    an_end_in_order_blames_nobody,
    each_of_many_is_told_in_order,
    trials_outlive_the_process,
);

fn position(offset: i64) -> Position {
    Position::Kafka { topic: "incidents".into(), partition: 0, offset, timestamp_ms: 7 }
}

fn trial(offset: i64, waited: u32) -> Trial {
    Trial { source: "kafka".into(), position: position(offset), waited }
}

/// How many lives ended over the record, as it is told to a life that is about to try it.
async fn tried(subject: &Subject, lease: &Lease, offset: i64, waited: u32) -> u32 {
    subject.commit(lease, |batch| batch.trials.push(trial(offset, waited))).await.tried[0]
}

async fn died(subject: &Subject) -> bool {
    subject.store.died(&"node-a".into()).await.unwrap()
}

async fn an_end_is_in_order_only_if_it_is_said(subject: Subject) {
    assert!(!died(&subject).await, "it never lived");
    let first = subject.lease().await;
    assert!(died(&subject).await, "so far it said nothing");
    subject.store.release(&first, after(5)).await.unwrap();
    assert!(!died(&subject).await);
    subject.lease().await;
    assert!(died(&subject).await, "of the life after it nothing is known");
    assert!(!subject.store.died(&"node-b".into()).await.unwrap(), "another node is another life");
}

async fn a_life_that_was_replaced_cannot_say_so_any_more(subject: Subject) {
    let old = subject.lease().await;
    let new = subject.lease().await;
    subject.store.release(&old, NOW).await.unwrap();
    assert!(died(&subject).await);
    subject.store.release(&new, NOW).await.unwrap();
    assert!(!died(&subject).await);
}

async fn a_record_is_blamed_for_each_life_that_ended_over_it(subject: Subject) {
    for ends in 0..RECORDED {
        let lease = subject.lease().await;
        assert_eq!(tried(&subject, &lease, 1, ends).await, ends);
    }
    let lease = subject.lease().await;
    assert_eq!(tried(&subject, &lease, 1, 9).await, RECORDED);
    let lease = subject.lease().await;
    assert_eq!(tried(&subject, &lease, 1, 9).await, RECORDED, "poison is not tried again");
    assert_eq!(tried(&subject, &lease, 2, 0).await, 0, "its neighbour is not to blame");
}

async fn asking_again_in_the_same_life_counts_once(subject: Subject) {
    let lease = subject.lease().await;
    let batch = subject.batch(&lease, |batch| batch.trials.push(trial(1, 0)));
    for _ in 0..3 {
        assert_eq!(subject.store.commit(&batch).await.unwrap().tried, [0]);
    }
    let lease = subject.lease().await;
    assert_eq!(tried(&subject, &lease, 1, 0).await, 1);
}

async fn a_suspect_is_not_tried_before_its_time(subject: Subject) {
    let lease = subject.lease().await;
    tried(&subject, &lease, 1, 0).await;
    for _ in 0..3 {
        let lease = subject.lease().await;
        assert_eq!(tried(&subject, &lease, 1, 0).await, 1, "nobody waited, so nothing was written down");
    }
}

async fn what_is_settled_is_no_suspect(subject: Subject) {
    let lease = subject.lease().await;
    let both = [trial(1, 0), trial(2, 0)];
    subject.commit(&lease, |batch| batch.trials.extend(both)).await;
    subject.commit(&lease, |batch| batch.acquitted.push(("kafka".into(), position(1)))).await;
    let lease = subject.lease().await;
    assert_eq!(tried(&subject, &lease, 1, 0).await, 0);
    assert_eq!(tried(&subject, &lease, 2, 0).await, 1, "only the one that is settled");
}

async fn what_is_in_the_store_is_no_suspect(subject: Subject) {
    let lease = subject.lease().await;
    let both = [trial(1, 0), trial(2, 0)];
    subject.commit(&lease, |batch| batch.trials.extend(both)).await;
    let letter = Quarantined {
        came_back: 0,
        id: DeadLetterId::new(NOW, fastrand::u128(..)),
        source: "kafka".into(),
        position: position(2),
        reason: Malformation::Parse,
        detail: "not JSON".to_owned(),
        raw: b"x".as_slice().into(),
    };
    subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).accept());
            batch.quarantined.push(letter);
        })
        .await;
    for _ in 0..=RECORDED {
        let lease = subject.lease().await;
        assert_eq!(tried(&subject, &lease, 1, 9).await, 0, "an event");
        assert_eq!(tried(&subject, &lease, 2, 9).await, 0, "a dead letter");
    }
}

async fn an_end_in_order_blames_nobody(subject: Subject) {
    let lease = subject.lease().await;
    tried(&subject, &lease, 1, 0).await;
    for _ in 0..=RECORDED {
        let lease = subject.lease().await;
        assert_eq!(tried(&subject, &lease, 1, 1).await, 1, "what is on record stays");
        subject.store.release(&lease, NOW).await.unwrap();
    }
}

async fn each_of_many_is_told_in_order(subject: Subject) {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.trials.extend([3, 11, 7].map(|offset| trial(offset, 0)))).await;
    let lease = subject.lease().await;
    let many = (0..12).map(|offset| trial(offset, 0));
    let tried = subject.commit(&lease, |batch| batch.trials.extend(many)).await.tried;
    assert_eq!(tried, [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
}

async fn trials_outlive_the_process(mut subject: Subject) {
    let lease = subject.lease().await;
    tried(&subject, &lease, 1, 0).await;
    subject.reopen().await;
    assert!(died(&subject).await);
    let lease = subject.lease().await;
    assert_eq!(tried(&subject, &lease, 1, 0).await, 1);
}
