//! A transient failure is tried again on schedule, and the row says so meanwhile.

use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::retry::RetryPolicy;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

#[tokio::test(start_paused = true)]
async fn a_transient_failure_waits_as_a_row_and_is_tried_on_schedule() {
    let retry = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
    let script = vec![Step::TRANSIENT, Step::TRANSIENT];
    let universe = Universe::draft(Draft { script, retry, ..Draft::default() }).await;
    let begun = universe.clock.now();
    universe.push("disk");

    let waiting = universe.until(|all| all.iter().any(|d| d.state == DeliveryState::Retrying)).await;
    let next = waiting[0].next_attempt_at.expect("a waiting delivery says when");
    assert_eq!(next.duration_since(begun).as_secs(), 5);

    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Sent);
    assert_eq!(ended[0].attempts, 3);
    let took = Duration::try_from(universe.clock.now().duration_since(begun)).unwrap();
    assert!((15..=17).contains(&took.as_secs()), "5 s and then 10 s, not {took:?}");
}
