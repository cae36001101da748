//! What is read and not yet stored is bounded by its size too, so that an outage of the store does
//! not fill the memory with large records.

use std::time::Duration;

use tokio::time::timeout;

use crate::support::records::sized;
use crate::support::universe::Universe;

/// Of virtual time.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_large_record_takes_the_room_of_many() {
    let universe = Universe::start([]).await;
    universe.store.refuse(40);
    // There is room for 64 small ones.
    for number in 0..32 {
        universe.push(&format!("small-{number}"));
    }
    assert!(timeout(PATIENCE / 10, universe.topic.until_paused(true)).await.is_err(), "there is room left");
    universe.topic.push(sized(600 << 10).as_bytes());
    timeout(PATIENCE, universe.topic.until_paused(true)).await.expect("no room is left");

    // The store is back: everything is stored, and all room is given back.
    timeout(PATIENCE * 10, universe.topic.until_settled(0, 33)).await.expect("all is stored");
    timeout(PATIENCE, universe.topic.until_paused(false)).await.expect("there is room again");
    universe.store.refuse(40);
    for number in 0..62 {
        universe.push(&format!("again-{number}"));
    }
    assert!(
        timeout(PATIENCE / 10, universe.topic.until_paused(true)).await.is_err(),
        "for as many as before"
    );
}
