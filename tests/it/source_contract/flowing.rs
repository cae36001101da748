//! How much is taken at a time, what waits, and what happens while one of the two ends is away.

use foghorn::telemetry::health::Condition;

use super::event;
use crate::support::bus::{Bus, reading};
use crate::support::inside::Inside;

super::laws!(
    no_more_is_taken_than_may_be_in_flight_and_all_of_it_when_there_is_room,
    what_waits_is_told_and_that_nothing_does,
    a_bus_that_goes_away_is_told_and_read_on_when_it_is_back,
    a_bus_that_is_not_there_at_the_start_is_waited_for,
);

async fn publish(bus: &impl Bus, keys: std::ops::Range<usize>) {
    for key in keys {
        bus.publish(&event(&format!("event {key}"))).await;
    }
}

async fn no_more_is_taken_than_may_be_in_flight_and_all_of_it_when_there_is_room<B: Bus>(bus: B) {
    const ROOM: usize = 4;
    let inside = Inside::reading(&reading(&bus, ROOM)).await;
    inside.store.stall(true);
    publish(&bus, 0..40).await;
    if B::HANDS_OUT {
        inside.until("the room is taken", async || bus.unsettled().await.taken >= ROOM).await;
    }
    inside.until_lag(40).await;
    publish(&bus, 40..41).await;
    inside.until_lag(41).await;
    let taken = bus.unsettled().await.taken;
    // A poll may begin with the last credit and bring as many as there is room for.
    assert!(taken < 2 * ROOM, "{taken} are taken");
    assert_eq!(inside.events().await.len(), 0);

    inside.store.stall(false);
    inside.until_kept(41).await;
    inside.until("all is acknowledged", async || bus.unsettled().await.all() == 0).await;
    publish(&bus, 41..50).await;
    inside.until_kept(50).await;
}

async fn what_waits_is_told_and_that_nothing_does<B: Bus>(bus: B) {
    publish(&bus, 0..3).await;
    let inside = Inside::reading(&reading(&bus, 64)).await;
    inside.until_kept(3).await;
    inside.until_lag(0).await;
    inside.store.stall(true);
    publish(&bus, 3..23).await;
    inside.until_lag(20).await;
    inside.store.stall(false);
    inside.until_lag(0).await;
    assert_eq!(inside.events().await.len(), 23);
}

async fn a_bus_that_goes_away_is_told_and_read_on_when_it_is_back<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    publish(&bus, 0..2).await;
    inside.until_kept(2).await;
    for round in 1..4 {
        bus.front().cut();
        inside.until("it is down", async || matches!(inside.condition(), Condition::Down(_))).await;
        publish(&bus, 2 * round..2 * round + 2).await;
        bus.front().restore();
        inside.until_kept(2 * round + 2).await;
        inside.until("it is up", async || inside.condition() == Condition::Up).await;
    }
    inside.until("all is acknowledged", async || bus.unsettled().await.all() == 0).await;
}

async fn a_bus_that_is_not_there_at_the_start_is_waited_for<B: Bus>(bus: B) {
    bus.front().cut();
    let inside = Inside::reading(&reading(&bus, 64)).await;
    inside.until("it is down", async || matches!(inside.condition(), Condition::Down(_))).await;
    publish(&bus, 0..2).await;
    bus.front().restore();
    inside.until_kept(2).await;
    inside.until("it is up", async || inside.condition() == Condition::Up).await;
}
