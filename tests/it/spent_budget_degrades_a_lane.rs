//! A worker that keeps dying leaves its place empty for a while; the process and the rest go on.

use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::restarts::RestartBudget;
use foghorn::telemetry::health::Condition;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

#[tokio::test(start_paused = true)]
async fn a_spent_budget_leaves_the_lane_alone_for_its_window_and_not_the_process() {
    let budget = RestartBudget::new(1, Duration::from_secs(60));
    let script = vec![Step::Panic, Step::Panic];
    let universe = Universe::draft(Draft { script, workers: 1, budget, ..Draft::default() }).await;
    universe.push("a");
    universe.push("b");
    universe.until(|_| universe.channel.attempts().len() == 2).await;
    universe.live_for(Duration::from_secs(1)).await;
    assert!(matches!(universe.health.report().channels["email"], Condition::Degraded(_)));
    assert!(universe.health.report().is_ready(), "the process goes on");

    let ended = universe.until_ended(2).await;
    assert!(ended.iter().all(|delivery| delivery.state == DeliveryState::Sent), "{ended:#?}");
}
