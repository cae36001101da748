//! After a crash the next life adopts what the last one had in hand.

use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::retry::{OnUnknown, RetryPolicy};
use foghorn::store::memory::MemoryStore;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

/// A life that dies with one attempt under way.
async fn die_with_one_in_hand(memory: &Arc<MemoryStore>, retry: &RetryPolicy) {
    let draft = Draft {
        script: vec![Step::Hang],
        memory: Arc::clone(memory) as _,
        retry: retry.clone(),
        ..Draft::default()
    };
    let universe = Universe::draft(draft).await;
    universe.push("disk");
    universe.until(|all| all.iter().any(|d| d.state == DeliveryState::Sending)).await;
    universe.foghorn.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_died_with_its_process_is_unknown_and_made_again() {
    let (memory, retry) = (Arc::new(MemoryStore::default()), RetryPolicy::default());
    die_with_one_in_hand(&memory, &retry).await;
    let next = Universe::draft(Draft { memory, retry, ..Draft::default() }).await;
    let begun = next.clock.now();
    let ended = next.until_ended(1).await;
    assert_eq!((ended[0].state, ended[0].attempts), (DeliveryState::Sent, 2));
    let waited = Duration::try_from(next.clock.now().duration_since(begun)).unwrap();
    assert!(waited < Duration::from_secs(2), "made again at once, not after {waited:?}");
    let outcomes: Vec<_> =
        next.store_attempts(ended[0].id).await.into_iter().filter_map(|a| a.outcome).collect();
    assert_eq!(outcomes, ["unknown", "sent"]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_be_sent_twice_it_becomes_a_dead_letter() {
    let memory = Arc::new(MemoryStore::default());
    let retry = RetryPolicy { on_unknown: OnUnknown::Hold, ..RetryPolicy::default() };
    die_with_one_in_hand(&memory, &retry).await;
    let next = Universe::draft(Draft { memory, retry, ..Draft::default() }).await;
    let ended = next.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Dead);
    assert_eq!(ended[0].reason.as_deref(), Some("unknown"));
    assert!(next.channel.attempts().is_empty());
}
