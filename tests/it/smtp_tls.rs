//! TLS is required and verified: nothing goes out in the clear that was not meant to.

use std::sync::{Arc, Mutex};

use foghorn::channels::Channel;
use foghorn::domain::fault::{Fault, Outcome, Transient};

use crate::support::jobs::{channel, direct, failure, surroundings};
use crate::support::smtp_sink::{Act, At, SmtpSink, Tls};
use crate::support::tls::AUTHORITY;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn mail(sink: &SmtpSink, security: &str) -> Arc<dyn Channel> {
    mail_to(sink.port, security)
}

fn mail_to(port: u16, security: &str) -> Arc<dyn Channel> {
    let settings = format!(
        "host='127.0.0.1'\nport={}\nsecurity='{security}'\nfrom='fog@example.com'\n\
         username='fog'\npassword='hunter2'\nca_file='{AUTHORITY}'\ntimeout='5s'",
        port
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

/// Somebody between Foghorn and its server, who wants to read along: what they say to the greeting, to
/// `EHLO`, to `STARTTLS` and to what comes after it. To everything else they say yes.
struct Attack {
    name: &'static str,
    greeting: &'static str,
    ehlo: &'static str,
    starttls: &'static str,
    then: &'static str,
}

const USUAL: Attack = Attack {
    name: "",
    greeting: "220 mx.example ESMTP\r\n",
    ehlo: "250-mx.example\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
    starttls: "220 go ahead\r\n",
    then: "250 ok\r\n",
};

const OFFERS_LOGINS: &str = "250-mx.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n";
const ALL_AT_ONCE: &str = "220 mx.example\r\n250-mx.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n220 go\r\n\
    250-mx.example\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n";

const ATTACKS: &[Attack] = &[
    Attack { name: "the offer is taken out", ehlo: OFFERS_LOGINS, ..USUAL },
    Attack {
        name: "the offer is written over",
        ehlo: "250-mx.example\r\n250-XXXXXXXA\r\n250 AUTH PLAIN LOGIN\r\n",
        ..USUAL
    },
    Attack {
        name: "the offer is somewhere else",
        ehlo: "250-STARTTLS.example\r\n250-X STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
        ..USUAL
    },
    Attack { name: "EHLO is refused, for HELO has no TLS", ehlo: "502 5.5.1 what?\r\n", ..USUAL },
    Attack { name: "later, perhaps", starttls: "454 4.7.0 not now\r\n", ..USUAL },
    Attack { name: "said to be on already", starttls: "250 2.0.0 you have it\r\n", ..USUAL },
    Attack { name: "said to be on already, by code", starttls: "503 5.5.1 TLS is active\r\n", ..USUAL },
    Attack { name: "no handshake follows", ..USUAL },
    Attack {
        name: "answers of tomorrow behind the 220",
        starttls: "220 go\r\n250-mx.example\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n",
        ..USUAL
    },
    Attack { name: "every answer before the first question", greeting: ALL_AT_ONCE, ..USUAL },
    // A fatal alert: handshake_failure, protocol_version.
    Attack { name: "TLS is not for me", then: "\x15\x03\x03\x00\x02\x02\x28", ..USUAL },
    Attack { name: "TLS is too new for me", then: "\x15\x03\x01\x00\x02\x02\x46", ..USUAL },
];

impl Attack {
    fn answer(&self, said: &[u8]) -> &'static str {
        let verb = said.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        match verb {
            b"EHLO" => self.ehlo,
            b"STARTTLS" => self.starttls,
            b"AUTH" => "235 2.7.0 welcome\r\n",
            b"DATA" => "354 go ahead\r\n",
            b"HELO" | b"MAIL" | b"RCPT" | b"RSET" => "250 ok\r\n",
            _ => self.then,
        }
    }

    /// Where they are, and all that they hear.
    async fn begin(&'static self) -> (u16, Arc<Mutex<Vec<u8>>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, heard) = (listener.local_addr().unwrap().port(), Arc::default());
        let all: Arc<Mutex<Vec<u8>>> = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.listen(stream, Arc::clone(&all)));
            }
        });
        (port, heard)
    }

    async fn listen(&self, mut stream: TcpStream, all: Arc<Mutex<Vec<u8>>>) {
        let mut said = [0; 4096];
        let mut answer = self.greeting;
        while stream.write_all(answer.as_bytes()).await.is_ok() {
            let Ok(length @ 1..) = stream.read(&mut said).await else { return };
            all.lock().unwrap().extend_from_slice(&said[..length]);
            answer = self.answer(&said[..length]);
        }
    }
}

#[tokio::test]
async fn whoever_stands_between_hears_neither_a_credential_nor_a_word_of_the_mail() {
    for attack in ATTACKS {
        for security in ["starttls", "tls"] {
            let (port, heard) = attack.begin().await;
            let channel = mail_to(port, security);
            for _ in 0..2 {
                let outcome = send(&*channel).await;
                assert!(matches!(outcome, Outcome::Failed(_)), "{} {security}: {outcome:?}", attack.name);
            }
            let probed = channel.probe().await;
            assert!(probed.is_err(), "{} {security}: {probed:?}", attack.name);
            let heard = heard.lock().unwrap().clone();
            assert!(!heard.is_empty(), "{} {security}", attack.name);
            let heard = String::from_utf8_lossy(&heard);
            for secret in
                ["hunter2", "AGZvZwBodW50ZXIy", "secret body", "ada@", "AUTH", "MAIL", "RCPT", "DATA"]
            {
                assert!(!heard.contains(secret), "{} {security}: {secret} in {heard}", attack.name);
            }
        }
    }
}
