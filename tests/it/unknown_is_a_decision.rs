//! When nobody knows whether a message went out, the channel's `on_unknown` decides.

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::retry::{OnUnknown, RetryPolicy};

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

async fn end_of(on_unknown: OnUnknown) -> (DeliveryState, usize) {
    let retry = RetryPolicy { on_unknown, ..RetryPolicy::default() };
    let universe = Universe::draft(Draft { script: vec![Step::UNKNOWN], retry, ..Draft::default() }).await;
    universe.push("disk");
    let state = universe.until_ended(1).await[0].state;
    (state, universe.channel.attempts().len())
}

#[tokio::test(start_paused = true)]
async fn retry_sends_again_with_the_same_id() {
    assert_eq!(end_of(OnUnknown::Retry).await, (DeliveryState::Sent, 2));
}

#[tokio::test(start_paused = true)]
async fn hold_never_sends_twice() {
    assert_eq!(end_of(OnUnknown::Hold).await, (DeliveryState::Dead, 1));
}
