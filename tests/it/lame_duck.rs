//! A process that is drained takes nothing more in, goes on delivering and answering, and ends in
//! order when it is told to.

use reqwest::StatusCode;

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::{Act, At, SmtpSink};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_process_delivers_what_it_has_and_takes_nothing_more() {
    let sink = SmtpSink::start().await;
    sink.once(At::Dot, Act::Say("451 not now"));
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    home.submit("load-kept").await;

    let said = home.run(&["drain"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    home.until_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    let refused = home.post("load-late").await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(home.all_sent().await, 1, "its retry went out, and lists are answered");
    let status = home.run(&["status"]).await;
    assert!(status.output.lines().next().is_some_and(|line| line.ends_with("draining")), "{status:?}");
    assert_eq!(home.run(&["drain"]).await.exit, 0, "again is the same");

    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
    let life = home.start().await;
    home.submit("load-late").await;
    assert_eq!(home.all_sent().await, 2);
    life.signal("-USR2").await;
    home.until_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_gets_louder_for_a_while_and_a_signal_has_it_tell_how_things_stand() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    assert_eq!(home.run(&["log-level"]).await.output, "info\n");
    let said = home.run(&["log-level", "debug", "--for", "1s"]).await;
    assert_eq!((said.exit, said.output.as_str()), (0, "debug\n"), "{said:?}");
    assert!(said.errors.contains("The configuration says info"), "{said:?}");
    home.until("it is as configured again", async || home.run(&["log-level"]).await.output == "info\n").await;
    assert!(life.log().contains("log level is as configured again"), "{}", life.log());
    for bad in [&["log-level", "loud"][..], &["log-level", "info", "--for", "never"]] {
        let said = home.run(bad).await;
        assert_eq!((said.exit, said.output.as_str()), (2, ""), "{said:?}");
    }

    life.signal("-USR1").await;
    home.until("it tells", async || {
        life.log().contains("status of a channel") || life.log().contains("\"status\"")
    })
    .await;
    life.kill().await;
}
