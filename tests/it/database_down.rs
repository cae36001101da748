//! A database that goes away is weather: the process says so, takes nothing that it could not keep,
//! and goes on by itself when the database is back.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use tokio::time::{Instant, sleep};

use crate::support::cluster::Cluster;
use crate::support::load::{Load, assert_nothing_lost, mails, tell};
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::{Act, At, SmtpSink};

/// How soon the database's return is noticed.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_outlives_an_outage_of_its_database() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let sink = SmtpSink::start().await;
    sink.always(At::Dot, Act::Late(Duration::from_millis(10)));
    let draft = Draft { store: Some(cluster.url()), ..Draft::mailing_to(sink.port) };
    let home = Arc::new(Home::of(draft).await);
    let mut life = home.start().await;
    let pid = life.pid();
    let load = Load::start(&home, 4, Duration::from_millis(30));
    home.until("events flow", async || load.acknowledged() >= 50).await;

    cluster.crash();
    let noticed = home.until_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(noticed <= Duration::from_secs(3), "{noticed:?}");
    home.until("an event is refused", async || {
        let refused = home.post("load-refused").await;
        refused.is_ok_and(|answer| {
            answer.status() == StatusCode::SERVICE_UNAVAILABLE && answer.headers().contains_key(RETRY_AFTER)
        })
    })
    .await;
    let kept = load.acknowledged();
    // Long enough for whoever waits between two tries to wait as long as it ever does.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(load.acknowledged(), kept, "nothing is acknowledged that is not on stable storage");
    let livez = home.http().get(home.url("/livez")).send().await.unwrap();
    assert_eq!(livez.status(), StatusCode::OK, "an outage is no reason to be restarted");

    let starts = Instant::now();
    cluster.restart();
    let is_back = starts.elapsed();
    home.until_readiness(StatusCode::OK).await;
    home.until("events flow again", async || load.acknowledged() > kept).await;
    let flow = starts.elapsed();
    assert!(flow <= is_back + SOON, "{flow:?}");

    let mut account = load.stop().await;
    // Refused above: posted again, it is one event, whether or not it was kept then.
    home.submit("load-refused").await;
    account.acknowledged.insert("load-refused".to_owned());
    assert_eq!(home.all_sent().await, account.acknowledged.len());
    let twice = assert_nothing_lost(&account.acknowledged, &mails(&sink));
    assert_eq!(twice, 0, "nobody died, so every outcome is known");
    assert!(life.is_alive() && life.pid() == pid, "it is still the first life");
    tell(&format!(
        "outage noticed after {} ms; server started in {} ms, events flow after {} ms; {} events \
         acknowledged, 0 lost",
        noticed.as_millis(),
        is_back.as_millis(),
        flow.as_millis(),
        account.acknowledged.len()
    ));
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_to_meet_a_database_that_just_died_is_told_soon() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft { store: Some(cluster.url()), ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    home.submit("before").await;

    cluster.crash();
    let begun = Instant::now();
    let answer = home.post("meanwhile").await.unwrap();
    let took = begun.elapsed();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    assert!(took < Duration::from_secs(4), "{took:?}");

    cluster.restart();
    // As told: again, with the same id.
    home.submit("meanwhile").await;
    assert_eq!(home.all_sent().await, 2, "kept the first time or not, it is one event");
    tell(&format!("an idle process told its caller after {} ms that the database is away", took.as_millis()));
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_during_an_outage_is_in_time_and_loses_nothing() {
    const GRACE: Duration = Duration::from_secs(3);
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let sink = SmtpSink::start().await;
    let store = Some(cluster.url());
    let home = Arc::new(Home::of(Draft { store, grace: "3s", ..Draft::mailing_to(sink.port) }).await);
    let life = home.start().await;
    let load = Load::start(&home, 4, Duration::from_millis(30));
    home.until("events flow", async || load.acknowledged() >= 50).await;

    cluster.crash();
    home.until_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    life.terminate().await;
    let (code, took) = life.exit().await;
    assert_eq!(code, 0);
    assert!(took <= GRACE * 3, "{took:?}");

    cluster.restart();
    let next = home.start().await;
    let account = load.stop().await;
    assert_eq!(home.all_sent().await, account.acknowledged.len());
    let twice = assert_nothing_lost(&account.acknowledged, &mails(&sink));
    tell(&format!(
        "stopped in {} ms without a database; {} events acknowledged, 0 lost, {twice} mails twice",
        took.as_millis(),
        account.acknowledged.len()
    ));
    next.kill().await;
}
