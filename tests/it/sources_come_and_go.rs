//! A source that is paused, configured differently or taken away leaves nothing half done, and nothing
//! of what it gave is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use foghorn::daemon::Renewed;
use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::way::{Flow, FlowChange, Way};
use foghorn::messages::IngestKey;
use foghorn::messages::status::StatusMessage;
use foghorn::sources::memory::MemorySource;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Universe, source_of};
use crate::support::whole::within;

fn topic() -> IngestKey {
    IngestKey { source: "topic".into(), topic: Some("incidents".into()) }
}

async fn say(universe: &Universe, flow: Flow) {
    let status = universe.foghorn.peers().borrow().status.clone().expect("it is there");
    let changes = vec![FlowChange { way: Way::Source("topic".into()), flow }];
    let flow = |reply| StatusMessage::Flow { changes, reply };
    status.ask(flow, Duration::from_secs(10)).await.expect("it is done");
}

#[tokio::test(start_paused = true)]
async fn a_paused_source_is_not_read_from_and_goes_on_where_it_was() {
    let universe = Universe::start([]).await;
    universe.push("first");
    universe.until_ended(1).await;
    say(&universe, Flow::Paused).await;
    within("it is paused", universe.topic.until_paused(true)).await;
    universe.push("second");
    universe.live_for(Duration::from_secs(60)).await;
    assert_eq!(universe.deliveries().await.len(), 1);

    say(&universe, Flow::Running).await;
    universe.until_ended(2).await;
    universe.foghorn.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_still_one_when_the_ingest_actor_starts_again() {
    let universe = Universe::start([]).await;
    say(&universe, Flow::Paused).await;
    within("it is paused", universe.topic.until_paused(true)).await;
    let ingest = universe.foghorn.peers().borrow().ingests[&topic()].clone();
    ingest.actor().kill();
    universe.live_for(Duration::from_secs(5)).await;
    let again = universe.foghorn.peers().borrow().ingests[&topic()].id();
    assert_ne!(again, ingest.id(), "another life");
    universe.push("second");
    universe.live_for(Duration::from_secs(60)).await;
    assert_eq!(universe.deliveries().await.len(), 0);
    say(&universe, Flow::Running).await;
    universe.until_ended(1).await;
    universe.foghorn.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_configured_differently_is_finished_first_and_then_entered_anew() {
    let universe = Universe::start([]).await;
    let offset = universe.push("old");
    let other = Arc::new(MemorySource::new("others"));
    let mut parts = universe.parts.clone();
    parts.sources.insert(topic(), source_of(&other));
    let reconnect = BTreeSet::from([topic()]);
    assert_eq!(universe.foghorn.renew(&parts, reconnect).await, Renewed::Everywhere);
    other.push(br#"{"title":"new","dedup_key":"new","severity":"high"}"#);
    universe.until_ended(2).await;
    within("what the old one gave is settled", universe.topic.until_settled(0, offset + 1)).await;
    universe.push("nobody reads this");
    universe.live_for(Duration::from_secs(60)).await;
    assert_eq!(universe.deliveries().await.len(), 2);
    universe.foghorn.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_taken_away_leaves_and_comes_back_where_it_was() {
    let universe = Universe::start([]).await;
    universe.push("first");
    universe.until_ended(1).await;
    let mut parts = universe.parts.clone();
    parts.sources.remove(&topic());
    universe.foghorn.renew(&parts, BTreeSet::new()).await;
    universe.live_for(Duration::from_secs(5)).await;
    assert!(!universe.foghorn.peers().borrow().ingests.contains_key(&topic()));
    universe.push("second");
    universe.live_for(Duration::from_secs(60)).await;
    assert_eq!(universe.deliveries().await.len(), 1);
    universe.foghorn.renew(&universe.parts, BTreeSet::new()).await;
    universe.until_ended(2).await;
    universe.foghorn.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_channel_that_is_taken_away_goes_out_when_it_is_back() {
    let universe = Universe::start([Step::TRANSIENT]).await;
    universe.push("first");
    universe.until(|deliveries| deliveries.iter().any(|delivery| delivery.attempts == 1)).await;
    let mut parts = universe.parts.clone();
    parts.channels.clear();
    universe.foghorn.renew(&parts, BTreeSet::new()).await;
    universe.live_for(Duration::from_secs(600)).await;
    let waiting = universe.deliveries().await;
    assert!(waiting.iter().all(|delivery| !delivery.state.is_terminal()), "{waiting:?}");
    universe.foghorn.renew(&universe.parts, BTreeSet::new()).await;
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Sent);
    universe.foghorn.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_channel_that_never_comes_back_expires() {
    let universe = Universe::start([Step::TRANSIENT]).await;
    universe.push("first");
    universe.until(|deliveries| deliveries.iter().any(|delivery| delivery.attempts == 1)).await;
    let mut parts = universe.parts.clone();
    parts.channels.clear();
    universe.foghorn.renew(&parts, BTreeSet::new()).await;
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Expired);
    let lived = universe.clock.now().duration_since(ended[0].created_at);
    assert!(lived.as_hours() >= 24, "{lived:?}");
    universe.foghorn.stop().await;
}
