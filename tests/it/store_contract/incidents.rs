//! Incidents in the store: numbers, episodes, and calls that make no sense any more (I4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::incident::{IncidentStatus, Transition};
use foghorn::domain::notification::{Content, NotificationKind};
use foghorn::store::batch::Next;

use foghorn::domain::directory::{Directory, Reach};
use foghorn::domain::people::{Contact, User};
use foghorn::domain::quiet::QuietHours;
use foghorn::domain::severity::Severity;
use jiff::tz::TimeZone;

use crate::support::said::{NOW, after, claim, ended, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    the_end_cancels_waiting_calls_and_tells_those_who_were_told,
    a_call_that_fails_after_the_end_is_not_made_again,
    an_incident_comes_back_under_its_number_and_tells_anew,
    after_the_window_the_same_key_is_another_incident,
    the_history_has_one_line_for_each_version,
    news_comes_when_people_want_to_hear_it,
);

async fn the_end_cancels_waiting_calls_and_tells_those_who_were_told(subject: Subject) {
    let lease = subject.lease().await;
    let to = ["email:sent@x", "email:sending@x", "email:waiting@x", "sms:+15550100"];
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).to(&to).accept());
            batch.accepts.push(open(2).about("cpu").to(&["sms:+15550199"]).accept());
            batch.grants.insert("email".into(), 2);
        })
        .await;
    let sent = ended(&committed.started[0], "sent", Next::Sent);
    subject.commit(&lease, |batch| batch.attempted.push(sent)).await;

    let over = subject
        .commit_at(&lease, after(60), |batch| {
            batch.accepts.push(resolved(3).accept());
            batch.grants.insert("email".into(), 9);
            batch.claims.push(claim("sms", 9));
        })
        .await;
    let mut told: Vec<_> = over.started.iter().map(|job| job.target.address.expose()).collect();
    told.sort_unstable();
    assert_eq!(told, ["sending@x", "sent@x"]);
    for job in &over.started {
        let Content::Incident(facts) = &*job.content else { panic!("about an incident") };
        assert_eq!((facts.kind, facts.status), (NotificationKind::Resolved, IncidentStatus::Resolved));
    }
    assert_eq!(over.claimed[0].jobs.len(), 1, "another incident's call is made");
    let incident = subject.store.incident(1).await.unwrap().unwrap();
    assert_eq!(incident.resolved_at, Some(after(60)));
    let counts = incident.deliveries;
    assert_eq!((counts.sent, counts.canceled, counts.sending), (1, 2, 3));
}

async fn a_call_that_fails_after_the_end_is_not_made_again(subject: Subject) {
    let lease = subject.lease().await;
    let started = subject
        .commit(&lease, |batch| {
            batch.accepts.push(open(1).to(&["email:a@x", "email:b@x"]).accept());
            batch.grants.insert("email".into(), 2);
        })
        .await
        .started;
    let over = subject
        .commit(&lease, |batch| {
            batch.accepts.push(resolved(2).accept());
            batch.grants.insert("email".into(), 2);
        })
        .await;
    let retry = Next::Retrying { due_at: NOW, crashed: false };
    let hold = Next::Held { due_at: NOW };
    let committed = subject
        .commit(&lease, |batch| {
            batch.attempted.push(ended(&started[0], "timeout", retry));
            batch.attempted.push(ended(&started[1], "throttled", hold));
            batch.attempted.push(ended(&over.started[0], "timeout", retry));
            batch.claims.push(claim("email", 9));
        })
        .await;
    for call in &started {
        let delivery = subject.store.delivery(call.id).await.unwrap().unwrap();
        assert_eq!(delivery.state, DeliveryState::Canceled);
    }
    let jobs = &committed.claimed[0].jobs;
    assert_eq!(jobs.len(), 1, "that it is over is still said");
    assert_eq!(jobs[0].id, over.started[0].id);
}

async fn an_incident_comes_back_under_its_number_and_tells_anew(subject: Subject) {
    let lease = subject.lease().await;
    let day = [open(1).accept(), resolved(2).accept(), open(3).accept()];
    for accept in day {
        subject
            .commit(&lease, |batch| {
                batch.accepts.push(accept);
                batch.grants.insert("email".into(), 1);
            })
            .await;
    }
    let incident = subject.store.incident(1).await.unwrap().unwrap();
    assert_eq!((incident.status, incident.version), (IncidentStatus::Open, 3));
    assert_eq!(incident.deliveries.sending, 3, "called, told that it is over, called again");
    assert_eq!(subject.store.incident(2).await.unwrap(), None);

    // All three in one batch, of another incident.
    let committed = subject
        .commit(&lease, |batch| {
            batch.accepts.extend([open(4), resolved(5), open(6)].map(|said| said.about("cpu").accept()));
        })
        .await;
    assert!(committed.accepted.iter().all(|accepted| accepted.incident == Some(2)));
    let counts = subject.store.incident(2).await.unwrap().unwrap().deliveries;
    assert_eq!((counts.canceled, counts.pending), (1, 1));
}

async fn after_the_window_the_same_key_is_another_incident(subject: Subject) {
    let lease = subject.lease().await;
    let both = [open(1).accept(), resolved(2).accept()];
    subject.commit(&lease, |batch| batch.accepts.extend(both)).await;
    let committed =
        subject.commit_at(&lease, after(3601), |batch| batch.accepts.push(open(3).accept())).await;
    assert_eq!(committed.accepted[0].incident, Some(2));
    let late = subject.commit(&lease, |batch| batch.accepts.push(resolved(4).accept())).await;
    assert_eq!(late.accepted[0].incident, Some(2), "the newest is meant");
}

async fn the_history_has_one_line_for_each_version(subject: Subject) {
    let lease = subject.lease().await;
    let said = [open(1).accept(), open(2).accept(), resolved(3).accept(), resolved(4).accept()];
    let events: Vec<_> = said.iter().map(|accept| accept.event.id).collect();
    let (first, second) = said.split_at(1);
    subject.commit(&lease, |batch| batch.accepts.extend_from_slice(first)).await;
    subject.commit_at(&lease, after(1), |batch| batch.accepts.extend_from_slice(second)).await;
    let lines = subject.store.timeline(1).await.unwrap();
    let kinds: Vec<_> =
        lines.iter().map(|line| (line.version, line.kind, line.event_id.unwrap(), line.at)).collect();
    assert_eq!(
        kinds,
        [
            (1, Transition::Opened, events[0], NOW),
            (2, Transition::Updated, events[1], after(1)),
            (3, Transition::Resolved, events[2], after(1)),
        ]
    );
    assert!(lines[0].detail.contains("route \"all\""), "{}", lines[0].detail);
    assert!(subject.store.timeline(2).await.unwrap().is_empty());
}

/// Whoever was called before the night hears of the end after it, and who turned the channel off does not.
async fn news_comes_when_people_want_to_hear_it(subject: Subject) {
    let lease = subject.lease().await;
    let quiet = User {
        quiet_hours: Some(QuietHours {
            from: "11:00".parse().unwrap(),
            to: "12:00".parse().unwrap(),
            zone: TimeZone::UTC,
            except: vec![Severity::Critical],
        }),
        ..User::default()
    };
    let mut off = User::default();
    off.preferences.channels = [("email".into(), false)].into();
    let people = [(1, "a", quiet, Some(NOON)), (3, "b", off, None), (5, "c", User::default(), Some(0))];
    for (offset, key, user, at) in people {
        let started = subject
            .commit(&lease, |batch| {
                batch.accepts.push(open(offset).about(key).accept());
                batch.grants.insert("email".into(), 1);
            })
            .await
            .started;
        let sent = ended(&started[0], "sent", Next::Sent);
        subject.commit(&lease, |batch| batch.attempted.push(sent)).await;
        let users = BTreeMap::from([("ada".into(), user)]);
        let reach = Reach { contact: Contact::Email, max_age: Duration::from_secs(86_400) };
        let channels = BTreeMap::from([("email".into(), reach)]);
        let told = subject
            .commit(&lease, |batch| {
                batch.rules.directory = Arc::new(Directory { users, channels, ..Directory::default() });
                batch.accepts.push(resolved(offset + 1).about(key).accept());
            })
            .await;
        let due: Vec<_> = told.rows.deliveries.iter().map(|new| new.delivery.due_at).collect();
        assert_eq!(due, Vec::from_iter(at.map(after)), "{key}");
    }
}

/// From [`NOW`] to noon, seconds.
const NOON: i64 = 12 * 3600 - (11 * 3600 + 6 * 60 + 40);
