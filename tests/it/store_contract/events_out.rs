//! What other systems are told is written with what it tells of: all of it or none, each once.

use std::sync::Arc;

use foghorn::domain::acceptance::IncidentRules;
use foghorn::domain::action::{Act, Action, By, Via};
use foghorn::domain::delivery::{About, DeadReason, Job, Lease};
use foghorn::domain::outgoing::{EventsOut, Parcel, Wanted};
use foghorn::domain::pattern::Pattern;
use foghorn::domain::record::{RecordChange, Section};
use foghorn::store::StoreError;
use foghorn::store::batch::{Adopt, Attempted, Batch, Committed, Next, Turn};
use serde_json::{Value, json};

use crate::support::said::{adopting, after, ended, open, resolved, rules};
use crate::support::stores::Subject;

super::laws!(
    a_change_is_told_in_its_transaction_and_once,
    who_is_not_named_costs_nothing,
    a_batch_that_fails_tells_nothing,
    what_an_incident_went_through_in_one_batch_is_told_in_order,
    only_the_outcome_that_ended_a_delivery_is_told,
    a_delivery_that_is_given_up_is_told,
    what_was_put_off_holds_what_is_about_the_same_and_nothing_else,
    one_node_at_a_time_hands_over,
    what_somebody_wants_to_hear_is_told_with_its_change_and_once,
);

fn telling(only: &[&str]) -> IncidentRules {
    let only = only.iter().map(|text| Pattern::new(*text)).collect();
    let sinks = vec![Wanted { sink: "bus".into(), only }];
    let events_out = Arc::new(EventsOut { source: "https://fog.example".to_owned(), sinks });
    IncidentRules { events_out, ..rules() }
}

async fn tell(subject: &Subject, lease: &Lease, only: &[&str], fill: impl FnOnce(&mut Batch)) -> Committed {
    let rules = telling(only);
    subject
        .commit(lease, |batch| {
            batch.rules = rules;
            fill(batch);
        })
        .await
}

fn turn() -> Turn {
    Turn { sink: "bus".into(), done: Vec::new(), refused: Vec::new(), limit: 100, until: after(90) }
}

async fn take(subject: &Subject, lease: &Lease, at: i64, turn: Turn) -> Vec<Parcel> {
    let committed = subject.commit_at(lease, after(at), |batch| batch.turns.push(turn)).await;
    committed.parcels.into_iter().next().unwrap()
}

async fn waiting(subject: &Subject, lease: &Lease) -> Vec<Parcel> {
    take(subject, lease, 0, turn()).await
}

fn kinds(parcels: &[Parcel]) -> Vec<&str> {
    parcels.iter().map(|parcel| parcel.outgoing.kind.strip_prefix("io.foghorn.").unwrap()).collect()
}

fn event(parcel: &Parcel) -> Value {
    serde_json::from_str(&parcel.outgoing.payload).unwrap()
}

fn taken() -> Act {
    let by = By { who: "ada".into(), via: Via::Cli };
    Act { number: 1, action: Action::Acknowledge, note: None, by, if_version: None, episode: None }
}

async fn a_change_is_told_in_its_transaction_and_once(mut subject: Subject) {
    let lease = subject.lease().await;
    let mut batch = subject.batch(&lease, |batch| batch.accepts.push(open(1).accept()));
    batch.rules = telling(&[]);
    let committed = subject.store.commit(&batch).await.unwrap();
    assert!(committed.posted.contains("bus"));
    assert!(subject.store.commit(&batch).await.unwrap().posted.is_empty(), "it is known already");
    tell(&subject, &lease, &[], |batch| batch.acts.push(taken())).await;
    tell(&subject, &lease, &[], |batch| batch.acts.push(taken())).await;

    subject.reopen().await;
    let parcels = waiting(&subject, &lease).await;
    assert_eq!(kinds(&parcels), ["incident.opened", "incident.acknowledged"]);
    assert!(parcels.iter().all(|parcel| parcel.outgoing.about == "1" && parcel.attempts == 0));
    let [opened, acknowledged] = [event(&parcels[0]), event(&parcels[1])];
    assert_eq!((&opened["specversion"], &opened["source"]), (&"1.0".into(), &"https://fog.example".into()));
    assert_eq!((&opened["subject"], &opened["partitionkey"]), (&"incidents/1".into(), &"1".into()));
    assert_eq!(opened["type"], "io.foghorn.incident.opened");
    assert_eq!(opened["data"]["incident"]["title"], "disk \"full\" — ünïcode 🚨");
    assert_eq!(opened["data"]["incident"]["status"], "open");
    assert_eq!(acknowledged["data"]["change"]["by"], "ada");
    assert_eq!(acknowledged["data"]["incident"]["status"], "acknowledged");
    assert_ne!(opened["id"], acknowledged["id"]);
    assert_eq!(subject.store.outgoing(&"bus".into()).await.unwrap(), (2, Some(after(0))));

    let struck = Turn { done: vec![parcels[0].number], ..turn() };
    assert_eq!(kinds(&take(&subject, &lease, 0, struck).await), ["incident.acknowledged"]);
    assert_eq!(subject.store.outgoing(&"bus".into()).await.unwrap().0, 1);
}

async fn who_is_not_named_costs_nothing(subject: Subject) {
    let lease = subject.lease().await;
    let committed = subject.commit(&lease, |batch| batch.accepts.push(open(1).accept())).await;
    assert!(committed.posted.is_empty());
    tell(&subject, &lease, &["incident.resolved"], |batch| batch.accepts.push(open(2).about("cpu").accept()))
        .await;
    assert_eq!(waiting(&subject, &lease).await, []);
}

async fn a_batch_that_fails_tells_nothing(subject: Subject) {
    let old = subject.lease().await;
    let lease = subject.lease().await;
    let mut batch = subject.batch(&old, |batch| batch.accepts.push(open(1).accept()));
    batch.rules = telling(&[]);
    assert!(matches!(subject.store.commit(&batch).await, Err(StoreError::Fenced { .. })));
    assert_eq!(waiting(&subject, &lease).await, []);
    assert_eq!(subject.store.outgoing(&"bus".into()).await.unwrap(), (0, None));
}

async fn what_an_incident_went_through_in_one_batch_is_told_in_order(subject: Subject) {
    let lease = subject.lease().await;
    tell(&subject, &lease, &[], |batch| {
        batch.accepts.push(open(1).accept());
        batch.accepts.push(open(2).accept());
        batch.accepts.push(open(3).about("cpu").accept());
        batch.accepts.push(resolved(4).accept());
    })
    .await;
    let parcels = waiting(&subject, &lease).await;
    let of_disk: Vec<Parcel> = parcels.into_iter().filter(|parcel| parcel.outgoing.about == "1").collect();
    assert_eq!(kinds(&of_disk), ["incident.opened", "incident.updated", "incident.resolved"]);
    let versions: Vec<_> =
        of_disk.iter().map(|parcel| event(parcel)["data"]["change"]["version"].clone()).collect();
    assert_eq!(versions, [1, 2, 3]);
}

async fn started(subject: &Subject, lease: &Lease, offset: i64) -> Job {
    let committed = subject
        .commit(lease, |batch| {
            batch.accepts.push(open(offset).direct());
            batch.grants.insert("email".into(), 1);
        })
        .await;
    committed.started[0].clone()
}

fn told(job: &Job, outcome: &'static str, next: Next) -> Attempted {
    Attempted { about: Some(About::of(job)), ..ended(job, outcome, next) }
}

async fn only_the_outcome_that_ended_a_delivery_is_told(subject: Subject) {
    let lease = subject.lease().await;
    let job = started(&subject, &lease, 1).await;
    let earlier = Job { attempt: 7, ..job.clone() };
    let retry = Next::Retrying { due_at: after(5), crashed: false };
    let other = started(&subject, &lease, 2).await;
    tell(&subject, &lease, &[], |batch| {
        batch.attempted.push(told(&earlier, "sent", Next::Sent));
        batch.attempted.push(told(&job, "sent", Next::Sent));
        batch.attempted.push(told(&job, "sent", Next::Sent));
        batch.attempted.push(told(&other, "timeout", retry));
    })
    .await;
    let late = told(&job, "refused", Next::Dead(DeadReason::Rejected));
    tell(&subject, &lease, &[], |batch| batch.attempted.extend([late, told(&other, "sent", Next::Sent)]))
        .await;
    let parcels = waiting(&subject, &lease).await;
    assert_eq!(kinds(&parcels), ["notification.sent"]);
    let sent = event(&parcels[0]);
    assert_eq!(sent["id"], format!("{}.sent", job.id));
    assert_eq!(parcels[0].outgoing.about, job.id.to_string());
    let delivery = &sent["data"]["delivery"];
    assert_eq!((&delivery["to"], &delivery["state"]), (&"a***@example.com".into(), &"sent".into()));
    assert!(!parcels[0].outgoing.payload.contains("ada@example.com"), "no address");
    assert!(!parcels[0].outgoing.payload.contains("quoted"), "no words of a provider");
}

async fn a_delivery_that_is_given_up_is_told(subject: Subject) {
    let lease = subject.lease().await;
    let refused = started(&subject, &lease, 1).await;
    let dead = Next::Dead(DeadReason::Rejected);
    tell(&subject, &lease, &[], |batch| batch.attempted.push(told(&refused, "refused", dead))).await;
    let (lost, held) = (started(&subject, &lease, 2).await, started(&subject, &lease, 3).await);
    let hold = adopting("email", Adopt::Hold, &[held.id]);
    tell(&subject, &lease, &[], |batch| batch.claims.push(hold)).await;
    let parcels = waiting(&subject, &lease).await;
    assert_eq!(kinds(&parcels), ["notification.failed", "notification.failed"]);
    let why = |parcel: &Parcel| event(parcel)["data"]["delivery"]["reason"].clone();
    assert_eq!([why(&parcels[0]), why(&parcels[1])], ["rejected", "unknown"]);
    assert_eq!(parcels[1].outgoing.about, lost.id.to_string());
}

async fn what_was_put_off_holds_what_is_about_the_same_and_nothing_else(subject: Subject) {
    let lease = subject.lease().await;
    tell(&subject, &lease, &[], |batch| {
        batch.accepts.push(open(1).accept());
        batch.accepts.push(open(2).about("cpu").accept());
    })
    .await;
    let first = waiting(&subject, &lease).await;
    let put_off = Turn { refused: vec![(first[0].number, after(5))], limit: 0, ..turn() };
    assert_eq!(take(&subject, &lease, 0, put_off).await, []);
    tell(&subject, &lease, &[], |batch| batch.accepts.push(resolved(3).accept())).await;
    let rest = waiting(&subject, &lease).await;
    assert_eq!(rest.iter().map(|parcel| parcel.outgoing.about.as_str()).collect::<Vec<_>>(), ["2"]);
    let all = take(&subject, &lease, 5, turn()).await;
    assert_eq!(kinds(&all), ["incident.opened", "incident.opened", "incident.resolved"]);
    assert_eq!(all[0].attempts, 1);
    assert_eq!(take(&subject, &lease, 5, Turn { limit: 1, ..turn() }).await.len(), 1);
}

async fn one_node_at_a_time_hands_over(subject: Subject) {
    let lease = subject.lease().await;
    let other = subject.store.lease(&"node-b".into(), after(0)).await.unwrap();
    tell(&subject, &lease, &[], |batch| batch.accepts.push(open(1).accept())).await;
    assert_eq!(waiting(&subject, &lease).await.len(), 1);
    assert_eq!(waiting(&subject, &other).await, [], "it is the turn of another");
    assert_eq!(waiting(&subject, &lease).await.len(), 1, "who has the turn keeps it");
    assert_eq!(take(&subject, &other, 90, turn()).await.len(), 1, "a turn runs out");
}

async fn what_somebody_wants_to_hear_is_told_with_its_change_and_once(subject: Subject) {
    let lease = subject.lease().await;
    let quiet = json!({ "email": "ada@example.com", "preferences": { "types": { "welcome": false } } });
    let elsewhere = json!({ "email": "ada@example.org", "preferences": { "types": { "welcome": false } } });
    let changes =
        [(0, Section::Users, &quiet), (1, Section::Users, &elsewhere), (2, Section::Users, &json!({}))];
    for (based_on, section, document) in changes {
        let change = || RecordChange {
            based_on,
            section,
            name: "ada".to_owned(),
            document: document.as_object().cloned(),
            at: after(0),
            by: "api".to_owned(),
        };
        // The second is the first again: nobody heard that it was done.
        for _ in 0..2 {
            tell(&subject, &lease, &["preferences.*"], |batch| batch.records.push(change())).await;
        }
    }
    let parcels = waiting(&subject, &lease).await;
    assert_eq!(kinds(&parcels), ["preferences.created", "preferences.updated"]);
    assert_eq!(event(&parcels[0])["data"], json!({ "user": "ada", "preferences": quiet["preferences"] }));
    assert_eq!(event(&parcels[1])["id"], "preferences.ada.3");
}
