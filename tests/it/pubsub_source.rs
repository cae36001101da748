//! What every bus promises, held on Google's emulator as far as it lets itself be looked at; and what is Pub/Sub's
//! own: attributes, ordering keys, and the subscription that is not there.

use std::collections::BTreeMap;
use std::time::Duration;

use foghorn::store::Store;
use foghorn::store::memory::MemoryStore;
use foghorn::telemetry::health::Condition;
use serde_json::json;
use tokio::time::sleep;

use crate::support::bad_records::{Row, bad_records, odd_records};
use crate::support::bus::pubsub::Subscription;
use crate::support::inside::Inside;
use crate::support::polling::soon;
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

fn event(key: &str) -> Vec<u8> {
    format!(r#"{{"title":"{key}","dedup_key":"{key}","severity":"high"}}"#).into_bytes()
}

async fn publish(bus: &Subscription, keys: std::ops::Range<usize>) {
    for key in keys {
        bus.publish(&event(&format!("event {key}")), json!({}), "").await;
    }
}

/// Each incident of so many is there, and heard of once.
async fn assert_each_once(inside: &Inside, count: usize) {
    let heard: BTreeMap<_, _> =
        inside.incidents().await.into_iter().map(|incident| (incident.title, incident.event_count)).collect();
    assert_eq!(heard, (0..count).map(|key| (format!("event {key}"), 1)).collect());
}

/// Nothing is left but what nobody has read: what a source gives back at its end is to be had at once.
async fn assert_nothing_left(bus: &Subscription) {
    bus.publish(b"the last", json!({}), "").await;
    let had = soon("the last", async {
        loop {
            match bus.to_be_had().await {
                0 => tokio::task::yield_now().await,
                had => return had,
            }
        }
    });
    assert_eq!(had.await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_hand_is_not_acknowledged_and_comes_again_after_a_crash() {
    let Some(mut bus) = Subscription::open().await else { return };
    let memory = MemoryStore::default();
    let inside = Inside::over(&memory, &bus.source()).await;
    inside.store.stall(true);
    publish(&bus, 0..3).await;
    inside.until("it is in hand", async || inside.store.held_up() > 0).await;
    inside.crash().await;
    bus.change_way().await;
    let inside = Inside::over(&memory, &bus.source()).await;
    inside.until_kept(3).await;
    assert_each_once(&inside, 3).await;
    publish(&bus, 3..5).await;
    inside.until_kept(5).await;
    inside.drain().await;
    assert_nothing_left(&bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_and_not_acknowledged_comes_again_and_changes_nothing() {
    let Some(mut bus) = Subscription::open().await else { return };
    let memory = MemoryStore::default();
    let inside = Inside::over(&memory, &bus.source()).await;
    inside.store.stall(true);
    publish(&bus, 0..1).await;
    inside.until("it is in hand", async || inside.store.held_up() == 1).await;
    bus.change_way().await;
    inside.store.stall(false);
    inside.until_kept(1).await;
    inside.crash().await;

    let inside = Inside::over(&memory, &bus.source()).await;
    publish(&bus, 1..3).await;
    inside.until("it comes again", async || inside.store.offered() == 3).await;
    assert_each_once(&inside, 3).await;
    inside.drain().await;
    assert_nothing_left(&bus).await;
}

/// Why a message cannot say this.
fn cannot(row: &Row) -> Option<&'static str> {
    let is_text = |(name, value): &(String, Vec<u8>)| {
        !name.is_empty() && value.len() <= 1_024 && std::str::from_utf8(value).is_ok()
    };
    let mut names: Vec<_> = row.headers.iter().map(|(name, _)| name).collect();
    names.sort();
    match row {
        Row { payload: None, .. } => Some("a message has bytes, if only none of them"),
        Row { payload: Some(bytes), .. } if bytes.len() > 5 << 20 => {
            Some("a request has 10 MB, and ours is base64")
        }
        Row { payload: Some(bytes), headers, .. } if bytes.is_empty() && headers.is_empty() => {
            Some("a message has bytes or attributes")
        }
        _ if row.headers.len() > 100 => Some("a message has 100 attributes"),
        _ if !row.headers.iter().all(is_text) => Some("an attribute is a text of 1 KiB, and has a name"),
        _ if names.windows(2).any(|pair| pair[0] == pair[1]) => Some("a message has each attribute once"),
        _ => None,
    }
}

async fn put(bus: &Subscription, row: &Row) {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let attributes: BTreeMap<_, _> = row.headers.iter().map(|(name, value)| (name, text(value))).collect();
    bus.publish(row.payload.as_deref().unwrap(), json!(attributes), "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_event_is_kept_as_it_came_and_stepped_over() {
    let Some(bus) = Subscription::open().await else { return };
    let inside = Inside::reading(&bus.source()).await;
    let rows: Vec<_> = bad_records().into_iter().filter(|(row, _)| cannot(row).is_none()).collect();
    let mut expected = Vec::new();
    for (key, (row, reason)) in rows.into_iter().enumerate() {
        put(&bus, &row).await;
        publish(&bus, key..key + 1).await;
        expected.push((row.payload.unwrap(), reason.to_owned()));
    }
    // A message may hold nothing but attributes.
    bus.publish(b"", json!({ "a": "b" }), "").await;
    expected.push((Vec::new(), "parse".to_owned()));
    inside.until_kept(expected.len() - 1).await;
    inside.until("all letters are there", async || inside.letters().await.len() == expected.len()).await;
    assert_each_once(&inside, expected.len() - 1).await;
    let mut kept = Vec::new();
    for letter in inside.letters().await {
        let bytes = inside.store.dead_letter_bytes(letter.id).await.unwrap().expect("it is kept");
        kept.push((bytes.raw.to_vec(), letter.reason));
    }
    kept.sort();
    expected.sort();
    assert!(kept == expected, "each as it came");
    inside.drain().await;
    assert_nothing_left(&bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_looks_bad_and_is_an_event_is_stored() {
    let Some(bus) = Subscription::open().await else { return };
    let inside = Inside::reading(&bus.source()).await;
    let rows: Vec<_> = odd_records().into_iter().filter(|(row, _)| cannot(row).is_none()).collect();
    let mut titles: BTreeMap<_, u64> = BTreeMap::new();
    for (row, title) in &rows {
        put(&bus, row).await;
        *titles.entry((*title).to_owned()).or_default() += 1;
    }
    inside.until_kept(rows.len()).await;
    let stored = inside.incidents().await.into_iter();
    assert_eq!(
        stored.map(|incident| (incident.title, incident.event_count)).collect::<BTreeMap<_, _>>(),
        titles
    );
    assert_eq!(inside.letters().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_goes_away_is_told_and_read_on_when_it_is_back() {
    let Some(bus) = Subscription::open().await else { return };
    bus.front.cut();
    let inside = Inside::reading(&bus.source()).await;
    for round in 0..2 {
        inside.until("it is down", async || matches!(inside.condition(), Condition::Down(_))).await;
        publish(&bus, 2 * round..2 * round + 2).await;
        bus.front.restore();
        inside.until_kept(2 * round + 2).await;
        inside.until("it is up", async || inside.condition() == Condition::Up).await;
        bus.front.cut();
    }
    assert_each_once(&inside, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_are_headers_and_an_ordering_key_keeps_the_order() {
    let Some(bus) = Subscription::open().await else { return };
    let inside = Inside::reading(&bus.source()).await;
    let envelope = |id: &str| json!({ "ce-specversion": "1.0", "ce-id": id, "ce-source": "/s" });
    bus.publish(&event("enveloped"), envelope("1"), "").await;
    bus.publish(&event("enveloped"), envelope("1"), "").await;
    inside.until_kept(1).await;
    for number in 0..20 {
        let status = ["open", "acknowledged", "resolved"][number % 3];
        let text = format!(r#"{{"title":"{number}","dedup_key":"one","status":"{status}"}}"#);
        bus.publish(text.as_bytes(), json!({}), "one").await;
    }
    inside.until_kept(21).await;
    let mut events = inside.events().await;
    events.sort_by_key(|event| event.id);
    let incidents = inside.incidents().await;
    assert_eq!(
        incidents.iter().filter(|incident| incident.title == "enveloped").map(|i| i.event_count).sum::<u64>(),
        1
    );
    // Opened seven times, and each time ended before it was opened again.
    assert_eq!(incidents.iter().filter(|incident| incident.title != "enveloped").count(), 1, "{incidents:?}");
    assert_eq!(inside.letters().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_not_there_is_for_the_operator() {
    let Some(bus) = Subscription::open().await else { return };
    let text = bus.source().replace("foghorn-test-", "nowhere-");
    let inside = Inside::reading(&text).await;
    let refused = || match inside.condition() {
        Condition::Down(why) => why.contains("NOT_FOUND"),
        _ => false,
    };
    inside.until("it is refused", async || refused()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_and_doubles_nothing() {
    const EACH: usize = 40;
    let Some(bus) = Subscription::open().await else { return };
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft { more: bus.source(), ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    publish(&bus, 0..EACH).await;
    sleep(Duration::from_millis(fastrand::u64(0..200))).await;
    life.kill().await;
    let life = home.start().await;
    let all = async || home.list("/api/v1/incidents?").await.len() == EACH;
    home.until("all are kept", all).await;
    for incident in home.list("/api/v1/incidents?").await {
        assert_eq!(incident["event_count"], 1, "{incident}");
    }
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
    assert_nothing_left(&bus).await;
}
