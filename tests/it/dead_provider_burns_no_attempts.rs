//! A provider that cannot be reached holds its lane: deliveries wait, one probe at a time goes out.

use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

#[tokio::test(start_paused = true)]
async fn an_hour_of_outage_costs_about_one_attempt_a_minute_and_no_delivery() {
    let script = vec![Step::UNREACHABLE; 1000];
    let universe = Universe::draft(Draft { script, workers: 4, ..Draft::default() }).await;
    for number in 0..60 {
        universe.push(&format!("disk-{number}"));
    }
    universe.until(|all| all.len() == 60).await;
    universe.live_for(Duration::from_secs(3600)).await;
    let attempts = universe.channel.attempts().len();
    assert!((20..=80).contains(&attempts), "{attempts} attempts in an hour");
    universe.channel.heal();
    let ended = universe.until_ended(60).await;
    assert!(ended.iter().all(|delivery| delivery.state == DeliveryState::Sent), "{ended:#?}");
}
