//! Mail through Postmark and SendGrid is one request with the same words, the same id and the same
//! thread as over SMTP, and each of their answers has exactly the effect that its line says.

use std::sync::Arc;
use std::time::Duration;

use foghorn::channels::codes::{CODES, Codes, Status};
use foghorn::channels::{Channel, channel_type};
use foghorn::domain::Timestamp;
use foghorn::domain::delivery::Job;
use foghorn::domain::fault::{Fault, Outcome, Permanent, Scope, Transient};
use foghorn::domain::notification::NotificationKind;
use serde_json::{Value, json};

use crate::support::jobs::{NOW, channel, direct, facts, failure, incident, surroundings};
use crate::support::provider::{Provider, Reply};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tls::AUTHORITY;

const TOKEN: &str = "t0ken-that-nobody-reads";
const ADA: &str = "ada@example.com";

fn mail(provider: &str, url: &str, more: &str) -> Arc<dyn Channel> {
    let settings = format!(
        "token='{TOKEN}'\nfrom='\"Föghorn, Inc\" <foghorn@example.com>'\nreply_to='ops@example.com'\n\
         base_url='{url}'\nallow_private_networks=true\nca_file='{AUTHORITY}'\n{more}"
    );
    channel("email", provider, &settings, &surroundings())
}

fn page() -> Job {
    incident(ADA, facts(NotificationKind::Opened))
}

fn taken(provider: &str) -> Reply {
    match provider {
        "postmark" => {
            Reply::json(200, r#"{"ErrorCode":0,"Message":"OK","MessageID":"b7bc2f4a-e38e","To":"x"}"#)
        }
        _ => Reply::status(202).with("x-message-id", "14c5d75ce93"),
    }
}

fn table(provider: &str) -> &'static Codes {
    CODES.iter().find(|codes| codes.provider == provider).expect("a table")
}

/// What `provider` says when it refuses with this code about this.
fn refusal(provider: &str, status: u16, code: &str, words: &str) -> Reply {
    let body = match provider {
        "postmark" => json!({ "ErrorCode": code.parse::<u32>().unwrap_or(0), "Message": words }),
        _ => json!({ "errors": [{ "field": code, "message": words, "help": null }] }),
    };
    Reply::json(status, &body.to_string())
}

/// The headers of a request, name by name.
fn headers(provider: &str, body: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match provider {
        "postmark" => {
            let all = body["Headers"].as_array().unwrap();
            all.iter().map(|one| (text(&one["Name"]), text(&one["Value"]))).collect()
        }
        _ => body["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    }
}

#[tokio::test]
async fn a_page_is_one_request_with_exactly_these_fields() {
    let job = page();
    let provider = Provider::start_tls("server", |_| taken("postmark")).await;
    let postmark = mail("postmark", &provider.url(), "message_stream='pages'");
    let Outcome::Sent(receipt) = postmark.send(&job).await else { panic!("not sent") };
    assert_eq!((receipt.provider_id.as_deref(), receipt.answer.as_str()), (Some("b7bc2f4a-e38e"), "200"));
    let heard = provider.wait_for(1).await.remove(0);
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/email"));
    assert_eq!(heard.header("x-postmark-server-token"), TOKEN);
    let body = heard.json();
    for (field, value) in [
        ("From", "\"Föghorn, Inc\" <foghorn@example.com>".to_owned()),
        ("To", ADA.to_owned()),
        ("ReplyTo", "ops@example.com".to_owned()),
        ("MessageStream", "pages".to_owned()),
    ] {
        assert_eq!(body[field], value);
    }
    let keeps = ("X-PM-KeepID".to_owned(), "true".to_owned());
    assert!(headers("postmark", &body).contains(&keeps), "or Postmark makes an id of its own");

    let provider = Provider::start_tls("server", |_| taken("sendgrid")).await;
    let Outcome::Sent(receipt) = mail("sendgrid", &provider.url(), "").send(&job).await else {
        panic!("not sent")
    };
    assert_eq!((receipt.provider_id.as_deref(), receipt.answer.as_str()), (Some("14c5d75ce93"), "202"));
    let heard = provider.wait_for(1).await.remove(0);
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/v3/mail/send"));
    assert_eq!(heard.header("authorization"), format!("Bearer {TOKEN}"));
    let body = heard.json();
    assert_eq!(body["personalizations"], json!([{ "to": [{ "email": ADA }] }]));
    assert_eq!(body["from"], json!({ "email": "foghorn@example.com", "name": "Föghorn, Inc" }));
    assert_eq!(body["reply_to"], json!({ "email": "ops@example.com" }));
    let kinds = [&body["content"][0]["type"], &body["content"][1]["type"]];
    assert_eq!(kinds, ["text/plain", "text/html"], "in this order, or it is refused");
}

/// The same job, over SMTP and over HTTP.
#[tokio::test]
async fn words_id_and_thread_are_those_of_smtp() {
    let job = page();
    let sink = SmtpSink::start().await;
    let smtp = format!("host='127.0.0.1'\nport={}\nsecurity='none'\nfrom='foghorn@example.com'", sink.port);
    assert!(matches!(channel("email", "smtp", &smtp, &surroundings()).send(&job).await, Outcome::Sent(_)));
    let raw = sink.wait_for(1).await.remove(0).raw;
    let sent = mail_parser::MessageParser::default().parse(&raw).unwrap();
    for provider in ["postmark", "sendgrid"] {
        let heard = Provider::always(taken(provider)).await;
        assert!(matches!(mail(provider, &heard.url(), "").send(&job).await, Outcome::Sent(_)));
        let body = heard.heard()[0].json();
        let headers = headers(provider, &body);
        for name in [
            "Message-ID",
            "In-Reply-To",
            "References",
            "Importance",
            "List-Id",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "X-Foghorn-Incident",
            "X-Foghorn-Severity",
            "X-Foghorn-Status",
        ] {
            let (_, value) = headers.iter().find(|(known, _)| known == name).expect(name);
            assert_eq!(Some(value.as_str()), sent.header_raw(name).map(str::trim), "{provider} {name}");
        }
        let (subject, text, html) = match provider {
            "postmark" => (&body["Subject"], &body["TextBody"], &body["HtmlBody"]),
            _ => (&body["subject"], &body["content"][0]["value"], &body["content"][1]["value"]),
        };
        assert_eq!(subject.as_str(), sent.subject(), "{provider}");
        let plain = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
        assert_eq!(plain(text.as_str().unwrap()), plain(&sent.body_text(0).unwrap()), "{provider}");
        assert_eq!(plain(html.as_str().unwrap()), plain(&sent.body_html(0).unwrap()), "{provider}");
    }
}

/// Whatever the tables say, line by line.
#[tokio::test]
async fn each_code_has_the_effect_of_its_line() {
    for name in ["postmark", "sendgrid"] {
        for rule in table(name).rules {
            let status = match rule.status {
                Status::Is(status) | Status::In(status, _) => status,
                Status::Any => 422,
            };
            let code = rule.code.replace('*', ".0.email");
            let words = format!("{ADA} is odd");
            let provider = Provider::always(refusal(name, status, &code, &words)).await;
            let failure = failure(mail(name, &provider.url(), "").send(&page()).await);
            assert_eq!(failure.fault, rule.meaning.fault(None), "{name} {status} {code}");
            assert_eq!(failure.code, format!("{status} {code}").trim_end());
            assert!(failure.detail.contains("is odd") && !failure.detail.contains("ada@"), "{failure:?}");
            assert_eq!(provider.heard().len(), 1, "{name} {code}: one attempt is one request");
        }
    }
}

#[tokio::test]
async fn the_codes_that_decide_about_people_and_the_channel_are_in_the_tables() {
    let fault = |name, status, code| table(name).find(status, code).meaning.fault(None);
    const GONE: Fault = Fault::Permanent(Permanent::RecipientGone);
    const UNACCEPTABLE: Fault = Fault::Permanent(Permanent::Unacceptable);
    const THROTTLED: Fault = Fault::Throttled { retry_after: None, scope: Scope::Channel };
    for (name, status, code, expected) in [
        ("postmark", 422, "406", GONE),
        ("postmark", 401, "10", Fault::Misconfigured),
        ("postmark", 422, "300", UNACCEPTABLE),
        ("postmark", 422, "401", Fault::Misconfigured),
        ("postmark", 429, "429", THROTTLED),
        ("postmark", 429, "", THROTTLED),
        ("postmark", 500, "", Fault::Transient(Transient::Unavailable)),
        ("sendgrid", 400, "personalizations.0.to.0.email", GONE),
        ("sendgrid", 400, "from.email", Fault::Misconfigured),
        ("sendgrid", 400, "subject", UNACCEPTABLE),
        ("sendgrid", 401, "", Fault::Misconfigured),
        ("sendgrid", 403, "", Fault::Misconfigured),
        ("sendgrid", 413, "", UNACCEPTABLE),
        ("sendgrid", 429, "", THROTTLED),
        ("sendgrid", 503, "", Fault::Transient(Transient::Unavailable)),
    ] {
        assert_eq!(fault(name, status, code), expected, "{name} {status} {code}");
    }
}

#[tokio::test]
async fn a_throttle_lasts_as_long_as_the_provider_says() {
    let now: Timestamp = NOW.parse().unwrap();
    let reset = |seconds: i64| (now.as_second() + seconds).to_string();
    let wish = async |reply: Reply, provider: &str| {
        let sim = Provider::always(reply).await;
        match failure(mail(provider, &sim.url(), "").send(&page()).await).fault {
            Fault::Throttled { retry_after, scope: Scope::Channel } => retry_after,
            other => panic!("{other:?}"),
        }
    };
    let limited = || Reply::json(429, r#"{"errors":[{"field":null,"message":"too many requests"}]}"#);
    let told = wish(limited().with("x-ratelimit-reset", &reset(90)), "sendgrid").await.unwrap();
    assert!((80..=90).contains(&told.as_secs()), "the clock of these tests moves on: {told:?}");
    for odd in ["soon", "-1", "0", "99999999999999999999", &reset(-5), &reset(86_400)] {
        assert_eq!(wish(limited().with("x-ratelimit-reset", odd), "sendgrid").await, None, "{odd}");
    }
    for provider in ["postmark", "sendgrid"] {
        let told = wish(Reply::status(429).with("retry-after", "7"), provider).await;
        assert_eq!(told, Some(Duration::from_secs(7)), "{provider}");
    }
}

#[tokio::test]
async fn what_says_neither_yes_nor_no_is_judged_by_its_status() {
    for provider in ["postmark", "sendgrid"] {
        let cases = [
            (Reply::status(401), Fault::Misconfigured),
            (Reply::json(500, "<html>oops</html>"), Fault::Transient(Transient::Unavailable)),
            (Reply::json(422, "[]"), Fault::Permanent(Permanent::Unacceptable)),
            (Reply::HangUp, Fault::Unknown),
            (Reply::Silence, Fault::Unknown),
        ];
        for (reply, expected) in cases {
            let sim = Provider::always(reply.clone()).await;
            let failure = failure(mail(provider, &sim.url(), "timeout='500ms'").send(&page()).await);
            assert_eq!(failure.fault, expected, "{provider} {reply:?}");
            assert_eq!(sim.heard().len(), 1);
        }
        for body in ["", "<html>", "{}", r#"{"MessageID":5}"#] {
            let sim = Provider::always(Reply::json(200, body)).await;
            let outcome = mail(provider, &sim.url(), "").send(&page()).await;
            assert!(matches!(outcome, Outcome::Sent(_)), "a yes is a yes: {provider} {body}");
        }
    }
}

#[tokio::test]
async fn an_address_that_can_be_none_costs_no_request_and_words_of_any_kind_arrive() {
    for provider in ["postmark", "sendgrid"] {
        let sim = Provider::always(taken(provider)).await;
        let channel = mail(provider, &sim.url(), "");
        for wrong in ["", "ada", "a@b.com,x@y.com", "a@b.com\r\nBcc: x@y.com"] {
            let failure = failure(channel.send(&direct(wrong, "s", "b")).await);
            assert_eq!(failure.fault, Fault::Permanent(Permanent::RecipientGone), "{provider} {wrong}");
        }
        assert_eq!(sim.heard().len(), 0);
        let odd = "\u{202e}a\r\nBcc: x@y.com\u{0}\"</script>🚨";
        assert!(matches!(channel.send(&direct(ADA, odd, odd)).await, Outcome::Sent(_)));
        let body = sim.heard()[0].json();
        let subject = body["Subject"].as_str().or(body["subject"].as_str()).unwrap();
        assert!(!subject.chars().any(char::is_control), "{subject:?}");
        for (name, value) in headers(provider, &body) {
            assert!(!value.chars().any(char::is_control), "{name}: {value:?}");
        }
    }
}

#[tokio::test]
async fn a_probe_asks_what_only_the_token_may_ask_and_sends_nothing() {
    for (provider, path) in [("postmark", "/server"), ("sendgrid", "/v3/scopes")] {
        let sim = Provider::always(Reply::json(200, "{}")).await;
        assert!(mail(provider, &sim.url(), "").probe().await.is_ok());
        let heard = sim.heard();
        assert_eq!((heard[0].method.as_str(), heard[0].path.as_str()), ("GET", path));
        let sim = Provider::always(refusal(provider, 401, "10", "no")).await;
        let said = mail(provider, &sim.url(), "").probe().await.unwrap_err();
        assert!(said.starts_with("401"), "{said}");
    }
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let kind = channel_type("email").unwrap();
    for provider in ["postmark", "sendgrid"] {
        for (settings, key) in [
            ("from='a@example.com'".to_owned(), "token"),
            (format!("token='{TOKEN}'"), "from"),
            (format!("token='{TOKEN}'\nfrom='nobody'"), "from"),
            (format!("token='{TOKEN}'\nfrom='a@example.com'\nreply_to='x\\ny'"), "reply_to"),
            (format!("token='{TOKEN}'\nfrom='a@example.com'\nbase_url='http://169.254.169.254'"), "base_url"),
            (format!("token='{TOKEN}'\nfrom='a@example.com'\nhost='x'"), "host"),
        ] {
            let Err(problems) = kind.build(provider, &settings.parse().unwrap(), &surroundings()) else {
                panic!("taken: {settings}");
            };
            assert!(
                problems.iter().any(|problem| problem.key.as_deref() == Some(key)),
                "{key}: {problems:?}"
            );
            assert!(!format!("{problems:?}").contains(TOKEN), "{problems:?}");
        }
    }
}
