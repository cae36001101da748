//! A key that belongs to its source is reached by that source alone, and a shared one by everybody.

use foghorn::domain::acceptance::{Accept, Firing};
use foghorn::domain::dedup::{DedupKey, Keyspace};
use foghorn::domain::event::EventStatus;
use foghorn::domain::group::MemberStatus;
use foghorn::domain::incident::{IncidentStatus, Transition};
use foghorn::store::views::IncidentView;

use crate::support::said::{Said, after, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    another_source_says_the_same_key_of_something_else,
    nobody_elses_word_reaches_it_and_its_own_does,
    what_a_source_began_with_a_shared_key_it_ends_with_its_own,
    in_a_group_each_source_has_its_own_members,
    it_is_found_by_its_key_and_its_source,
    each_member_of_a_group_runs_out_by_itself,
    a_member_that_is_said_again_or_over_does_not_run_out,
);

const GROUP: &str = "pages: service=checkout";

async fn say(subject: &Subject, said: &[Said]) {
    let lease = subject.lease().await;
    for accept in said.iter().map(Said::accept).collect::<Vec<Accept>>() {
        subject.commit_at(&lease, after(60), |batch| batch.accepts.push(accept)).await;
    }
}

async fn incident(subject: &Subject, number: u64) -> IncidentView {
    subject.store.incident(number).await.unwrap().unwrap()
}

async fn standing(subject: &Subject) -> Vec<(String, IncidentStatus, u64)> {
    let mut all = Vec::new();
    for number in 1.. {
        match subject.store.incident(number).await.unwrap() {
            Some(one) => all.push((one.source, one.status, one.event_count)),
            None => return all,
        }
    }
    all
}

fn taken(offset: i64) -> Said {
    Said { status: EventStatus::Acknowledged, ..open(offset) }
}

async fn another_source_says_the_same_key_of_something_else(subject: Subject) {
    let (red, blue) = ("red", "blue");
    say(&subject, &[open(1).of_its_own().by(red), open(2).of_its_own().by(blue), open(3).by("kafka")]).await;
    say(&subject, &[open(4).of_its_own().by(red)]).await;
    let open = IncidentStatus::Open;
    let expected = [("red".to_owned(), open, 2), ("blue".to_owned(), open, 1), ("kafka".to_owned(), open, 1)];
    assert_eq!(standing(&subject).await, expected);
    assert_eq!(incident(&subject, 1).await.dedup_key, "disk", "as its sender said it");
}

async fn nobody_elses_word_reaches_it_and_its_own_does(subject: Subject) {
    say(&subject, &[open(1).of_its_own().by("red")]).await;
    let strangers =
        [resolved(2).of_its_own().by("blue"), taken(3).of_its_own().by("blue"), resolved(4).by("kafka")];
    say(&subject, &strangers).await;
    assert_eq!(standing(&subject).await, [("red".to_owned(), IncidentStatus::Open, 1)]);
    say(&subject, &[resolved(5).of_its_own().by("red")]).await;
    assert_eq!(standing(&subject).await, [("red".to_owned(), IncidentStatus::Resolved, 2)]);
    // It does not reach what is shared either.
    say(&subject, &[open(6).by("kafka"), resolved(7).of_its_own().by("red")]).await;
    assert_eq!(standing(&subject).await[1], ("kafka".to_owned(), IncidentStatus::Open, 1));
}

/// As everything that was stored before keys belonged to anybody.
async fn what_a_source_began_with_a_shared_key_it_ends_with_its_own(subject: Subject) {
    say(&subject, &[open(1).by("red"), open(2).by("red").about("both").of_group(GROUP)]).await;
    let strangers = [resolved(3).of_its_own().by("blue"), resolved(4).of_its_own().by("blue").about("both")];
    say(&subject, &strangers).await;
    assert!(standing(&subject).await.iter().all(|one| one.1 == IncidentStatus::Open));
    say(&subject, &[open(5).of_its_own().by("red")]).await;
    assert_eq!(standing(&subject).await[0].2, 2, "it is the same");
    say(&subject, &[resolved(6).of_its_own().by("red"), resolved(7).of_its_own().by("red").about("both")])
        .await;
    assert!(standing(&subject).await.iter().all(|one| one.1 == IncidentStatus::Resolved));
    assert_eq!(standing(&subject).await.len(), 2);
}

async fn in_a_group_each_source_has_its_own_members(subject: Subject) {
    let wrong = |offset, source| open(offset).of_its_own().by(source).of_group(GROUP);
    let over = |offset, source| resolved(offset).of_its_own().by(source);
    say(&subject, &[wrong(1, "red"), wrong(2, "blue"), over(3, "green"), over(4, "red")]).await;
    let members = subject.store.members(1).await.unwrap().unwrap();
    let told: Vec<_> = members.data.iter().map(|one| (one.source.as_str(), one.status)).collect();
    assert_eq!(told, [("blue", MemberStatus::Wrong), ("red", MemberStatus::Over)]);
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Open);
    say(&subject, &[over(5, "blue")]).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Resolved);
    assert_eq!(subject.store.incident(2).await.unwrap(), None);
}

async fn it_is_found_by_its_key_and_its_source(subject: Subject) {
    let group = open(3).about("member").of_its_own().by("red").of_group(GROUP);
    say(&subject, &[open(1).of_its_own().by("red"), open(2).by("kafka").about("shared"), group]).await;
    let of = async |text: &str, keyspace, source: &str| {
        let key = DedupKey::new(text, keyspace, &source.into());
        subject.store.incident_of_key(&key).await.unwrap()
    };
    assert_eq!(of("disk", Keyspace::Source, "red").await, Some(1));
    assert_eq!(of("disk", Keyspace::Source, "blue").await, None);
    assert_eq!(of("disk", Keyspace::Shared, "red").await, None);
    assert_eq!(of("shared", Keyspace::Shared, "red").await, Some(2));
    assert_eq!(of("shared", Keyspace::Source, "kafka").await, Some(2), "it began it");
    assert_eq!(of("member", Keyspace::Source, "red").await, Some(3));
    assert_eq!(of(GROUP, Keyspace::Shared, "red").await, Some(3));
}

/// What is due so many seconds after the beginning fires.
async fn passes(subject: &Subject, seconds: i64) {
    let lease = subject.lease().await;
    let due = subject.store.due_timers(after(seconds), 10).await.unwrap();
    let firings = due.into_iter().map(|(timer, _)| Firing { timer, plan: None }).collect();
    subject.commit_at(&lease, after(seconds), |batch| batch.firings = firings).await;
}

async fn history(subject: &Subject) -> Vec<(Transition, String)> {
    let lines = subject.store.timeline(1).await.unwrap();
    lines.into_iter().skip(1).map(|line| (line.kind, line.detail)).collect()
}

async fn each_member_of_a_group_runs_out_by_itself(subject: Subject) {
    let wrong = |offset, key| open(offset).about(key).of_group(GROUP);
    say(&subject, &[wrong(1, "a").lasts(300), wrong(2, "b").lasts(600), wrong(3, "c").lasts(600)]).await;
    let members = subject.store.members(1).await.unwrap().unwrap();
    assert_eq!(members.data[0].expires_at, Some(after(300)));
    passes(&subject, 299).await;
    assert_eq!(subject.store.members(1).await.unwrap().unwrap().wrong, 3);
    passes(&subject, 301).await;
    let one = incident(&subject, 1).await;
    assert_eq!((one.status, one.version), (IncidentStatus::Open, 4));
    let members = subject.store.members(1).await.unwrap().unwrap();
    assert_eq!((members.wrong, members.over, members.data[2].expires_at), (2, 1, None));
    passes(&subject, 601).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Resolved);
    let said: Vec<_> = history(&subject).await.split_off(2);
    let first = "a was said to last until 2026-11-18 11:11:40 UTC, and was not said again: 2 of 3 are wrong";
    let last = "2 of them were said to last until 2026-11-18 11:16:40 UTC, and were not said again: 0 of 3 are wrong";
    assert_eq!(said, [(Transition::Updated, first.to_owned()), (Transition::Resolved, last.to_owned())]);
}

async fn a_member_that_is_said_again_or_over_does_not_run_out(subject: Subject) {
    let wrong = |offset, key| open(offset).about(key).of_group(GROUP);
    // One of them nobody says lasts for a while: it does not run out, whatever the others do.
    say(&subject, &[wrong(1, "a").lasts(300), wrong(2, "b").lasts(400), wrong(3, "forever")]).await;
    say(&subject, &[wrong(4, "a").lasts(500), resolved(5).about("b")]).await;
    passes(&subject, 450).await;
    assert_eq!(subject.store.members(1).await.unwrap().unwrap().wrong, 2, "a was said again");
    passes(&subject, 501).await;
    let members = subject.store.members(1).await.unwrap().unwrap();
    assert_eq!((members.wrong, members.data[0].dedup_key.as_str()), (1, "forever"));
    passes(&subject, 100_000).await;
    assert_eq!(incident(&subject, 1).await.status, IncidentStatus::Open);
    assert_eq!(subject.store.due_timers(after(1_000_000), 10).await.unwrap().len(), 0, "nothing is left");
}
