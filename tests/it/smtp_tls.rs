//! TLS is required and verified: nothing goes out in the clear that was not meant to.

use std::sync::Arc;

use foghorn::channels::Channel;
use foghorn::domain::fault::{Fault, Outcome, Transient};

use crate::support::jobs::{channel, direct, failure, surroundings};
use crate::support::smtp_sink::{Act, At, SmtpSink, Tls};
use crate::support::tls::AUTHORITY;

fn mail(sink: &SmtpSink, security: &str) -> Arc<dyn Channel> {
    let settings = format!(
        "host='127.0.0.1'\nport={}\nsecurity='{security}'\nfrom='fog@example.com'\n\
         username='fog'\npassword='hunter2'\nca_file='{AUTHORITY}'\ntimeout='5s'",
        sink.port
    );
    channel("email", "smtp", &settings, &surroundings())
}

async fn send(channel: &dyn Channel) -> Outcome {
    channel.send(&direct("ada@example.com", "s", "secret body")).await
}

fn nothing_was_said(sink: &SmtpSink) {
    let verbs = sink.commands();
    assert!(
        verbs.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS" || line == "QUIT"),
        "{verbs:?}"
    );
    assert!(sink.messages().is_empty());
}

#[tokio::test]
async fn mail_goes_out_under_tls_after_login() {
    for (tls, security) in [(Tls::Start, "starttls"), (Tls::Implicit, "tls")] {
        let sink = SmtpSink::start_with(tls, "server", true).await;
        let channel = mail(&sink, security);
        for _ in 0..3 {
            let outcome = send(&*channel).await;
            assert!(matches!(outcome, Outcome::Sent(_)), "{security}: {outcome:?}");
        }
        assert_eq!(sink.connections(), 1, "{security}");
        assert_eq!(sink.wait_for(3).await.len(), 3);
        // \0fog\0hunter2
        assert!(sink.commands().contains(&"AUTH PLAIN AGZvZwBodW50ZXIy".to_owned()));
    }
}

#[tokio::test]
async fn a_server_that_is_not_who_it_should_be_gets_nothing() {
    for (tls, security) in [(Tls::Start, "starttls"), (Tls::Implicit, "tls")] {
        for certificate in ["elsewhere", "expired", "stranger"] {
            let sink = SmtpSink::start_with(tls, certificate, true).await;
            let failure = failure(send(&*mail(&sink, security)).await);
            assert_eq!(failure.fault, Fault::Misconfigured, "{security} {certificate}: {failure:?}");
            nothing_was_said(&sink);
        }
    }
}

#[tokio::test]
async fn starttls_is_never_left_out() {
    let sink = SmtpSink::start_with(Tls::No, "server", true).await;
    let failure = failure(send(&*mail(&sink, "starttls")).await);
    assert_eq!(failure.fault, Fault::Misconfigured);
    nothing_was_said(&sink);

    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    for (answer, meaning) in [
        ("454 4.7.0 TLS not available", Fault::Transient(Transient::Unavailable)),
        ("502 5.5.1 what?", Fault::Misconfigured),
    ] {
        sink.once(At::StartTls, Act::Say(answer));
        assert_eq!(crate::support::jobs::fault(send(&*mail(&sink, "starttls")).await), meaning);
        nothing_was_said(&sink);
    }
}

#[tokio::test]
async fn what_was_said_in_the_clear_behind_starttls_is_never_believed() {
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    let injected = b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n".to_vec();
    sink.always(At::StartTls, Act::Bytes(injected));
    let failure = failure(send(&*mail(&sink, "starttls")).await);
    assert_eq!(failure.fault, Fault::Transient(Transient::Unreachable), "{failure:?}");
    nothing_was_said(&sink);
}

#[tokio::test]
async fn a_wrong_password_is_the_operators_to_mend_and_nobody_elses_to_read() {
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    sink.always(At::Auth, Act::Say("535 5.7.8 bad credentials"));
    let channel = mail(&sink, "starttls");
    let failure = failure(send(&*channel).await);
    assert_eq!((failure.fault, failure.code.as_str()), (Fault::Misconfigured, "535 5.7.8"));
    let said = format!("{failure:?} {:?}", channel.probe().await);
    assert!(!said.contains("hunter2") && !said.contains("AGZvZwBodW50ZXIy"), "{said}");

    // No mechanism in common is the same.
    let sink = SmtpSink::start_with(Tls::Start, "server", false).await;
    let outcome = send(&*mail(&sink, "starttls")).await;
    assert_eq!(crate::support::jobs::fault(outcome), Fault::Misconfigured);
}
