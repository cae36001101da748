//! Records that are allowed and say more than anybody wants to read, each between two good ones: what
//! can be sent is sent, what cannot is a dead letter, and memory stays where it was.

use std::fs;

use foghorn::sources::kafka::EmbeddedBroker;
use serde_json::json;

use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::smtp_sink::SmtpSink;

const TOPIC: &str = "incidents";
/// The longest text a record may have.
const LONGEST: usize = 64 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_record_makes_of_itself_is_bounded() {
    let sink = SmtpSink::start().await;
    let broker = EmbeddedBroker::start(&[(TOPIC, 1)]).unwrap();
    let templates = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("echo.subject.txt", "echo"),
        ("echo.txt", "{% for time in range(15000) %}{{ text }}{% endfor %}"),
        ("echo.html", "{% for time in range(15000) %}{{ text }}{% endfor %}"),
    ] {
        fs::write(templates.path().join(file), text).unwrap();
    }
    let dir = templates.path().display();
    let more = format!("{}[templates]\ndir = \"{dir}\"\n", reading_from(broker.address(), TOPIC));
    let home = Home::of(Draft { more, workers: 2, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    let produce = async |record: serde_json::Value| {
        broker.produce(TOPIC, "key", record.to_string().as_bytes()).await.unwrap();
    };
    produce(event("before")).await;
    home.until_kept("before").await;

    let many: Vec<_> = (0..20).map(|number| format!("reader-{number}@example.com")).collect();
    let text = "<".repeat(LONGEST);
    // Five times as long once it is escaped.
    produce(json!({ "kind": "notification", "to": many, "via": "email", "subject": "s", "body": text }))
        .await;
    produce(event("between")).await;
    home.until_kept("between").await;
    produce(json!({
        "kind": "notification", "to": ["ada"], "via": "email", "template": "echo", "vars": { "text": text }
    }))
    .await;
    produce(event("after")).await;
    home.until_kept("after").await;
    home.until_quiet().await;

    let mut states: Vec<_> = home.list("/api/v1/deliveries?").await;
    states.retain(|delivery| delivery["state"] != "sent");
    assert_eq!(states.len(), 1, "{states:?}");
    assert_eq!(states[0]["state"], "dead");
    assert_eq!(sink.count(), 20 + 3);
    let peak = life.peak_mib();
    assert!(peak < 256, "{peak} MiB");
    life.kill().await;
}
