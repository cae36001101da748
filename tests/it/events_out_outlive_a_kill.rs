//! A process that is killed between the commit and the handing over loses nothing of what it has to tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::load::Load;
use crate::support::process::{Draft, Home};
use crate::support::provider::{Provider, Reply};
use crate::support::smtp_sink::SmtpSink;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_down_is_told_by_the_next_life() {
    let mail = SmtpSink::start().await;
    let listens = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&listens);
    let receiver = Provider::start(move |_| match now.load(Ordering::Relaxed) {
        true => Reply::status(204),
        false => Reply::Silence,
    })
    .await;
    let more = format!(
        "[events_out.hook]\ntype = \"webhook\"\nurl = \"{}/events\"\nonly = [\"incident.opened\"]\n\
         allow_private_networks = true\n",
        receiver.url()
    );
    let home = Arc::new(Home::of(Draft { more, ..Draft::mailing_to(mail.port) }).await);
    let load = Load::start(&home, 4, Duration::from_millis(30));
    // With the receiver, and without an answer.
    let first = home.start().await;
    receiver.wait_for(1).await;
    first.kill().await;
    listens.store(true, Ordering::Relaxed);
    for life in 0..6 {
        let ready = home.start().await;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..=400))).await;
        if life == 3 {
            listens.store(false, Ordering::Relaxed);
        }
        ready.kill().await;
        listens.store(true, Ordering::Relaxed);
    }
    let last = home.start().await;
    let account = load.stop().await;
    let told = || -> BTreeSet<String> {
        let titles = receiver.heard().into_iter();
        titles.map(|one| one.json()["data"]["incident"]["title"].as_str().unwrap().to_owned()).collect()
    };
    home.until("everything that was acknowledged is told", async || account.acknowledged.is_subset(&told()))
        .await;
    // What comes twice is known by its id.
    let heard = receiver.heard();
    let ids: BTreeSet<String> = heard.iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), home.list("/api/v1/incidents?").await.len());
    last.kill().await;
}
