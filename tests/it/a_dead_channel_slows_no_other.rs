//! A provider that takes connections and never answers holds its own workers and nothing else. Said in
//! counts: of the channel beside it every message arrives before the dead one has ended a single one,
//! and what the dead one holds is bounded, however much waits for it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::load::{assert_nothing_lost, mails};
use crate::support::process::{Draft, Home};
use crate::support::provider::{Provider, Reply};
use crate::support::smtp_sink::{Act, At, SmtpSink};

/// More than the dead channel may hold.
const MESSAGES: usize = 400;
const WORKERS: usize = 2;
/// What a pool holds for each worker, as ARCHITECTURE.md says.
const IN_HAND: usize = 128 * WORKERS;

/// Messages go out by mail and over a webhook; an attempt may last as long as one can.
async fn home(sink: &SmtpSink, receiver: &Provider) -> Home {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let more = format!(
        "[channels.hook]\ntype = \"webhook\"\nprovider = \"http\"\nurl = \"{}/hook\"\nsecret = \"{secret}\"\n\
         allow_private_networks = true\nworkers = {WORKERS}\ntimeout = \"60s\"\n",
        receiver.url()
    );
    let home = Home::of(Draft { more, workers: WORKERS, ..Draft::mailing_to(sink.port) }).await;
    home.edit("security = \"none\"\n", "security = \"none\"\ntimeout = \"60s\"\n");
    home.edit("via = [\"email\"]", "via = [\"email\", \"hook\"]");
    home
}

async fn submit_all(home: &Home) -> BTreeSet<String> {
    let keys: BTreeSet<String> = (0..MESSAGES).map(|number| format!("load-{number}")).collect();
    for key in &keys {
        home.submit(key).await;
    }
    keys
}

async fn deliveries(home: &Home, channel: &str, states: &str) -> Vec<Value> {
    home.list(&format!("/api/v1/deliveries?channel={channel}&state={states}")).await
}

/// Every message went over the one; the other holds what it may, and has ended nothing.
async fn assert_only_the_dead_one_stands_still(home: &Home, healthy: &str, dead: &str) {
    home.until("all messages went over the healthy channel", async || {
        deliveries(home, healthy, "sent").await.len() == MESSAGES
    })
    .await;
    let ended = deliveries(home, dead, "sent,dead,expired,retrying").await;
    assert!(ended.is_empty(), "{ended:?}");
    let (held, waiting) = (deliveries(home, dead, "sending").await, deliveries(home, dead, "pending").await);
    assert_eq!(held.len() + waiting.len(), MESSAGES, "nothing is lost of what waits");
    assert!((WORKERS..=IN_HAND).contains(&held.len()), "{} claimed", held.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_out_while_a_webhook_swallows_everything() {
    let (sink, hole) = (SmtpSink::start().await, Provider::always(Reply::Silence).await);
    let home = home(&sink, &hole).await;
    let life = home.start().await;
    let keys = submit_all(&home).await;
    assert_only_the_dead_one_stands_still(&home, "email", "hook").await;
    assert_nothing_lost(&keys, &mails(&sink));
    let swallowed = hole.wait_for(WORKERS).await.len();
    assert_eq!((swallowed, hole.connections()), (WORKERS, WORKERS), "one attempt for each worker");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_go_out_while_a_mail_server_swallows_everything() {
    let (hole, receiver) = (SmtpSink::start().await, Provider::always(Reply::status(204)).await);
    hole.always(At::Greeting, Act::Hang);
    let home = home(&hole, &receiver).await;
    let life = home.start().await;
    submit_all(&home).await;
    assert_only_the_dead_one_stands_still(&home, "hook", "email").await;
    let heard: BTreeSet<String> =
        receiver.heard().iter().map(|request| request.header("webhook-id").to_owned()).collect();
    assert_eq!((heard.len(), receiver.heard().len()), (MESSAGES, MESSAGES));
    assert_eq!(hole.connections(), WORKERS, "one attempt for each worker");
    life.kill().await;
}
