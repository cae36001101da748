//! A channel is tried with one real message, and every step of the talk is shown. A test is no delivery.

use serde_json::Value;

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::{Act, At, SmtpSink};

const MORE: &str = r#"[channels.pretend]
type = "sms"
provider = "outbox"
[channels.broken]
type = "email"
provider = "outbox"
fail = "crash"
[users.grace]
phone = "+15550111"
"#;

async fn home(sink: &SmtpSink) -> Home {
    Home::of(Draft { more: MORE.to_owned(), ..Draft::mailing_to(sink.port) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_mail_is_sent_step_by_step_and_is_no_delivery() {
    let sink = SmtpSink::start().await;
    let home = home(&sink).await;
    let life = home.start().await;
    // A connection is open already; the test shows one from its beginning.
    home.submit("load-1").await;
    home.all_sent().await;
    assert_eq!(home.run(&["channel", "pause", "email"]).await.exit, 0);

    let said = home.run(&["test", "channel", "email", "--to", "ada", "--severity", "critical"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    let mut from = 0;
    for step in ["√ connect", "√ EHLO", "√ MAIL FROM", "√ RCPT TO", "√ DATA", "√ message", "sent in"]
    {
        let at = said.output[from..].find(step).unwrap_or_else(|| panic!("{step} in\n{}", said.output));
        from += at;
    }
    assert!(said.output.contains("ada a***@example.com"), "{said:?}");
    assert!(!said.output.contains("ada@example.com"), "{said:?}");
    assert!(said.errors.contains("channel email is paused"), "{said:?}");
    let mails = sink.wait_for(2).await;
    let mail = String::from_utf8_lossy(&mails[1].raw);
    assert!(mail.contains("nothing is wrong"), "{mail}");
    assert_eq!(sink.connections(), 2);

    assert_eq!(home.list("/api/v1/deliveries?").await.len(), 1, "a test is no delivery");
    let metrics = home.metrics().await;
    assert!(
        metrics.contains("foghorn_channel_tests_total{channel=\"email\",result=\"sent\"} 1"),
        "{metrics}"
    );
    assert!(life.log().contains("test message"), "{}", life.log());
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_step_that_fails_is_named_with_the_answer_and_what_to_do() {
    let sink = SmtpSink::start().await;
    let home = home(&sink).await;
    let life = home.start().await;
    sink.once(At::Rcpt, Act::Say("550 5.1.1 no such user"));
    let said = home.run(&["test", "channel", "email", "--to", "nobody@example.com"]).await;
    assert_eq!(said.exit, 1, "{said:?}");
    assert!(said.output.contains("x RCPT TO"), "{said:?}");
    for words in ["recipient_gone at RCPT TO: 550 5.1.1", "no such user", "knows no such address"] {
        assert!(said.errors.contains(words), "{words}: {said:?}");
    }

    let crashed = home.run(&["test", "channel", "broken", "--to", "ada", "--json"]).await;
    assert_eq!(crashed.exit, 1, "{crashed:?}");
    let answer: Value = serde_json::from_str(&crashed.output).expect("one object");
    assert_eq!((&answer["outcome"], &answer["failure"]["step"]), (&"crashed".into(), &"outbox".into()));
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_inside_is_linked_and_who_is_unknown_is_told_who_is_known() {
    let sink = SmtpSink::start().await;
    let home = home(&sink).await;
    let life = home.start().await;
    let said = home.run(&["test", "channel", "pretend", "--to", "grace"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.output.contains("/outbox/1"), "{said:?}");
    let kept = home.get("/api/v1/outbox/1").await;
    assert!(kept["text"].as_str().unwrap().contains("nothing is wrong"), "{kept}");

    for (words, exit, told) in [
        (["fax", "ada"], 3, "there are: broken, email, pretend"),
        (["email", "joan"], 3, "there are: ada, grace"),
        (["email", "grace"], 2, "grace has no email"),
        (["email", "role:admin"], 2, "name one person"),
    ] {
        let refused = home.run(&["test", "channel", words[0], "--to", words[1]]).await;
        assert_eq!(refused.exit, exit, "{refused:?}");
        assert!(refused.errors.contains(told), "{refused:?}");
    }
    assert_eq!(sink.count(), 0);
    life.kill().await;
}
