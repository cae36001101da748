//! A message for a chat is one request in its own shape, it calls nobody, and each of the chat's answers
//! has exactly the effect that its line says.

use std::sync::Arc;
use std::time::Duration;

use foghorn::channels::codes::{CODES, Codes, Rule, Status};
use foghorn::channels::{Channel, channel_type};
use foghorn::domain::fault::{Fault, Outcome, Scope, Transient};
use foghorn::domain::notification::NotificationKind;

use crate::support::jobs::{channel, direct, facts, failure, incident, surroundings};
use crate::support::provider::{Provider, Reply};

const PATH: &str = "/hooks/42/t0ken-that-nobody-reads";
const BODY: &str = r#"body='{"t":"{{ text }}","n":"{{ number }}","s":"{{ severity }}","u":"{{ link }}"}'"#;
const PRESETS: [&str; 3] = ["teams", "discord", "mattermost"];

fn chat(provider: &str, url: &str, more: &str) -> Arc<dyn Channel> {
    let settings = format!("webhook_url='{url}{PATH}'\nallow_private_networks=true\n{more}");
    channel("chat", provider, &settings, &surroundings())
}

fn plain(status: u16, body: &str) -> Reply {
    Reply::Answer(status, Vec::new(), body.as_bytes().to_vec())
}

/// How each chat says yes.
fn yes(provider: &str) -> Reply {
    match provider {
        "discord" => Reply::json(200, r#"{"id":"1234567890","content":""}"#),
        "mattermost" => plain(200, "ok"),
        _ => Reply::status(202),
    }
}

fn table(provider: &str) -> &'static Codes {
    CODES.iter().find(|codes| codes.provider == provider).expect("a table")
}

async fn page(channel: &dyn Channel) -> Outcome {
    channel.send(&incident("", facts(NotificationKind::Opened))).await
}

#[tokio::test]
async fn each_chat_hears_one_request_in_its_shape() {
    for (provider, path, shape) in [
        ("teams", PATH.to_owned(), "/attachments/0/content/body/0/inlines/0/text"),
        ("discord", format!("{PATH}?wait=true"), "/embeds/0/title"),
        ("mattermost", PATH.to_owned(), "/text"),
    ] {
        let there = Provider::always(yes(provider)).await;
        let Outcome::Sent(receipt) = page(&*chat(provider, &there.url(), "")).await else {
            panic!("{provider}")
        };
        assert_eq!(receipt.provider_id.as_deref(), (provider == "discord").then_some("1234567890"));
        let heard = &there.heard()[0];
        assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", path.as_str()));
        assert_eq!(heard.header("content-type"), "application/json");
        let message = heard.json();
        let title = message.pointer(shape).and_then(|text| text.as_str()).unwrap();
        assert!(title.contains("CRITICAL checkout-api: 5xx rate above 5%"), "{title}");
        assert_eq!(there.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_text_calls_nobody() {
    let evil = "@everyone @all <@&1> <at>ada</at>";
    let mut said = Vec::new();
    for provider in PRESETS {
        let there = Provider::always(yes(provider)).await;
        let job = direct("", evil, evil);
        assert!(matches!(chat(provider, &there.url(), "").send(&job).await, Outcome::Sent(_)), "{provider}");
        said.push(there.heard()[0].json());
    }
    assert_eq!(said[0].pointer("/attachments/0/content/msteams/entities"), None, "nobody is named");
    assert_eq!(said[1]["allowed_mentions"], serde_json::json!({ "parse": [] }));
    assert!(!said[2].to_string().contains("@everyone") && !said[2].to_string().contains("@all"));
}

/// What the chat says under this line: status and body.
fn no(provider: &str, rule: &Rule) -> Reply {
    let status = match (rule.status, provider) {
        (Status::Is(status) | Status::In(status, _), _) => status,
        (Status::Any, _) => 400,
    };
    let code = rule.code;
    match (provider, code) {
        (_, "") => plain(status, &format!("<html>{PATH}</html>")),
        ("discord", _) => Reply::json(status, &format!(r#"{{"code":{code},"message":"it is odd"}}"#)),
        ("mattermost", _) => {
            Reply::json(status, &format!(r#"{{"id":"{code}","message":"it is odd","status_code":{status}}}"#))
        }
        (_, _) if status == 200 => plain(
            200,
            &format!(
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned {} with it is odd",
                code.replace("HTTP ", "HTTP error ").replace("5xx", "503")
            ),
        ),
        (_, _) => Reply::json(status, &format!(r#"{{"error":{{"code":"{code}","message":"it is odd"}}}}"#)),
    }
}

/// Line by line.
#[tokio::test]
async fn each_answer_has_the_effect_of_its_line() {
    for provider in PRESETS {
        for rule in table(provider).rules {
            let there = Provider::always(no(provider, rule)).await;
            let failure = failure(page(&*chat(provider, &there.url(), "")).await);
            assert_eq!(failure.fault, rule.meaning.fault(None), "{provider} {rule:?}");
            assert!(failure.code.ends_with(rule.code), "{provider} {rule:?}: {}", failure.code);
            if !rule.code.is_empty() {
                assert!(failure.detail.contains("it is odd"), "{provider} {rule:?}: {}", failure.detail);
            }
            assert!(!failure.detail.contains("t0ken"), "{provider} {rule:?}: {}", failure.detail);
            assert_eq!(there.heard().len(), 1, "{provider} {rule:?}: one attempt is one request");
        }
    }
}

#[tokio::test]
async fn what_no_line_names_means_what_http_says() {
    for provider in PRESETS {
        let there = Provider::always(Reply::status(503)).await;
        let fault = failure(page(&*chat(provider, &there.url(), "")).await).fault;
        assert_eq!(fault, Fault::Transient(Transient::Unavailable), "{provider}");
        let there = Provider::always(Reply::HangUp).await;
        assert_eq!(
            failure(page(&*chat(provider, &there.url(), "")).await).fault,
            Fault::Unknown,
            "{provider}"
        );
    }
}

#[tokio::test]
async fn discord_is_left_alone_as_long_as_body_or_header_says() {
    let limited = r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#;
    let odd = r#"{"message":"x","retry_after":-1}"#;
    let millis = |millis| Some(Duration::from_millis(millis));
    for (reply, retry_after) in [
        (Reply::json(429, limited), millis(64_570)),
        (Reply::json(429, limited).with("retry-after", "65"), millis(65_000)),
        (Reply::json(429, odd).with("retry-after", "3"), millis(3_000)),
        (plain(429, "<html>").with("retry-after", "600"), millis(600_000)),
        (Reply::json(429, odd), None),
    ] {
        let there = Provider::always(reply.clone()).await;
        let fault = failure(page(&*chat("discord", &there.url(), "")).await).fault;
        assert_eq!(fault, Fault::Throttled { retry_after, scope: Scope::Channel }, "{reply:?}");
    }
}

#[tokio::test]
async fn a_yes_is_what_the_chat_calls_one() {
    for (provider, reply, sent) in [
        ("teams", plain(200, "1"), true),
        ("teams", plain(200, ""), true),
        ("teams", plain(202, "{}"), true),
        ("teams", plain(200, "Summary or Text is required."), false),
        ("discord", Reply::status(204), true),
        ("discord", plain(200, "<html>"), true),
        ("mattermost", plain(200, "ok\n"), true),
        ("mattermost", plain(200, "<html>log in</html>"), false),
    ] {
        let there = Provider::always(reply.clone()).await;
        match page(&*chat(provider, &there.url(), "")).await {
            Outcome::Sent(_) if sent => {}
            Outcome::Failed(failure) if !sent => assert_eq!(failure.fault, Fault::Unknown, "{reply:?}"),
            outcome => panic!("{provider} {reply:?}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn any_other_chat_hears_what_the_operator_wrote() {
    let there =
        Provider::start(|heard| Reply::json(200, &format!(r#"{{"ok":true,"of":"{}"}}"#, heard.path))).await;
    let proof = "success_pointer='/ok'\nsuccess_value=true";
    let other = chat("http", &there.url(), &format!("{BODY}\n{proof}"));
    let Outcome::Sent(receipt) = page(&*other).await else { panic!("not sent") };
    assert!(!receipt.answer.contains("t0ken"), "{}", receipt.answer);
    let heard = there.heard()[0].json();
    assert!(heard["t"].as_str().unwrap().contains("CRITICAL #1042 checkout-api"));
    assert_eq!((&heard["n"], &heard["s"]), (&"1042".into(), &"critical".into()));
    assert_eq!(heard["u"], "https://foghorn.example.com/incidents/1042");
    // Whatever is said ends no string, and a message about no incident leaves the rest empty.
    assert!(matches!(other.send(&direct("", "", r#"say "hi","n":"7""#)).await, Outcome::Sent(_)));
    let heard = there.heard()[1].json();
    assert_eq!((&heard["t"], &heard["n"]), (&r#"say "hi","n":"7""#.into(), &"".into()));
}

#[tokio::test]
async fn each_line_of_the_table_for_any_other_chat_has_its_effect() {
    for rule in table("chat-http").rules {
        let (Status::Is(status) | Status::In(status, _)) = rule.status else { panic!("{rule:?}") };
        let there = Provider::always(plain(status, PATH)).await;
        let failure =
            failure(page(&*chat("http", &there.url(), &format!("{BODY}\nsuccess_text='yes'"))).await);
        assert_eq!(failure.fault, rule.meaning.fault(None), "{rule:?}");
        assert!(!failure.detail.contains("t0ken"), "{}", failure.detail);
    }
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let url = format!("webhook_url='https://chat.example.com{PATH}'");
    let mut cases = vec![
        ("http", format!("{url}\nbody='{{{{ to }}}}'"), "body"),
        ("http", url.clone(), "body"),
        ("http", format!("url='https://chat.example.com{PATH}'\n{BODY}"), "url"),
        ("http", BODY.to_owned(), "webhook_url"),
        ("discord", format!("{url}\n{BODY}"), "body"),
    ];
    cases.extend(PRESETS.map(|provider| (provider, String::new(), "webhook_url")));
    cases.extend(
        PRESETS.map(|provider| (provider, format!("webhook_url='http://10.0.0.1{PATH}'"), "webhook_url")),
    );
    let kind = channel_type("chat").unwrap();
    for (provider, settings, key) in cases {
        let Err(problems) = kind.build(provider, &settings.parse().unwrap(), &surroundings()) else {
            panic!("taken: {provider} {settings}");
        };
        assert!(problems.iter().any(|problem| problem.key.as_deref() == Some(key)), "{key}: {problems:?}");
        assert!(!format!("{problems:?}").contains("t0ken"), "{problems:?}");
    }
}

#[tokio::test]
async fn a_probe_posts_nothing() {
    for (provider, more) in [("teams", ""), ("discord", ""), ("mattermost", ""), ("http", BODY)] {
        let there = Provider::always(Reply::status(405)).await;
        let said = chat(provider, &there.url(), more).probe().await.unwrap();
        assert!(said.contains("answers") && !said.contains("t0ken"), "{said}");
        assert_eq!(there.heard()[0].method, "HEAD");
    }
}
