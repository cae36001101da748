//! I8: a drain stops intake, finishes what runs, gives back the rest, loses and repeats nothing.

use std::sync::Arc;
use std::time::Duration;

use foghorn::daemon::Drained;
use foghorn::domain::delivery::DeliveryState;
use foghorn::store::memory::MemoryStore;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

#[tokio::test(start_paused = true)]
async fn a_drain_under_load_loses_nothing_and_sends_nothing_twice() {
    let memory = Arc::new(MemoryStore::default());
    let slow = vec![Step::Slow(Duration::from_secs(2)); 40];
    let first =
        Universe::draft(Draft { script: slow, memory: Arc::clone(&memory) as _, ..Draft::default() }).await;
    for number in 0..40 {
        first.push(&format!("disk-{number}"));
    }
    first.until(|all| all.len() == 40 && all.iter().any(|d| d.state == DeliveryState::Sent)).await;
    let accepted_before = first.channel.accepted();
    assert!(accepted_before.len() < 40, "there is something left to give back");
    let (channel, topic) = (Arc::clone(&first.channel), Arc::clone(&first.topic));
    assert_eq!(first.foghorn.drain(Duration::from_secs(25)).await, Drained::Completely);
    assert!(topic.is_closed());

    let second = Universe::draft(Draft { memory, ..Draft::default() }).await;
    let ended = second.until_ended(40).await;
    assert!(ended.iter().all(|delivery| delivery.state == DeliveryState::Sent));
    let mut accepted = channel.accepted();
    accepted.extend(second.channel.accepted());
    assert_eq!(accepted.len(), 40, "each exactly once");
}

#[tokio::test(start_paused = true)]
async fn a_hung_provider_does_not_hold_a_drain_longer_than_its_grace() {
    let universe = Universe::start([Step::Hang]).await;
    universe.push("disk");
    universe.until(|all| all.iter().any(|d| d.state == DeliveryState::Sending)).await;
    assert_eq!(universe.foghorn.drain(Duration::from_secs(25)).await, Drained::OutOfTime);
}
