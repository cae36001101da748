//! A gateway hears the request that the operator described, and its answer means what they said.

use std::sync::Arc;

use foghorn::channels::codes::CODES;
use foghorn::channels::{Channel, channel_type};
use foghorn::domain::fault::{Fault, Outcome, Permanent, Transient};
use foghorn::domain::notification::NotificationKind;
use url::form_urlencoded;

use crate::support::jobs::{channel, direct, facts, failure, incident, surroundings};
use crate::support::provider::{Provider, Reply};
use crate::support::tls::AUTHORITY;

const ADA: &str = "+15550111";
const SECRET: &str = "s3cret-that-nobody-reads";
const JSON: &str = r#"body='{"to":"{{ to }}","text":"{{ text }}","ref":"{{ id }}"}'"#;
const FORM: &str = "content_type='application/x-www-form-urlencoded'\n\
    body='to={{ to[1:] }}&text={{ text }}&from={{ from }}&key={{ secret }}'";

fn gateway(url: &str, more: &str) -> Arc<dyn Channel> {
    let settings =
        format!("url='{url}/send?v=2'\nallow_private_networks=true\nca_file='{AUTHORITY}'\n{more}");
    channel("sms", "http", &settings, &surroundings())
}

#[tokio::test]
async fn a_body_of_json_holds_any_words() {
    let provider = Provider::start_tls("server", |_| Reply::status(202)).await;
    let sms = gateway(&provider.url(), &format!("{JSON}\nheaders={{ authorization = 'Bearer {SECRET}' }}"));
    let job = direct(ADA, "", r#"say "hi" \ {{ to }} ","to":"+1"#);
    assert!(matches!(sms.send(&job).await, Outcome::Sent(_)));
    let heard = &provider.heard()[0];
    assert_eq!(heard.version, hyper::Version::HTTP_2);
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/send?v=2"));
    assert_eq!(heard.header("content-type"), "application/json");
    assert_eq!(heard.header("authorization"), format!("Bearer {SECRET}"));
    let expected = serde_json::json!({
        "to": ADA, "text": r#"say "hi" \ {{ to }} ","to":"+1"#, "ref": job.id.to_string()
    });
    assert_eq!(heard.json(), expected);
}

#[tokio::test]
async fn a_form_or_a_query_holds_any_words() {
    let words = "50 % & more = +1 ü €";
    let secret = format!("from='4242'\nsecret='{SECRET}'");
    let put = format!("method='PUT'\n{FORM}\n{secret}");
    let get = format!("method='GET'\n{secret}\n{}", FORM.lines().last().unwrap());
    for (settings, method) in [(put, "PUT"), (get, "GET")] {
        let provider = Provider::always(Reply::status(200)).await;
        let sms = gateway(&provider.url(), &settings);
        assert!(matches!(sms.send(&direct(ADA, "", words)).await, Outcome::Sent(_)));
        let heard = &provider.heard()[0];
        assert_eq!(heard.method, method);
        let (path, query) = heard.path.split_once('?').unwrap();
        let sent = if method == "GET" { query.strip_prefix("v=2&").unwrap() } else { &heard.text() };
        let sent: Vec<(String, String)> = form_urlencoded::parse(sent.as_bytes()).into_owned().collect();
        let expected = [("to", "15550111"), ("text", words), ("from", "4242"), ("key", SECRET)];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((path, heard.body.is_empty()), ("/send", method == "GET"));
    }
}

#[tokio::test]
async fn a_yes_is_what_the_operator_calls_one() {
    let pointer = "success_pointer='/result/code'\nsuccess_value=0";
    let text = "success_text='OK'";
    let no = Fault::Transient(Transient::Unavailable);
    let cases = [
        ("", Reply::status(200), None),
        ("", Reply::status(204), None),
        ("", Reply::json(200, "ERR 5"), None),
        ("success_status=[202]", Reply::status(202), None),
        ("success_status=[202]", Reply::status(200), Some(no)),
        ("success_status=[302]", Reply::status(302), None),
        (pointer, Reply::json(200, r#"{"result":{"code":0}}"#), None),
        (pointer, Reply::json(200, r#"{"result":{"code":"0"}}"#), None),
        (pointer, Reply::json(200, r#"{"result":{"code":7}}"#), Some(no)),
        (pointer, Reply::json(200, r#"{"result":null}"#), Some(no)),
        (pointer, Reply::json(200, "<html>"), Some(no)),
        (pointer, Reply::json(500, r#"{"result":{"code":0}}"#), Some(no)),
        (text, Reply::json(200, "OK 17"), None),
        (text, Reply::json(200, "ERR 17"), Some(no)),
        (text, Reply::json(400, "OK"), Some(Fault::Permanent(Permanent::Unacceptable))),
        (text, Reply::json(401, "OK"), Some(Fault::Misconfigured)),
        (text, Reply::HangUp, Some(Fault::Unknown)),
    ];
    for (settings, reply, expected) in cases {
        let provider = Provider::always(reply.clone()).await;
        let outcome =
            gateway(&provider.url(), &format!("{JSON}\n{settings}")).send(&direct(ADA, "", "x")).await;
        match (outcome, expected) {
            (Outcome::Sent(_), None) => {}
            (Outcome::Failed(failure), Some(fault)) => {
                assert_eq!(failure.fault, fault, "{settings} {reply:?}")
            }
            (outcome, expected) => panic!("{settings} {reply:?}: {outcome:?}, not {expected:?}"),
        }
        assert_eq!(provider.heard().len(), 1, "{settings} {reply:?}: one attempt is one request");
    }
}

/// The gateway's own line and all of HTTP's below it.
#[tokio::test]
async fn each_line_of_the_tables_has_its_effect() {
    let tables = CODES.iter().filter(|codes| matches!(codes.provider, "sms-http" | "http"));
    let rules: Vec<_> = tables.flat_map(|codes| codes.rules).collect();
    assert!(rules.len() > 10);
    let own = CODES.iter().find(|codes| codes.provider == "sms-http").unwrap();
    for rule in rules {
        let status = match rule.status {
            foghorn::channels::codes::Status::Is(status) => status,
            foghorn::channels::codes::Status::In(first, _) => first,
            foghorn::channels::codes::Status::Any => continue,
        };
        let provider = Provider::always(Reply::json(status, "no")).await;
        let sms = gateway(&provider.url(), &format!("{JSON}\nsuccess_text='yes'"));
        let failure = failure(sms.send(&direct(ADA, "", "x")).await);
        assert_eq!(failure.fault, own.find(status, "").meaning.fault(None), "{status}");
        assert_eq!(failure.code, status.to_string());
    }
}

#[tokio::test]
async fn the_gateways_own_id_is_kept_if_it_can_be_one() {
    let table = [
        (r#"{"messages":[{"id":"m-17"}]}"#, Some("m-17")),
        (r#"{"messages":[{"id":17}]}"#, Some("17")),
        (r#"{"messages":[{"id":"a b\n"}]}"#, None),
        (r#"{"messages":[]}"#, None),
        ("m-17", None),
    ];
    for (body, expected) in table {
        let provider = Provider::always(Reply::json(200, body)).await;
        let sms = gateway(&provider.url(), &format!("{JSON}\nid_pointer='/messages/0/id'"));
        let Outcome::Sent(receipt) = sms.send(&direct(ADA, "", "x")).await else { panic!("{body}") };
        assert_eq!(receipt.provider_id.as_deref(), expected, "{body}");
    }
}

/// A gateway that repeats everything it was told.
#[tokio::test]
async fn neither_number_nor_secret_comes_back_in_words() {
    for status in [200, 400] {
        let provider = Provider::start(move |heard| {
            // The end of what is kept falls into the middle of the secret.
            let said = format!("{} {} ", heard.header("x-api-key"), heard.text());
            let said = format!("{said}{}{SECRET}", "x".repeat(290 - said.len()));
            Reply::json(status, &said)
        });
        let provider = provider.await;
        let settings =
            format!("headers={{ x-api-key = '{SECRET}' }}\nfrom='4242'\nsecret='{SECRET}'\n{FORM}");
        let outcome = gateway(&provider.url(), &settings).send(&direct(ADA, "", "x")).await;
        let said = format!("{outcome:?}");
        assert!(said.contains("from=4242"), "{said}");
        assert!(!said.contains(&SECRET[..8]) && !said.contains("5550111"), "{said}");
    }
}

#[tokio::test]
async fn a_number_that_can_be_none_costs_no_request() {
    let provider = Provider::always(Reply::status(200)).await;
    let sms = gateway(&provider.url(), JSON);
    for wrong in ["+", "+1555CALLADA", "+12345678901234567", "tel:+15550111", "15550111", "+1555\r\n0111"] {
        let failure = failure(sms.send(&direct(wrong, "", "hi")).await);
        assert_eq!(failure.fault, Fault::Permanent(Permanent::RecipientGone), "{wrong}");
    }
    assert_eq!(provider.connections(), 0);
}

#[tokio::test]
async fn the_words_are_those_of_every_text_message() {
    let provider = Provider::always(Reply::status(200)).await;
    let page = incident(ADA, facts(NotificationKind::Opened));
    for (more, expected) in [
        ("", "Foghorn CRIT #1042 checkout-api: 5xx rate above 5% https://foghorn.example.com/incidents/1042"),
        (
            "links=false\nreplies=true",
            "Foghorn CRIT #1042 checkout-api: 5xx rate above 5%. Reply 1042A ack, 1042R resolve.",
        ),
    ] {
        gateway(&provider.url(), &format!("{JSON}\n{more}")).send(&page).await;
        assert_eq!(provider.heard().last().unwrap().json()["text"], expected);
        // And those of the outbox, where they can be looked at first.
        let surroundings = surroundings();
        channel("sms", "outbox", more, &surroundings).send(&page).await;
        assert_eq!(surroundings.outbox.messages()[0].draft.text, expected);
    }
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let url = "url='https://gateway.example/send'";
    let cases = [
        (JSON.to_owned(), "url"),
        (url.to_owned(), "body"),
        (format!("{url}\nbody='{SECRET}'"), "body"),
        (format!(r#"{url}{}body='{{"a":{{{{ text }}}}}}'"#, "\n"), "body"),
        (format!("{url}\ncontent_type='text/plain'\nbody='{{{{ from }}}}'"), "body"),
        (format!("{url}\n{JSON}\nmethod='BREW'"), "method"),
        (format!("{url}\nmethod='GET'\ncontent_type='text/plain'\nbody='x'"), "content_type"),
        (format!("{url}\n{JSON}\nheaders={{ 'a b' = '{SECRET}' }}"), "headers"),
        (format!("{url}\n{JSON}\nheaders={{ a = \"{SECRET}\\n\" }}"), "headers"),
        (format!("{url}\n{JSON}\nheaders={{ Content-Type = '{SECRET}' }}"), "headers"),
        (format!("{url}\n{JSON}\nheaders={{ Transfer-Encoding = 'chunked' }}"), "headers"),
        (format!("{url}\n{JSON}\nsuccess_status=[99]"), "success_status"),
        (format!("{url}\n{JSON}\nsuccess_status=[]"), "success_status"),
        (format!("{url}\n{JSON}\nsuccess_pointer='/a'"), "success_value"),
        (format!("{url}\n{JSON}\nsuccess_value='a'"), "success_pointer"),
        (format!("{url}\n{JSON}\nid_pointer='a.b'"), "id_pointer"),
        (format!("{url}\n{JSON}\nmax_segments=0"), "max_segments"),
    ];
    let kind = channel_type("sms").unwrap();
    for (settings, key) in cases {
        let Err(problems) = kind.build("http", &settings.parse().unwrap(), &surroundings()) else {
            panic!("taken: {settings}");
        };
        assert!(problems.iter().any(|problem| problem.key.as_deref() == Some(key)), "{key}: {problems:?}");
        assert!(!format!("{problems:?}").contains(SECRET), "{problems:?}");
    }
}
