//! A provider that says yes and means nothing by it: HTML of a proxy, half a JSON, no id. It is taken at
//! its word where the status is the whole answer, and nobody knows where the body is part of it; nothing
//! panics, nothing is asked twice, and the next message goes its way.

use std::sync::Arc;

use foghorn::channels::{Channel, Settings, channel_type};
use foghorn::domain::fault::{Fault, Outcome};
use foghorn::domain::notification::NotificationKind;
use serde_json::{Value, json};

use crate::support::google::{google, service_account};
use crate::support::jobs::{facts, incident, surroundings};
use crate::support::keys;
use crate::support::provider::{Provider, Reply};
use crate::support::tls::AUTHORITY;

/// Where the status is the whole answer.
const TAKEN: &str = "sent";
/// Where it is not.
const NOBODY_KNOWS: &str = "unknown";

/// Type, provider, where to, and what a senseless yes amounts to.
type Way = (&'static str, &'static str, &'static str, &'static str);

const PHONE: &str = "+15550111";
const MAILBOX: &str = "ada@example.com";
const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

const WAYS: &[Way] = &[
    ("webhook", "http", "", TAKEN),
    ("sms", "http", PHONE, TAKEN),
    ("sms", "twilio", PHONE, TAKEN),
    ("ios", "apns", DEVICE, TAKEN),
    ("android", "fcm", DEVICE, TAKEN),
    ("email", "sendgrid", MAILBOX, TAKEN),
    ("email", "postmark", MAILBOX, TAKEN),
    ("slack", "webhook", "", NOBODY_KNOWS),
    ("slack", "api", "", NOBODY_KNOWS),
    ("chat", "teams", "", NOBODY_KNOWS),
    ("chat", "discord", "", TAKEN),
    ("chat", "mattermost", "", NOBODY_KNOWS),
    ("chat", "http", "", TAKEN),
];

fn bodies() -> Vec<Vec<u8>> {
    let page = "<!doctype html><title>502 Bad Gateway</title>";
    let texts = ["", page, "{", "null", "[]", "{}", "{\"id\":", "{\"id\":{\"id\":[]}}", "\"\"", "1e999"];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(b"\xff\xfe\x00{\"id\": \"\xc3\x28\"}".to_vec());
    bodies.push("[".repeat(100_000).into_bytes());
    bodies
}

fn settings(way: Way, provider: &Provider) -> Value {
    let url = provider.url();
    match (way.0, way.1) {
        ("webhook", _) => json!({ "url": url }),
        ("sms", "http") => {
            json!({ "url": url, "body": "{\"t\":\"{{ text }}\",\"to\":\"{{ to }}\"}", "id_pointer": "/id" })
        }
        ("sms", _) => {
            let account = "AC0123456789abcdef0123456789abcdef";
            json!({ "base_url": url, "account_sid": account, "auth_token": "12345678", "from": "+15550100" })
        }
        ("ios", _) => json!({
            "base_url": url, "team_id": "TEAM123456", "key_id": "KEY1234567", "key": keys::APNS,
            "topic": "com.example.foghorn"
        }),
        ("android", _) => {
            json!({ "base_url": url, "service_account": service_account(provider).to_string() })
        }
        ("email", _) => json!({ "base_url": url, "token": "12345678", "from": "fog@example.com" }),
        ("slack", "api") => json!({ "base_url": url, "token": "xoxb-12345678", "channel": "C024BE91L" }),
        ("chat", "http") => json!({ "webhook_url": url, "body": "{\"text\":\"{{ text }}\"}" }),
        _ => json!({ "webhook_url": url }),
    }
}

fn build(way: Way, provider: &Provider) -> Arc<dyn Channel> {
    let mut settings: Settings = serde_json::from_value(settings(way, provider)).unwrap();
    settings.insert("allow_private_networks".to_owned(), true.into());
    settings.insert("ca_file".to_owned(), AUTHORITY.into());
    let built = channel_type(way.0).unwrap().build(way.1, &settings, &surroundings());
    built.unwrap_or_else(|problems| panic!("{way:?}: {problems:?}"))
}

#[tokio::test]
async fn a_senseless_yes_is_taken_at_its_word_or_known_by_nobody() {
    for way in WAYS {
        let (bodies, place) = (bodies(), std::sync::atomic::AtomicUsize::new(0));
        let all = bodies.len();
        let answer = move |_: &_| {
            let next = place.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Reply::Answer(200, vec![("content-type", "text/html".to_owned())], bodies[next % all].clone())
        };
        // FCM's access is asked for once, of somebody who makes sense.
        let provider = match way.1 {
            "fcm" => google(answer).await,
            _ => Provider::start_tls("server", answer).await,
        };
        let channel = build(*way, &provider);
        for body in 0..all {
            let outcome = channel.send(&incident(way.2, facts(NotificationKind::Opened))).await;
            let amounts_to = match &outcome {
                Outcome::Sent(receipt) => {
                    let id = receipt.provider_id.as_deref().unwrap_or_default();
                    assert!(id.len() <= 200 && !id.contains(char::is_control), "{way:?}: {id}");
                    TAKEN
                }
                Outcome::Failed(failure) if failure.fault == Fault::Unknown => NOBODY_KNOWS,
                other => panic!("{way:?}, body {body}: {other:?}"),
            };
            // Nothing at all is how workflows of Teams say yes.
            let expected = if way.1 == "teams" && body == 0 { TAKEN } else { way.3 };
            assert_eq!(amounts_to, expected, "{way:?}, body {body}: {outcome:?}");
        }
        let asked = provider.heard().iter().filter(|heard| heard.path != "/token").count();
        assert_eq!(asked, all, "{way:?}: one attempt is one request");
    }
}
