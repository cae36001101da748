//! A store that does not answer stops intake and sending, restarts nobody, and loses nothing.

use foghorn::domain::delivery::DeliveryState;
use foghorn::telemetry::health::Condition;

use crate::support::universe::Universe;

#[tokio::test(start_paused = true)]
async fn what_came_during_an_outage_is_stored_after_it_and_nobody_was_restarted() {
    let universe = Universe::start([]).await;
    universe.push("before");
    universe.until_ended(1).await;
    let lives = universe.foghorn.peers().borrow().lives();

    universe.store.refuse(40);
    for number in 0..100 {
        universe.push(&format!("during-{number}"));
    }
    universe.topic.until_paused(true).await;
    assert!(matches!(universe.health.report().store, Condition::Down(_)));
    assert!(!universe.health.report().is_ready());
    assert_eq!(universe.topic.settled(0), Some(1), "nothing is settled that is not stored");

    let ended = universe.until_ended(101).await;
    assert!(ended.iter().all(|delivery| delivery.state == DeliveryState::Sent));
    universe.topic.until_settled(0, 101).await;
    assert!(universe.health.report().is_ready());
    assert_eq!(universe.foghorn.peers().borrow().lives(), lives, "an outage is weather");
}
