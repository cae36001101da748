//! Our own records come to `POST /api/v1/events` as CloudEvents too, in each of the three modes of HTTP.

use serde_json::{Value, json};

use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::SmtpSink;

struct Ground {
    home: Home,
    life: Life,
    _sink: SmtpSink,
}

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const BATCH: &str = "application/cloudevents-batch+json";

impl Ground {
    async fn start() -> Self {
        let sink = SmtpSink::start().await;
        let home = Home::of(Draft::mailing_to(sink.port)).await;
        let life = home.start().await;
        Self { home, life, _sink: sink }
    }

    async fn say(&self, lines: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (u16, Value) {
        let mut request = self.home.http().post(self.home.url("/api/v1/events"));
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.into()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn structured(&self, event: &Value) -> (u16, Value) {
        self.say(&[("content-type", STRUCTURED)], event.to_string()).await
    }
}

fn event(id: &str, title: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/probe", "type": "alert", "extension": 1,
        "data": { "title": title, "severity": "high" } })
}

fn result(told: &(u16, Value), index: usize) -> (u16, &str) {
    (told.0, told.1["events"][index]["result"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_comes_in_each_mode_and_counts_once() {
    let ground = Ground::start().await;
    assert_eq!(result(&ground.structured(&event("1", "structured")).await, 0), (202, "opened"));
    assert_eq!(result(&ground.structured(&event("1", "structured")).await, 0), (202, "duplicate"));
    let lines = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "2"),
        ("ce-source", "/pr%6Fbe"),
        ("ce-type", "alert"),
        ("ce-time", "2026-01-01T00:00:00Z"),
    ];
    let data = json!({ "title": "binary" }).to_string();
    assert_eq!(result(&ground.say(&lines, data.clone()).await, 0), (202, "opened"));
    assert_eq!(result(&ground.say(&lines, data).await, 0), (202, "duplicate"));
    let same = ground.structured(&event("2", "another")).await;
    assert_eq!((same.0, &same.1["errors"][0]["code"]), (422, &json!("id_conflict")), "{}", same.1);
    let mixed = json!([event("3", "batch"), event("1", "structured"), event("4", "")]);
    let told = ground.say(&[("content-type", BATCH)], mixed.to_string()).await;
    assert_eq!((told.0, &told.1["accepted"]), (202, &json!(2)), "{}", told.1);
    assert_eq!(result(&told, 1), (202, "duplicate"));
    assert_eq!(told.1["events"][2]["errors"][0]["pointer"], "/data/title", "{}", told.1);
    let empty = ground.say(&[("content-type", BATCH)], "[]").await;
    assert_eq!(empty, (202, json!({ "accepted": 0, "events": [] })));
    let incidents = ground.home.list("/api/v1/incidents?").await;
    let mut titles: Vec<_> = incidents.iter().map(|one| one["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["batch", "binary", "structured"]);
    ground.life.terminate().await;
    ground.life.exit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_of_it_can_be_taken_in_again() {
    let ground = Ground::start().await;
    ground.structured(&event("1", "structured")).await;
    let events = ground.home.list("/api/v1/events?").await;
    assert_eq!(events[0]["event_id"], "/probe#1");
    let body = json!({ "ids": [events[0]["id"]] });
    let answer = ground.home.http().post(ground.home.url("/api/v1/events/replay")).json(&body).send().await;
    let told: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(told["events"][0]["result"], "updated", "{told}");
    ground.life.terminate().await;
    ground.life.exit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_json_is_of_no_type_that_is_read() {
    let ground = Ground::start().await;
    for kind in
        ["application/cloudevents+avro", "application/cloudevents+xml", "application/cloudevents-batch+avro"]
    {
        let (status, told) = ground.say(&[("content-type", kind)], event("1", "x").to_string()).await;
        assert_eq!((status, &told["code"]), (415, &json!("FH0704")), "{kind}: {told}");
    }
    let encoded = [("content-type", STRUCTURED), ("content-encoding", "gzip")];
    assert_eq!(ground.say(&encoded, "x").await.0, 415);
    // Another type in its data than ours is for a source of its own.
    let mut foreign = event("1", "x");
    foreign["data"] = json!({ "message": "sda is full" });
    let (status, told) = ground.structured(&foreign).await;
    assert_eq!((status, &told["code"]), (422, &json!("FH0702")), "{told}");
    // No mode of CloudEvents, no type.
    assert_eq!(ground.say(&[], event("1", "x").to_string()).await.0, 415);
    let many: Vec<Value> = (0..501).map(|id| event(&id.to_string(), "x")).collect();
    assert_eq!(ground.say(&[("content-type", BATCH)], json!(many).to_string()).await.0, 413);
    assert_eq!(ground.home.list("/api/v1/incidents?").await.len(), 0);
    ground.life.terminate().await;
    ground.life.exit().await;
}
