//! The outbox keeps what would have left, and fails when told to.

use std::time::Duration;

use foghorn::channels::CHANNELS;
use foghorn::channels::outbox::Outbox;
use foghorn::domain::fault::{Fault, Outcome};
use foghorn::domain::notification::NotificationKind;

use crate::support::jobs::{channel, direct, facts, fault, incident, surroundings};

#[tokio::test]
async fn every_type_keeps_what_it_would_have_sent() {
    let surroundings = surroundings();
    let mut total = surroundings.outbox.subscribe();
    for kind in CHANNELS {
        let channel = channel(kind.name(), "outbox", "", &surroundings);
        let outcome = channel.send(&incident("somewhere", facts(NotificationKind::Opened))).await;
        assert!(matches!(outcome, Outcome::Sent(_)));
    }
    assert_eq!(*total.borrow_and_update(), CHANNELS.len() as u64);
    for (message, kind) in surroundings.outbox.messages().iter().zip(CHANNELS) {
        assert_eq!(message.channel_type, kind.name());
        assert_eq!(message.to.expose(), "somewhere");
        assert!(!format!("{message:?}").contains("somewhere"));
        let draft = &message.draft;
        let all = format!("{:?} {} {:?}", draft.subject, draft.text, draft.payload);
        for word in ["1042", "CRIT", "checkout-api", "5xx rate above 5%"] {
            assert!(all.contains(word), "{}: no {word} in {all}", kind.name());
        }
    }
}

#[tokio::test]
async fn it_fails_as_told_as_often_as_told() {
    let surroundings = surroundings();
    for (word, label) in [
        ("transient", "unavailable"),
        ("permanent", "refused"),
        ("throttle", "throttled"),
        ("misconfigured", "misconfigured"),
    ] {
        let settings = format!("fail='{word}'\nfail_times=2");
        let channel = channel("sms", "outbox", &settings, &surroundings);
        let job = direct("+15550111", "s", "b");
        for _ in 0..2 {
            assert_eq!(fault(channel.send(&job).await).label(), label);
        }
        assert!(matches!(channel.send(&job).await, Outcome::Sent(_)), "{word}");
    }
    let for_ever = channel("sms", "outbox", "fail='transient'", &surroundings);
    for _ in 0..100 {
        let outcome = for_ever.send(&direct("+15550111", "s", "b")).await;
        assert!(matches!(fault(outcome), Fault::Transient(_)));
    }
    assert_eq!(surroundings.outbox.len(), 4);
}

#[tokio::test]
async fn a_crash_is_a_panic_of_the_worker() {
    let surroundings = surroundings();
    let channel = channel("email", "outbox", "fail='crash'\nfail_times=1", &surroundings);
    let worker = tokio::spawn({
        let channel = std::sync::Arc::clone(&channel);
        async move { channel.send(&direct("ada@example.com", "s", "b")).await }
    });
    assert!(worker.await.unwrap_err().is_panic());
    assert!(matches!(channel.send(&direct("ada@example.com", "s", "b")).await, Outcome::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn a_hang_lasts_until_somebody_gives_up() {
    let channel = channel("email", "outbox", "fail='hang'", &surroundings());
    let job = direct("ada@example.com", "s", "b");
    let attempt = tokio::time::timeout(Duration::from_secs(3_600), channel.send(&job));
    assert!(attempt.await.is_err());
}

#[tokio::test]
async fn only_the_last_messages_are_kept() {
    let mut surroundings = surroundings();
    surroundings.outbox = std::sync::Arc::new(Outbox::with_capacity(3));
    let channel = channel("email", "outbox", "", &surroundings);
    for number in 1..=5 {
        channel.send(&direct("ada@example.com", &number.to_string(), "b")).await;
    }
    let kept: Vec<_> = surroundings.outbox.messages().iter().map(|message| message.seq).collect();
    assert_eq!(kept, [3, 4, 5]);
    assert_eq!(*surroundings.outbox.subscribe().borrow(), 5);
}
