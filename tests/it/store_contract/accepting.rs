//! Accepting events: each once, with what it causes, in one transaction.

use foghorn::domain::acceptance::Decision;
use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::incident::Transition;
use foghorn::domain::notification::Content;
use foghorn::domain::query::{DeliveryQuery, LetterQuery};
use foghorn::store::StoreError;
use foghorn::store::batch::{AcceptResult, Quarantined};

use crate::support::said::{NOW, all, claim, of_state, open, words};
use crate::support::stores::Subject;

super::laws!(
    a_record_that_comes_again_changes_nothing,
    a_record_that_comes_twice_in_one_batch_is_one_event,
    the_same_id_with_the_same_bytes_is_a_duplicate_and_with_others_a_conflict,
    ids_are_compared_inside_a_batch_too,
    what_starts_has_its_first_attempt_on_record_and_the_rest_waits,
    a_direct_notification_says_what_was_asked,
    repeating_a_batch_changes_nothing,
    a_thousand_events_are_one_commit,
    bytes_that_are_no_text_are_kept_as_they_came,
    a_letter_is_to_be_exported_until_it_is_and_never_if_it_goes_round,
    nothing_is_written_for_a_node_that_was_replaced,
    what_is_committed_is_there_after_a_restart,
);

const OPENED: AcceptResult = AcceptResult::Decided(Decision::Routed(Transition::Opened));

async fn a_record_that_comes_again_changes_nothing(subject: Subject) {
    let lease = subject.lease().await;
    let first = subject.commit(&lease, |batch| batch.accepts.push(open(1).accept())).await;
    assert_eq!(first.accepted[0].result, OPENED);
    assert_eq!(first.accepted[0].incident, Some(1));
    assert_eq!(first.waiting, [("email".into(), 1)]);

    // Read again: Foghorn's own id of it is another, its place is the same.
    let again = subject.commit(&lease, |batch| batch.accepts.push(open(1).accept())).await;
    assert_eq!(again.accepted[0].result, AcceptResult::Duplicate);
    assert_eq!(again.accepted[0].event, first.accepted[0].event);
    assert_eq!(again.accepted[0].incident, Some(1));
    assert!(again.started.is_empty() && again.waiting.is_empty());

    let incident = subject.store.incident(1).await.unwrap().unwrap();
    assert_eq!((incident.event_count, incident.deliveries.pending), (1, 1));
    assert_eq!(subject.store.timeline(1).await.unwrap().len(), 1);
}

async fn a_record_that_comes_twice_in_one_batch_is_one_event(subject: Subject) {
    let lease = subject.lease().await;
    let both = [open(1).accept(), open(1).accept(), open(2).accept()];
    let committed = subject.commit(&lease, |batch| batch.accepts.extend(both)).await;
    let results: Vec<_> = committed.accepted.iter().map(|accepted| accepted.result).collect();
    let updated = AcceptResult::Decided(Decision::Routed(Transition::Updated));
    assert_eq!(results, [OPENED, AcceptResult::Duplicate, updated]);
    assert_eq!(committed.accepted[0].event, committed.accepted[1].event);
    assert_eq!(subject.store.incident(1).await.unwrap().unwrap().event_count, 2);
}

async fn the_same_id_with_the_same_bytes_is_a_duplicate_and_with_others_a_conflict(subject: Subject) {
    let lease = subject.lease().await;
    let first =
        subject.commit(&lease, |batch| batch.accepts.push(open(1).id("order-7", "{}").accept())).await;
    let later = [
        open(2).id("order-7", "{}").accept(),
        open(3).id("order-7", "{\"other\":1}").accept(),
        open(4).id("order-8", "{}").about("cpu").accept(),
    ];
    let committed = subject.commit(&lease, |batch| batch.accepts.extend(later)).await;
    let results: Vec<_> = committed.accepted.iter().map(|accepted| accepted.result).collect();
    assert_eq!(results, [AcceptResult::Duplicate, AcceptResult::Conflict, OPENED]);
    assert_eq!(committed.accepted[0].event, first.accepted[0].event);
    assert_eq!(committed.accepted[0].incident, Some(1));

    let letters = subject.store.dead_letters(&LetterQuery::default(), &all()).await.unwrap().data;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].reason.as_str(), letters[0].bytes), ("id_conflict", 11));
    assert_eq!(letters[0].position, "incidents/0/3@7");
}

async fn ids_are_compared_inside_a_batch_too(subject: Subject) {
    let lease = subject.lease().await;
    let three =
        [open(1).id("a", "{}").accept(), open(2).id("a", "{}").accept(), open(3).id("a", "[]").accept()];
    let committed = subject.commit(&lease, |batch| batch.accepts.extend(three)).await;
    let results: Vec<_> = committed.accepted.iter().map(|accepted| accepted.result).collect();
    assert_eq!(results, [OPENED, AcceptResult::Duplicate, AcceptResult::Conflict]);
    assert_eq!(subject.store.dead_letters(&LetterQuery::default(), &all()).await.unwrap().data.len(), 1);
}

async fn what_starts_has_its_first_attempt_on_record_and_the_rest_waits(subject: Subject) {
    let lease = subject.lease().await;
    let to = ["email:a@example.com", "email:b@example.com", "email:c@example.com", "sms:+15550100"];
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).to(&to).accept());
            batch.grants.insert("email".into(), 2);
        })
        .await;
    assert_eq!(committed.started.len(), 2);
    for job in &committed.started {
        assert_eq!((job.attempt, job.counted, job.crashes), (1, 1, 0));
        let delivery = subject.store.delivery(job.id).await.unwrap().unwrap();
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Sending, 1));
        let attempts = subject.store.attempts(job.id).await.unwrap();
        assert_eq!((attempts.len(), attempts[0].number, attempts[0].at), (1, 1, NOW));
        assert_eq!(attempts[0].outcome, None);
    }
    let mut waiting = committed.waiting.clone();
    waiting.sort();
    assert_eq!(waiting, [("email".into(), 1), ("sms".into(), 1)]);
    let pending = subject.store.deliveries(&of_state(DeliveryState::Pending), &all()).await.unwrap();
    assert_eq!(pending.data.len(), 2);
    assert!(pending.data.iter().all(|delivery| delivery.next_attempt_at == Some(NOW)));
    let masked: Vec<_> = pending.data.iter().map(|delivery| delivery.to.contains("***")).collect();
    assert_eq!(masked, [true, true]);
}

async fn a_direct_notification_says_what_was_asked(subject: Subject) {
    let lease = subject.lease().await;
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).to(&["email:a@example.com", "email:b@example.com"]).direct());
            batch.grants.insert("email".into(), 1);
            batch.claims.push(claim("email", 5));
        })
        .await;
    assert_eq!(committed.accepted[0].incident, None);
    let jobs = [&committed.started[0], &committed.claimed[0].jobs[0]];
    for job in jobs {
        assert_eq!(*job.content, Content::Direct(words()));
    }
    let delivery = subject.store.delivery(jobs[0].id).await.unwrap().unwrap();
    assert_eq!((delivery.notification, delivery.incident_number), ("direct", None));
}

async fn repeating_a_batch_changes_nothing(subject: Subject) {
    let lease = subject.lease().await;
    let batch = subject.batch(&lease, |batch| {
        batch.accepts.push(open(1).accept());
        batch.accepts.push(open(2).id("x", "{}").about("cpu").accept());
        batch.quarantined.push(letter(b"nonsense"));
        batch.grants.insert("email".into(), 1);
    });
    let first = subject.store.commit(&batch).await.unwrap();
    let before = subject.store.deliveries(&DeliveryQuery::default(), &all()).await.unwrap();
    let second = subject.store.commit(&batch).await.unwrap();
    assert!(second.started.is_empty());
    assert!(second.accepted.iter().all(|accepted| accepted.result == AcceptResult::Duplicate));
    let ids = |committed: &foghorn::store::batch::Committed| {
        committed.accepted.iter().map(|accepted| (accepted.event, accepted.incident)).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), ids(&second));
    let after = subject.store.deliveries(&DeliveryQuery::default(), &all()).await.unwrap();
    assert_eq!(before, after);
    assert_eq!(subject.store.dead_letters(&LetterQuery::default(), &all()).await.unwrap().data.len(), 1);
}

async fn a_thousand_events_are_one_commit(subject: Subject) {
    let lease = subject.lease().await;
    let keys = ["disk", "cpu", "memory", "network"];
    let said = |offset: i64| open(offset).about(keys[offset as usize % 4]);
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.extend((0..500).map(|offset| said(offset).accept()));
            batch.accepts.extend((500..1000).map(|offset| said(offset).direct()));
            batch.grants.insert("email".into(), 100);
        })
        .await;
    assert_eq!(committed.accepted.len(), 1000);
    assert_eq!(committed.started.len(), 100);
    assert_eq!(committed.waiting, [("email".into(), 404)]);
    for number in 1..=4 {
        let incident = subject.store.incident(number).await.unwrap().unwrap();
        assert_eq!((incident.event_count, incident.version), (125, 125));
        assert_eq!(subject.store.timeline(number).await.unwrap().len(), 125);
    }
}

fn letter(raw: &[u8]) -> Quarantined {
    Quarantined {
        came_back: 0,
        id: foghorn::domain::ids::DeadLetterId::new(NOW, fastrand::u128(..)),
        source: "kafka".into(),
        position: foghorn::domain::event::Position::Kafka {
            topic: "incidents".into(),
            partition: 0,
            offset: 99,
            timestamp_ms: -1,
        },
        reason: foghorn::domain::malformed::Malformation::Parse,
        detail: "not JSON at byte 0".to_owned(),
        raw: raw.into(),
    }
}

async fn bytes_that_are_no_text_are_kept_as_they_came(subject: Subject) {
    let lease = subject.lease().await;
    let everything: Vec<u8> = (0..=255).collect();
    let mut again = letter(b"other bytes");
    subject.commit(&lease, |batch| batch.quarantined.push(letter(&everything))).await;
    again.detail = "the same position".to_owned();
    subject.commit(&lease, |batch| batch.quarantined.push(again)).await;

    let letters = subject.store.dead_letters(&LetterQuery::default(), &all()).await.unwrap().data;
    assert_eq!(letters.len(), 1, "a position is quarantined once");
    assert_eq!((letters[0].bytes, &letters[0].payload), (256, &None));
    let whole = subject.store.dead_letter(letters[0].id).await.unwrap().unwrap();
    assert_eq!(whole.payload.unwrap(), String::from_utf8_lossy(&everything));

    // An event's bytes are compared when its id comes again, so they too must come back whole.
    let mut odd = open(1).id("odd", "");
    odd.raw = everything;
    subject.commit(&lease, |batch| batch.accepts.push(odd.accept())).await;
    odd.offset = 2;
    let committed = subject.commit(&lease, |batch| batch.accepts.push(odd.accept())).await;
    assert_eq!(committed.accepted[0].result, AcceptResult::Duplicate);
}

async fn nothing_is_written_for_a_node_that_was_replaced(subject: Subject) {
    let old = subject.lease().await;
    let new = subject.lease().await;
    assert_eq!(new.epoch, old.epoch + 1);
    let batch = subject.batch(&old, |batch| batch.accepts.push(open(1).accept()));
    let error = subject.store.commit(&batch).await.unwrap_err();
    assert!(matches!(error, StoreError::Fenced { epoch, .. } if epoch == old.epoch), "{error}");
    assert_eq!(subject.store.incident(1).await.unwrap(), None);
    let committed = subject.commit(&new, |batch| batch.accepts.push(open(1).accept())).await;
    assert_eq!(committed.accepted[0].result, OPENED);
}

async fn what_is_committed_is_there_after_a_restart(mut subject: Subject) {
    let lease = subject.lease().await;
    let committed = subject.commit(&lease, |batch| batch.accepts.push(open(1).accept())).await;
    let before = subject.store.incident(1).await.unwrap();
    subject.reopen().await;
    assert_eq!(subject.store.incident(1).await.unwrap(), before);
    let lease = subject.lease().await;
    let again = subject.commit(&lease, |batch| batch.accepts.push(open(1).accept())).await;
    assert_eq!(again.accepted[0].event, committed.accepted[0].event);
}

async fn a_letter_is_to_be_exported_until_it_is_and_never_if_it_goes_round(mut subject: Subject) {
    let lease = subject.lease().await;
    let place = |offset: i64| foghorn::domain::event::Position::Kafka {
        topic: "incidents".into(),
        partition: 0,
        offset,
        timestamp_ms: 5,
    };
    let first = Quarantined { position: place(1), came_back: 2, ..letter(b"first") };
    let looping = Quarantined {
        position: place(2),
        reason: foghorn::domain::malformed::Malformation::Loop,
        ..letter(b"again")
    };
    let other = Quarantined { source: "other".into(), position: place(3), ..letter(b"other") };
    let letters = [first.clone(), looping, other];
    subject.commit(&lease, |batch| batch.quarantined.extend(letters)).await;
    subject.reopen().await;
    let here = subject.store.unexported(&"kafka".into(), 9).await.unwrap();
    assert_eq!(here.len(), 1, "{here:?}");
    let found = &here[0];
    assert_eq!((found.id, found.came_back, &*found.raw), (first.id, 2, b"first".as_slice()));
    assert_eq!((found.position.as_str(), found.reason.as_str()), ("incidents/0/1@5", "parse"));
    subject.commit(&lease, |batch| batch.exported.push(first.id)).await;
    subject.reopen().await;
    assert_eq!(subject.store.unexported(&"kafka".into(), 9).await.unwrap(), []);
    assert_eq!(subject.store.unexported(&"other".into(), 9).await.unwrap().len(), 1);
    assert!(subject.store.dead_letter(first.id).await.unwrap().is_some(), "it stays here, too");
}
