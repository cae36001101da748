//! From events to incidents to who is told.

use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::query::LetterQuery;
use foghorn::messages::ingest::{IngestMessage, Submitted};
use foghorn::store::Store;

use crate::support::scripted_channel::Step;
use crate::support::universe::Universe;

fn resolved(key: &str) -> String {
    format!(r#"{{"title":"{key}","dedup_key":"{key}","status":"resolved"}}"#)
}

#[tokio::test(start_paused = true)]
async fn the_same_thing_again_tells_nobody_twice() {
    let universe = Universe::start([]).await;
    for _ in 0..5 {
        universe.push("disk");
    }
    universe.topic.until_settled(0, 5).await;
    universe.until_ended(1).await;
    let incident = universe.store.incident(1).await.unwrap().expect("number 1");
    assert_eq!((incident.event_count, incident.version), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn who_was_told_that_it_is_wrong_is_told_that_it_is_over() {
    let universe = Universe::start([]).await;
    universe.push("disk");
    universe.until_ended(1).await;
    universe.topic.push(resolved("disk").as_bytes());
    let mut kinds: Vec<_> = universe.until_ended(2).await.iter().map(|d| d.notification).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["opened", "resolved"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_still_waits_when_it_is_over_is_canceled() {
    let universe = Universe::start([Step::TRANSIENT]).await;
    universe.push("disk");
    universe.until(|all| all.iter().any(|d| d.state == DeliveryState::Retrying)).await;
    universe.topic.push(resolved("disk").as_bytes());
    universe.topic.until_settled(0, 2).await;
    universe.live_for(Duration::from_secs(60)).await;
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Canceled);
    assert_eq!(universe.channel.accepted().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_no_event_is_kept_as_it_came_and_the_next_one_is_stored() {
    let universe = Universe::start([]).await;
    let poison: &[u8] = b"\xff\x00 not json";
    universe.topic.push(poison);
    universe.topic.push_to(0, None, &[]);
    universe.push("good");
    universe.until_ended(1).await;
    universe.topic.until_settled(0, 3).await;
    let paging = foghorn::store::Paging { before: None, limit: 10 };
    let letters = universe.store.dead_letters(&LetterQuery::default(), &paging).await.unwrap().data;
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().any(|letter| letter.bytes == poison.len() as u64));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_when_its_events_are_stored_and_what_is_no_event_is_told() {
    let universe = Universe::start([]).await;
    let api = universe.foghorn.peers().borrow().http_ingest(&"api".into()).cloned().unwrap();
    let items = vec![
        br#"{"title":"one"}"#.as_slice().into(),
        br#"{"titel":"two"}"#.as_slice().into(),
        br#"{"kind":"notification","to":"ada","via":"email","subject":"s","body":"b"}"#.as_slice().into(),
        br#"{"kind":"notification","to":"nobody","via":"email","subject":"s","body":"b"}"#.as_slice().into(),
    ];
    let submit =
        |reply| IngestMessage::Submit { items, traceparent: None, called: None, source: None, reply };
    let answers = api.ask(submit, Duration::from_secs(5)).await.expect("answered");
    assert!(matches!(&answers[0], Submitted::Accepted(a) if a.incident == Some(1)), "{answers:?}");
    assert!(matches!(&answers[1], Submitted::Malformed(_)), "{answers:?}");
    assert!(matches!(&answers[2], Submitted::Accepted(a) if a.incident.is_none()), "{answers:?}");
    assert!(matches!(&answers[3], Submitted::DeadLetter(_)), "{answers:?}");
    universe.until_ended(2).await;
}
