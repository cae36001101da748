//! `foghorn ingest` hands over the lines of a file in batches: each once, whatever is between them, and however often
//! it is run.

use serde_json::{Value, json};

use crate::support::process::{Draft, Home, Life};

const MAPPER: &str = r#"
[sources.shop]
type    = "kafka"
brokers = ["127.0.0.1:1"]
topics  = ["shop"]
format  = "json"
mapper  = "shop"
[mappers.shop]
title     = "/t"
dedup_key = "/id"
"#;

async fn home() -> (Home, Life) {
    let home = Home::of(Draft { more: MAPPER.to_owned(), ..Draft::mailing_to(1) }).await;
    let life = home.start().await;
    (home, life)
}

fn written(home: &Home, lines: &[String]) -> String {
    let path = home.file("events.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn event(number: usize) -> String {
    json!({ "title": format!("event {number}"), "dedup_key": format!("key-{number}") }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_lines_are_taken_once_and_bad_ones_are_told_with_their_number() {
    let (home, life) = home().await;
    let mut lines: Vec<String> = (1..=1_200).map(event).collect();
    lines[6] = "{\"title\":".to_owned();
    lines[700] = String::new();
    lines[899] = r#"{"titel":"x"}"#.to_owned();
    let file = written(&home, &lines);
    let first = home.run(&["ingest", &file]).await;
    assert_eq!(first.exit, 1, "{first:?}");
    for words in [
        "line 7 rejected; no JSON",
        "line 900 rejected; /title: \"title\" is required; /titel: \"titel\" is no field here (did you mean",
    ] {
        assert!(first.output.contains(words), "{words} in {first:?}");
    }
    assert_eq!(first.output.lines().count(), 2, "{first:?}");
    assert!(first.errors.contains("1199 lines: 1197 opened, 2 rejected"), "{first:?}");
    let count = async || home.list("/api/v1/incidents?").await.len();
    assert_eq!(count().await, 1_197);

    let events = async || home.list("/api/v1/events?").await.len();
    let before = events().await;
    let again = home.run(&["ingest", &file, "--json"]).await;
    assert_eq!((again.exit, events().await, count().await), (1, before, 1_197), "{}", again.errors);
    let told: Vec<Value> = again.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seventh = told.iter().find(|one| one["line"] == 7).unwrap();
    assert_eq!((told.len(), &seventh["result"]), (1_199, &json!("rejected")), "{seventh}");
    // From another line on, the batches are others, and the ids of the lines are not.
    let rest = home.run(&["ingest", &file, "--from-line", "1001"]).await;
    assert_eq!((rest.exit, events().await), (0, before), "{rest:?}");
    assert!(rest.errors.contains("200 lines: 200 duplicate"), "{rest:?}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strict_stops_at_the_first_bad_line_and_says_where_to_go_on() {
    let (home, life) = home().await;
    let lines = [event(1), event(2), r#"{"titel":"x"}"#.to_owned(), event(4)];
    let file = written(&home, &lines);
    let stopped = home.run(&["ingest", &file, "--strict"]).await;
    assert_eq!(stopped.exit, 1, "{stopped:?}");
    assert!(stopped.errors.contains("--from-line 3"), "{stopped:?}");
    assert_eq!(home.list("/api/v1/incidents?").await.len(), 2);
    written(&home, &[event(1), event(2), event(3), event(4)]);
    let on = home.run(&["ingest", &file, "--strict", "--from-line", "3"]).await;
    assert_eq!((on.exit, home.list("/api/v1/incidents?").await.len()), (0, 4), "{on:?}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_another_source_are_read_by_its_mapper() {
    let (home, life) = home().await;
    let file = written(&home, &[r#"{"t":"Disk full","id":7}"#.to_owned(), r#"{"x":1}"#.to_owned()]);
    let said = home.run(&["ingest", &file, "--source", "shop"]).await;
    assert_eq!(said.exit, 1, "{said:?}");
    assert!(said.output.contains("line 2 rejected; /t: rule \"shop\", title from /t"), "{said:?}");
    let incidents = home.list("/api/v1/incidents?").await;
    assert_eq!(
        (&incidents[0]["source"], &incidents[0]["dedup_key"]),
        (&json!("shop"), &json!("7")),
        "{incidents:?}"
    );
    let twice = home.run(&["ingest", &file, "--source", "shop"]).await;
    assert_eq!(
        (twice.exit, home.list("/api/v1/events?").await.len()),
        (1, 1),
        "the same batch once: {twice:?}"
    );
    let unknown = home.run(&["ingest", &file, "--source", "shpo"]).await;
    assert!(unknown.exit == 3 && unknown.errors.contains("there are: api, shop"), "{unknown:?}");
    let empty = home.run(&["ingest", "/dev/null"]).await;
    assert!(empty.exit == 0 && empty.errors.contains("0 lines"), "{empty:?}");
    life.kill().await;
}
