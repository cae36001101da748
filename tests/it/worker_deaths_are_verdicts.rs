//! A worker's death is an outcome like any other: judged, counted, and in the end poison.

use foghorn::domain::delivery::DeliveryState;

use crate::support::scripted_channel::Step;
use crate::support::universe::Universe;

#[tokio::test(start_paused = true)]
async fn a_delivery_whose_worker_dies_is_tried_again() {
    let universe = Universe::start([Step::Panic, Step::Panic]).await;
    universe.push("disk");
    let ended = universe.until_ended(1).await;
    assert_eq!((ended[0].state, ended[0].attempts), (DeliveryState::Sent, 3));
    let attempts = universe.store_attempts(ended[0].id).await;
    let outcomes: Vec<_> = attempts.iter().filter_map(|attempt| attempt.outcome.as_deref()).collect();
    assert_eq!(outcomes, ["crashed", "crashed", "sent"]);
}

#[tokio::test(start_paused = true)]
async fn the_third_death_over_one_delivery_is_poison_and_the_next_delivery_goes_on() {
    let universe = Universe::start([Step::Panic, Step::Panic, Step::Panic]).await;
    universe.push("poison");
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Dead);
    assert_eq!(ended[0].reason.as_deref(), Some("poison"));
    universe.push("good");
    let ended = universe.until_ended(2).await;
    assert_eq!(ended.iter().filter(|d| d.state == DeliveryState::Sent).count(), 1);
}
