//! Incidents that stand for several things: one number, one call, and over when all of it is.

use foghorn::domain::acceptance::Accept;
use foghorn::domain::event::EventStatus;
use foghorn::domain::group::MemberStatus;
use foghorn::domain::incident::{IncidentStatus, Transition};
use foghorn::domain::severity::Severity;
use foghorn::store::views::IncidentView;

use crate::support::said::{Said, after, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    one_incident_stands_for_its_group_and_calls_once,
    it_is_over_when_all_of_it_is,
    what_it_stands_for_is_told_the_wrong_ones_first,
    who_says_only_the_key_is_understood,
    what_comes_late_for_one_is_not_late_for_another,
    a_group_comes_back_with_what_is_wrong_again_and_nothing_else,
    a_whole_life_in_one_batch_ends_the_same,
);

const GROUP: &str = "pages: service=checkout";

fn wrong(offset: i64, key: &'static str) -> Said {
    open(offset).about(key).of_group(GROUP)
}

fn over(offset: i64, key: &'static str) -> Said {
    resolved(offset).about(key).of_group(GROUP)
}

async fn say(subject: &Subject, accepts: Vec<Accept>) {
    let lease = subject.lease().await;
    for accept in accepts {
        subject.commit_at(&lease, after(60), |batch| batch.accepts.push(accept)).await;
    }
}

async fn incident(subject: &Subject, number: u64) -> IncidentView {
    subject.store.incident(number).await.unwrap().unwrap()
}

async fn one_incident_stands_for_its_group_and_calls_once(subject: Subject) {
    let said = [wrong(1, "a").severity(Severity::Low), wrong(2, "b").severity(Severity::High), wrong(3, "c")];
    say(&subject, said.iter().map(Said::accept).collect()).await;
    let one = incident(&subject, 1).await;
    assert_eq!((one.dedup_key.as_str(), one.event_count, one.severity), (GROUP, 3, Severity::High));
    assert!(one.title.starts_with("a "), "it is called what the first was: {}", one.title);
    assert_eq!((one.deliveries.pending, subject.store.incident(2).await.unwrap()), (1, None));
    let line = &subject.store.timeline(1).await.unwrap()[2];
    assert_eq!((line.kind, line.detail.as_str()), (Transition::Updated, "c is wrong: 3 of 3 are wrong"));
}

async fn what_it_stands_for_is_told_the_wrong_ones_first(subject: Subject) {
    let said = [wrong(1, "a").at(1), wrong(2, "c"), wrong(3, "b"), over(4, "a").at(4)];
    say(&subject, said.iter().map(Said::accept).collect()).await;
    let told = subject.store.members(1).await.unwrap().unwrap();
    assert_eq!((told.wrong, told.over), (2, 1));
    let members: Vec<_> = told.data.iter().map(|one| (one.dedup_key.as_str(), one.status)).collect();
    assert_eq!(members, [("b", MemberStatus::Wrong), ("c", MemberStatus::Wrong), ("a", MemberStatus::Over)]);
    assert_eq!((told.data[2].began_at, told.data[2].newest_at), (Some(after(1)), Some(after(4))));
    assert_eq!(told.data[0].began_at, None, "its source did not say when");
    say(&subject, vec![open(5).about("alone").accept()]).await;
    assert_eq!(subject.store.members(2).await.unwrap(), None);
}

async fn it_is_over_when_all_of_it_is(subject: Subject) {
    say(
        &subject,
        [wrong(1, "a"), wrong(2, "b"), over(3, "a"), over(4, "a")].map(|said| said.accept()).into(),
    )
    .await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Open);
    let line = &subject.store.timeline(1).await.unwrap()[2];
    assert_eq!(line.detail, "a is over: 1 of 2 are wrong");
    say(&subject, vec![wrong(5, "a").accept(), over(6, "b").accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Open, "the first is wrong again");
    say(&subject, vec![over(7, "a").accept()]).await;
    let one = incident(&subject, 1).await;
    assert_eq!((one.status, one.deliveries.canceled), (IncidentStatus::Resolved, 1));
}

async fn who_says_only_the_key_is_understood(subject: Subject) {
    say(&subject, vec![wrong(1, "a").accept(), wrong(2, "b").accept()]).await;
    // Without what the group is made by: as senders say that something is over.
    say(&subject, vec![resolved(3).about("a").accept(), resolved(4).about("stranger").accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Open);
    let taken = Said { status: EventStatus::Acknowledged, ..open(5).about("b") };
    say(&subject, vec![taken.accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Acknowledged, "all of it is taken");
    say(&subject, vec![resolved(6).about("b").accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Resolved);
    assert_eq!(subject.store.incident(2).await.unwrap(), None);
}

async fn what_comes_late_for_one_is_not_late_for_another(subject: Subject) {
    say(&subject, vec![wrong(1, "a").at(50).accept(), wrong(2, "b").at(10).accept()]).await;
    say(&subject, vec![over(3, "a").at(40).accept(), over(4, "b").at(20).accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Open, "a was wrong after that");
    say(&subject, vec![over(5, "a").at(51).accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Resolved);
    // Said again of what is over, it still makes late what is older.
    say(&subject, vec![over(10, "a").at(59).accept(), wrong(11, "a").at(54).accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Resolved);
    let line = subject.store.timeline(1).await.unwrap().pop().unwrap();
    assert_eq!(
        (line.kind, line.detail.as_str()),
        (Transition::Late, "open at 2026-11-18 11:07:34 UTC: more is known since 2026-11-18 11:07:39 UTC")
    );
    // An end that came before its beginning joins nothing.
    say(&subject, vec![wrong(6, "c").at(55).accept(), over(7, "d").at(58).accept()]).await;
    say(&subject, vec![wrong(8, "d").at(57).accept(), over(9, "c").at(59).accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Resolved);
}

async fn a_group_comes_back_with_what_is_wrong_again_and_nothing_else(subject: Subject) {
    say(
        &subject,
        vec![wrong(1, "a").accept(), wrong(2, "b").accept(), over(3, "a").accept(), over(4, "b").accept()],
    )
    .await;
    say(&subject, vec![wrong(5, "c").accept()]).await;
    let one = incident(&subject, 1).await;
    assert_eq!((one.status, one.version), (IncidentStatus::Open, 5), "its number is known");
    say(&subject, vec![over(6, "c").accept()]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Resolved);
    let later = subject.lease().await;
    subject.commit_at(&later, after(90_000), |batch| batch.accepts.push(wrong(7, "a").accept())).await;
    assert_eq!(incident(&subject, 2).await.dedup_key, GROUP, "another day, another incident");
}

async fn a_whole_life_in_one_batch_ends_the_same(subject: Subject) {
    let lease = subject.lease().await;
    let life = [wrong(1, "a"), wrong(2, "b"), over(3, "b"), wrong(4, "c"), over(5, "a")];
    subject.commit(&lease, |batch| batch.accepts.extend(life.iter().map(Said::accept))).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Open);
    subject.commit(&lease, |batch| batch.accepts.push(over(6, "c").accept())).await;
    let one = incident(&subject, 1).await;
    assert_eq!((one.status, one.version, one.event_count), (IncidentStatus::Resolved, 6, 6));
}
