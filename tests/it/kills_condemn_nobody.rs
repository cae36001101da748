//! A process that is killed from outside has some innocent record in hand. However often that
//! happens, and in however bad a moment, nobody is condemned for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use foghorn::domain::caution::QUIET;
use foghorn::domain::query::{IncidentQuery, LetterQuery};
use foghorn::sources::memory::MemorySource;
use foghorn::store::Store;
use foghorn::store::memory::MemoryStore;
use tokio::sync::Notify;

use crate::support::said::all;
use crate::support::universe::{Draft, Universe};
use crate::support::watched_store::Moment;

struct World {
    memory: Arc<MemoryStore>,
    topic: Arc<MemorySource>,
}

impl World {
    fn new() -> Self {
        Self { memory: Arc::default(), topic: Arc::new(MemorySource::new("incidents")) }
    }

    async fn life(&self) -> Universe {
        let (memory, topic) = (Arc::clone(&self.memory) as _, Some(Arc::clone(&self.topic)));
        Universe::draft(Draft { memory, topic, ..Draft::default() }).await
    }

    /// A life that is killed around its commit of this number, if it comes to that.
    async fn killed(&self, at: Moment, number: usize) {
        let universe = self.life().await;
        let now = Arc::new(Notify::new());
        let ring = Arc::clone(&now);
        universe.store.on_commit(move |moment, commit| {
            if (moment, commit) == (at, number) {
                ring.notify_one();
            }
        });
        tokio::select! {
            () = now.notified() => {}
            () = universe.live_for(QUIET / 2) => {}
        }
        universe.foghorn.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn sixty_kills_around_every_write_condemn_no_healthy_record() {
    const KILLS: usize = 60;
    let world = World::new();
    let mut keys = BTreeSet::new();
    let mut caught = 0;
    for kill in 0..KILLS {
        for record in 0..2 {
            let key = format!("{kill}-{record}");
            world.topic.push(format!(r#"{{"title":"{key}","dedup_key":"{key}"}}"#).as_bytes());
            keys.insert(key);
        }
        let moment = if kill % 2 == 0 { Moment::After } else { Moment::Before };
        world.killed(moment, 1 + fastrand::usize(..5)).await;
        caught += usize::from(world.memory.suspects().await > 0);
    }
    assert!(caught > KILLS / 4, "records were in hand at only {caught} kills");

    let last = world.life().await;
    last.topic.until_settled(0, i64::try_from(keys.len()).unwrap()).await;
    let letters = world.memory.dead_letters(&LetterQuery::default(), &all()).await.unwrap().data;
    assert!(letters.is_empty(), "{letters:#?}");
    let stored = world.memory.incidents(&IncidentQuery::default(), &all()).await.unwrap().data;
    let stored: BTreeSet<String> = stored.into_iter().map(|incident| incident.title).collect();
    assert_eq!(stored, keys);
    assert_eq!(world.memory.suspects().await, 0, "whatever is settled is acquitted");
}

#[tokio::test(start_paused = true)]
async fn full_speed_returns_when_nothing_is_left_to_be_careful_about() {
    let world = World::new();
    world.topic.push(br#"{"title":"first"}"#);
    world.killed(Moment::After, 2).await;

    let careful = world.life().await;
    careful.topic.until_settled(0, 1).await;
    // Once everything is read, a burst is a few commits again and not two for each record.
    careful.live_for(QUIET * 4).await;
    let before = careful.store.commits();
    let burst = 100;
    for number in 0..burst {
        careful.push(&format!("burst-{number}"));
    }
    careful.topic.until_settled(0, 1 + burst).await;
    let commits = careful.store.commits() - before;
    assert!(commits < 60, "{commits} commits for {burst} records");
}
