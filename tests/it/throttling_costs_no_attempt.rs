//! Waiting for somebody else's reasons does not bring a delivery nearer to its end.

use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::retry::RetryPolicy;
use foghorn::telemetry::health::Condition;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

#[tokio::test(start_paused = true)]
async fn a_delivery_that_may_be_tried_twice_survives_ten_throttles() {
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let mut script = vec![Step::throttled(Duration::from_secs(30)); 10];
    script.push(Step::TRANSIENT);
    let universe = Universe::draft(Draft { script, retry, ..Draft::default() }).await;
    universe.push("disk");
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Sent);
    assert_eq!(universe.channel.attempts().len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_holds_the_channel_and_empties_nothing_into_the_dead_letters() {
    let script = vec![Step::MISCONFIGURED; 3];
    let universe = Universe::draft(Draft { script, workers: 1, ..Draft::default() }).await;
    for number in 0..20 {
        universe.push(&format!("disk-{number}"));
    }
    universe.until(|all| all.len() == 20).await;
    universe.live_for(Duration::from_secs(30)).await;
    assert_eq!(universe.channel.attempts().len(), 1, "one attempt tells about the whole channel");
    let report = universe.health.report();
    assert!(matches!(report.channels["email"], Condition::Down(_)), "{report:?}");

    let ended = universe.until_ended(20).await;
    assert!(ended.iter().all(|delivery| delivery.state == DeliveryState::Sent), "{ended:#?}");
    assert_eq!(universe.health.report().channels["email"], Condition::Up);
}
