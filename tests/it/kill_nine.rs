//! A process that is killed again and again, under load, loses nothing that it acknowledged; and
//! what it said twice is on record as such. `FOGHORN_TEST_KILLS` says how many times.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::database::Database;
use crate::support::load::{Load, assert_nothing_lost, mails, tell};
use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::{Act, At, SmtpSink};

const WORKERS: usize = 4;
/// What a pool holds at most: what is on record as being sent when the process dies.
const IN_HAND: usize = WORKERS * 16;
/// How long the mail server thinks about each mail: so at every moment some are with it.
const THINKS: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    let kills = std::env::var("FOGHORN_TEST_KILLS").map_or(60, |kills| kills.parse().unwrap());
    kill(kills, "sqlite", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_postgresql() {
    if !services::require("postgres") {
        return;
    }
    let database = Database::create().await;
    kill(10, "postgres", Some(database.url.clone())).await;
}

async fn kill(kills: usize, kind: &str, store: Option<String>) {
    let begun = Instant::now();
    let sink = SmtpSink::start().await;
    sink.always(At::Dot, Act::Late(THINKS));
    let draft = Draft { store, workers: WORKERS, ..Draft::mailing_to(sink.port) };
    let home = Arc::new(Home::of(draft).await);
    let load = Load::start(&home, 6, Duration::from_millis(30));

    for life in 1..=kills {
        if life % 6 == 0 {
            // Not even ready: the schema, the lease or the adoption is half done.
            let unborn = home.spawn();
            sleep(Duration::from_millis(fastrand::u64(5..=150))).await;
            unborn.kill().await;
        } else {
            let ready = home.start().await;
            sleep(Duration::from_millis(fastrand::u64(50..=400))).await;
            ready.kill().await;
        }
    }
    let killed = begun.elapsed();
    let last = home.start().await;
    let account = load.stop().await;
    let deliveries = home.all_sent().await;
    assert_eq!(deliveries, account.acknowledged.len(), "each event is one delivery");

    let letters = home.list("/api/v1/dead-letters?kind=event").await;
    assert!(letters.is_empty(), "a kill from outside is no event's fault: {letters:?}");

    let mails = mails(&sink);
    let twice = assert_nothing_lost(&account.acknowledged, &mails);
    let unknown = assert_on_record(&home, &mails).await;
    tell(&format!(
        "{kind}: {kills} kills in {:.1} s, {} events acknowledged ({} requests had to be repeated), \
         0 lost, {twice} mails twice, {unknown} attempts of those on record as unknown; {:.1} s in all",
        killed.as_secs_f64(),
        account.acknowledged.len(),
        account.refused,
        begun.elapsed().as_secs_f64()
    ));
    assert!(twice <= kills * IN_HAND, "{twice} twice after {kills} kills");
    last.kill().await;
}

/// Every copy but one of a mail belongs to an attempt whose outcome nobody knows.
async fn assert_on_record(home: &Home, mails: &BTreeMap<String, Vec<String>>) -> usize {
    let mut on_record = 0;
    for (key, deliveries) in mails.iter().filter(|(_, deliveries)| deliveries.len() > 1) {
        let outcomes = home.outcomes(&deliveries[0]).await;
        let unknown = outcomes.iter().filter(|outcome| *outcome == "unknown").count();
        assert!(unknown >= deliveries.len() - 1, "{key} came {} times: {outcomes:?}", deliveries.len());
        assert_eq!(outcomes.last().map(String::as_str), Some("sent"), "{key}");
        on_record += unknown;
    }
    on_record
}
