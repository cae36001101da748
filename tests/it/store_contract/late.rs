//! Events that come in another order than things happened: what is known in the end does not depend on it.

use std::time::Duration;

use foghorn::domain::acceptance::Accept;
use foghorn::domain::event::EventStatus;
use foghorn::domain::incident::{IncidentStatus, Transition};
use foghorn::domain::late::TOMBSTONE_LIFE;
use foghorn::domain::severity::Severity;
use foghorn::store::views::TimelineView;

use crate::support::said::{Said, after, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    in_whatever_order_they_come_the_last_word_is_that_of_the_newest,
    an_end_that_comes_first_is_the_end_of_what_began_before_it_and_of_nothing_else,
    what_comes_late_is_written_down_and_changes_nothing,
    clocks_of_two_sources_are_never_compared,
    nobody_is_called_for_what_happened_long_ago_until_it_is_heard_of_again,
);

fn said(offset: i64, status: EventStatus) -> Said {
    Said { offset, status, ..Said::default() }
}

/// Commits one event by itself, some seconds after now.
async fn commit(subject: &Subject, seconds: i64, accept: Accept) {
    let lease = subject.lease().await;
    subject.commit_at(&lease, after(seconds), |batch| batch.accepts.push(accept)).await;
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let longer = shorter.iter().flat_map(|order| {
        (0..=order.len()).map(|place| {
            let mut order = order.clone();
            order.insert(place, count - 1);
            order
        })
    });
    longer.collect()
}

async fn in_whatever_order_they_come_the_last_word_is_that_of_the_newest(subject: Subject) {
    use EventStatus::{Open, Resolved};
    let lease = subject.lease().await;
    let histories =
        [[Open, Resolved, Open, Resolved], [Open, Resolved, Open, Open], [Resolved, Open, Resolved, Open]];
    let (mut offset, mut number) = (0, 0);
    for history in histories {
        for order in orders(history.len()) {
            let key: &'static str = format!("{history:?} {order:?}").leak();
            for at in &order {
                offset += 1;
                let accept = said(offset, history[*at]).about(key).at(i64::try_from(*at).unwrap()).accept();
                subject.commit_at(&lease, after(60), |batch| batch.accepts.push(accept)).await;
            }
            number += 1;
            let incident = subject.store.incident(number).await.unwrap().unwrap();
            assert_eq!(incident.dedup_key, key, "one incident for each");
            let expected = match history[3] {
                Resolved => IncidentStatus::Resolved,
                _ => IncidentStatus::Open,
            };
            assert_eq!(incident.status, expected, "{key}");
        }
    }
}

async fn an_end_that_comes_first_is_the_end_of_what_began_before_it_and_of_nothing_else(subject: Subject) {
    commit(&subject, 10, resolved(1).at(5).accept()).await;
    assert_eq!(subject.store.incident(1).await.unwrap(), None, "nothing is open that could end");
    commit(&subject, 20, open(2).at(4).accept()).await;
    let incident = subject.store.incident(1).await.unwrap().unwrap();
    assert_eq!((incident.status, incident.version), (IncidentStatus::Resolved, 2));
    assert_eq!(incident.deliveries.pending, 0, "nobody is told");
    let kinds: Vec<_> = timeline(&subject, 1).await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Transition::Opened, Transition::Resolved]);
    // What happens after the end is another story, and so is what says nothing of when.
    commit(&subject, 30, open(3).at(6).accept()).await;
    assert_eq!(subject.store.incident(1).await.unwrap().unwrap().status, IncidentStatus::Open);
    commit(&subject, 30, resolved(4).about("cpu").at(5).accept()).await;
    commit(&subject, 40, open(5).about("cpu").accept()).await;
    assert_eq!(subject.store.incident(2).await.unwrap().unwrap().deliveries.pending, 1);
    // It waits a quarter of an hour for its beginning.
    let life = i64::try_from(TOMBSTONE_LIFE.as_secs()).unwrap();
    commit(&subject, 0, resolved(6).about("net").at(0).accept()).await;
    commit(&subject, life + 1, open(7).about("net").at(-1).accept()).await;
    assert_eq!(subject.store.incident(3).await.unwrap().unwrap().status, IncidentStatus::Open);
}

async fn what_comes_late_is_written_down_and_changes_nothing(subject: Subject) {
    commit(&subject, 10, open(1).at(5).accept()).await;
    commit(&subject, 10, open(2).severity(Severity::Low).at(1).accept()).await;
    let incident = subject.store.incident(1).await.unwrap().unwrap();
    assert_eq!((incident.severity, incident.version, incident.event_count), (Severity::High, 2, 2));
    commit(&subject, 10, resolved(3).at(4).accept()).await;
    assert_eq!(subject.store.incident(1).await.unwrap().unwrap().status, IncidentStatus::Open);
    // Whoever takes it may have another clock: only what was before it began is too late.
    commit(&subject, 10, said(4, EventStatus::Acknowledged).at(4).accept()).await;
    assert_eq!(subject.store.incident(1).await.unwrap().unwrap().status, IncidentStatus::Open);
    commit(&subject, 20, open(5).at(15).accept()).await;
    commit(&subject, 20, said(6, EventStatus::Acknowledged).at(14).accept()).await;
    assert_eq!(subject.store.incident(1).await.unwrap().unwrap().status, IncidentStatus::Acknowledged);
    let late: Vec<_> = timeline(&subject, 1).await;
    let late: Vec<_> = late.iter().filter(|entry| entry.kind == Transition::Late).collect();
    assert_eq!(late.len(), 3);
    assert!(late[1].detail.starts_with("resolved at 2026-"), "{}", late[1].detail);
}

async fn clocks_of_two_sources_are_never_compared(subject: Subject) {
    commit(&subject, 10, open(1).at(5).accept()).await;
    commit(&subject, 10, resolved(2).by("grafana").at(1).accept()).await;
    assert_eq!(subject.store.incident(1).await.unwrap().unwrap().status, IncidentStatus::Resolved);
    commit(&subject, 10, resolved(3).by("grafana").about("cpu").at(5).accept()).await;
    commit(&subject, 10, open(4).about("cpu").at(1).accept()).await;
    assert_eq!(subject.store.incident(2).await.unwrap().unwrap().status, IncidentStatus::Open);
}

async fn nobody_is_called_for_what_happened_long_ago_until_it_is_heard_of_again(subject: Subject) {
    let lease = subject.lease().await;
    for (offset, at, pending) in [(1, -7201, 0), (2, -7201, 0), (3, 0, 1)] {
        subject
            .commit(&lease, |batch| {
                batch.rules.max_age = Some(Duration::from_secs(7200));
                batch.accepts.push(open(offset).at(at).accept());
            })
            .await;
        let incident = subject.store.incident(1).await.unwrap().unwrap();
        assert_eq!(
            (incident.status, incident.deliveries.pending),
            (IncidentStatus::Open, pending),
            "{offset}"
        );
        assert_eq!(incident.policy.as_deref(), Some("everybody"));
    }
    let first = &timeline(&subject, 1).await[0];
    assert!(
        first.detail.ends_with("nobody is called for what happened at 2026-11-18 09:06:39 UTC"),
        "{}",
        first.detail
    );
}

async fn timeline(subject: &Subject, number: u64) -> Vec<TimelineView> {
    subject.store.timeline(number).await.unwrap()
}
