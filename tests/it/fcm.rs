//! A message for an Android phone: one request, and the error code in Google's answer has exactly the
//! effect that its table says.

use foghorn::channels::codes::{CODES, Codes, Meaning, Rule, Status};
use foghorn::channels::talk::Talk;
use foghorn::channels::{Channel, channel_type};
use foghorn::domain::fault::{Fault, Outcome, Permanent, Scope, Transient};
use foghorn::domain::notification::NotificationKind;
use foghorn::domain::severity::Severity;
use serde_json::{Value, json};

use crate::support::google::{ACCESS, android, google, heard, service_account, settings};
use crate::support::jobs::{as_bad_as, facts, failure, fault, incident, surroundings};
use crate::support::keys;
use crate::support::provider::{Provider, Reply};

const DEVICE: &str = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1";

async fn send(channel: &dyn Channel) -> Outcome {
    channel.send(&incident(DEVICE, facts(NotificationKind::Opened))).await
}

async fn answering(reply: Reply) -> Provider {
    google(move |_| reply.clone()).await
}

fn table() -> &'static Codes {
    CODES.iter().find(|codes| codes.provider == "fcm").unwrap()
}

/// An answer as Google gives it. A code may name a field: `INVALID_ARGUMENT message.token`.
fn refusal(status: u16, code: &str) -> Reply {
    let (code, field) = code.split_once(' ').unwrap_or((code, ""));
    let mut details = Vec::new();
    if !field.is_empty() {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{ "field": field, "description": "Invalid value" }]
        }));
    }
    if !code.is_empty() {
        let kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
        details.push(json!({ "@type": kind, "errorCode": code }));
    }
    // Google has one of these beside each code, and not always the same one.
    let status_word = if code.is_empty() { "" } else { "WHATEVER" };
    let error =
        json!({ "code": status, "message": "Google's own words", "status": status_word, "details": details });
    Reply::json(status, &json!({ "error": error }).to_string())
}

#[tokio::test]
async fn a_page_goes_to_the_projects_endpoint_as_loud_as_it_is_bad() {
    let google = answering(Reply::json(200, r#"{"name":"projects/example-1a2b3/messages/0:1"}"#)).await;
    let table = [
        (Severity::Critical, "HIGH", "pages-critical"),
        (Severity::High, "HIGH", "pages"),
        (Severity::Medium, "HIGH", "alerts"),
        (Severity::Low, "NORMAL", "quiet"),
        (Severity::Info, "NORMAL", "quiet"),
    ];
    let android = android(&google, "");
    for (severity, ..) in table {
        let outcome = android.send(&incident(DEVICE, as_bad_as(severity))).await;
        let Outcome::Sent(receipt) = outcome else { panic!("{outcome:?}") };
        assert_eq!(receipt.provider_id.as_deref(), Some("projects/example-1a2b3/messages/0:1"));
    }
    let (_, messages) = heard(&google);
    assert_eq!(google.connections(), 1);
    for (request, (severity, priority, channel)) in messages.iter().zip(table) {
        assert_eq!(request.version, hyper::Version::HTTP_2);
        let line = (request.method.as_str(), request.path.as_str());
        assert_eq!(line, ("POST", "/v1/projects/example-1a2b3/messages:send"));
        assert_eq!(request.header("authorization"), format!("Bearer {ACCESS}-0"));
        assert_eq!(request.header("content-type"), "application/json");
        let message = &request.json()["message"];
        assert_eq!(message["token"], DEVICE);
        assert_eq!(message["android"]["priority"], priority, "{severity:?}");
        assert_eq!(message["android"]["notification"]["channel_id"], channel, "{severity:?}");
        let ttl = message["android"]["ttl"].as_str().unwrap();
        assert!(ttl == "3600s" || ttl == "3599s", "{ttl}");
        let data = message["data"].as_object().unwrap();
        assert!(data.values().all(Value::is_string), "{data:?}");
    }
}

#[tokio::test]
async fn each_code_has_its_effect_whatever_the_status() {
    for Rule { status, code, meaning, .. } in table().rules {
        let statuses = match status {
            Status::Is(status) => vec![*status],
            Status::In(first, last) => vec![*first, *last],
            Status::Any => vec![400, 403, 404, 429, 503],
        };
        for status in statuses {
            let google = answering(refusal(status, code)).await;
            let failure = failure(send(&*android(&google, "")).await);
            assert_eq!(failure.fault, meaning.fault(None), "{status} {code}");
            assert_eq!(failure.code, format!("{status} {code}").trim_end());
            assert_eq!(failure.detail, "Google's own words");
            let (access, messages) = heard(&google);
            let expected = if *meaning == Meaning::RenewCredential { (2, 2) } else { (1, 1) };
            assert_eq!((access.len(), messages.len()), expected, "{status} {code}");
        }
    }
}

#[tokio::test]
async fn only_a_fault_of_the_token_costs_the_device() {
    let gone = Fault::Permanent(Permanent::RecipientGone);
    let faulty = Fault::Permanent(Permanent::Unacceptable);
    for (field, expected) in [
        ("message.token", gone),
        ("message.data", faulty),
        ("message.android.ttl", faulty),
        ("message.token.x", faulty),
        ("", faulty),
    ] {
        let google = answering(refusal(400, &format!("INVALID_ARGUMENT {field}"))).await;
        assert_eq!(fault(send(&*android(&google, "")).await), expected, "{field}");
    }
}

#[tokio::test]
async fn a_wish_to_wait_is_heard() {
    for (wish, expected) in [("90", 90), ("5", 60), ("soon", 60)] {
        let google = answering(refusal(429, "QUOTA_EXCEEDED").with("retry-after", wish)).await;
        let wait = Some(std::time::Duration::from_secs(expected));
        let throttled = Fault::Throttled { retry_after: wait, scope: Scope::Channel };
        assert_eq!(fault(send(&*android(&google, "")).await), throttled, "{wish}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_googles_is_judged_by_its_status() {
    let unwell = Some(Fault::Transient(Transient::Unavailable));
    let table = [
        (Reply::json(200, "<html>"), None),
        (Reply::json(200, ""), None),
        (Reply::json(200, r#"{"name":7}"#), None),
        (Reply::Endless(200), None),
        (
            Reply::status(302).with("location", "https://127.0.0.1:1/"),
            Some(Fault::Permanent(Permanent::Refused)),
        ),
        (Reply::json(400, "[[["), Some(Fault::Permanent(Permanent::Unacceptable))),
        (
            Reply::json(400, r#"{"error":{"details":{"errorCode":[]}}}"#),
            Some(Fault::Permanent(Permanent::Unacceptable)),
        ),
        (
            Reply::json(403, r#"{"error":{"status":"PERMISSION_DENIED","message":"no"}}"#),
            Some(Fault::Misconfigured),
        ),
        (Reply::json(404, r#"{"error":{"status":"NOT_FOUND"}}"#), Some(Fault::Misconfigured)),
        (Reply::json(502, "<html>"), unwell),
        (Reply::json(503, r#"{"error":{"status":"UNAVAILABLE"}}"#), unwell),
        (Reply::HangUp, Some(Fault::Unknown)),
    ];
    for (reply, expected) in table {
        let google = answering(reply.clone()).await;
        match send(&*android(&google, "")).await {
            Outcome::Failed(failure) => assert_eq!(Some(failure.fault), expected, "{reply:?}"),
            Outcome::Sent(receipt) => assert_eq!((receipt.provider_id, expected), (None, None), "{reply:?}"),
            Outcome::Crashed(why) => panic!("{why}"),
        }
        assert_eq!(heard(&google).1.len(), 1, "{reply:?}: one attempt is one request");
    }
}

#[tokio::test]
async fn another_project_can_be_named() {
    let google = answering(Reply::status(200)).await;
    send(&*android(&google, "project='other-4c5d6'")).await;
    assert_eq!(heard(&google).1[0].path, "/v1/projects/other-4c5d6/messages:send");
}

#[tokio::test]
async fn neither_the_key_nor_a_token_is_ever_told() {
    for reply in [refusal(401, ""), Reply::json(200, r#"{"name":"n"}"#)] {
        let google = answering(reply).await;
        let (android, talk) = (android(&google, ""), Talk::default());
        let outcome = talk.watch(send(&*android)).await;
        let probed = talk.watch(android.probe()).await;
        let steps = talk.finished();
        assert_eq!(steps[0].name, "token");
        let said = format!("{outcome:?} {probed:?} {steps:?}");
        for secret in keys::telling_lines(keys::FCM).chain([ACCESS, DEVICE]) {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[tokio::test]
async fn every_wrong_setting_is_named() {
    let google = answering(Reply::status(200)).await;
    let right = service_account(&google);
    let with = |name: &str, value: Value| {
        let mut account = right.clone();
        account[name] = value;
        account.to_string()
    };
    let table = [
        ("planted".to_owned(), "", "service_account"),
        ("[]".to_owned(), "", "service_account"),
        (with("client_email", Value::Null), "", "service_account"),
        (with("private_key", json!(5)), "", "service_account"),
        (with("private_key", json!("planted")), "", "service_account"),
        (with("private_key", json!(keys::APNS)), "", "service_account"),
        (with("token_uri", json!("planted")), "", "service_account"),
        (with("token_uri", json!("ftp://planted.example")), "", "service_account"),
        (with("project_id", Value::Null), "", "project"),
        (with("project_id", json!("a/planted")), "", "service_account"),
        (right.to_string(), "project='../planted'", "project"),
        (right.to_string(), "timeout='1h'", "timeout"),
    ];
    for (account, more, key) in table {
        let text = settings(&google, more).replace(&right.to_string(), &account);
        let kind = channel_type("android").unwrap();
        let Err(problems) = kind.build("fcm", &text.parse().unwrap(), &surroundings()) else {
            panic!("{account} {more} is taken");
        };
        let named: Vec<_> = problems.iter().map(|problem| problem.key.as_deref()).collect();
        assert_eq!(named, [Some(key)], "{problems:?}");
        let said = format!("{problems:?}");
        assert!(!said.contains("planted"), "{said}");
        assert!(keys::telling_lines(keys::FCM).all(|line| !said.contains(line)), "{said}");
    }
}
