//! A reload takes the whole of a new configuration or nothing of it, says what is different, and
//! ends nothing that is under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::support::load::{Load, assert_nothing_lost, mails};
use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::{Act, At, Received, SmtpSink};

/// `Exit::InvalidConfig`
const INVALID: u8 = 78;

const GRACE: &str = "[users.grace]\nemail = \"grace@example.com\"\n";

async fn harbour(sink: &SmtpSink) -> Home {
    Home::of(Draft { more: GRACE.to_owned(), ..Draft::mailing_to(sink.port) }).await
}

/// To whom the mail about `title` went.
fn recipients(sink: &SmtpSink, title: &str) -> Vec<String> {
    let address = |rcpt: &String| rcpt.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
    let about = |mail: &&Received| String::from_utf8_lossy(&mail.raw).contains(title);
    sink.messages()
        .iter()
        .filter(about)
        .flat_map(|mail| mail.to.iter().map(address).collect::<Vec<_>>())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_is_taken_as_a_whole_and_told_as_a_diff() {
    let sink = SmtpSink::start().await;
    let home = harbour(&sink).await;
    let life = home.start().await;
    home.submit("load-before").await;
    home.all_sent().await;

    home.edit("\"user:ada\"", "\"user:grace\"");
    home.edit("workers = 4", "workers = 2");
    let said = home.run(&["reload"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(
        said.output.lines().collect::<Vec<_>>(),
        [
            "~ channels.email.workers = 4 → 2",
            "~ policies.mail.steps[1].notify = [\"user:ada\"] → [\"user:grace\"]"
        ]
    );
    home.submit("load-after").await;
    home.all_sent().await;
    assert_eq!(recipients(&sink, "load-before"), ["ada@example.com"]);
    assert_eq!(recipients(&sink, "load-after"), ["grace@example.com"]);

    let again = home.run(&["reload"]).await;
    assert_eq!((again.exit, again.output.as_str()), (0, ""));
    assert!(again.errors.contains("nothing is different"), "{again:?}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_changes_nothing_and_says_where_it_is_bad() {
    let sink = SmtpSink::start().await;
    let home = harbour(&sink).await;
    let life = home.start().await;
    let good = "\nfoghorn_config_last_reload_successful 1";
    let bad = "\nfoghorn_config_last_reload_successful 0";
    assert!(home.metrics().await.contains(good));

    // One half of the change is good: none of it may be taken.
    home.edit("\"user:ada\"", "\"user:grace\"");
    home.edit("policy = \"mail\"", "policy = \"mial\"");
    let said = home.run(&["reload"]).await;
    assert_eq!((said.exit, said.output.as_str()), (INVALID, ""), "{said:?}");
    for wanted in ["FH0012", "FH0301", "config.toml:24:10", "Did you mean \"mail\"?"] {
        assert!(said.errors.contains(wanted), "no {wanted} in {}", said.errors);
    }
    assert!(home.metrics().await.contains(bad));
    home.submit("load-after").await;
    home.all_sent().await;
    assert_eq!(recipients(&sink, "load-after"), ["ada@example.com"]);

    home.edit("policy = \"mial\"", "policy = \"mail\"");
    life.signal("-HUP").await;
    home.until("the good file is taken", async || home.metrics().await.contains(good)).await;
    home.submit("load-mended").await;
    home.all_sent().await;
    assert_eq!(recipients(&sink, "load-mended"), ["grace@example.com"], "{}", life.log());
    assert!(life.log().contains("reload refused"), "{}", life.log());

    home.edit("policy = \"mail\"", "policy = \"mial\"");
    life.signal("-HUP").await;
    home.until("the bad file is refused", async || home.metrics().await.contains(bad)).await;
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_at_start_cannot_be_changed_and_neither_is_the_rest() {
    let sink = SmtpSink::start().await;
    let home = harbour(&sink).await;
    let life = home.start().await;
    home.edit("max_body = \"1MiB\"", "max_body = \"2MiB\"");
    home.edit("\"user:ada\"", "\"user:grace\"");
    let said = home.run(&["reload"]).await;
    assert_eq!((said.exit, said.output.as_str()), (INVALID, ""), "{said:?}");
    assert!(said.errors.contains("http.max_body = \"1MiB\" → \"2MiB\""), "{said:?}");
    assert!(said.errors.contains("restart"), "{said:?}");
    home.submit("load-after").await;
    home.all_sent().await;
    assert_eq!(recipients(&sink, "load-after"), ["ada@example.com"]);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_sent_ends_as_it_began_and_the_next_goes_the_new_way() {
    let (old, new) = (SmtpSink::start().await, SmtpSink::start().await);
    old.once(At::Dot, Act::Late(Duration::from_secs(2)));
    let home = harbour(&old).await;
    let life = home.start().await;
    home.submit("load-slow").await;
    home.until("it is being sent", async || old.commands().iter().any(|line| line == "DATA")).await;

    home.edit(&format!("port = {}", old.port), &format!("port = {}", new.port));
    let said = home.run(&["reload"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    home.submit("load-next").await;
    assert_eq!(home.all_sent().await, 2);
    assert_eq!(mails(&old).keys().collect::<Vec<_>>(), ["load-slow"]);
    assert_eq!(mails(&new).keys().collect::<Vec<_>>(), ["load-next"]);
    let slow = &mails(&old)["load-slow"];
    assert_eq!(home.outcomes(&slow[0]).await, ["sent"], "once, and its outcome is known");
    life.kill().await;
}

/// I17
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_under_load_lose_nothing_and_say_nothing_twice() {
    const RELOADS: usize = 12;
    const TEXTS: &str = "[channels.sms]\ntype = \"sms\"\nprovider = \"outbox\"\n";
    let sink = SmtpSink::start().await;
    sink.always(At::Dot, Act::Late(Duration::from_millis(10)));
    let home = Arc::new(harbour(&sink).await);
    let life = home.start().await;
    let load = Load::start(&home, 6, Duration::from_millis(20));
    for round in 0..RELOADS {
        let (before, after) = if round % 2 == 0 { (4, 9) } else { (9, 4) };
        home.edit(&format!("workers = {before}"), &format!("workers = {after}"));
        if round % 2 == 0 {
            home.edit(GRACE, &format!("{GRACE}{TEXTS}"));
        } else {
            home.edit(TEXTS, "");
        }
        let said = home.run(&["reload"]).await;
        assert_eq!(said.exit, 0, "{said:?}");
        assert!(said.output.contains("channels.sms.provider"), "{said:?}");
        sleep(Duration::from_millis(fastrand::u64(20..=150))).await;
    }
    let account = load.stop().await;
    assert_eq!(home.all_sent().await, account.acknowledged.len());
    assert_eq!(assert_nothing_lost(&account.acknowledged, &mails(&sink)), 0, "twice");
    let channels = home.get("/api/v1/channels").await;
    assert_eq!(channels["data"].as_array().map(Vec::len), Some(1), "{channels}");
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
}
