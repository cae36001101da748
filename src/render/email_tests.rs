use super::*;
use crate::domain::event::{Link, RequestText};
use crate::domain::notification::NotificationKind;
use crate::render::incident::sample::facts;

fn house() -> Letterhead {
    Letterhead {
        server_name: "fog-1".into(),
        public_url: "https://foghorn.example.com".into(),
        ..Letterhead::default()
    }
}

fn mail(facts: IncidentFacts) -> EmailText {
    render(&Content::Incident(Box::new(facts)), &house()).unwrap()
}

#[test]
fn an_open_incident_reads_like_this() {
    let mail = mail(facts(NotificationKind::Opened));
    assert_eq!(mail.subject, "[Foghorn #1042] CRITICAL checkout-api: 5xx rate above 5%");
    assert_eq!(
        mail.text,
        "OPEN - CRITICAL - checkout-api\n\
         5xx rate above 5%\n\
         12.4% of requests failed\n\
         \n\
         Incident: https://foghorn.example.com/incidents/1042\n\
         Runbook: https://wiki.example.com/checkout\n\
         \n\
         Incident #1042\n\
         Opened   2026-11-21 14:02:10 UTC by prometheus, 9 events\n\
         Labels   env=prod region=eu-west-1\n\
         \n\
         Foghorn on fog-1 tells you because of policy \"page\".\n"
    );
}

#[test]
fn the_first_line_follows_the_incident_and_the_subject_stays() {
    let opened = mail(facts(NotificationKind::Opened));
    let reopened = mail(facts(NotificationKind::Reopened));
    let resolved = mail(facts(NotificationKind::Resolved));
    assert_eq!(opened.subject, reopened.subject);
    assert_eq!(opened.subject, resolved.subject);
    assert!(reopened.text.starts_with("OPEN AGAIN - CRITICAL - checkout-api\n"));
    assert!(resolved.text.starts_with("RESOLVED after 14 min - CRITICAL - checkout-api\n"));
}

#[test]
fn nothing_from_outside_is_a_tag_or_a_foreign_link() {
    let mut evil = facts(NotificationKind::Opened);
    evil.title = "<script>alert(1)</script>".into();
    evil.description = Some("\"><img src=x onerror=alert(1)>".into());
    evil.service = Some("<b>".into());
    evil.labels.insert("<i>".into(), "</td><script>".into());
    evil.source = "<svg/onload=1>".into();
    evil.links = ["javascript:alert(1)", "https://x/\"onmouseover=1", "data:text/html,<script>"]
        .map(|url| Link { text: "<u>".into(), url: url.into() })
        .into();
    let html = mail(evil).html;
    for tag in ["<script", "<img", "<b>", "<i>", "<svg", "<u>", "javascript:", "onmouseover", "data:text"] {
        assert!(!html.contains(tag), "{tag} in {html}");
    }
}

#[test]
fn a_direct_notification_says_what_was_asked_for() {
    let content = Content::Direct(RequestText::Plain {
        subject: "Hello\r\nBcc: x".into(),
        body: "a < b\r\nbye".into(),
    });
    let mail = render(&content, &house()).unwrap();
    assert_eq!(mail.subject, "Hello Bcc: x");
    assert_eq!(mail.text, "a < b\nbye");
    assert!(mail.html.contains("a &lt; b\nbye"));
}

#[test]
fn a_template_nobody_has_is_a_fault() {
    let content = Content::Direct(RequestText::Template {
        name: "nobodys".into(),
        vars: serde_json::Map::new(),
        subject: None,
        locale: None,
    });
    assert_eq!(render(&content, &house()), Err(TemplateFault::Unknown("nobodys".into())));
}
