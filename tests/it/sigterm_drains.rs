//! A process that is asked to stop finishes what it has in flight: nothing is lost, nothing is said
//! twice. What it cannot finish in time is a row, which the next life delivers.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::sleep;

use crate::support::load::{Load, assert_nothing_lost, mails, tell};
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::{Act, At, SmtpSink};

/// `Exit::Interrupted`
const INTERRUPTED: i32 = 130;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_load_loses_nothing_and_says_nothing_twice() {
    const STOPS: usize = 15;
    let sink = SmtpSink::start().await;
    sink.always(At::Dot, Act::Late(Duration::from_millis(10)));
    let home = Arc::new(Home::of(Draft::mailing_to(sink.port)).await);
    let load = Load::start(&home, 6, Duration::from_millis(30));

    let mut longest = Duration::ZERO;
    for _ in 0..STOPS {
        let life = home.start().await;
        sleep(Duration::from_millis(fastrand::u64(50..=400))).await;
        life.terminate().await;
        let (code, took) = life.exit().await;
        assert_eq!(code, 0, "a drain is an orderly end");
        assert!(took <= Duration::from_secs(10), "{took:?}");
        longest = longest.max(took);
    }
    let last = home.start().await;
    let account = load.stop().await;
    assert_eq!(home.all_sent().await, account.acknowledged.len());
    let twice = assert_nothing_lost(&account.acknowledged, &mails(&sink));
    tell(&format!(
        "{STOPS} drains, the longest {} ms, {} events acknowledged ({} requests had to be repeated), \
         0 lost, {twice} mails twice",
        longest.as_millis(),
        account.acknowledged.len(),
        account.refused
    ));
    assert_eq!(twice, 0, "a drain knows the outcome of everything it sent");
    last.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_provider_holds_the_exit_no_longer_than_the_grace() {
    const GRACE: Duration = Duration::from_secs(3);
    let sink = SmtpSink::start().await;
    sink.once(At::Dot, Act::Hang);
    let home = Home::of(Draft { grace: "3s", ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    home.submit("load-hung").await;
    sink.wait_for(1).await;

    life.terminate().await;
    let (code, took) = life.exit().await;
    assert_eq!(code, 0);
    assert!(took >= GRACE.mul_f32(0.9), "it waited for the provider: {took:?}");
    assert!(took <= GRACE + Duration::from_secs(3), "{took:?}");

    let next = home.start().await;
    assert_eq!(home.all_sent().await, 1);
    let mails = mails(&sink);
    let copies = &mails["load-hung"];
    assert_eq!(copies.len(), 2, "the provider had it and did not say so");
    assert_eq!(home.outcomes(&copies[0]).await, ["unknown", "sent"]);
    next.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_exits_at_once_and_loses_nothing() {
    let sink = SmtpSink::start().await;
    sink.once(At::Data, Act::Hang);
    let home = Home::of(Draft { grace: "60s", ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    home.submit("load-hung").await;
    home.until("the mail server hangs", async || sink.commands().iter().any(|line| line == "DATA")).await;

    life.terminate().await;
    home.until_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(home.post("load-late").await.unwrap().status() == StatusCode::SERVICE_UNAVAILABLE);
    life.terminate().await;
    let (code, took) = life.exit().await;
    assert_eq!(code, INTERRUPTED);
    assert!(took <= Duration::from_secs(1), "{took:?}");

    let next = home.start().await;
    assert_eq!(home.all_sent().await, 1, "what was refused while draining was not kept");
    let mails = mails(&sink);
    assert_eq!(mails.keys().collect::<Vec<_>>(), ["load-hung"]);
    assert_eq!(home.outcomes(&mails["load-hung"][0]).await, ["unknown", "sent"]);
    next.kill().await;
}
