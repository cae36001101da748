//! A message is acknowledged once it is stored, and never before; what comes again changes nothing.

use foghorn::store::memory::MemoryStore;
use foghorn::telemetry::health::Condition;

use super::{event, until_settled};
use crate::support::bus::{Bus, reading};
use crate::support::inside::Inside;

super::laws!(
    nothing_is_acknowledged_before_it_is_stored,
    what_was_in_hand_at_a_crash_comes_again,
    what_was_stored_and_not_acknowledged_comes_again_and_changes_nothing,
    what_was_stored_during_an_outage_is_acknowledged_after_it,
);

async fn publish(bus: &impl Bus, keys: std::ops::Range<usize>) {
    for key in keys {
        bus.publish(&event(&format!("event {key}"))).await;
    }
}

/// Each incident of so many is there, and heard of once.
async fn assert_each_once(inside: &Inside, count: usize) {
    let mut incidents: Vec<(String, u64)> =
        inside.incidents().await.into_iter().map(|incident| (incident.title, incident.event_count)).collect();
    incidents.sort();
    let mut expected: Vec<(String, u64)> = (0..count).map(|key| (format!("event {key}"), 1)).collect();
    expected.sort();
    assert_eq!(incidents, expected);
    assert_eq!(inside.events().await.len(), count);
    assert_eq!(inside.letters().await, []);
}

/// Waits until something of what was published is in hand.
async fn until_in_hand(inside: &Inside) {
    inside.until("it is in hand", async || inside.store.held_up() > 0).await;
}

async fn nothing_is_acknowledged_before_it_is_stored<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    inside.store.stall(true);
    publish(&bus, 0..3).await;
    until_in_hand(&inside).await;
    inside.until_lag(3).await;
    assert_eq!(bus.unsettled().await.all(), 3);
    assert_eq!(inside.events().await.len(), 0);
    inside.store.stall(false);
    until_settled(&inside, &bus).await;
    assert_each_once(&inside, 3).await;
}

async fn what_was_in_hand_at_a_crash_comes_again<B: Bus>(bus: B) {
    let memory = MemoryStore::default();
    let inside = Inside::over(&memory, &reading(&bus, 64)).await;
    inside.store.stall(true);
    publish(&bus, 0..3).await;
    until_in_hand(&inside).await;
    inside.crash().await;
    assert_eq!(bus.unsettled().await.all(), 3);

    let inside = Inside::over(&memory, &reading(&bus, 64)).await;
    inside.until_kept(3).await;
    until_settled(&inside, &bus).await;
    assert_each_once(&inside, 3).await;
}

async fn what_was_stored_and_not_acknowledged_comes_again_and_changes_nothing<B: Bus>(bus: B) {
    let memory = MemoryStore::default();
    let inside = Inside::over(&memory, &reading(&bus, 64)).await;
    inside.store.stall(true);
    publish(&bus, 0..1).await;
    until_in_hand(&inside).await;
    bus.front().cut();
    inside.store.stall(false);
    inside.until_kept(1).await;
    inside.crash().await;
    assert_eq!(bus.unsettled().await.all(), 1, "the bus could not hear of it");

    bus.front().restore();
    let inside = Inside::over(&memory, &reading(&bus, 64)).await;
    until_settled(&inside, &bus).await;
    assert_each_once(&inside, 1).await;
    publish(&bus, 1..5).await;
    inside.until_kept(5).await;
    until_settled(&inside, &bus).await;
    assert_each_once(&inside, 5).await;
}

async fn what_was_stored_during_an_outage_is_acknowledged_after_it<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    inside.store.stall(true);
    publish(&bus, 0..1).await;
    until_in_hand(&inside).await;
    bus.front().cut();
    inside.until("it is down", async || matches!(inside.condition(), Condition::Down(_))).await;
    // Handed out again while it is in hand, it is the same message.
    bus.front().restore();
    inside.until("it is up", async || inside.condition() == Condition::Up).await;
    bus.front().cut();
    inside.store.stall(false);
    inside.until_kept(1).await;
    bus.front().restore();
    until_settled(&inside, &bus).await;
    assert_each_once(&inside, 1).await;
}
