//! What people see.

use std::collections::BTreeSet;

use foghorn::domain::delivery::{DeadReason, DeliveryState};
use foghorn::domain::incident::IncidentStatus;
use foghorn::domain::query::{DeliveryQuery, IncidentQuery, LetterQuery};
use foghorn::store::Paging;
use foghorn::store::batch::Next;

use crate::support::said::{NOW, all, claim, ended, of_state, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    paging_walks_every_row_once_newest_first,
    a_filter_holds_on_every_page,
    a_cursor_that_we_did_not_make_ends_the_list,
    the_backlog_is_what_waits,
    what_is_not_there_is_none,
    the_store_says_how_it_is,
);

const KEYS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

async fn seven(subject: &Subject) -> foghorn::domain::delivery::Lease {
    let lease = subject.lease().await;
    let to = ["email:a@x", "sms:+15550100"];
    let said = (0..).zip(KEYS).map(|(offset, key)| open(offset).about(key).to(&to).accept());
    subject.commit(&lease, |batch| batch.accepts.extend(said)).await;
    lease
}

async fn paging_walks_every_row_once_newest_first(subject: Subject) {
    seven(&subject).await;
    let mut numbers = Vec::new();
    let mut paging = Paging { before: None, limit: 3 };
    loop {
        let page = subject.store.incidents(&IncidentQuery::default(), &paging).await.unwrap();
        numbers.extend(page.data.iter().map(|incident| incident.number));
        paging.before = page.next_cursor;
        if paging.before.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1]);

    let mut ids = Vec::new();
    let mut paging = Paging { before: None, limit: 7 };
    loop {
        let page = subject.store.deliveries(&DeliveryQuery::default(), &paging).await.unwrap();
        assert_eq!(page.data.len(), 7);
        ids.extend(page.data.iter().map(|delivery| delivery.id));
        paging.before = page.next_cursor;
        if paging.before.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 14);
    assert!(ids.is_sorted_by(|a, b| a > b));
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 14);
}

async fn a_filter_holds_on_every_page(subject: Subject) {
    let lease = seven(&subject).await;
    let over = [resolved(20).about("b").accept(), resolved(21).about("f").accept()];
    subject.commit(&lease, |batch| batch.accepts.extend(over)).await;
    let paging = Paging { before: None, limit: 1 };
    let first = subject
        .store
        .incidents(&IncidentQuery::of_statuses(&[IncidentStatus::Resolved]), &paging)
        .await
        .unwrap();
    assert_eq!(first.data[0].number, 6);
    let paging = Paging { before: first.next_cursor, limit: 1 };
    let second = subject
        .store
        .incidents(&IncidentQuery::of_statuses(&[IncidentStatus::Resolved]), &paging)
        .await
        .unwrap();
    assert_eq!((second.data[0].number, second.next_cursor), (2, None));

    let filter = DeliveryQuery::default()
        .in_states(&[DeliveryState::Canceled, DeliveryState::Dead])
        .on_channel(&"sms".into())
        .of_incident(2);
    let found = subject.store.deliveries(&filter, &all()).await.unwrap().data;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].incident_number, found[0].channel.as_str()), (Some(2), "sms"));
}

async fn a_cursor_that_we_did_not_make_ends_the_list(subject: Subject) {
    seven(&subject).await;
    for cursor in ["", "x", "del_", "' OR 1=1 --", "\0", "9999999999999999999999"] {
        let paging = Paging { before: Some(cursor.to_owned()), limit: 5 };
        assert!(
            subject.store.incidents(&IncidentQuery::default(), &paging).await.unwrap().data.is_empty(),
            "{cursor}"
        );
        let page = subject.store.deliveries(&DeliveryQuery::default(), &paging).await.unwrap();
        assert!(page.data.is_empty() && page.next_cursor.is_none(), "{cursor}");
        assert!(
            subject.store.dead_letters(&LetterQuery::default(), &paging).await.unwrap().data.is_empty(),
            "{cursor}"
        );
    }
}

async fn the_backlog_is_what_waits(subject: Subject) {
    let lease = seven(&subject).await;
    let committed = subject.commit(&lease, |batch| batch.claims.push(claim("email", 3))).await;
    let jobs = &committed.claimed[0].jobs;
    let retry = Next::Retrying { due_at: NOW, crashed: false };
    subject
        .commit(&lease, |batch| {
            batch.attempted.push(ended(&jobs[0], "refused", Next::Dead(DeadReason::Rejected)));
            batch.attempted.push(ended(&jobs[1], "timeout", retry));
        })
        .await;
    let backlog = subject.store.backlog().await.unwrap();
    assert_eq!(backlog.dead_letters, 0);
    let mut lines: Vec<_> = backlog
        .deliveries
        .iter()
        .map(|line| (line.channel.as_str(), line.state.as_str(), line.count))
        .collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            ("email", "dead", 1),
            ("email", "pending", 4),
            ("email", "retrying", 1),
            ("email", "sending", 1),
            ("sms", "pending", 7)
        ]
    );
    assert!(backlog.deliveries.iter().all(|line| line.oldest == Some(NOW)));
    assert_eq!(subject.store.deliveries(&of_state(DeliveryState::Dead), &all()).await.unwrap().data.len(), 1);
}

async fn what_is_not_there_is_none(subject: Subject) {
    let id = foghorn::domain::ids::DeliveryId::new(NOW, 1);
    assert_eq!(subject.store.delivery(id).await.unwrap(), None);
    assert!(subject.store.attempts(id).await.unwrap().is_empty());
    assert_eq!(subject.store.incident(u64::MAX).await.unwrap(), None);
    let letter = foghorn::domain::ids::DeadLetterId::new(NOW, 1);
    assert_eq!(subject.store.dead_letter(letter).await.unwrap(), None);
    let lease = subject.lease().await;
    assert_eq!(subject.commit(&lease, |batch| batch.replays.push(id.into())).await.replayed, [None]);
}

async fn the_store_says_how_it_is(subject: Subject) {
    let health = subject.store.check().await.unwrap();
    assert!(["memory", "sqlite", "postgres"].contains(&health.kind));
    let steps = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap();
    let number = |name: &str| name.split('_').next().unwrap().parse::<i64>().unwrap();
    let newest = steps.map(|step| number(step.unwrap().file_name().to_str().unwrap())).max();
    assert_eq!(health.schema, if health.kind == "memory" { 0 } else { newest.unwrap() });
}
