//! What becomes of incidents is counted: taken and ended by whom, and left alone by everybody. What is
//! deleted is gone.

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

const ONE_STEP: &str = "steps = [{ after = \"0s\", notify = [\"user:ada\"], via = [\"email\"] }]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_them_who_ends_them_and_whom_nobody_answers() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    home.edit(ONE_STEP, &format!("repeat = 1\nrepeat_after = \"1s\"\n{ONE_STEP}"));
    let life = home.start().await;
    home.submit("taken").await;
    assert_eq!(home.run(&["incident", "ack", "1"]).await.exit, 0);
    assert_eq!(home.run(&["incident", "resolve", "1"]).await.exit, 0);
    home.submit("left alone").await;
    let line = |name: &str, labels: &str, count: u64| {
        format!("foghorn_incidents_{name}_total{{{labels}}} {count}\n")
    };
    home.until("nobody answers", async || {
        home.metrics().await.contains(&line("exhausted", "severity=\"high\"", 1))
    })
    .await;
    let metrics = home.metrics().await;
    for expected in [
        line("acknowledged", "severity=\"high\",by=\"person\"", 1),
        line("acknowledged", "severity=\"high\",by=\"source\"", 0),
        line("resolved", "severity=\"high\",by=\"person\"", 1),
        line("resolved", "severity=\"high\",by=\"timer\"", 0),
        line("exhausted", "severity=\"low\"", 0),
    ] {
        assert!(metrics.contains(&expected), "{expected}{metrics}");
    }

    let unsure = home.run(&["incident", "delete", "2"]).await;
    assert_eq!((unsure.exit, unsure.errors.contains("--yes")), (2, true), "{unsure:?}");
    let deleted = home.run(&["incident", "delete", "#2", "--yes"]).await;
    assert_eq!((deleted.exit, deleted.output.contains("#2 is deleted")), (0, true), "{deleted:?}");
    assert_eq!(home.run(&["incident", "delete", "2", "--yes"]).await.exit, 3, "it is not there");
    life.terminate().await;
    life.exit().await;
}
