//! A mail as its reader's program sees it.

use foghorn::domain::notification::NotificationKind;
use foghorn::domain::severity::Severity;
use mail_parser::{Message, MessageParser, MimeHeaders};

use crate::support::jobs::{channel, direct, facts, incident, surroundings};
use crate::support::smtp_sink::{Received, SmtpSink};

async fn sent(jobs: &[foghorn::domain::delivery::Job]) -> Vec<Received> {
    let sink = SmtpSink::start().await;
    let settings = format!(
        "host='127.0.0.1'\nport={}\nsecurity='none'\nfrom='Foghorn <fog@example.com>'\n\
         reply_to='ops@example.com'",
        sink.port
    );
    let channel = channel("email", "smtp", &settings, &surroundings());
    for job in jobs {
        channel.send(job).await;
    }
    sink.wait_for(jobs.len()).await
}

fn parse(received: &Received) -> Message<'_> {
    MessageParser::new().parse(&received.raw).unwrap()
}

fn header<'a>(message: &'a Message<'_>, name: &'static str) -> Option<&'a str> {
    message.header_raw(name).map(str::trim)
}

#[tokio::test]
async fn the_headers_are_these_and_no_others() {
    let job = incident("ada@example.com", facts(NotificationKind::Opened));
    let received = sent(std::slice::from_ref(&job)).await;
    assert_eq!(received[0].from, "MAIL FROM:<fog@example.com>");
    assert_eq!(received[0].to, ["RCPT TO:<ada@example.com>"]);
    let message = parse(&received[0]);
    let root = match &*job.content {
        foghorn::domain::notification::Content::Incident(facts) => format!("<{}@example.com>", facts.id),
        _ => unreachable!(),
    };
    let id = format!("<{}@example.com>", job.id);
    let headers: Vec<_> = message.headers_raw().map(|(name, value)| (name, value.trim())).collect();
    assert_eq!(
        headers,
        [
            ("From", "\"Foghorn\" <fog@example.com>"),
            ("Reply-To", "<ops@example.com>"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("MIME-Version", "1.0"),
            ("To", "<ada@example.com>"),
            ("Subject", "[Foghorn #1042] CRITICAL checkout-api: 5xx rate above 5%"),
            ("Date", "Sat, 21 Nov 2026 14:02:11 +0000"),
            ("Message-ID", id.as_str()),
            ("In-Reply-To", root.as_str()),
            ("References", root.as_str()),
            ("Importance", "high"),
            ("List-ID", "Foghorn payments <payments.example.com>"),
            ("X-Foghorn-Incident", "1042"),
            ("X-Foghorn-Severity", "critical"),
            ("X-Foghorn-Status", "open"),
            ("Content-Type", "multipart/alternative; boundary=\"=_foghorn\""),
        ]
    );
}

#[tokio::test]
async fn the_text_comes_first_and_the_html_says_the_same() {
    let received = sent(&[incident("ada@example.com", facts(NotificationKind::Opened))]).await;
    let message = parse(&received[0]);
    let kinds: Vec<_> = message
        .parts
        .iter()
        .map(|part| part.content_type().and_then(|kind| kind.subtype()).unwrap_or_default())
        .collect();
    assert_eq!(kinds, ["alternative", "plain", "html"]);
    assert_eq!((message.text_body_count(), message.html_body_count()), (1, 1));
    let (text, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
    assert!(text.starts_with("OPEN - CRITICAL - checkout-api"));
    for words in [
        "5xx rate above 5%",
        "12.4% of requests failed",
        "https://foghorn.example.com/incidents/1042",
        "https://wiki.example.com/checkout",
        "#1042",
    ] {
        assert!(text.contains(words) && html.contains(words), "{words}");
    }
    assert!(received[0].raw.is_ascii());
    for line in received[0].raw.split(|byte| *byte == b'\n') {
        assert!(line.len() <= 100, "{}", String::from_utf8_lossy(line));
        assert!(line.is_empty() || line.ends_with(b"\r"));
    }
}

#[tokio::test]
async fn one_incident_is_one_thread_and_one_delivery_one_message() {
    let opened = incident("ada@example.com", facts(NotificationKind::Opened));
    let mut again = opened.clone();
    again.attempt = 2;
    let resolved = incident("ada@example.com", facts(NotificationKind::Resolved));
    let received = sent(&[opened, again, resolved]).await;
    let [first, second, third] = [0, 1, 2].map(|index| parse(&received[index]));
    assert_eq!(first.message_id(), second.message_id());
    assert_ne!(first.message_id(), third.message_id());
    assert_eq!(header(&first, "References"), header(&third, "References"));
    assert_eq!(first.subject(), third.subject());
    assert_eq!(header(&third, "X-Foghorn-Status"), Some("resolved"));
    assert_eq!(header(&third, "Importance"), None);
}

#[tokio::test]
async fn only_what_calls_for_action_now_is_important() {
    for (severity, important) in [
        (Severity::Critical, true),
        (Severity::High, true),
        (Severity::Medium, false),
        (Severity::Info, false),
    ] {
        let mut facts = facts(NotificationKind::Opened);
        facts.severity = severity;
        let received = sent(&[incident("ada@example.com", facts)]).await;
        assert_eq!(header(&parse(&received[0]), "Importance").is_some(), important, "{severity}");
    }
}

#[tokio::test]
async fn a_direct_notification_belongs_to_no_thread() {
    let received = sent(&[direct("ada@example.com", "Größe", "Zeile 1\nZeile 2 – ende\n")]).await;
    let message = parse(&received[0]);
    assert_eq!(message.subject(), Some("Größe"));
    assert_eq!(header(&message, "References"), None);
    assert_eq!(header(&message, "X-Foghorn-Incident"), None);
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), "Zeile 1\nZeile 2 – ende\n");
}
