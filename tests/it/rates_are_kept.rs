//! A channel sends no faster than it may; what has to wait loses no attempt, and holds up nobody else.

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::rate::Rates;

use crate::support::universe::{Draft, Universe};

async fn bounded(rates: Rates) -> Universe {
    Universe::draft(Draft { rates, workers: 4, ..Draft::default() }).await
}

async fn seconds_for(universe: &Universe, count: usize) -> f64 {
    let begun = universe.clock.now();
    for number in 0..count {
        universe.push(&format!("disk-{number}"));
    }
    let ended = universe.until_ended(count).await;
    assert!(ended.iter().all(|one| one.state == DeliveryState::Sent), "{ended:#?}");
    assert!(universe.channel.attempts().iter().all(|job| job.counted == 1), "waiting costs no attempt");
    universe.clock.now().duration_since(begun).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn a_channel_of_two_a_second_takes_ten_seconds_for_twenty() {
    let universe = bounded(Rates { channel: Some("2/s".parse().unwrap()), ..Rates::default() }).await;
    let took = seconds_for(&universe, 20).await;
    assert!((9.5..12.0).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn one_address_or_one_mail_domain_has_a_rate_of_its_own() {
    let rate = Some("30/m".parse().unwrap());
    for rates in
        [Rates { recipient: rate, ..Rates::default() }, Rates { destination: rate, ..Rates::default() }]
    {
        let universe = bounded(rates).await;
        let took = seconds_for(&universe, 11).await;
        assert!((19.0..30.0).contains(&took), "{took} s");
    }
}
