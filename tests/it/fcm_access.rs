//! The access token of FCM: asked for once by all workers, and a failure to get one loses nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foghorn::channels::Channel;
use foghorn::channels::codes::{CODES, Status};
use foghorn::domain::fault::{Fault, Outcome, Transient};
use foghorn::domain::notification::NotificationKind;
use futures::future::join_all;

use crate::support::google::{ACCESS, android, google, heard, start};
use crate::support::jobs::{NOW, facts, failure, fault, incident, later};
use crate::support::keys;
use crate::support::provider::Reply;

async fn send(channel: &dyn Channel) -> Outcome {
    channel.send(&incident("device", facts(NotificationKind::Opened))).await
}

#[tokio::test]
async fn access_is_asked_for_with_a_claim_signed_by_the_account() {
    let google = google(|_| Reply::status(200)).await;
    send(&*android(&google, "")).await;
    let (access, _) = heard(&google);
    assert_eq!(access[0].method, "POST");
    assert_eq!(access[0].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(access[0].header("authorization"), "");
    let body = access[0].text();
    let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).collect();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let signed = keys::signed_for_fcm(&form["assertion"]);
    assert_eq!(signed.kid.as_deref(), Some("9d1c"));
    let claims = signed.claims;
    assert_eq!(claims["iss"], "foghorn@example-1a2b3.iam.gserviceaccount.com");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/firebase.messaging");
    assert_eq!(claims["aud"], format!("{}/token", google.url()));
    let now = NOW.parse::<foghorn::domain::Timestamp>().unwrap().as_second();
    let issued = claims["iat"].as_i64().unwrap();
    assert!((now..now + 60).contains(&issued), "{issued}");
    assert_eq!(claims["exp"], issued + 3_600);
}

#[tokio::test]
async fn a_hundred_messages_at_once_ask_for_access_once() {
    let google = google(|_| Reply::status(200)).await;
    let android = android(&google, "");
    for outcome in join_all((0..100).map(|_| send(&*android))).await {
        assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    }
    let (access, messages) = heard(&google);
    assert_eq!((access.len(), messages.len()), (1, 100));
}

#[tokio::test]
async fn a_hundred_messages_at_once_share_a_no_and_the_next_one_asks_again() {
    let google = start(|_| Reply::status(503), |_| Reply::status(200)).await;
    let android = android(&google, "");
    for outcome in join_all((0..100).map(|_| send(&*android))).await {
        assert_eq!(fault(outcome), Fault::Transient(Transient::Unavailable));
    }
    assert_eq!(heard(&google).0.len(), 1);
    send(&*android).await;
    let (access, messages) = heard(&google);
    assert_eq!((access.len(), messages.len()), (2, 0));
}

#[tokio::test]
async fn a_token_is_used_for_four_fifths_of_its_life() {
    let google = google(|_| Reply::status(200)).await;
    let android = android(&google, "");
    for (minutes, asked) in [(0, 1), (47, 1), (1, 2), (47, 2), (1, 3)] {
        later(Duration::from_secs(minutes * 60)).await;
        send(&*android).await;
        assert_eq!(heard(&google).0.len(), asked, "{minutes} min later");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_for_all_and_the_messages_repeated() {
    let google = google(|heard| match heard.header("authorization").ends_with("-0") {
        true => Reply::json(401, r#"{"error":{"status":"UNAUTHENTICATED"}}"#),
        false => Reply::status(200),
    })
    .await;
    let android = android(&google, "");
    for outcome in join_all((0..10).map(|_| send(&*android))).await {
        assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    }
    let (access, messages) = heard(&google);
    assert_eq!((access.len(), messages.len()), (2, 20));
}

#[tokio::test]
async fn whatever_keeps_a_token_away_no_message_is_lost() {
    let table = CODES.iter().find(|codes| codes.provider == "google-oauth").unwrap();
    for rule in table.rules {
        let statuses = match rule.status {
            Status::Is(status) => vec![status],
            Status::In(first, last) => vec![first, last],
            Status::Any => vec![400, 401, 403],
        };
        for status in statuses {
            let body = format!(r#"{{"error":"{}","error_description":"no"}}"#, rule.code);
            let google = start(move |_| Reply::json(status, &body), |_| Reply::status(200)).await;
            let failure = failure(send(&*android(&google, "")).await);
            assert_eq!(failure.fault, rule.meaning.fault(None), "{status} {rule:?}");
            assert!(!matches!(failure.fault, Fault::Permanent(_) | Fault::Unknown), "{rule:?}");
            assert_eq!(failure.detail, "no access token: no");
            let (access, messages) = heard(&google);
            assert_eq!((access.len(), messages.len()), (1, 0), "{status} {rule:?}");
        }
    }
}

/// Nothing of the message went out, so there is no doubt whether it arrived.
#[tokio::test]
async fn silence_about_a_token_leaves_no_doubt_about_the_message() {
    let unavailable = Transient::Unavailable;
    let table = [
        (Reply::HangUp, Transient::Unreachable),
        (Reply::Silence, Transient::Timeout),
        (Reply::status(500), unavailable),
        (Reply::json(200, "<html>"), unavailable),
        (Reply::json(200, "{}"), unavailable),
        (Reply::json(200, r#"{"access_token":""}"#), unavailable),
        (Reply::json(200, r#"{"access_token":"a\nb"}"#), unavailable),
        (Reply::Endless(200), unavailable),
    ];
    for (reply, expected) in table {
        let told = reply.clone();
        let google = start(move |_| reply.clone(), |_| Reply::status(200)).await;
        let failure = failure(send(&*android(&google, "timeout='2s'")).await);
        assert_eq!(failure.fault, Fault::Transient(expected), "{told:?}");
        assert!(heard(&google).1.is_empty(), "{told:?}");
    }
}

#[tokio::test]
async fn a_probe_gets_a_token_and_tells_nobody_anything() {
    let is_open = std::sync::Arc::new(AtomicBool::new(false));
    let open = std::sync::Arc::clone(&is_open);
    let google = start(
        move |_| match open.load(Ordering::Relaxed) {
            true => Reply::json(200, &format!(r#"{{"access_token":"{ACCESS}"}}"#)),
            false => {
                Reply::json(400, r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#)
            }
        },
        |_| Reply::status(200),
    )
    .await;
    let android = android(&google, "");
    let refused = android.probe().await.unwrap_err();
    assert_eq!(refused, "400 invalid_grant: 127.0.0.1: no access token: Invalid JWT Signature.");
    is_open.store(true, Ordering::Relaxed);
    let granted = android.probe().await;
    assert_eq!(granted, Ok("127.0.0.1 grants access, project example-1a2b3".to_owned()));
    assert!(heard(&google).1.is_empty());
}
