//! A message for an iPhone: one request over HTTP/2, and Apple's answer has exactly the effect that
//! its table says.

use std::sync::Arc;

use foghorn::channels::codes::{CODES, Codes, Meaning, Status};
use foghorn::channels::talk::Talk;
use foghorn::channels::{Channel, channel_type};
use foghorn::domain::fault::{Fault, Outcome, Permanent, Transient};
use foghorn::domain::notification::NotificationKind;
use foghorn::domain::severity::Severity;

use crate::support::jobs::{as_bad_as, channel, direct, facts, failure, incident, surroundings};
use crate::support::provider::{Provider, Reply};
use crate::support::{keys, tls};

const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

fn settings(url: &str, more: &str) -> String {
    format!(
        "team_id='TEAM123456'\nkey_id='KEY1234567'\ntopic='com.example.foghorn'\nbase_url='{url}'\n\
         allow_private_networks=true\nca_file='{}'\n{more}\nkey='''\n{}'''",
        tls::AUTHORITY,
        keys::APNS
    )
}

fn iphone(apple: &Provider, more: &str) -> Arc<dyn Channel> {
    channel("ios", "apns", &settings(&apple.url(), more), &surroundings())
}

async fn apple(reply: Reply) -> Provider {
    Provider::start_tls("server", move |_| reply.clone()).await
}

async fn send(channel: &dyn Channel) -> Outcome {
    channel.send(&incident(DEVICE, facts(NotificationKind::Opened))).await
}

fn table() -> &'static Codes {
    CODES.iter().find(|codes| codes.provider == "apns").unwrap()
}

#[tokio::test]
async fn a_page_goes_out_over_http2_as_loud_as_it_is_bad() {
    let apple = apple(Reply::status(200)).await;
    let table = [
        (Severity::Critical, "10", "time-sensitive", Some("page.caf")),
        (Severity::High, "10", "time-sensitive", Some("page.caf")),
        (Severity::Medium, "10", "active", Some("default")),
        (Severity::Low, "5", "passive", None),
        (Severity::Info, "5", "passive", None),
    ];
    let iphone = iphone(&apple, "");
    for (severity, ..) in table {
        assert!(matches!(iphone.send(&incident(DEVICE, as_bad_as(severity))).await, Outcome::Sent(_)));
    }
    assert_eq!(apple.connections(), 1);
    for (request, (severity, priority, level, sound)) in apple.heard().iter().zip(table) {
        assert_eq!(request.version, hyper::Version::HTTP_2);
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", &*format!("/3/device/{DEVICE}"))
        );
        for (header, value) in [
            ("apns-topic", "com.example.foghorn"),
            ("apns-push-type", "alert"),
            ("apns-priority", priority),
            ("apns-expiration", "1795273331"),
            ("apns-collapse-id", "inc-1042"),
        ] {
            assert_eq!(request.header(header), value, "{severity:?} {header}");
        }
        let aps = &request.json()["aps"];
        assert_eq!(aps["interruption-level"], level, "{severity:?}");
        assert_eq!(aps["sound"].as_str(), sound, "{severity:?}");
        assert_eq!(aps["alert"]["body"], "5xx rate above 5%");
        let token = request.header("authorization").strip_prefix("bearer ").unwrap();
        let signed = keys::signed_for_apns(token);
        assert_eq!(signed.kid.as_deref(), Some("KEY1234567"));
        assert_eq!(signed.claims["iss"], "TEAM123456");
    }
}

#[tokio::test]
async fn only_an_app_that_may_breaks_through_silence() {
    let apple = apple(Reply::status(200)).await;
    send(&*iphone(&apple, "critical=true")).await;
    let aps = &apple.heard()[0].json()["aps"];
    assert_eq!(aps["interruption-level"], "critical");
    assert_eq!(aps["sound"]["critical"], 1);
}

#[tokio::test]
async fn a_message_keeps_its_id_on_every_attempt_and_tells_apples_own() {
    let apple = apple(Reply::status(200).with("apns-id", "apples-own")).await;
    let (iphone, job) = (iphone(&apple, ""), direct(DEVICE, "Lunch", "is ready"));
    for _ in 0..2 {
        let Outcome::Sent(receipt) = iphone.send(&job).await else { panic!("it is sent") };
        assert_eq!(receipt.provider_id.as_deref(), Some("apples-own"));
    }
    let heard = apple.heard();
    let id = heard[0].header("apns-id");
    assert_eq!(id, heard[1].header("apns-id"));
    assert_eq!(id.replace('-', ""), format!("{:032x}", job.id.bits()));
    let groups: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12]);
    assert_eq!(heard[0].json()["aps"]["alert"]["title"], "Lunch");
    assert_eq!(heard[0].header("apns-collapse-id"), "");
}

#[tokio::test]
async fn each_reason_has_its_effect() {
    for rule in table().rules {
        let Status::Is(status) = rule.status else { panic!("{rule:?}: Apple names each status") };
        let apple = apple(Reply::json(status, &format!(r#"{{"reason":"{}"}}"#, rule.code))).await;
        let failure = failure(send(&*iphone(&apple, "")).await);
        assert_eq!(failure.fault, rule.meaning.fault(None), "{rule:?}");
        assert_eq!(failure.code, format!("{status} {}", rule.code).trim_end(), "{rule:?}");
        assert!(!failure.detail.is_empty(), "{rule:?}");
        assert_eq!(apple.heard().len(), 1, "{rule:?}: one attempt is one request");
    }
}

#[tokio::test]
async fn the_table_knows_every_reason_that_apple_names() {
    let reasons = "BadCollapseId BadDeviceToken BadExpirationDate BadMessageId BadPriority BadTopic \
        DeviceTokenNotForTopic DuplicateHeaders IdleTimeout InvalidPushType MissingDeviceToken MissingTopic \
        PayloadEmpty TopicDisallowed BadCertificate BadCertificateEnvironment ExpiredProviderToken Forbidden \
        InvalidProviderToken MissingProviderToken UnrelatedKeyIdInToken BadEnvironmentKeyIdInToken BadPath \
        MethodNotAllowed ExpiredToken Unregistered PayloadTooLarge TooManyProviderTokenUpdates \
        TooManyRequests InternalServerError ServiceUnavailable Shutdown";
    for reason in reasons.split_whitespace() {
        assert!(table().rules.iter().any(|rule| rule.code == reason), "{reason}");
    }
    let drops = |rule: &&foghorn::channels::codes::Rule| rule.meaning == Meaning::DropTarget;
    assert!(table().rules.iter().filter(drops).all(|rule| rule.status == Status::Is(410)));
}

#[tokio::test]
async fn an_answer_that_is_not_apples_is_judged_by_its_status() {
    let table = [
        (Reply::json(200, "<html>"), None),
        (Reply::json(200, "{"), None),
        (Reply::Endless(200), None),
        (
            Reply::status(302).with("location", "https://127.0.0.1:1/"),
            Some(Fault::Permanent(Permanent::Refused)),
        ),
        (Reply::json(400, r#"{"reason":"SomethingNew"}"#), Some(Fault::Permanent(Permanent::Unacceptable))),
        (
            Reply::json(400, r#"{"reason":["x"],"timestamp":{}}"#),
            Some(Fault::Permanent(Permanent::Unacceptable)),
        ),
        (Reply::json(403, "<html>"), Some(Fault::Misconfigured)),
        (
            Reply::json(410, r#"{"reason":"Unregistered","timestamp":"x"}"#),
            Some(Fault::Permanent(Permanent::RecipientGone)),
        ),
        (Reply::json(502, "<html>"), Some(Fault::Transient(Transient::Unavailable))),
        (Reply::HangUp, Some(Fault::Unknown)),
    ];
    for (reply, expected) in table {
        let apple = apple(reply.clone()).await;
        let fault = match send(&*iphone(&apple, "")).await {
            Outcome::Failed(failure) => Some(failure.fault),
            _ => None,
        };
        assert_eq!(fault, expected, "{reply:?}");
        assert_eq!(apple.heard().len(), 1, "{reply:?}: one attempt is one request");
    }
}

#[tokio::test]
async fn when_a_device_went_is_told_with_it() {
    let gone = r#"{"reason":"Unregistered","timestamp":1795000000000}"#;
    let apple = apple(Reply::json(410, gone)).await;
    let failure = failure(send(&*iphone(&apple, "")).await);
    assert_eq!(failure.fault, Fault::Permanent(Permanent::RecipientGone));
    assert!(failure.detail.contains("since 2026-11-18T"), "{failure:?}");
    assert!(failure.detail.contains("registered again"), "{failure:?}");
}

#[tokio::test]
async fn what_is_no_device_token_never_becomes_part_of_a_path() {
    let apple = apple(Reply::status(200)).await;
    let iphone = iphone(&apple, "");
    for address in [
        "",
        "abc",
        "../../../1/admin",
        &DEVICE[1..],
        &DEVICE.replace('0', "/"),
        &DEVICE.repeat(4),
        &"ü".repeat(64),
    ] {
        let failure = failure(iphone.send(&incident(address, facts(NotificationKind::Opened))).await);
        let told = (failure.fault, failure.code.as_str());
        assert_eq!(told, (Fault::Permanent(Permanent::RecipientGone), "token"), "{address}");
        assert!(address.is_empty() || !failure.detail.contains(address), "{failure:?}");
    }
    assert_eq!(apple.connections(), 0);
}

/// A gateway of the operator's own may stand in between, in the clear.
#[tokio::test]
async fn http2_is_spoken_without_tls_too() {
    let gateway = Provider::always(Reply::status(200)).await;
    assert!(matches!(send(&*iphone(&gateway, "")).await, Outcome::Sent(_)));
    assert_eq!(gateway.heard()[0].version, hyper::Version::HTTP_2);
}

#[tokio::test]
async fn a_probe_connects_and_tells_nobody_anything() {
    let apple = apple(Reply::status(405)).await;
    let iphone = iphone(&apple, "");
    assert_eq!(iphone.probe().await, Ok("127.0.0.1 answers".to_owned()));
    let heard = apple.heard();
    assert_eq!((heard.len(), heard[0].method.as_str(), heard[0].header("authorization")), (1, "HEAD", ""));
    let stranger = self::iphone(&apple, "");
    drop(apple);
    let lost = stranger.probe().await.unwrap_err();
    assert!(lost.starts_with("connection: 127.0.0.1: "), "{lost}");
}

#[tokio::test]
async fn neither_the_key_nor_a_token_is_ever_told() {
    let apple = apple(Reply::json(403, r#"{"reason":"InvalidProviderToken"}"#)).await;
    let (iphone, talk) = (iphone(&apple, ""), Talk::default());
    let outcome = talk.watch(send(&*iphone)).await;
    let probed = iphone.probe().await;
    let said = format!("{outcome:?} {probed:?} {:?}", talk.finished());
    let token = apple.heard()[0].header("authorization").replace("bearer ", "");
    for secret in keys::telling_lines(keys::APNS).chain([token.as_str(), DEVICE]) {
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn every_wrong_setting_is_named() {
    let all = settings("https://127.0.0.1:1", "");
    let table = [
        ("team_id='TEAM123456'", "team_id='TEAM/23456'", "team_id"),
        ("team_id='TEAM123456'", "", "team_id"),
        ("key_id='KEY1234567'", "key_id='KEY'", "key_id"),
        ("topic='com.example.foghorn'", "topic='com example'", "topic"),
        ("allow_private_networks=true", "", "base_url"),
        ("allow_private_networks=true", "allow_private_networks=true\nenvironment='test'", "environment"),
        ("allow_private_networks=true", "allow_private_networks=true\ncritical='yes'", "critical"),
        (keys::APNS, "no key", "key"),
        (keys::APNS, keys::P384, "key"),
        (keys::APNS, keys::FCM, "key"),
    ];
    for (right, wrong, key) in table {
        let settings = all.replace(right, wrong).parse().unwrap();
        let Err(problems) = channel_type("ios").unwrap().build("apns", &settings, &surroundings()) else {
            panic!("{wrong} is taken");
        };
        let named: Vec<_> = problems.iter().map(|problem| problem.key.as_deref()).collect();
        assert_eq!(named, [Some(key)], "{wrong}");
        let said = format!("{problems:?}");
        assert!(keys::telling_lines(wrong).all(|line| !said.contains(line)), "{said}");
    }
}
