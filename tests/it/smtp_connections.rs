//! Connections to a mail server are used again, and a stale one costs no attempt.

use std::sync::Arc;

use foghorn::channels::Channel;
use foghorn::domain::fault::{Fault, Outcome, Transient};

use crate::support::jobs::{channel, direct, fault, surroundings};
use crate::support::smtp_sink::{Act, At, SmtpSink};

fn mail(sink: &SmtpSink) -> Arc<dyn Channel> {
    let settings = format!("host='127.0.0.1'\nport={}\nsecurity='none'\nfrom='fog@example.com'", sink.port);
    channel("email", "smtp", &settings, &surroundings())
}

async fn send(channel: &dyn Channel) -> Outcome {
    channel.send(&direct("ada@example.com", "s", "b")).await
}

#[tokio::test]
async fn one_worker_uses_one_connection() {
    let sink = SmtpSink::start().await;
    let channel = mail(&sink);
    for _ in 0..20 {
        assert!(matches!(send(&*channel).await, Outcome::Sent(_)));
    }
    let messages = sink.wait_for(20).await;
    assert!(messages.iter().all(|message| message.connection == 1));
    assert!(messages.iter().all(|message| message.to.len() == 1));
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn a_refusal_costs_no_connection() {
    for pipelining in [false, true] {
        let sink = SmtpSink::start().await;
        if pipelining {
            sink.offer_pipelining();
        }
        let channel = mail(&sink);
        for at in [At::Mail, At::Rcpt, At::Data, At::Dot] {
            sink.once(at, Act::Say("550 5.7.1 no"));
            assert!(matches!(send(&*channel).await, Outcome::Failed(_)), "{at:?}");
            assert!(matches!(send(&*channel).await, Outcome::Sent(_)), "{at:?}");
        }
        assert_eq!(sink.connections(), 1, "pipelining: {pipelining}");
    }
}

/// RFC 2920, 3.1: a server may ask for the message although it took no recipient.
#[tokio::test]
async fn a_server_that_wants_a_message_for_nobody_gets_none() {
    let sink = SmtpSink::start().await;
    sink.offer_pipelining();
    let channel = mail(&sink);
    for at in [At::Mail, At::Rcpt] {
        sink.once(at, Act::Say("550 5.1.1 no"));
        sink.once(At::DataForNobody, Act::Say("354 go ahead"));
        let before = sink.connections();
        assert!(matches!(send(&*channel).await, Outcome::Failed(_)), "{at:?}");
        assert!(matches!(send(&*channel).await, Outcome::Sent(_)), "{at:?}");
        assert_eq!(sink.connections(), before.max(1) + 1, "{at:?}");
    }
    assert_eq!(sink.count(), 2);
}

#[tokio::test]
async fn commands_do_not_wait_for_each_other_where_the_server_pipelines() {
    let sink = SmtpSink::start().await;
    sink.offer_pipelining();
    let channel = mail(&sink);
    assert!(matches!(send(&*channel).await, Outcome::Sent(_)));
    sink.once(At::Mail, Act::Say("451 4.3.0 later"));
    assert!(matches!(send(&*channel).await, Outcome::Failed(_)));
    let commands = sink.commands();
    let verbs: Vec<&str> = commands.iter().filter_map(|line| line.split([' ', ':']).next()).collect();
    assert_eq!(
        verbs,
        ["EHLO", "EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "RSET"],
        "the recipient is named although the sender was refused: it was on its way already"
    );
}

#[tokio::test]
async fn a_stale_connection_is_replaced_once_and_is_no_attempt() {
    let sink = SmtpSink::start().await;
    for stale in [Act::Close, Act::Reset, Act::Say("421 4.4.2 idle for too long")] {
        let channel = mail(&sink);
        assert!(matches!(send(&*channel).await, Outcome::Sent(_)));
        let before = sink.connections();
        sink.once(At::Mail, stale.clone());
        assert!(matches!(send(&*channel).await, Outcome::Sent(_)), "{stale:?}");
        assert_eq!(sink.connections(), before + 1, "{stale:?}");
        // On a fresh connection the same is a failure.
        sink.once(At::Mail, Act::Close);
        sink.once(At::Mail, stale.clone());
        assert!(matches!(
            fault(send(&*channel).await),
            Fault::Transient(Transient::Unreachable | Transient::Unavailable)
        ));
    }
}

#[tokio::test]
async fn closing_says_goodbye() {
    let sink = SmtpSink::start().await;
    let channel = mail(&sink);
    assert!(matches!(send(&*channel).await, Outcome::Sent(_)));
    channel.close().await;
    assert_eq!(sink.commands().last().map(String::as_str), Some("QUIT"));
    assert!(matches!(send(&*channel).await, Outcome::Sent(_)));
    assert_eq!(sink.connections(), 2);
}

#[tokio::test]
async fn a_probe_connects_and_sends_nothing() {
    let sink = SmtpSink::start().await;
    let seen = mail(&sink).probe().await;
    assert_eq!(seen.as_deref(), Ok("connected to sink.example, not encrypted"));
    assert!(sink.messages().is_empty());
}
