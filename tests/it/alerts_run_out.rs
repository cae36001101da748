//! An alert that its sender says lasts until some moment is over by then, unless it is said again before.

use std::sync::Arc;
use std::time::Duration;

use foghorn::domain::incident::IncidentStatus;
use foghorn::formats::Format;
use foghorn::store::{Paging, Store};
use serde_json::{Value, json};

use crate::support::databases::on_each_database;
use crate::support::universe::{Draft, Universe};
use crate::support::whole::{Whole, within};

on_each_database! {
    an_alert_that_is_not_said_again_is_over
}

fn alert(name: &str, ends_at: jiff::Timestamp) -> Value {
    json!({ "labels": { "alertname": name }, "startsAt": "2026-11-21T13:00:00Z", "endsAt": ends_at })
}

async fn an_alert_that_is_not_said_again_is_over(store: Arc<dyn Store>) {
    let whole = Whole::reading(store, Format::AlertmanagerApi).await;
    let now = whole.universe.clock.now();
    let (soon, late) = (now + Duration::from_secs(1), now + Duration::from_secs(3_600));
    whole.universe.topic.push(json!([alert("a", soon), alert("b", late)]).to_string().as_bytes());
    whole.until_settled(0, 1, "both").await;
    let ran_out = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            let all = whole.incidents().await;
            assert_eq!(all.len(), 2);
            let standing = |title: &str| all.iter().find(|one| one.title == title).map(|one| one.status);
            assert_eq!(standing("b"), Some(IncidentStatus::Open));
            if standing("a") == Some(IncidentStatus::Resolved) {
                return;
            }
        }
    };
    within("it ran out", ran_out).await;
    whole.end().await;
}

async fn statuses(universe: &Universe) -> Vec<(String, IncidentStatus)> {
    let paging = Paging { before: None, limit: 50 };
    let all = universe.store.incidents(&Default::default(), &paging).await.unwrap().data;
    all.into_iter().map(|one| (one.title, one.status)).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_says_it_again_moves_the_moment_and_it_may_begin_again() {
    let universe = Universe::draft(Draft { format: Format::AlertmanagerApi, ..Draft::default() }).await;
    let say = |held: u64| {
        let ends_at = universe.clock.now() + Duration::from_secs(held);
        universe.topic.push(json!([alert("a", ends_at)]).to_string().as_bytes())
    };
    let (open, over) = (IncidentStatus::Open, IncidentStatus::Resolved);
    for _ in 0..5 {
        say(240);
        universe.live_for(Duration::from_secs(200)).await;
        assert_eq!(statuses(&universe).await, [("a".to_owned(), open)], "said again in time");
    }
    universe.live_for(Duration::from_secs(60)).await;
    assert_eq!(statuses(&universe).await, [("a".to_owned(), over)], "not said again");
    say(240);
    universe.live_for(Duration::from_secs(5)).await;
    assert_eq!(statuses(&universe).await, [("a".to_owned(), open)], "it begins again");
    // Its end is said before it runs out, so nothing is left to run out.
    say(0);
    universe.live_for(Duration::from_secs(300)).await;
    assert_eq!(statuses(&universe).await, [("a".to_owned(), over)]);
    let timeline = universe.store.timeline(1).await.unwrap();
    let ran_out = timeline.iter().filter(|line| line.detail.ends_with("was not said again")).count();
    assert_eq!(ran_out, 1, "{timeline:#?}");
}
