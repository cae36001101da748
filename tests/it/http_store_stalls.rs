//! Who submits an event to a store that has just died is told so soon, is not told that it was kept,
//! and may send it again.

use std::sync::Arc;
use std::time::Duration;

use foghorn::store::memory::MemoryStore;
use foghorn::telemetry::health::Condition;
use tokio::time::Instant;

use crate::support::whole::{JSON, Whole, within};

const EVENT: &[u8] = br#"{"title":"x","event_id":"one","dedup_key":"k"}"#;
/// Two seconds, and some for a busy machine.
const SOON: Duration = Duration::from_secs(4);

#[tokio::test]
async fn the_first_one_waits_two_seconds_and_the_next_not_at_all() {
    let whole = Whole::over(Arc::new(MemoryStore::default())).await;
    let store = &whole.universe.store;
    store.stall(true);
    refused(&whole, "send it again with the same event_id", SOON).await;
    assert_eq!(whole.universe.health.report().store, Condition::Up, "nobody knows yet");
    store.stall(false);
    let again = whole.accepted("again", EVENT).await;
    assert_eq!(again["result"], "duplicate", "it was kept after all");
    assert_eq!(whole.incidents().await[0].event_count, 1);

    store.refuse(usize::MAX);
    whole.universe.push("by the topic");
    until(&whole, |condition| matches!(condition, Condition::Down(_))).await;
    refused(&whole, "the store is away", Duration::from_secs(1)).await;
    store.refuse(0);
    until(&whole, |condition| *condition == Condition::Up).await;
    whole.accepted("at last", EVENT).await;
    whole.end().await;
}

async fn refused(whole: &Whole, detail: &str, most: Duration) {
    let begun = Instant::now();
    let answer = whole.post(JSON, EVENT).await.expect("it is told");
    assert!(begun.elapsed() < most, "{:?}", begun.elapsed());
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    let problem = answer.problem();
    assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
}

async fn until(whole: &Whole, holds: impl Fn(&Condition) -> bool) {
    let held = async {
        while !holds(&whole.universe.health.report().store) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within("the store's condition", held).await;
}
