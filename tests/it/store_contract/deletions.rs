//! What is deleted is seen by nobody, says nothing more, and its number and its key are not mixed up with
//! what comes later.

use foghorn::domain::action::{Act, Acted, Action, By, Via};
use foghorn::domain::delivery::{DeliveryState, Lease};
use foghorn::domain::incident::IncidentStatus;
use foghorn::domain::query::IncidentQuery;
use foghorn::store::Paging;
use foghorn::store::batch::{Committed, Next};

use crate::support::said::{after, all, claim, ended, of_state, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    nobody_sees_it_and_the_next_with_its_key_is_another_one,
    whatever_waits_of_it_is_canceled_the_news_of_its_end_too,
    what_was_in_hand_is_not_tried_again,
    a_list_passes_over_it_on_every_page,
);

async fn delete(subject: &Subject, lease: &Lease, number: u64) -> Committed {
    let by = By { who: "ada".into(), via: Via::Api };
    let act = Act { number, action: Action::Delete, note: None, by, if_version: None, episode: None };
    subject.commit_at(lease, after(60), |batch| batch.acts.push(act)).await
}

async fn nobody_sees_it_and_the_next_with_its_key_is_another_one(subject: Subject) {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.accepts.push(open(1).accept())).await;
    let id = subject.store.incident(1).await.unwrap().unwrap().id;
    assert_eq!(subject.store.incident_number(id).await.unwrap(), Some(1));
    let deleted = delete(&subject, &lease, 1).await;
    assert!(matches!(&deleted.acted[..], [Acted::Done(incident)] if incident.deleted_at.is_some()));
    assert_eq!(subject.store.incident(1).await.unwrap(), None);
    assert_eq!(subject.store.incident_number(id).await.unwrap(), None);
    let query = IncidentQuery::of_statuses(&[]);
    assert!(subject.store.incidents(&query, &all()).await.unwrap().data.is_empty());
    let query = IncidentQuery::of_statuses(&[IncidentStatus::Open]);
    assert!(subject.store.incidents(&query, &all()).await.unwrap().data.is_empty());
    assert!(subject.store.incident_counts().await.unwrap().is_empty());
    assert!(subject.store.timers(1).await.unwrap().is_empty());
    assert_eq!(delete(&subject, &lease, 1).await.acted, [Acted::NotFound]);

    // Its end is of nothing that is there, and its key begins anew.
    let end = subject.commit(&lease, |batch| batch.accepts.push(resolved(2).accept())).await;
    assert_eq!(end.accepted[0].incident, None);
    let again = subject.commit(&lease, |batch| batch.accepts.push(open(3).accept())).await;
    assert_eq!(again.accepted[0].incident, Some(2));
    assert_eq!(subject.store.incident(2).await.unwrap().unwrap().event_count, 1);
}

async fn whatever_waits_of_it_is_canceled_the_news_of_its_end_too(subject: Subject) {
    let lease = subject.lease().await;
    let to = ["email:sent@x", "sms:+15550100"];
    let started = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).to(&to).accept());
            batch.accepts.push(open(2).about("cpu").to(&to).accept());
            batch.grants.insert("email".into(), 2);
        })
        .await
        .started;
    let sent = started.iter().map(|job| ended(job, "sent", Next::Sent)).collect::<Vec<_>>();
    subject.commit(&lease, |batch| batch.attempted.extend(sent)).await;
    subject.commit(&lease, |batch| batch.accepts.push(resolved(3).accept())).await;
    let waiting =
        async || subject.store.deliveries(&of_state(DeliveryState::Pending), &all()).await.unwrap().data;
    assert_eq!(waiting().await.len(), 2, "the news, and what another incident has to say");
    delete(&subject, &lease, 1).await;
    let left = waiting().await;
    assert_eq!(left.iter().map(|one| one.incident_number).collect::<Vec<_>>(), [Some(2)]);
}

async fn what_was_in_hand_is_not_tried_again(subject: Subject) {
    let lease = subject.lease().await;
    let started = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).accept());
            batch.grants.insert("email".into(), 1);
        })
        .await
        .started;
    let sent = ended(&started[0], "sent", Next::Sent);
    subject.commit(&lease, |batch| batch.attempted.push(sent)).await;
    let news = subject
        .commit(&lease, |batch| {
            batch.accepts.push(resolved(2).accept());
            batch.grants.insert("email".into(), 1);
        })
        .await
        .started;
    delete(&subject, &lease, 1).await;
    let retry = Next::Retrying { due_at: after(61), crashed: false };
    let committed = subject
        .commit_at(&lease, after(120), |batch| {
            batch.attempted.push(ended(&news[0], "timeout", retry));
            batch.claims.push(claim("email", 9));
        })
        .await;
    assert!(committed.claimed[0].jobs.is_empty());
    assert_eq!(subject.store.delivery(news[0].id).await.unwrap().unwrap().state, DeliveryState::Canceled);
}

async fn a_list_passes_over_it_on_every_page(subject: Subject) {
    let lease = subject.lease().await;
    let keys = ["a", "b", "c", "d", "e"];
    let said = (1..).zip(keys).map(|(offset, key)| open(offset).about(key).accept());
    subject.commit(&lease, |batch| batch.accepts.extend(said)).await;
    for number in [2, 3, 5] {
        delete(&subject, &lease, number).await;
    }
    let mut numbers = Vec::new();
    let mut paging = Paging { before: None, limit: 1 };
    loop {
        let page = subject.store.incidents(&IncidentQuery::default(), &paging).await.unwrap();
        numbers.extend(page.data.iter().map(|incident| incident.number));
        paging.before = page.next_cursor;
        if paging.before.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [4, 1]);
}
