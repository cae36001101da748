//! The ring, and the facts that tests say.

use std::time::Duration;

use futures::FutureExt;

use super::*;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::DeliveryId;
use crate::domain::incident::{IncidentStatus, Transition};
use crate::domain::notification::NotificationKind;
use crate::domain::severity::Severity;

pub(super) fn event(number: u64) -> Fact {
    Fact::Event(EventFact {
        at: Timestamp::UNIX_EPOCH,
        result: EventResult::Accepted,
        source: "api".into(),
        event_id: None,
        did: Some("opened"),
        incident_number: Some(number),
        dedup_key: Some("disk".to_owned()),
        severity: Some(Severity::Critical),
        service: Some("db-1".to_owned()),
        title: Some("Disk full".to_owned()),
        dead_letter_id: None,
        reason: None,
        detail: None,
    })
}

pub(super) fn incident(number: u64) -> Fact {
    Fact::Incident(IncidentFact {
        at: Timestamp::UNIX_EPOCH,
        change: Transition::Opened,
        number,
        version: 1,
        status: IncidentStatus::Open,
        severity: Severity::Critical,
        service: Some("db-1".to_owned()),
        title: "Disk full".to_owned(),
        dedup_key: "disk".to_owned(),
        source: "api".into(),
        route: Some("all".into()),
        policy: Some("page".into()),
        event_count: 1,
        detail: String::new(),
    })
}

pub(super) fn delivery(number: u64, channel: &str) -> Fact {
    Fact::Delivery(DeliveryFact {
        at: Timestamp::UNIX_EPOCH,
        id: DeliveryId::new(Timestamp::UNIX_EPOCH, 7),
        state: DeliveryState::Sent,
        incident_number: Some(number),
        notification: NotificationKind::Opened,
        channel: channel.into(),
        recipient: "ada".into(),
        to: "ada@example.com".into(),
        severity: Some(Severity::Critical),
        service: Some("db-1".to_owned()),
        attempt: Some(1),
        took_ms: Some(12),
        outcome: Some("ok"),
        code: String::new(),
        detail: String::new(),
        provider_id: None,
        reason: None,
        next_attempt_at: None,
    })
}

fn feed(facts: usize) -> Feed {
    let epoch = Timestamp::from_second(1_795_269_600).expect("in range");
    Feed::new(Clock::starting_at(epoch), Room { facts, ..Room::default() })
}

/// What the watcher hears at once: the numbers of incidents, `None` if it missed some.
fn heard(watch: &mut Watch) -> Option<Vec<u64>> {
    match watch.next().now_or_never() {
        None => Some(Vec::new()),
        Some(Heard::Missed) => None,
        Some(Heard::Facts(facts)) => Some(facts.iter().map(|told| number(&told.fact)).collect()),
    }
}

fn number(fact: &Fact) -> u64 {
    match fact {
        Fact::Incident(fact) => fact.number,
        fact => panic!("{fact:?}"),
    }
}

#[tokio::test]
async fn a_watcher_hears_what_is_told_after_it_came_in_order() {
    let feed = feed(100);
    feed.tell(|| panic!("nobody listens, so nothing is made"));
    let mut watch = feed.watch(None);
    assert_eq!(heard(&mut watch), Some(vec![]));
    feed.tell(|| vec![incident(1), incident(2)]);
    feed.tell(|| vec![incident(3)]);
    assert_eq!(heard(&mut watch), Some(vec![1, 2, 3]));
    let mut later = feed.watch(None);
    assert_eq!(heard(&mut later), Some(vec![]));
    let mut again = feed.watch(Some(watch.position() - 1));
    assert_eq!(heard(&mut again), Some(vec![3]));
}

#[tokio::test]
async fn who_falls_behind_the_ring_is_told_so_and_goes_on_with_the_newest() {
    let feed = feed(3);
    let mut slow = feed.watch(None);
    for number in 0..10 {
        feed.tell(|| vec![incident(number)]);
    }
    assert_eq!(heard(&mut slow), None);
    assert_eq!(heard(&mut slow), Some(vec![]));
    feed.tell(|| vec![incident(10)]);
    assert_eq!(heard(&mut slow), Some(vec![10]));
    assert_eq!(heard(&mut feed.watch(Some(u64::MAX))), None, "of the future");
    assert_eq!(heard(&mut feed.watch(Some(0))), None, "of an earlier life");
}

#[tokio::test]
async fn the_ring_is_bounded_by_bytes_too() {
    let feed = Feed::new(Clock::system(), Room { bytes: 10_000, ..Room::default() });
    let _watch = feed.watch(None);
    for number in 0..1_000 {
        feed.tell(|| vec![incident(number)]);
    }
    let ring = feed.lock();
    assert!(ring.bytes <= 10_000 && ring.facts.len() > 5, "{} in {}", ring.facts.len(), ring.bytes);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_after_the_last_watcher_left_is_kept_for_as_long_as_the_ring_reaches() {
    let feed = feed(100);
    let watch = feed.watch(None);
    let position = watch.position();
    drop(watch);
    tokio::time::advance(Duration::from_secs(599)).await;
    feed.tell(|| vec![incident(1)]);
    assert_eq!(heard(&mut feed.watch(Some(position))), Some(vec![1]));
    tokio::time::advance(Duration::from_secs(601)).await;
    feed.tell(|| vec![incident(2)]);
    feed.tell(|| panic!("nobody listened for ten minutes"));
    assert_eq!(heard(&mut feed.watch(Some(position))), None);
}

#[tokio::test(start_paused = true)]
async fn ids_grow_from_one_life_to_the_next() {
    let clock = Clock::system();
    let told = |feed: &Feed| {
        let mut watch = feed.watch(None);
        feed.tell(|| (0..5_000).map(incident).collect());
        while heard(&mut watch).is_some_and(|heard| !heard.is_empty()) {}
        watch.position()
    };
    let first = told(&Feed::new(clock, Room::default()));
    tokio::time::advance(Duration::from_secs(1)).await;
    let second = Feed::new(clock, Room::default());
    let mut watch = second.watch(Some(first));
    assert_eq!(heard(&mut watch), None, "the facts of an earlier life are gone");
    assert!(told(&second) > first);
    assert!(first < 1 << 53, "what JavaScript can count");
}

#[test]
fn a_fact_is_told_as_in_the_api_and_its_address_is_masked() {
    assert_eq!(incident(7).name(), "incident.opened");
    assert_eq!(event(7).name(), "event.accepted");
    let fact = delivery(7, "email");
    assert_eq!(fact.name(), "delivery.sent");
    assert_eq!(
        fact.json(),
        "{\"at\":\"1970-01-01T00:00:00Z\",\"id\":\"del_00000000000000000000000007\",\"state\":\"sent\",\
         \"incident_number\":7,\"notification\":\"opened\",\"channel\":\"email\",\"recipient\":\"ada\",\
         \"to\":\"a***@example.com\",\"severity\":\"critical\",\"service\":\"db-1\",\"attempt\":1,\
         \"took_ms\":12,\"outcome\":\"ok\"}"
    );
}
