//! Libraries that senders use, unchanged: the official SDK of CloudEvents, over HTTP and over Kafka, and
//! PagerDuty's own client (the older one: the newer one speaks to no http:// at all), in Python.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foghorn::formats::Format;
use foghorn::store::memory::MemoryStore;
use serde_json::{Value, json};

use crate::support::process::{Draft, Home};
use crate::support::signers;
use crate::support::smtp_sink::SmtpSink;
use crate::support::whole::Whole;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const SOURCES: &str = r#"
[sources.events]
type = "http"
format = "cloudevents"
token = "TOKEN"
[sources.pagerduty]
type = "http"
format = "pagerduty-v2"
token = "TOKEN"
"#;

/// Sends one event in structured and one in binary mode, and says what came back; of the same events it says
/// what they are as records of Kafka.
const CLOUD_EVENTS: &str = r#"
import base64, json, sys, urllib.request
from cloudevents.core.bindings import http, kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
asked = json.load(sys.stdin)
def event(id, subject):
    attributes = {"id": id, "source": "/disks", "type": "com.example.full", "specversion": "1.0",
        "subject": subject, "datacontenttype": "application/json"}
    return CloudEvent(attributes, {"message": subject + " is full", "free": 0})
events = [event("1", "sda"), event("2", "sdb €")]
def both(binding):
    return [binding.to_structured(events[0], JSONFormat()), binding.to_binary(events[1], JSONFormat())]
answers = []
for message in both(http) if asked["url"] else []:
    headers = dict(message.headers)
    headers["Authorization"] = "Bearer " + asked["token"]
    request = urllib.request.Request(asked["url"], data=message.body, headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        answers.append([answer.status, json.load(answer)])
text = lambda value: value.decode() if isinstance(value, bytes) else value
records = [[{name: text(value) for name, value in message.headers.items()},
    base64.b64encode(message.value).decode()] for message in both(kafka)]
json.dump({"answers": answers, "records": records}, sys.stdout)
"#;

const PAGER_DUTY: &str = r#"
import json, sys, pdpyras
asked = json.load(sys.stdin)
client = pdpyras.EventsAPISession(asked["token"])
client.url = asked["url"]
key = client.trigger("HTTP is down", "srv01", severity="critical", custom_details={"load": 3})
client.acknowledge(key)
client.resolve(key)
json.dump(key, sys.stdout)
"#;

async fn run(library: &'static str, code: &'static str, url: String) -> Option<Value> {
    let input = json!({ "url": url, "token": TOKEN });
    tokio::task::spawn_blocking(move || signers::run(library, code, &input)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_of_cloud_events_and_the_client_of_pagerduty_are_understood() {
    let sink = SmtpSink::start().await;
    let more = SOURCES.replace("TOKEN", TOKEN);
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    if let Some(said) = run("cloudevents.core", CLOUD_EVENTS, home.url("/hooks/events")).await {
        let answers = said["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 2);
        for answer in answers {
            assert_eq!((&answer[0], &answer[1]["events"][0]["result"]), (&json!(202), &json!("opened")));
        }
        assert!(home.has_incident("sda is full").await && home.has_incident("sdb € is full").await);
    }
    if let Some(key) = run("pdpyras", PAGER_DUTY, home.url("")).await {
        let all = home.list("/api/v1/incidents?").await;
        let one = all.iter().find(|incident| incident["dedup_key"] == key).expect("it is there");
        assert_eq!((&one["status"], &one["event_count"]), (&json!("resolved"), &json!(3)));
    }
    life.terminate().await;
    life.exit().await;
}

#[tokio::test]
async fn what_the_sdk_of_cloud_events_puts_on_kafka_is_an_event_in_both_modes() {
    let Some(said) = run("cloudevents.core", CLOUD_EVENTS, String::new()).await else { return };
    for format in [Format::CloudEvents, Format::Auto] {
        let whole = Whole::reading(Arc::new(MemoryStore::default()), format).await;
        for record in said["records"].as_array().unwrap() {
            let headers = record[0].as_object().unwrap();
            let headers: Vec<(&str, &[u8])> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes()))
                .collect();
            let value = STANDARD.decode(record[1].as_str().unwrap()).unwrap();
            whole.universe.topic.push_to(0, Some(&value), &headers);
        }
        whole.until_settled(0, 2, "both").await;
        let mut titles: Vec<_> = whole.incidents().await.into_iter().map(|one| one.title).collect();
        titles.sort();
        assert_eq!(titles, ["sda is full", "sdb € is full"]);
        whole.end().await;
    }
}
