//! A critical page overtakes everything that waits, and finds a worker when all others are busy.

use std::time::Duration;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

fn critical(universe: &Universe, key: &str) {
    let record = format!(r#"{{"title":"{key}","dedup_key":"{key}","severity":"critical"}}"#);
    universe.topic.push(record.as_bytes());
}

fn rule(title: &str, _: u32) -> Step {
    match title {
        "page" => Step::Accept,
        _ => Step::Slow(Duration::from_secs(20)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_critical_page_finds_a_worker_while_a_slow_provider_holds_the_others() {
    let universe = Universe::draft(Draft { rule: Some(rule), workers: 4, ..Draft::default() }).await;
    // Far more than the pool takes in hand.
    for number in 0..400 {
        universe.push(&format!("disk-{number}"));
    }
    universe.until(|all| all.len() >= 190).await;
    universe.live_for(Duration::from_secs(5)).await;
    let begun = universe.clock.now();
    critical(&universe, "page");
    while !universe.channel.attempts().iter().any(|job| format!("{:?}", job.content).contains("\"page\"")) {
        universe.live_for(Duration::from_millis(100)).await;
    }
    let took = universe.clock.now().duration_since(begun).as_secs_f64();
    assert!(took < 2.0, "{took} s behind 400 that take 20 s each");
}
