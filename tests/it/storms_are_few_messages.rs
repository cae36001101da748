//! A storm is a few messages: the first at once, and what follows in time as one, with everything in it.

use std::collections::HashSet;

use mail_parser::MessageParser;
use serde_json::{Value, json};

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::{Received, SmtpSink};

const INCIDENTS: usize = 40;

async fn submit(home: &Home, number: usize) {
    let event = json!({ "title": format!("disk {number} is full"), "dedup_key": format!("disk-{number}") });
    let answer = home.http().post(home.url("/api/v1/events")).json(&event).send().await.unwrap();
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
}

/// Subject and text.
fn text(mail: &Received) -> String {
    let message = MessageParser::default().parse(&mail.raw).unwrap();
    format!("{}\n{}", message.subject().unwrap(), message.body_text(0).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_is_a_few_mails_with_everything_in_them() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    home.edit("[policies.mail]", "[policies.mail]\nbundle = \"3s\"");
    let life = home.start().await;
    submit(&home, 1).await;
    let first = sink.wait_for(1).await;
    assert!(!text(&first[0]).contains("1 open"), "one by itself is a mail as ever");
    for number in 2..=INCIDENTS {
        submit(&home, number).await;
    }
    home.all_sent().await;
    let mails = sink.messages();
    assert!(mails.len() <= 4, "{} mails", mails.len());
    let said: String = mails.iter().map(text).collect();
    let told: HashSet<usize> =
        (1..=INCIDENTS).filter(|number| said.contains(&format!(" disk {number} is full"))).collect();
    assert_eq!(told.len(), INCIDENTS, "nothing is left out");
    let deliveries = home.get("/api/v1/deliveries?state=sent&limit=200").await;
    assert_eq!(deliveries["data"].as_array().map(Vec::len), Some(INCIDENTS), "a delivery for each");
    let ids: HashSet<&Value> = deliveries["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids.len(), INCIDENTS);
    life.kill().await;
}
