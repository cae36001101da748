//! I5: an event that the store cannot write does not hold the others.

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::query::LetterQuery;
use foghorn::store::{Paging, Store};

use crate::support::universe::Universe;

#[tokio::test(start_paused = true)]
async fn one_event_that_cannot_be_written_becomes_a_dead_letter_and_the_rest_is_stored() {
    let universe = Universe::start([]).await;
    universe.store.curse("cursed");
    for key in ["a", "b", "cursed", "c", "d"] {
        universe.push(key);
    }
    let ended = universe.until_ended(4).await;
    assert!(ended.iter().all(|delivery| delivery.state == DeliveryState::Sent));
    universe.topic.until_settled(0, 5).await;

    let paging = Paging { before: None, limit: 10 };
    let letters = universe.store.dead_letters(&LetterQuery::default(), &paging).await.unwrap().data;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "poison");
    assert!(universe.health.report().is_ready(), "nothing is wrong with the store");
}
