//! A webhook is called once for each attempt, signed, and its answer has exactly the effect it should.

use std::sync::Arc;
use std::time::Duration;

use foghorn::channels::Channel;
use foghorn::domain::fault::{Fault, Outcome, Permanent, Scope, Transient};
use foghorn::domain::notification::NotificationKind;

use crate::support::jobs::{channel, facts, failure, incident, surroundings};
use crate::support::provider::{Provider, Reply};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn webhook(url: &str, more: &str) -> Arc<dyn Channel> {
    let settings = format!("url='{url}/hook'\nsecret='{SECRET}'\nallow_private_networks=true\n{more}");
    channel("webhook", "http", &settings, &surroundings())
}

async fn send(channel: &dyn Channel) -> Outcome {
    channel.send(&incident("", facts(NotificationKind::Opened))).await
}

#[tokio::test]
async fn an_event_is_posted_with_its_id_and_a_signature() {
    let receiver = Provider::always(Reply::status(204)).await;
    let hook = webhook(&receiver.url(), "");
    let job = incident("", facts(NotificationKind::Opened));
    for _ in 0..2 {
        assert!(matches!(hook.send(&job).await, Outcome::Sent(_)));
    }
    let heard = receiver.heard();
    assert_eq!(receiver.connections(), 1);
    for request in &heard {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
        assert_eq!(request.header("webhook-id"), job.id.to_string());
        assert!(request.header("webhook-signature").starts_with("v1,"));
        let event = request.json();
        assert_eq!(event["type"], "incident.opened");
        assert_eq!(event["data"]["incident"]["number"], 1042);
    }
}

#[tokio::test]
async fn each_answer_has_its_effect() {
    let throttled = |seconds: Option<u64>| Fault::Throttled {
        retry_after: seconds.map(Duration::from_secs),
        scope: Scope::Channel,
    };
    let table = [
        (Reply::status(302).with("location", "http://127.0.0.1:1/"), Fault::Permanent(Permanent::Refused)),
        (Reply::status(400), Fault::Permanent(Permanent::Unacceptable)),
        (Reply::status(401), Fault::Misconfigured),
        (Reply::status(404), Fault::Permanent(Permanent::Refused)),
        (Reply::status(410), Fault::Permanent(Permanent::RecipientGone)),
        (Reply::status(413), Fault::Permanent(Permanent::Unacceptable)),
        (Reply::status(429), throttled(None)),
        (Reply::status(429).with("retry-after", "7"), throttled(Some(7))),
        (Reply::status(429).with("retry-after", "Sat, 21 Nov 2026 14:02:41 GMT"), throttled(Some(30))),
        (Reply::status(429).with("retry-after", "in a minute"), throttled(None)),
        (Reply::status(500), Fault::Transient(Transient::Unavailable)),
        (Reply::status(502), throttled(Some(5))),
        (Reply::status(503).with("retry-after", "12"), throttled(Some(12))),
        (Reply::HangUp, Fault::Unknown),
    ];
    for (reply, expected) in table {
        let receiver = Provider::always(reply.clone()).await;
        let failure = failure(send(&*webhook(&receiver.url(), "")).await);
        // The clock of these tests moves on while they run.
        let fault = match failure.fault {
            Fault::Throttled { retry_after: Some(wait), scope } => {
                let seconds = wait.as_secs_f64().ceil();
                Fault::Throttled { retry_after: Some(Duration::from_secs_f64(seconds)), scope }
            }
            other => other,
        };
        assert_eq!(fault, expected, "{reply:?}");
        assert_eq!(receiver.heard().len(), 1, "{reply:?}: one attempt is one request");
    }
}

#[tokio::test]
async fn what_never_ends_is_cut_and_what_never_begins_is_given_up() {
    let endless = Provider::always(Reply::Endless(200)).await;
    assert!(matches!(send(&*webhook(&endless.url(), "")).await, Outcome::Sent(_)));
    let silent = Provider::always(Reply::Silence).await;
    let failure = failure(send(&*webhook(&silent.url(), "timeout='300ms'")).await);
    assert_eq!((failure.fault, failure.code.as_str()), (Fault::Unknown, "timeout"));
}

#[tokio::test]
async fn nobody_there_is_a_transient_fault() {
    let receiver = Provider::always(Reply::status(200)).await;
    let url = receiver.url();
    drop(receiver);
    let failure = failure(send(&*webhook(&url, "")).await);
    assert_eq!(failure.fault, Fault::Transient(Transient::Unreachable), "{failure:?}");
}

/// S1: neither an address nor a name leads inside, and the redirect of an outsider does not either.
#[tokio::test]
async fn a_channel_that_may_not_reaches_nobody_inside() {
    let inside = Provider::always(Reply::status(200)).await;
    let (port, secret) = (inside.address.port(), format!("secret='{SECRET}'"));
    let name = format!("url='http://localhost:{port}/hook'\n{secret}");
    let failure = failure(send(&*channel("webhook", "http", &name, &surroundings())).await);
    assert_eq!((failure.fault, failure.code.as_str()), (Fault::Misconfigured, "address_refused"));
    assert!(failure.detail.contains("allow_private_networks"), "{}", failure.detail);
    let settings = format!("url='http://127.0.0.1:{port}/hook'\n{secret}").parse().unwrap();
    let kind = foghorn::channels::channel_type("webhook").unwrap();
    let Err(problems) = kind.build("http", &settings, &surroundings()) else {
        panic!("an address inside is taken");
    };
    assert_eq!(problems[0].key.as_deref(), Some("url"));
    assert_eq!((inside.connections(), inside.heard().len()), (0, 0));
}

#[tokio::test]
async fn only_a_receiver_on_this_machine_may_do_without_a_secret() {
    let receiver = Provider::always(Reply::status(204)).await;
    let settings = format!("url='{}/hook'\nallow_private_networks=true", receiver.url());
    let outcome = send(&*channel("webhook", "http", &settings, &surroundings())).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    let heard = receiver.heard();
    assert_eq!((heard[0].header("webhook-signature"), heard[0].header("webhook-id").is_empty()), ("", false));
    for elsewhere in ["https://hooks.example.com", "https://10.0.0.1", "http://localhost.example.com"] {
        let settings = format!("url='{elsewhere}/hook'\nallow_private_networks=true").parse().unwrap();
        let kind = foghorn::channels::channel_type("webhook").unwrap();
        let Err(problems) = kind.build("http", &settings, &surroundings()) else {
            panic!("{elsewhere} needs no secret");
        };
        assert_eq!(problems[0].key.as_deref(), Some("secret"), "{elsewhere}");
    }
}

#[tokio::test]
async fn a_receiver_under_tls_has_to_be_who_it_says() {
    let authority = format!("ca_file='{}'", crate::support::tls::AUTHORITY);
    for (certificate, known) in
        [("server", true), ("elsewhere", false), ("expired", false), ("stranger", false)]
    {
        let receiver = Provider::start_tls(certificate, |_| Reply::status(200)).await;
        let outcome = send(&*webhook(&receiver.url(), &authority)).await;
        if known {
            assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
            assert_eq!(receiver.heard()[0].version, hyper::Version::HTTP_2);
        } else {
            assert_eq!(failure(outcome).fault, Fault::Misconfigured, "{certificate}");
            assert!(receiver.heard().is_empty());
        }
    }
}
