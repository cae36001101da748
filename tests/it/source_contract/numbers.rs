//! Numbers of messages that are missing, and numbers that begin again: nothing is waited for, nothing is lost, and
//! nothing is taken for what it is not.

use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::event::Position;
use foghorn::sources::{Polled, Source};

use super::{event, until_settled};
use crate::support::bus::{Bus, reading};
use crate::support::inside::{Inside, source_of};
use crate::support::polling::soon;

super::laws!(
    missing_numbers_are_stepped_over,
    a_queue_that_is_made_anew_has_new_messages,
    the_same_is_said_again_in_a_queue_that_is_made_anew,
    an_answer_about_an_old_message_is_none_about_a_new_one,
);

async fn missing_numbers_are_stepped_over<B: Bus>(bus: B) {
    if !B::NUMBERS {
        return;
    }
    for number in 1..=6 {
        bus.publish(&event(&format!("event {number}"))).await;
    }
    for lost in [2, 3, 6] {
        bus.lose(lost).await;
    }
    let inside = Inside::reading(&reading(&bus, 64)).await;
    inside.until_kept(3).await;
    until_settled(&inside, &bus).await;
    inside.until_lag(0).await;

    // While it is in hand.
    inside.store.stall(true);
    bus.publish(&event("event 7")).await;
    inside.until("it is in hand", async || inside.store.held_up() > 0).await;
    bus.lose(7).await;
    bus.publish(&event("event 8")).await;
    inside.store.stall(false);
    inside.until_kept(5).await;
    until_settled(&inside, &bus).await;
    inside.until_lag(0).await;
    assert_eq!(inside.letters().await, []);
}

async fn a_queue_that_is_made_anew_has_new_messages<B: Bus>(bus: B) {
    let inside = Inside::reading(&reading(&bus, 64)).await;
    for life in 0..3 {
        for number in 0..3 {
            bus.publish(&event(&format!("event {number} of life {life}"))).await;
        }
        inside.until_kept(3 * life + 3).await;
        until_settled(&inside, &bus).await;
        bus.make_anew().await;
    }
    let incidents = inside.incidents().await;
    assert!(
        incidents.len() == 9 && incidents.iter().all(|incident| incident.event_count == 1),
        "{incidents:#?}"
    );
}

async fn the_same_is_said_again_in_a_queue_that_is_made_anew<B: Bus>(bus: B) {
    if !B::TELLS_TWINS {
        return;
    }
    let inside = Inside::reading(&reading(&bus, 64)).await;
    for life in 0..2 {
        bus.publish(&event("the same")).await;
        inside.until_kept(life + 1).await;
        until_settled(&inside, &bus).await;
        bus.make_anew().await;
    }
    assert_eq!(inside.incidents().await[0].event_count, 2);
}

/// The next message, whatever else is told.
async fn next(source: &dyn Source) -> Arc<str> {
    loop {
        match soon("a message", source.poll()).await {
            Ok(Polled::Records(records)) => match &records[..] {
                [record] => match &record.position {
                    Position::Message { id, .. } => return Arc::clone(id),
                    other => panic!("{other:?}"),
                },
                several => panic!("{several:?}"),
            },
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn an_answer_about_an_old_message_is_none_about_a_new_one<B: Bus>(bus: B) {
    let source = source_of(&reading(&bus, 64));
    bus.publish(&event("old")).await;
    let old = next(&*source).await;
    bus.make_anew().await;
    bus.publish(&event("new")).await;
    let new = if B::HANDS_OUT_NAMESAKES {
        let new = next(&*source).await;
        source.acknowledge(std::slice::from_ref(&old));
        new
    } else {
        source.acknowledge(std::slice::from_ref(&old));
        next(&*source).await
    };
    assert_ne!(old, new, "the store would take the one for the other");
    bus.publish(&event("newer")).await;
    let newer = next(&*source).await;
    source.acknowledge(&[newer]);
    soon("something is settled", async {
        while bus.unsettled().await.all() > 1 {
            // What is told again and again, such as how many wait, is of no interest.
            let _ = tokio::time::timeout(Duration::from_millis(50), source.poll()).await;
        }
    })
    .await;
    // All that was to be said is said by then.
    source.close(Duration::from_secs(10)).await;
    assert_eq!(bus.unsettled().await.all(), 1, "nobody has stored the new one");
}
