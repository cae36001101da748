//! A source is tried by waiting for one event of it: how it was read, and what it did.

use serde_json::json;

use crate::support::process::{Draft, Home, Said};

/// Runs the command and posts `event` once it listens. Posted again and again, since nobody outside
/// knows when that is; only what is new counts.
async fn tried(home: &Home, event: impl Fn(usize) -> serde_json::Value) -> Said {
    let waiting = home.run(&["test", "source", "api", "--timeout", "50s"]);
    tokio::pin!(waiting);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
    let mut posted = 0;
    loop {
        tokio::select! {
            said = &mut waiting => return said,
            _ = tick.tick() => {
                posted += 1;
                home.http().post(home.url("/api/v1/events")).json(&event(posted)).send().await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_shown_as_it_was_read_with_what_it_did() {
    let more = "[incidents]\nseverity_aliases = { P1 = \"critical\" }\n".to_owned();
    let home = Home::of(Draft { more, ..Draft::mailing_to(1) }).await;
    let life = home.start().await;
    let said = tried(&home, |posted| {
        json!({ "title": "Disk full", "dedup_key": format!("disk-{posted}"), "service": "db", "severity": "P1" })
    })
    .await;
    assert_eq!(said.exit, 0, "{said:?}");
    for line in [
        "title      Disk full",
        "service    db",
        "severity   critical (read from \"P1\")",
        "result     opened",
        "route      everything → policy mail",
        "incident   #",
        "dedup_key  disk-",
    ] {
        assert!(said.output.contains(line), "{line} in {said:?}");
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_told_with_how_the_source_is_and_a_wrong_name_with_the_right_ones() {
    let home = Home::of(Draft::mailing_to(1)).await;
    let life = home.start().await;
    let silent = home.run(&["test", "source", "api", "--timeout", "300ms"]).await;
    assert_eq!(silent.exit, 1, "{silent:?}");
    assert!(silent.errors.contains("no event of api within 300ms: it is ok"), "{silent:?}");
    let unknown = home.run(&["test", "source", "kafak"]).await;
    assert_eq!(unknown.exit, 3, "{unknown:?}");
    assert!(unknown.errors.contains("there are: api"), "{unknown:?}");
    life.kill().await;
}
