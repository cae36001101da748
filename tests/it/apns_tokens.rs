//! The provider token of APNs: one for all workers, renewed in time and never too often.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foghorn::channels::Channel;
use foghorn::domain::fault::{Fault, Outcome};
use foghorn::domain::notification::NotificationKind;
use futures::future::join_all;

use crate::support::jobs::{channel, facts, failure, incident, later, surroundings};
use crate::support::provider::{Heard, Provider, Reply};
use crate::support::{keys, tls};

const EXPIRED: &str = r#"{"reason":"ExpiredProviderToken"}"#;
const MINUTE: Duration = Duration::from_secs(60);

fn iphone(apple: &Provider) -> Arc<dyn Channel> {
    let settings = format!(
        "team_id='TEAM123456'\nkey_id='KEY1234567'\ntopic='com.example.foghorn'\nbase_url='{}'\n\
         allow_private_networks=true\nca_file='{}'\nkey='''\n{}'''",
        apple.url(),
        tls::AUTHORITY,
        keys::APNS
    );
    channel("ios", "apns", &settings, &surroundings())
}

async fn send(channel: &dyn Channel) -> Outcome {
    channel.send(&incident(&"0a".repeat(32), facts(NotificationKind::Opened))).await
}

fn tokens(heard: &[Heard]) -> Vec<String> {
    heard.iter().map(|request| request.header("authorization").to_owned()).collect()
}

#[tokio::test]
async fn all_workers_share_one_token_and_the_next_one_is_made_in_time() {
    let apple = Provider::start_tls("server", |_| Reply::status(200)).await;
    let iphone = iphone(&apple);
    let burst = || async {
        for outcome in join_all((0..100).map(|_| send(&*iphone))).await {
            assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
        }
    };
    burst().await;
    later(49 * MINUTE).await;
    burst().await;
    later(MINUTE).await;
    burst().await;
    let tokens = tokens(&apple.heard());
    let made: BTreeSet<_> = tokens.iter().collect();
    assert_eq!((tokens.len(), made.len()), (300, 2));
    assert_eq!(tokens[0], tokens[199]);
    let issued = |token: &str| {
        let signed = keys::signed_for_apns(token.strip_prefix("bearer ").unwrap());
        signed.claims["iat"].as_i64().unwrap()
    };
    let apart = issued(&tokens[200]) - issued(&tokens[0]);
    assert!((3_000..3_060).contains(&apart), "{apart} s");
}

/// Apple's clock and ours differ, or the machine slept.
#[tokio::test]
async fn a_token_that_has_run_out_is_renewed_once_for_all_and_the_messages_repeated() {
    let first = Arc::new(Mutex::new(None));
    let apple = Provider::start_tls("server", move |heard| {
        let token = heard.header("authorization").to_owned();
        let mut first = first.lock().unwrap();
        match &*first {
            None => *first = Some(token),
            Some(old) if *old == token => return Reply::json(403, EXPIRED),
            Some(_) => {}
        }
        Reply::status(200)
    })
    .await;
    let iphone = iphone(&apple);
    assert!(matches!(send(&*iphone).await, Outcome::Sent(_)));
    later(21 * MINUTE).await;
    for outcome in join_all((0..10).map(|_| send(&*iphone))).await {
        assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    }
    let tokens = tokens(&apple.heard());
    assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(tokens.len(), 21, "each of the ten was made twice");
}

#[tokio::test]
async fn a_token_that_is_refused_again_and_again_is_not_renewed_again_and_again() {
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refusals);
    let apple = Provider::start_tls("server", move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Reply::json(403, EXPIRED)
    })
    .await;
    let iphone = iphone(&apple);
    let requests = || refusals.swap(0, Ordering::Relaxed);
    for (wait, expected) in [(0, 1), (19, 1), (2, 2), (0, 1), (19, 1), (1, 2)] {
        later(wait * MINUTE).await;
        let failure = failure(send(&*iphone).await);
        assert_eq!((failure.fault, requests()), (Fault::Misconfigured, expected), "{wait} min later");
    }
    assert_eq!(tokens(&apple.heard()).iter().collect::<BTreeSet<_>>().len(), 3);
}
