//! A way that is paused stays paused, over restarts too; what waits for it goes on when it is open.

use reqwest::StatusCode;

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_channel_sends_nothing_until_it_is_open_whatever_restarts() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    home.submit("load-before").await;
    home.all_sent().await;

    let said = home.run(&["channel", "pause", "email"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.errors.contains("foghorn channel resume email"), "{said:?}");
    for number in 0..20 {
        home.submit(&format!("load-{number}")).await;
    }
    home.until("all of them wait", async || {
        let waiting = home.list("/api/v1/deliveries?state=pending,retrying").await;
        waiting.len() == 20
    })
    .await;
    let listed = home.run(&["channel", "list"]).await;
    assert!(listed.output.contains("paused"), "{listed:?}");

    life.kill().await;
    let life = home.start().await;
    home.submit("load-later").await;
    home.until("all of them wait", async || {
        home.list("/api/v1/deliveries?state=pending,retrying").await.len() == 21
    })
    .await;
    assert_eq!(sink.count(), 1, "nothing left while it was paused");
    let status = home.run(&["status"]).await;
    assert!(status.output.contains("email PAUSED"), "{status:?}");

    let said = home.run(&["channel", "resume", "email", "--json"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    let answer: serde_json::Value = serde_json::from_str(&said.output).expect("one object");
    assert_eq!((&answer["flow"], &answer["changed"]), (&"running".into(), &true.into()));
    assert_eq!(home.all_sent().await, 22);
    assert_eq!(sink.count(), 22, "each once");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_source_of_requests_says_so_and_how_to_open_it() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    assert_eq!(home.run(&["source", "pause", "api"]).await.exit, 0);
    home.until("it is shut", async || {
        home.post("load-late").await.unwrap().status() == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let refused = home.post("load-late").await.unwrap().text().await.unwrap();
    assert!(refused.contains("foghorn source resume api"), "{refused}");
    assert!(home.run(&["source", "pause", "api"]).await.errors.contains("already"));
    assert_eq!(home.run(&["source", "resume", "api"]).await.exit, 0);
    home.submit("load-late").await;
    assert_eq!(home.all_sent().await, 1);

    let unknown = home.run(&["channel", "pause", "emial"]).await;
    assert_eq!(unknown.exit, 3, "{unknown:?}");
    assert!(unknown.errors.contains("there are: email"), "{unknown:?}");
    life.kill().await;
}
