//! What one channel cannot send goes over the one that stands in for it, and no attempt is lost over it.

use std::time::Duration;

use foghorn::domain::delivery::DeliveryState;
use foghorn::store::views::DeliveryView;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

async fn pair(first: Vec<Step>, backup: Vec<Step>) -> Universe {
    Universe::draft(Draft { script: first, backup: Some(backup), workers: 1, ..Draft::default() }).await
}

fn all_sent(ended: &[DeliveryView], over: &str) -> bool {
    ended.iter().all(|one| one.state == DeliveryState::Sent && one.channel.as_str() == over)
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_is_no_reason_to_wait_for_it() {
    for failure in [Step::UNREACHABLE, Step::MISCONFIGURED, Step::throttled(Duration::from_secs(3_600))] {
        let universe = pair(vec![failure; 100], vec![]).await;
        let begun = universe.clock.now();
        universe.push("disk");
        let ended = universe.until_ended(1).await;
        assert!(all_sent(&ended, "backup"), "{ended:#?}");
        let took = universe.clock.now().duration_since(begun).as_secs();
        assert!(took < 2, "{failure:?} took {took} s");
        assert_eq!(universe.channel.attempts()[0].id, universe.backup.attempts()[0].id, "the same row");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_held_channel_goes_over_the_other_and_loses_no_attempt() {
    let universe = pair(vec![Step::MISCONFIGURED; 1_000], vec![]).await;
    for number in 0..150 {
        universe.push(&format!("disk-{number}"));
    }
    let ended = universe.until_ended(150).await;
    assert!(all_sent(&ended, "backup"), "{ended:#?}");
    assert!(universe.channel.attempts().len() < 10, "one attempt tells about the whole channel");
    assert!(universe.backup.attempts().iter().all(|job| job.counted <= 1), "moving costs no attempt");
}

#[tokio::test(start_paused = true)]
async fn when_both_are_down_they_are_asked_in_turn_until_one_works() {
    let universe = pair(vec![Step::UNREACHABLE; 1_000], vec![Step::UNREACHABLE; 12]).await;
    universe.push("disk");
    let ended = universe.until_ended(1).await;
    assert!(all_sent(&ended, "backup"), "{ended:#?}");
    let (first, second) = (universe.channel.attempts().len(), universe.backup.attempts().len());
    assert!(first.abs_diff(second) <= 12 && first >= 2, "{first} and {second}");
}

#[tokio::test(start_paused = true)]
async fn what_concerns_the_message_or_nobody_knows_stays_where_it_is() {
    for (step, state) in [(Step::PERMANENT, DeliveryState::Dead), (Step::UNKNOWN, DeliveryState::Sent)] {
        let universe = pair(vec![step], vec![]).await;
        universe.push("disk");
        let ended = universe.until_ended(1).await;
        assert_eq!((ended[0].state, ended[0].channel.as_str()), (state, "email"));
        assert!(universe.backup.attempts().is_empty());
    }
}
