//! What a mail server says and does, and what Foghorn makes of it.

use std::time::Duration;

use foghorn::channels::Channel;
use foghorn::domain::fault::{Fault, Outcome, Permanent, Scope, Transient};

use crate::support::jobs::{channel, direct, failure, fault, surroundings};
use crate::support::smtp_sink::{Act, At, SmtpSink};

const UNREACHABLE: Fault = Fault::Transient(Transient::Unreachable);
const UNAVAILABLE: Fault = Fault::Transient(Transient::Unavailable);
const DEFERRED: Fault = Fault::Transient(Transient::Deferred);
const TIMEOUT: Fault = Fault::Transient(Transient::Timeout);
const REFUSED: Fault = Fault::Permanent(Permanent::Refused);
const GONE: Fault = Fault::Permanent(Permanent::RecipientGone);
const UNACCEPTABLE: Fault = Fault::Permanent(Permanent::Unacceptable);
const GREYLISTED: Fault =
    Fault::Throttled { retry_after: Some(Duration::from_secs(300)), scope: Scope::Recipient };

fn mail(sink: &SmtpSink, more: &str) -> std::sync::Arc<dyn Channel> {
    let settings = format!(
        "host='127.0.0.1'\nport={}\nsecurity='none'\nfrom='Foghorn <fog@example.com>'\n{more}",
        sink.port
    );
    channel("email", "smtp", &settings, &surroundings())
}

fn good() -> foghorn::domain::delivery::Job {
    direct("ada@example.com", "Hello", "world")
}

/// How the server wants commands.
#[derive(Debug, Clone, Copy)]
enum Manner {
    OneByOne,
    AtOnce,
}

const MANNERS: [Manner; 2] = [Manner::OneByOne, Manner::AtOnce];

impl Manner {
    async fn sink(self) -> SmtpSink {
        let sink = SmtpSink::start().await;
        if let Self::AtOnce = self {
            sink.offer_pipelining();
        }
        sink
    }
}

/// Each row: what the server does, and where; what it means; whether it may have the message.
#[tokio::test]
async fn every_answer_has_one_meaning_and_the_next_mail_arrives() {
    let table = [
        (At::Greeting, Act::Say("421 4.3.2 not now"), UNAVAILABLE),
        (At::Greeting, Act::Say("554 5.3.2 no service"), Fault::Misconfigured),
        (At::Greeting, Act::Close, UNREACHABLE),
        (At::Greeting, Act::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), UNREACHABLE),
        (At::Ehlo, Act::Say("502 5.5.1 no"), Fault::Misconfigured),
        (At::Ehlo, Act::Reset, UNREACHABLE),
        (At::Mail, Act::Say("451 4.3.0 later"), UNAVAILABLE),
        (At::Mail, Act::Say("530 5.7.0 log in"), Fault::Misconfigured),
        (At::Mail, Act::Say("550 5.7.1 not your address"), Fault::Misconfigured),
        (At::Mail, Act::Say("354 out of turn"), UNAVAILABLE),
        (At::Mail, Act::Close, UNREACHABLE),
        (At::Rcpt, Act::Say("550 5.1.1 no such user"), GONE),
        (At::Rcpt, Act::Say("550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user"), GONE),
        (At::Rcpt, Act::Say("552 5.2.2 full"), DEFERRED),
        (At::Rcpt, Act::Say("450 4.7.1 greylisted"), GREYLISTED),
        (At::Rcpt, Act::Say("452 4.3.1 disk full"), UNAVAILABLE),
        (At::Rcpt, Act::Say("554 5.7.1 blocked"), REFUSED),
        (At::Rcpt, Act::Say("421 4.3.2 closing"), UNAVAILABLE),
        (At::Rcpt, Act::Reset, UNREACHABLE),
        (At::Data, Act::Say("554 no valid recipients"), REFUSED),
        (At::Data, Act::Say("250 what?"), UNAVAILABLE),
        (At::Data, Act::Close, UNREACHABLE),
        (At::Data, Act::Reset, UNREACHABLE),
        (At::Dot, Act::Say("451 4.3.0 queue error"), UNAVAILABLE),
        (At::Dot, Act::Say("552 5.3.4 too big"), UNACCEPTABLE),
        (At::Dot, Act::Say("554 5.7.1 spam"), REFUSED),
        (At::Dot, Act::Say("354 go on"), Fault::Unknown),
        (At::Dot, Act::Bytes(b"garbage\r\n".to_vec()), Fault::Unknown),
        (At::Dot, Act::Bytes(b"250".to_vec()), Fault::Unknown),
        (At::Dot, Act::Close, Fault::Unknown),
        (At::Dot, Act::Reset, Fault::Unknown),
    ];
    for (at, act, meaning) in table {
        for manner in MANNERS {
            let sink = manner.sink().await;
            let channel = mail(&sink, "timeout='2s'");
            sink.once(at, act.clone());
            assert_eq!(fault(channel.send(&good()).await), meaning, "{manner:?} {at:?} {act:?}");
            let next = channel.send(&good()).await;
            assert!(matches!(next, Outcome::Sent(_)), "{manner:?} after {at:?} {act:?}: {next:?}");
        }
    }
}

#[tokio::test]
async fn silence_is_a_timeout_before_the_final_dot_and_unknown_after_it() {
    for (at, meaning) in [
        (At::Greeting, TIMEOUT),
        (At::Ehlo, TIMEOUT),
        (At::Mail, TIMEOUT),
        (At::Rcpt, TIMEOUT),
        (At::Data, TIMEOUT),
        (At::Dot, Fault::Unknown),
    ] {
        for manner in MANNERS {
            let sink = manner.sink().await;
            sink.once(at, Act::Hang);
            let outcome = mail(&sink, "timeout='200ms'").send(&good()).await;
            assert_eq!(fault(outcome), meaning, "{manner:?} {at:?}");
        }
    }
}

#[tokio::test]
async fn a_reset_inside_the_message_is_no_reason_to_doubt() {
    let sink = SmtpSink::start().await;
    let channel = mail(&sink, "");
    sink.once(At::Body, Act::ResetAfter(1_000));
    // More than both sockets hold, so that the final dot is still with us when it happens.
    let long = "0123456789abcdef\n".repeat(1 << 20);
    let outcome = channel.send(&direct("ada@example.com", "Long", &long)).await;
    assert_eq!(fault(outcome), UNREACHABLE);
    assert!(sink.messages().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    for at in [At::Greeting, At::Ehlo, At::Rcpt, At::Dot] {
        let sink = SmtpSink::start().await;
        sink.once(at, Act::Babble);
        let meaning = if at == At::Dot { Fault::Unknown } else { UNREACHABLE };
        assert_eq!(fault(mail(&sink, "timeout='20s'").send(&good()).await), meaning, "{at:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let sink = SmtpSink::start().await;
    let channel = mail(&sink, "");
    drop(sink);
    // The listener is gone as soon as its task is.
    tokio::task::yield_now().await;
    let failure = failure(channel.send(&good()).await);
    assert_eq!(failure.fault, UNREACHABLE);
    assert!(channel.probe().await.is_err());
}

#[tokio::test]
async fn what_the_server_says_is_kept_as_one_clean_line() {
    let sink = SmtpSink::start().await;
    let channel = mail(&sink, "");
    sink.once(At::Rcpt, Act::Say("550-5.1.1 no\x1b[31m such\r\n550 5.1.1 user"));
    let failure = failure(channel.send(&good()).await);
    assert_eq!(failure.code, "550 5.1.1");
    assert!(!failure.detail.chars().any(char::is_control), "{:?}", failure.detail);
    let Outcome::Sent(receipt) = channel.send(&good()).await else { panic!("not sent") };
    assert_eq!(receipt.answer, "250 2.0.0 Ok: queued as SINK1");
    assert_eq!(receipt.provider_id.as_deref(), Some("SINK1"));
}

#[tokio::test]
async fn an_address_that_names_no_mailbox_never_reaches_the_server() {
    let sink = SmtpSink::start().await;
    let channel = mail(&sink, "");
    for to in ["nobody", "a@b.com,x@y.com", "a@b.com>\r\nRCPT TO:<x@y.com", "é@example.com"] {
        assert_eq!(fault(channel.send(&direct(to, "s", "b")).await), GONE, "{to}");
    }
    assert!(sink.commands().iter().all(|command| !command.starts_with("RCPT")));
}
