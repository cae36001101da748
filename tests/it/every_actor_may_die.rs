//! I18: any actor may die before or after any write of the store, and every accepted delivery still
//! ends, every record is settled, and nothing is sent twice except what was in flight.

use std::collections::HashMap;
use std::sync::Arc;

use foghorn::domain::delivery::DeliveryState;
use foghorn::messages::{IngestKey, Peers};
use foghorn::store::Store;
use foghorn::store::memory::MemoryStore;

use crate::support::said::NOW;
use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};
use crate::support::watched_store::Moment;

#[derive(Debug, Clone, Copy)]
enum Victim {
    Status,
    Router,
    Dlq,
    Pool,
    Ingest,
}

/// What there was before this life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A life that ended without a word.
    Crashed,
}

const VICTIMS: [Victim; 5] = [Victim::Status, Victim::Router, Victim::Dlq, Victim::Pool, Victim::Ingest];

fn kill(victim: Victim, peers: &Peers) {
    let ingest = IngestKey { source: "topic".into(), topic: Some("incidents".into()) };
    match victim {
        Victim::Status => peers.status.as_ref().unwrap().actor().kill(),
        Victim::Router => peers.router.as_ref().unwrap().actor().kill(),
        Victim::Dlq => peers.dlq.as_ref().unwrap().actor().kill(),
        Victim::Pool => peers.pools["email"].actor().kill(),
        Victim::Ingest => peers.ingests[&ingest].actor().kill(),
    }
}

/// One delivery that is sent, one that is sent at the second attempt, one that is refused, one
/// whose worker dies once.
fn rule(title: &str, attempt: u32) -> Step {
    match (title, attempt) {
        ("b", 1) => Step::TRANSIENT,
        ("c", _) => Step::PERMANENT,
        ("d", 1) => Step::Panic,
        _ => Step::Accept,
    }
}

/// These four and a record that is no event, with somebody dying at some moment. Returns how often
/// the store was written.
async fn live(before: Before, victim: Option<(Victim, Moment, usize)>) -> usize {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::default());
    if before == Before::Crashed {
        memory.lease(&"test".into(), NOW).await.unwrap();
    }
    let universe = Universe::draft(Draft { rule: Some(rule), memory, ..Draft::default() }).await;
    let peers = universe.foghorn.peers();
    if let Some((victim, at, number)) = victim {
        universe.store.on_commit(move |moment, commit| {
            if (moment, commit) == (at, number) {
                kill(victim, &peers.borrow());
            }
        });
    }
    for key in ["a", "b", "c"] {
        universe.push(key);
    }
    universe.topic.push(b"{ this is no event");
    universe.push("d");

    let ended = universe.until_ended(4).await;
    universe.topic.until_settled(0, 5).await;

    let what = format!("{victim:?}");
    let dead = ended.iter().filter(|delivery| delivery.state == DeliveryState::Dead).count();
    assert_eq!(dead, 1, "exactly the refused one is dead after {what}: {ended:#?}");
    let mut yes = HashMap::new();
    for id in universe.channel.accepted() {
        *yes.entry(id).or_insert(0) += 1;
    }
    for delivery in &ended {
        let accepted = yes.get(&delivery.id).copied().unwrap_or(0);
        let expected = if delivery.state == DeliveryState::Dead { 0..=0 } else { 1..=2 };
        assert!(expected.contains(&accepted), "{accepted} times after {what}: {delivery:#?}");
    }
    let twice = yes.values().filter(|times| **times > 1).count();
    let allowed = usize::from(victim.is_some()) * 4;
    assert!(twice <= allowed, "{twice} sent twice after {what}");
    let commits = universe.store.commits();
    universe.foghorn.stop().await;
    commits
}

#[tokio::test(start_paused = true)]
async fn every_delivery_ends_whoever_dies_around_whichever_write() {
    everybody_dies(Before::Nothing).await;
}

#[tokio::test(start_paused = true)]
async fn nor_does_it_matter_while_records_are_read_one_by_one() {
    everybody_dies(Before::Crashed).await;
}

async fn everybody_dies(before: Before) {
    let commits = live(before, None).await;
    assert!(commits >= 3, "the scenario writes only {commits} times");
    for victim in VICTIMS {
        for moment in [Moment::Before, Moment::After] {
            for number in 1..=commits {
                live(before, Some((victim, moment, number))).await;
            }
        }
    }
}
