//! A text message through Twilio is one form, posted once, and each of Twilio's codes has exactly the
//! effect that the table says.

use std::sync::Arc;
use std::time::Duration;

use foghorn::channels::codes::{CODES, Codes, Status};
use foghorn::channels::{Channel, channel_type};
use foghorn::domain::Timestamp;
use foghorn::domain::delivery::Job;
use foghorn::domain::fault::{Fault, Outcome, Permanent, Transient};
use foghorn::domain::notification::NotificationKind;
use url::form_urlencoded;

use crate::support::jobs::{NOW, channel, direct, facts, failure, incident, surroundings};
use crate::support::provider::{Heard, Provider, Reply};
use crate::support::tls::AUTHORITY;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const MESSAGE: &str = "SM0123456789abcdef0123456789abcdef";
const TOKEN: &str = "t0ken-that-nobody-reads";
const ADA: &str = "+15550111";

fn twilio(url: &str, more: &str) -> Arc<dyn Channel> {
    let sender = if more.contains("messaging_service_sid") { "" } else { "from='+15550100'" };
    let settings = format!(
        "account_sid='{ACCOUNT}'\nauth_token='{TOKEN}'\nbase_url='{url}'\n{sender}\n\
         allow_private_networks=true\nca_file='{AUTHORITY}'\n{more}"
    );
    channel("sms", "twilio", &settings, &surroundings())
}

fn page() -> Job {
    incident(ADA, facts(NotificationKind::Opened))
}

fn taken() -> Reply {
    Reply::json(201, &format!(r#"{{"sid":"{MESSAGE}","status":"queued","to":"{ADA}","error_code":null}}"#))
}

fn form(heard: &Heard) -> Vec<(String, String)> {
    form_urlencoded::parse(&heard.body).into_owned().collect()
}

fn table() -> &'static Codes {
    CODES.iter().find(|codes| codes.provider == "twilio").expect("a table")
}

#[tokio::test]
async fn a_page_is_one_form_with_exactly_these_fields() {
    let provider = Provider::start_tls("server", |_| taken()).await;
    let job = page();
    let callback = format!("https://foghorn.example.com/callbacks/mail?delivery={}", job.id);
    let Outcome::Sent(receipt) = twilio(&provider.url(), "").send(&job).await else { panic!("not sent") };
    assert_eq!(receipt.provider_id.as_deref(), Some(MESSAGE));
    assert_eq!(receipt.answer, "201 queued", "neither number nor words");
    let heard = &provider.heard()[0];
    assert_eq!(heard.version, hyper::Version::HTTP_2);
    assert_eq!(heard.method, "POST");
    assert_eq!(heard.path, format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    assert_eq!(heard.header("content-type"), "application/x-www-form-urlencoded");
    let expected = [
        ("To", ADA),
        ("From", "+15550100"),
        (
            "Body",
            "Foghorn CRIT #1042 checkout-api: 5xx rate above 5% https://foghorn.example.com/incidents/1042",
        ),
        ("StatusCallback", callback.as_str()),
        ("ValidityPeriod", "3600"),
    ];
    let sent = form(heard);
    let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let validity = sent[4].1.parse::<u64>().unwrap();
    assert!((3_590..=3_600).contains(&validity), "the clock of these tests moves on: {validity}");
    assert_eq!(sent[..4], expected[..4]);
    assert_eq!((sent.len(), sent[4].0), (5, "ValidityPeriod"));
}

#[tokio::test]
async fn the_login_is_the_accounts_or_a_keys() {
    use base64::Engine as _;
    let basic = |pair: String| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let key = "SK0123456789abcdef0123456789abcdef";
    let with_key = format!("api_key='{key}'\napi_secret='s3cret'");
    for (more, pair) in [("", format!("{ACCOUNT}:{TOKEN}")), (&with_key, format!("{key}:s3cret"))] {
        let provider = Provider::always(taken()).await;
        assert!(matches!(twilio(&provider.url(), more).send(&page()).await, Outcome::Sent(_)));
        assert_eq!(provider.heard()[0].header("authorization"), basic(pair));
    }
}

/// Whatever the table says, line by line, under every status that a line may come with.
#[tokio::test]
async fn each_code_has_the_effect_of_its_line() {
    for rule in table().rules {
        let status = match rule.status {
            Status::Is(status) | Status::In(status, _) => status,
            Status::Any => 400,
        };
        let body = format!(
            r#"{{"code":{},"message":"The 'To' number {ADA} is odd","more_info":"","status":{status}}}"#,
            rule.code
        );
        let provider = Provider::always(Reply::json(status, &body)).await;
        let failure = failure(twilio(&provider.url(), "").send(&page()).await);
        assert_eq!(failure.fault, rule.meaning.fault(None), "{}", rule.code);
        assert_eq!(failure.code, format!("{status} {}", rule.code));
        assert!(failure.detail.contains("is odd") && !failure.detail.contains("5550111"), "{failure:?}");
        assert_eq!(provider.heard().len(), 1, "{}: one attempt is one request", rule.code);
    }
}

#[tokio::test]
async fn the_codes_that_decide_about_people_are_in_the_table() {
    let fault = |code: &str| table().find(400, code).meaning.fault(None);
    for code in ["21211", "21614", "21612", "30005", "30006", "30004"] {
        assert_eq!(fault(code), Fault::Permanent(Permanent::RecipientGone), "{code}");
    }
    assert_eq!(fault("21610"), Fault::Permanent(Permanent::OptedOut));
    for code in ["20003", "21606", "30002", "30034"] {
        assert_eq!(fault(code), Fault::Misconfigured, "{code}");
    }
    for code in ["21408", "21608", "30007"] {
        assert_eq!(fault(code), Fault::Permanent(Permanent::Refused), "{code} holds nobody else");
    }
    for code in ["30003", "30008", "30410"] {
        assert_eq!(fault(code), Fault::Transient(Transient::Deferred), "{code}");
    }
    for code in ["20429", "30001"] {
        assert!(matches!(fault(code), Fault::Throttled { .. }), "{code}");
    }
}

#[tokio::test]
async fn what_has_no_code_means_what_its_status_says() {
    let cases = [
        (Reply::status(401), Fault::Misconfigured),
        (
            Reply::json(429, "{}"),
            Fault::Throttled { retry_after: None, scope: foghorn::domain::fault::Scope::Channel },
        ),
        (Reply::json(500, "<html>oops</html>"), Fault::Transient(Transient::Unavailable)),
        (Reply::status(503), Fault::Transient(Transient::Unavailable)),
        (Reply::json(400, r#"{"code":4242,"message":"new"}"#), Fault::Permanent(Permanent::Unacceptable)),
        (Reply::HangUp, Fault::Unknown),
        (Reply::Silence, Fault::Unknown),
    ];
    for (reply, expected) in cases {
        let provider = Provider::always(reply.clone()).await;
        let failure = failure(twilio(&provider.url(), "timeout='500ms'").send(&page()).await);
        assert_eq!(failure.fault, expected, "{reply:?}");
        assert_eq!(provider.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_yes_is_a_yes_whatever_stands_in_it() {
    for body in ["", "<html>", "{}", r#"{"sid":5}"#, r#"{"sid":"../../x","status":"<b>"}"#] {
        let provider = Provider::always(Reply::json(201, body)).await;
        let Outcome::Sent(receipt) = twilio(&provider.url(), "").send(&page()).await else {
            panic!("{body}")
        };
        assert_eq!((receipt.provider_id, receipt.answer.as_str()), (None, "201"), "{body}");
    }
}

#[tokio::test]
async fn a_number_that_can_be_none_costs_no_request() {
    let provider = Provider::always(taken()).await;
    let sms = twilio(&provider.url(), "");
    let letters = "+1555CALLADA";
    for wrong in [
        "",
        "+",
        letters,
        "+12345678901234567",
        "tel:+15550111",
        "15550111",
        "+1 555 0111",
        "+١٥٥٥٠١١١",
        "+1555\n0111",
    ] {
        let failure = failure(sms.send(&direct(wrong, "", "hi")).await);
        assert_eq!(failure.fault, Fault::Permanent(Permanent::RecipientGone), "{wrong}");
        assert!(wrong.len() < 3 || !format!("{failure:?}").contains(wrong), "{failure:?}");
    }
    assert_eq!((provider.connections(), provider.heard().len()), (0, 0));
}

#[tokio::test]
async fn a_message_is_worth_as_long_as_its_delivery_but_never_ten_seconds() {
    let now: Timestamp = NOW.parse().unwrap();
    let provider = Provider::always(taken()).await;
    let sms = twilio(&provider.url(), "");
    for (left, least, most) in [(1, 11, 11), (10, 11, 11), (600, 590, 600), (864_000, 36_000, 36_000)] {
        let job = Job { expires_at: now + Duration::from_secs(left), ..page() };
        assert!(matches!(sms.send(&job).await, Outcome::Sent(_)));
        let sent = form(provider.heard().last().unwrap());
        let (_, validity) = sent.iter().find(|(name, _)| name == "ValidityPeriod").unwrap();
        let validity: u64 = validity.parse().unwrap();
        assert!((least..=most).contains(&validity), "{left} s: {validity}");
    }
}

#[tokio::test]
async fn sender_and_receipts_are_as_they_are_configured() {
    let service = "MG0123456789abcdef0123456789abcdef";
    let service_line = format!("messaging_service_sid='{service}'");
    let cases: [(&str, &str, Option<&str>); 4] = [
        (&service_line, "MessagingServiceSid", Some(service)),
        ("status_callback=false", "StatusCallback", None),
        (
            "status_callback='https://other.example/x?a=b'",
            "StatusCallback",
            Some("https://other.example/x?a=b"),
        ),
        (
            "status_callback=true",
            "StatusCallback",
            Some("https://foghorn.example.com/callbacks/mail?delivery="),
        ),
    ];
    for (more, name, expected) in cases {
        let provider = Provider::always(taken()).await;
        assert!(matches!(twilio(&provider.url(), more).send(&page()).await, Outcome::Sent(_)));
        let sent = form(&provider.heard()[0]);
        let found = sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        // Behind it stands the delivery, another one each time.
        let found = found.map(|found| found.find("del_").map_or(found, |id| &found[..id]));
        assert_eq!(found, expected, "{more}");
        assert!(!(sent.iter().any(|(key, _)| key == "From") && name == "MessagingServiceSid"));
    }
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let account = format!("account_sid='{ACCOUNT}'");
    let full = format!("{account}\nauth_token='{TOKEN}'");
    let cases = [
        (String::new(), "account_sid"),
        ("account_sid='AC1'".to_owned(), "account_sid"),
        (format!("{account}\nfrom='+15550100'"), "auth_token"),
        (format!("{account}\napi_key='SK0123456789abcdef0123456789abcdef'"), "api_secret"),
        (format!("{account}\napi_secret='x'"), "api_key"),
        (full.clone(), "from"),
        (format!("{full}\nfrom='+1 555'"), "from"),
        (format!("{full}\nfrom='a name that is long'"), "from"),
        (
            format!("{full}\nfrom='+15550100'\nmessaging_service_sid='MG0123456789abcdef0123456789abcdef'"),
            "from",
        ),
        (format!("{full}\nmessaging_service_sid='x'"), "messaging_service_sid"),
        (format!("{full}\nfrom='Foghorn'\nreplies=true"), "replies"),
        (format!("{full}\nfrom='+15550100'\nstatus_callback='here'"), "status_callback"),
        (format!("{full}\nfrom='+15550100'\nmax_segments=11"), "max_segments"),
        (format!("{full}\nfrom='+15550100'\nencoding='utf8'"), "encoding"),
        (format!("{full}\nfrom='+15550100'\nbase_url='http://169.254.169.254'"), "base_url"),
    ];
    let kind = channel_type("sms").unwrap();
    for (settings, key) in cases {
        let Err(problems) = kind.build("twilio", &settings.parse().unwrap(), &surroundings()) else {
            panic!("taken: {settings}");
        };
        assert!(problems.iter().any(|problem| problem.key.as_deref() == Some(key)), "{key}: {problems:?}");
        assert!(!format!("{problems:?}").contains(TOKEN), "{problems:?}");
    }
    for from in ["+15550100", "12345", "Foghorn"] {
        let settings = format!("{full}\nfrom='{from}'").parse().unwrap();
        assert!(kind.build("twilio", &settings, &surroundings()).is_ok(), "{from}");
    }
}

#[tokio::test]
async fn a_probe_logs_in_and_sends_nothing() {
    let provider = Provider::always(Reply::json(200, r#"{"messages":[]}"#)).await;
    assert!(twilio(&provider.url(), "").probe().await.is_ok());
    let heard = provider.heard();
    assert_eq!((heard.len(), heard[0].method.as_str()), (1, "GET"));
    let refused = Reply::json(401, r#"{"code":20003,"message":"Authenticate","status":401}"#);
    let provider = Provider::always(refused).await;
    let said = twilio(&provider.url(), "").probe().await.unwrap_err();
    assert_eq!(said, "401 20003: Authenticate");
}

/// What is paid for is counted, by part and alphabet; what is not taken is not.
#[tokio::test]
async fn the_parts_of_what_was_sent_are_counted() {
    let metrics = foghorn::telemetry::metrics::install();
    let provider = Provider::always(taken()).await;
    let sms = twilio(&provider.url(), "max_segments=3");
    for body in ["x".repeat(161), "ж".repeat(71)] {
        let mut job = direct(ADA, "", &body);
        job.target.channel = "counted-sms".into();
        assert!(matches!(sms.send(&job).await, Outcome::Sent(_)));
    }
    let page = metrics.render();
    for encoding in ["gsm7", "ucs2"] {
        let line = format!(r#"foghorn_sms_segments_total{{channel="counted-sms",encoding="{encoding}"}} 2"#);
        assert!(page.contains(&line), "no {line}");
    }
}
