//! A message for Slack is one request, and each of Slack's words has exactly the effect that its line
//! says, whether it comes with its status or under 200.

use std::sync::Arc;
use std::time::Duration;

use foghorn::channels::codes::{CODES, Codes, Status};
use foghorn::channels::{Channel, channel_type};
use foghorn::domain::fault::{Fault, Outcome, Permanent, Scope};
use foghorn::domain::notification::NotificationKind;

use crate::support::jobs::{channel, direct, facts, failure, incident, surroundings};
use crate::support::provider::{Provider, Reply};
use crate::support::tls::AUTHORITY;

const PATH: &str = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
const TOKEN: &str = "xoxb-t0ken-that-nobody-reads";

fn webhook(url: &str, more: &str) -> Arc<dyn Channel> {
    let settings =
        format!("webhook_url='{url}{PATH}'\nallow_private_networks=true\nca_file='{AUTHORITY}'\n{more}");
    channel("slack", "webhook", &settings, &surroundings())
}

fn app(url: &str, more: &str) -> Arc<dyn Channel> {
    let settings = format!(
        "base_url='{url}/api'\ntoken='{TOKEN}'\nchannel='C024BE91L'\nallow_private_networks=true\n{more}"
    );
    channel("slack", "api", &settings, &surroundings())
}

fn ok() -> Reply {
    Reply::Answer(200, Vec::new(), b"ok".to_vec())
}

fn posted() -> Reply {
    Reply::json(200, r#"{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247","message":{}}"#)
}

fn table(provider: &str) -> &'static Codes {
    CODES.iter().find(|codes| codes.provider == provider).expect("a table")
}

async fn page(channel: &dyn Channel) -> Outcome {
    channel.send(&incident("", facts(NotificationKind::Opened))).await
}

#[tokio::test]
async fn a_page_is_one_post_to_the_address_with_blocks_and_a_line() {
    let slack = Provider::start_tls("server", |_| ok()).await;
    let Outcome::Sent(receipt) = page(&*webhook(&slack.url(), "")).await else { panic!("not sent") };
    assert_eq!((receipt.provider_id, receipt.answer.as_str()), (None, "200 ok"));
    let heard = slack.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!((heard[0].method.as_str(), heard[0].path.as_str()), ("POST", PATH));
    assert!(heard[0].header("content-type").starts_with("application/json"));
    let message = heard[0].json();
    assert!(message["text"].as_str().unwrap().contains("CRITICAL #1042 checkout-api: 5xx rate above 5%"));
    assert_eq!(message["blocks"][0]["type"], "header");
    assert!(!message.to_string().contains("acknowledge:"), "nobody would hear who presses");
}

#[tokio::test]
async fn an_app_posts_to_its_channel_with_its_token() {
    let slack = Provider::always(posted()).await;
    let Outcome::Sent(receipt) = page(&*app(&slack.url(), "")).await else { panic!("not sent") };
    assert_eq!(receipt.provider_id.as_deref(), Some("1503435956.000247"));
    let heard = &slack.heard()[0];
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/api/chat.postMessage"));
    assert_eq!(heard.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(heard.json()["channel"], "C024BE91L");
}

#[tokio::test]
async fn who_can_press_is_shown_what() {
    let slack = Provider::start(|heard| if heard.path == PATH { ok() } else { posted() }).await;
    let signed = "signing_secret='x'";
    for channel in [webhook(&slack.url(), signed), app(&slack.url(), signed)] {
        assert!(matches!(page(&*channel).await, Outcome::Sent(_)));
        let message = slack.heard().last().unwrap().json().to_string();
        assert!(message.contains("acknowledge:1042:3:") && message.contains("resolve:1042:3:"), "{message}");
        let over = incident("", facts(NotificationKind::Resolved));
        assert!(matches!(channel.send(&over).await, Outcome::Sent(_)));
        assert!(!slack.heard().last().unwrap().json().to_string().contains("resolve:"));
    }
}

#[tokio::test]
async fn a_text_calls_nobody() {
    let slack = Provider::always(ok()).await;
    let job = direct("", "<!channel>", "<!here> <@U1> <https://evil.example|the runbook> & more");
    assert!(matches!(webhook(&slack.url(), "").send(&job).await, Outcome::Sent(_)));
    let message = slack.heard()[0].json().to_string();
    assert!(!message.contains('<') && message.contains("&lt;!channel&gt;"), "{message}");
}

/// Line by line, and of whatever Slack says, nothing but its word comes back.
#[tokio::test]
async fn each_word_of_a_webhook_has_the_effect_of_its_line() {
    for rule in table("slack-webhook").rules {
        let (Status::Is(status) | Status::In(status, _)) = rule.status else { panic!("{rule:?}") };
        let body = if rule.code.is_empty() { format!("<html>{PATH}</html>") } else { rule.code.to_owned() };
        let slack = Provider::always(Reply::Answer(status, Vec::new(), body.into_bytes())).await;
        let failure = failure(page(&*webhook(&slack.url(), "")).await);
        assert_eq!(failure.fault, rule.meaning.fault(None), "{rule:?}");
        assert_eq!(failure.code, format!("{status} {}", rule.code).trim_end());
        assert_eq!(failure.detail, rule.why, "{rule:?}");
        assert_eq!(slack.heard().len(), 1, "{rule:?}: one attempt is one request");
    }
}

/// Whatever the status is: under 200, and under its own.
#[tokio::test]
async fn each_word_of_the_api_has_the_effect_of_its_line() {
    for rule in table("slack-api").rules {
        let statuses: &[u16] = match rule.status {
            Status::Is(status) => &[status],
            Status::In(..) => &[200],
            Status::Any => &[200, 400],
        };
        for status in statuses {
            let body = match (rule.code, status) {
                ("unreadable", _) => "<html>".to_owned(),
                ("", 200) => r#"{"ok":false,"error":"a_word_of_tomorrow"}"#.to_owned(),
                (code, _) => format!(r#"{{"ok":false,"error":"{code}"}}"#),
            };
            let slack = Provider::always(Reply::json(*status, &body)).await;
            let failure = failure(page(&*app(&slack.url(), "")).await);
            assert_eq!(failure.fault, rule.meaning.fault(None), "{status} {rule:?}");
            assert_eq!(slack.heard().len(), 1, "{rule:?}: one attempt is one request");
        }
    }
}

#[tokio::test]
async fn too_much_waits_as_long_as_slack_says_and_a_second_at_least() {
    let waits =
        |seconds| Fault::Throttled { retry_after: Some(Duration::from_secs(seconds)), scope: Scope::Channel };
    let limited = |body: &str| Reply::json(429, body).with("retry-after", "30");
    for (reply, expected) in [
        (limited(r#"{"ok":false,"error":"ratelimited"}"#), waits(30)),
        (limited(""), waits(30)),
        (Reply::json(429, ""), waits(1)),
        (Reply::json(200, r#"{"ok":false,"error":"ratelimited"}"#), waits(1)),
    ] {
        let slack = Provider::always(reply.clone()).await;
        assert_eq!(failure(page(&*app(&slack.url(), "")).await).fault, expected, "{reply:?}");
    }
    let slack = Provider::always(limited("rate_limited")).await;
    assert_eq!(failure(page(&*webhook(&slack.url(), "")).await).fault, waits(30));
}

#[tokio::test]
async fn what_the_design_says_of_each_status_holds() {
    let fault = |provider: &str, status, code| table(provider).find(status, code).meaning.fault(None);
    for (status, code) in [(403, "invalid_token"), (404, "no_service"), (410, "channel_is_archived")] {
        assert_eq!(fault("slack-webhook", status, code), Fault::Misconfigured, "{code}");
    }
    let unacceptable = Fault::Permanent(Permanent::Unacceptable);
    assert_eq!(fault("slack-webhook", 400, "invalid_payload"), unacceptable);
    assert_eq!(fault("slack-api", 200, "msg_too_long"), unacceptable);
    for code in ["channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "missing_scope"] {
        assert_eq!(fault("slack-api", 200, code), Fault::Misconfigured, "{code}");
    }
}

#[tokio::test]
async fn a_broken_connection_leaves_nobody_knowing() {
    for reply in [Reply::HangUp, Reply::Silence] {
        let slack = Provider::always(reply).await;
        for channel in [webhook(&slack.url(), "timeout='300ms'"), app(&slack.url(), "timeout='300ms'")] {
            assert_eq!(failure(page(&*channel).await).fault, Fault::Unknown);
        }
    }
}

#[tokio::test]
async fn a_probe_posts_nothing() {
    let slack = Provider::always(Reply::json(200, r#"{"ok":true,"team":"x"}"#)).await;
    assert!(app(&slack.url(), "").probe().await.is_ok());
    assert!(webhook(&slack.url(), "").probe().await.is_ok());
    let heard = slack.heard();
    assert_eq!((heard[0].path.as_str(), heard[1].method.as_str()), ("/api/auth.test", "HEAD"));
    let slack = Provider::always(Reply::json(200, r#"{"ok":false,"error":"invalid_auth"}"#)).await;
    let said = app(&slack.url(), "").probe().await.unwrap_err();
    assert!(said.starts_with("200 invalid_auth: ") && !said.contains(TOKEN), "{said}");
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let url = format!("webhook_url='https://hooks.slack.com{PATH}'");
    let app = format!("token='{TOKEN}'\nchannel='C1'");
    let cases = [
        ("webhook", String::new(), "webhook_url"),
        ("webhook", format!("webhook_url='{PATH}'"), "webhook_url"),
        ("webhook", format!("webhook_url='http://169.254.169.254{PATH}'"), "webhook_url"),
        ("webhook", format!("{url}\nprevious_signing_secret='x'"), "signing_secret"),
        ("webhook", format!("{url}\nchannel='C1'"), "channel"),
        ("api", "channel='C1'".to_owned(), "token"),
        ("api", format!("token='{TOKEN}'"), "channel"),
        ("api", format!("token='{TOKEN} x'\nchannel='C1'"), "token"),
        ("api", format!("token='{TOKEN}'\nchannel='a b'"), "channel"),
        ("api", format!("{app}\nbase_url='http://127.0.0.1'"), "base_url"),
    ];
    let kind = channel_type("slack").unwrap();
    for (provider, settings, key) in cases {
        let Err(problems) = kind.build(provider, &settings.parse().unwrap(), &surroundings()) else {
            panic!("taken: {settings}");
        };
        assert!(problems.iter().any(|problem| problem.key.as_deref() == Some(key)), "{key}: {problems:?}");
        assert!(!format!("{problems:?}").contains(TOKEN), "{problems:?}");
        assert!(!format!("{problems:?}").contains("XXXX"), "{problems:?}");
    }
    assert!(kind.build("api", &app.parse().unwrap(), &surroundings()).is_ok());
}
