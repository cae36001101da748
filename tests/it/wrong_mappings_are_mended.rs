//! A mapping that is wrong loses nothing: the record is kept with the reason, and becomes an event once the mapping was
//! mended.

use std::time::Duration;

use foghorn::sources::kafka::EmbeddedBroker;
use serde_json::{Value, json};

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

const RECORD: &str = r#"{"type":"alert","alert":{"titel":"Disk full","id":77}}"#;

const GOOD: &str = r#"{"type":"alert","alert":{"title":"Disk","id":8}}"#;

const MAPPED: &str = r#"
format  = "json"
mapper  = "shop"
[mappers.shop]
event_type = "/type"
[[mappers.shop.rules]]
on        = "alert"
title     = "/alert/title"
dedup_key = "/alert/id"
"#;

fn config(broker: &str, topic: &str) -> String {
    format!(
        r#"
[sources.shop]
type    = "kafka"
brokers = ["{broker}"]
topics  = ["{topic}"]
group_id = "foghorn"
properties = {{ "session.timeout.ms" = "3000", "heartbeat.interval.ms" = "200" }}{MAPPED}"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_its_mapper_refuses_is_kept_and_taken_in_once_the_mapper_was_mended() {
    let topic = format!("mended-{:08x}", fastrand::u32(..));
    let broker = EmbeddedBroker::start(&[(topic.as_str(), 1)]).unwrap();
    let smtp = SmtpSink::start().await;
    let more = config(broker.address(), &topic);
    let home = Home::of(Draft { more, ..Draft::mailing_to(smtp.port) }).await;
    let life = home.start().await;

    broker.produce(&topic, "k", RECORD.as_bytes()).await.unwrap();
    home.until("it is kept", async || home.list("/api/v1/dead-letters?filter=kind:event").await.len() == 1)
        .await;
    let listed = home.run(&["dlq", "list", "--filter", "kind:event"]).await;
    for words in
        ["shop", "schema", "rule \"alert\", title from /alert/title", "found nothing; /alert has titel, id"]
    {
        assert!(listed.output.contains(words), "{words} in {listed:?}");
    }
    assert_eq!(home.list("/api/v1/incidents?").await.len() + smtp.count(), 0, "nobody heard of it");
    let letter =
        home.list("/api/v1/dead-letters?filter=kind:event").await[0]["id"].as_str().unwrap().to_owned();
    // The mapping is as it was: so is the letter.
    let early = home.run(&["dlq", "retry", &letter]).await;
    assert_eq!(home.list("/api/v1/dead-letters?filter=kind:event").await.len(), 1, "{early:?}");

    home.edit("title     = \"/alert/title\"", "title     = \"/alert/titel\"");
    let reload = home.run(&["reload"]).await;
    assert_eq!(reload.exit, 0, "{reload:?}");
    let retried = home.run(&["dlq", "retry", &letter]).await;
    assert_eq!(retried.exit, 0, "{retried:?}");
    home.until_kept("Disk full").await;
    let incidents = home.list("/api/v1/incidents?").await;
    assert_eq!((incidents.len(), &incidents[0]["dedup_key"]), (1, &json!("77")), "{incidents:?}");
    assert_eq!(incidents[0]["source"], "shop");
    // The letter stays, and is no second event.
    let again = home.run(&["dlq", "retry", &letter]).await;
    assert!(again.output.contains("duplicate"), "{again:?}");
    assert_eq!(home.list("/api/v1/events?").await.len(), 1);
    home.until("ada is told", async || smtp.count() == 1).await;
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_its_mapper_refuses_is_kept_too_for_its_sender_asks_no_second_time() {
    const TOKEN: &str = "a-token-of-the-shop-that-is-long-enough";
    let smtp = SmtpSink::start().await;
    let more = format!("[sources.shop]\ntype = \"http\"\ntoken = \"{TOKEN}\"{MAPPED}");
    let home = Home::of(Draft { more, ..Draft::mailing_to(smtp.port) }).await;
    let life = home.start().await;
    let say = async |body: &'static str| {
        let said =
            home.http().post(home.url("/hooks/shop")).bearer_auth(TOKEN).body(body).send().await.unwrap();
        (said.status().as_u16(), said.json::<Value>().await.unwrap())
    };

    let (status, told) = say(RECORD).await;
    assert_eq!(
        (status, &told["accepted"], &told["events"][0]["result"]),
        (202, &json!(0), &json!("quarantined"))
    );
    assert!(told["events"][0]["detail"].as_str().unwrap().contains("/alert has titel, id"), "{told}");
    let kept = home.list("/api/v1/dead-letters?filter=kind:event").await;
    assert_eq!((kept.len(), &kept[0]["source"], &kept[0]["reason"]), (1, &json!("shop"), &json!("schema")));
    // What nobody could ever read goes back to its sender.
    assert_eq!(say("{").await.0, 400);
    assert_eq!(home.list("/api/v1/dead-letters?filter=kind:event").await.len(), 1);

    home.edit("title     = \"/alert/title\"", "title     = \"/alert/titel\"");
    assert_eq!(home.run(&["reload"]).await.exit, 0);
    let retried = home.run(&["dlq", "retry", kept[0]["id"].as_str().unwrap()]).await;
    assert_eq!(retried.exit, 0, "{retried:?}");
    home.until_kept("Disk full").await;
    home.until("ada is told", async || smtp.count() == 1).await;
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_with_a_mapper_is_tried_by_waiting_for_a_record() {
    let topic = format!("tried-{:08x}", fastrand::u32(..));
    let broker = EmbeddedBroker::start(&[(topic.as_str(), 1)]).unwrap();
    let smtp = SmtpSink::start().await;
    let home =
        Home::of(Draft { more: config(broker.address(), &topic), ..Draft::mailing_to(smtp.port) }).await;
    let life = home.start().await;
    let table = [
        (RECORD, 1, ["rule alert  MATCH", "left out: nothing; /alert has titel, id", "rejected"]),
        (GOOD, 0, ["rule alert  MATCH", "the number 8", "result     opened"]),
    ];
    for (record, exit, lines) in table {
        let waiting = home.run(&["test", "source", "shop", "--timeout", "50s"]);
        tokio::pin!(waiting);
        let mut tick = tokio::time::interval(Duration::from_millis(300));
        let mut sent = 0;
        let said = loop {
            tokio::select! {
                said = &mut waiting => break said,
                _ = tick.tick() => {
                    sent += 1;
                    let record = record.replace("8}", &format!("8{sent}}}"));
                    broker.produce(&topic, "k", record.as_bytes()).await.unwrap();
                }
            }
        };
        assert_eq!(said.exit, exit, "{said:?}");
        for line in lines {
            assert!(said.output.contains(line), "{line} in {said:?}");
        }
    }
    let answer = home.http().post(home.url("/api/v1/sources/shop/test")).json(&json!({ "record": RECORD }));
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&answer["format"], &answer["events"][0]["refused"]),
        (&json!("json"), &json!("schema")),
        "{answer}"
    );
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_reads_by_a_mapper() {
    let more = r#"
[sources.shop]
type   = "http"
format = "json"
mapper = "shop"
token  = { env = "HOOK" }
[mappers.shop]
title     = "/alert/title"
dedup_key = "/alert/id"
"#;
    let more = more.replace("{ env = \"HOOK\" }", "\"a-token-of-twenty-letters-and-more\"");
    let home = Home::of(Draft { more, ..Draft::mailing_to(1) }).await;
    let life = home.start().await;
    let post = async |record: &'static str| {
        let request = home.http().post(home.url("/hooks/shop")).header("content-type", "application/json");
        let request = request.bearer_auth("a-token-of-twenty-letters-and-more").body(record);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, told) = post(GOOD).await;
    assert_eq!(status, 202, "{told}");
    let incidents = home.list("/api/v1/incidents?").await;
    assert_eq!(
        (&incidents[0]["title"], &incidents[0]["dedup_key"]),
        (&json!("Disk"), &json!("8")),
        "{incidents:?}"
    );
    life.kill().await;
}
