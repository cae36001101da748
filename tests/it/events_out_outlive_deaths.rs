//! Whoever dies around whichever write, and however the sink fails: everything that changed is told at
//! least once, and what is about the same thing in its order.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use foghorn::channels::sinks::Sink;
use foghorn::domain::handover::Taking;
use foghorn::domain::outgoing::{Outgoing, Parcel};
use tokio::time::Instant;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};
use crate::support::watched_store::Moment;

/// Takes everything, but for what its script says first.
#[derive(Default)]
struct Scripted {
    script: Mutex<Vec<Act>>,
    heard: Mutex<Vec<Outgoing>>,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Away,
    Refuse,
    Die,
}

#[async_trait]
impl Sink for Scripted {
    async fn publish(&self, parcels: &[Parcel], _until: Instant) -> Vec<Taking> {
        let act = self.script.lock().unwrap().pop();
        let mut takings: Vec<Taking> = match act {
            Some(Act::Die) => panic!("the test says so"),
            Some(Act::Away) => return vec![Taking::Away("the test says so".to_owned(), None)],
            Some(Act::Refuse) => vec![Taking::Refused("the test says so".to_owned())],
            None => Vec::new(),
        };
        let rest = &parcels[takings.len()..];
        self.heard.lock().unwrap().extend(rest.iter().map(|parcel| parcel.outgoing.clone()));
        takings.extend(rest.iter().map(|_| Taking::Taken));
        takings
    }

    async fn probe(&self, _within: Duration) -> Result<String, String> {
        Ok("it follows a script".to_owned())
    }
}

impl Scripted {
    fn ids(&self) -> BTreeSet<String> {
        self.heard.lock().unwrap().iter().map(|outgoing| outgoing.id.clone()).collect()
    }

    /// What was told of the first incident: each event where it was heard for the last time.
    fn of_the_first_incident(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let mut kinds: Vec<String> = Vec::new();
        for outgoing in heard.iter().rev().filter(|outgoing| outgoing.about == "1") {
            if !kinds.contains(&outgoing.kind) {
                kinds.insert(0, outgoing.kind.clone());
            }
        }
        kinds
    }
}

/// Two incidents, of which one is resolved: five events. Returns how often the store was written.
async fn live(script: Vec<Act>, death: Option<(Moment, usize)>) -> usize {
    let sink = Arc::new(Scripted { script: Mutex::new(script.clone()), ..Scripted::default() });
    let told = Arc::clone(&sink) as Arc<dyn Sink>;
    let universe =
        Universe::draft(Draft { script: vec![Step::Accept; 9], sink: Some(told), ..Draft::default() }).await;
    let peers = universe.foghorn.peers();
    if let Some((at, number)) = death {
        universe.store.on_commit(move |moment, commit| {
            if (moment, commit) == (at, number) {
                peers.borrow().status.as_ref().unwrap().actor().kill();
            }
        });
    }
    universe.push("a");
    universe.push("b");
    universe.until_ended(2).await;
    universe.topic.push(br#"{"title":"a","dedup_key":"a","severity":"high","status":"resolved"}"#);
    let ended = universe.until_ended(3).await;
    let deadline = Instant::now() + Duration::from_secs(3600);
    while sink.ids().len() < 3 + ended.len() || waits(&universe).await {
        assert!(Instant::now() < deadline, "{script:?} {death:?}: {:?}", sink.ids());
        tokio::time::advance(Duration::from_millis(50)).await;
    }
    let expected = ["opened", "resolved"].map(|word| format!("io.foghorn.incident.{word}"));
    assert_eq!(sink.of_the_first_incident(), expected, "{script:?} {death:?}");
    let commits = universe.store.commits();
    universe.foghorn.stop().await;
    commits
}

async fn waits(universe: &Universe) -> bool {
    use foghorn::store::Store;
    universe.store.outgoing(&"bus".into()).await.unwrap().0 > 0
}

#[tokio::test(start_paused = true)]
async fn everything_is_told_whoever_dies_and_however_the_sink_fails() {
    let commits = live(Vec::new(), None).await;
    assert!(commits > 5, "{commits}");
    for moment in [Moment::Before, Moment::After] {
        for number in 1..=commits {
            live(Vec::new(), Some((moment, number))).await;
        }
    }
    for act in [Act::Away, Act::Refuse, Act::Die] {
        live(vec![act], None).await;
        live(vec![act, Act::Away, act], None).await;
    }
}
