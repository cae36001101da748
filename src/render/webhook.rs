//! Webhook: the event as JSON for a program, and one line for whoever reads it in a chat.

use serde_json::{Value, json};

use super::{Letterhead, TemplateFault, bundle, sanitize, words};
use crate::domain::Timestamp;
use crate::domain::ids::DeliveryId;
use crate::domain::notification::{Content, IncidentFacts, NotificationKind};

/// The most characters of a description; the rest is where the link leads.
const DESCRIPTION: usize = 4_000;

/// `content` as the body of a Standard Webhooks request: `type`, `timestamp` and `data`.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn event(
    content: &Content,
    letterhead: &Letterhead,
    delivery: DeliveryId,
    at: Timestamp,
) -> Result<Value, TemplateFault> {
    let text = line(content, letterhead)?;
    let (kind, data) = match content {
        Content::Incident(facts) => {
            let incident = incident(facts, letterhead);
            (kind(facts), json!({ "delivery": delivery, "text": text, "incident": incident }))
        }
        Content::Direct(request) => {
            let rendered = letterhead.direct(request)?;
            let data = json!({
                "delivery": delivery, "text": text, "subject": rendered.subject, "body": rendered.text
            });
            ("notification.direct", data)
        }
        Content::Bundle(contents) => {
            let events: Result<Vec<Value>, _> =
                contents.iter().map(|content| event(content, letterhead, delivery, at)).collect();
            ("notification.bundle", json!({ "delivery": delivery, "text": text, "messages": events? }))
        }
    };
    Ok(json!({ "type": kind, "timestamp": at, "data": data }))
}

fn kind(facts: &IncidentFacts) -> &'static str {
    match facts.kind {
        NotificationKind::Opened => "incident.opened",
        NotificationKind::Reopened => "incident.reopened",
        NotificationKind::Escalated => "incident.escalated",
        NotificationKind::Updated => "incident.updated",
        NotificationKind::Acknowledged => "incident.acknowledged",
        NotificationKind::Resolved => "incident.resolved",
        NotificationKind::Direct => "notification.direct",
    }
}

fn incident(facts: &IncidentFacts, letterhead: &Letterhead) -> Value {
    let description = facts.description.as_deref().map(|text| sanitize::cut(text, DESCRIPTION).into_owned());
    json!({
        "id": facts.id, "number": facts.number, "title": facts.title, "severity": facts.severity,
        "status": facts.status.as_str(), "service": facts.service, "description": description,
        "labels": facts.labels, "links": facts.links, "source": facts.source, "policy": facts.policy,
        "event_count": facts.event_count, "opened_at": facts.opened_at, "resolved_at": facts.resolved_at,
        "acknowledged_by": facts.acknowledged_by,
        "url": letterhead.incident_url(facts.number)
    })
}

/// `content` in one line that reads well in any chat.
///
/// # Errors
/// As [`event`].
pub fn line(content: &Content, letterhead: &Letterhead) -> Result<String, TemplateFault> {
    match content {
        Content::Incident(facts) => Ok(incident_line(facts, letterhead)),
        Content::Bundle(contents) => Ok(bundle::summary(contents, letterhead.language())),
        Content::Direct(request) => {
            let rendered = letterhead.direct(request)?;
            let (subject, body) = (sanitize::line(&rendered.subject, 200), sanitize::block(&rendered.text));
            Ok(match (subject.is_empty(), body.is_empty()) {
                (true, _) => body.into_owned(),
                (false, true) => subject.into_owned(),
                (false, false) => format!("{subject}: {body}"),
            })
        }
    }
}

fn incident_line(facts: &IncidentFacts, letterhead: &Letterhead) -> String {
    let language = letterhead.language();
    let (mark, state) = (words::mark(facts), words::state_before(facts, language));
    let (severity, title) = (words::severity(facts.severity, language), words::title(facts));
    let service = words::service(facts).map_or_else(String::new, |service| format!(" {service}"));
    let lasted = words::lasted(facts, language).map_or_else(String::new, |lasted| format!(" {lasted}"));
    let link =
        letterhead.incident_url(facts.number).map_or_else(String::new, |url| format!(" \u{2014} {url}"));
    format!("{mark} {state}{severity} #{}{service}: {title}{lasted}{link}", facts.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::incident::sample::facts;

    fn house() -> Letterhead {
        Letterhead { public_url: "https://fog.example.com".into(), ..Letterhead::default() }
    }

    #[test]
    fn one_line_says_how_bad_which_number_where_and_what() {
        let line = |kind| line(&Content::Incident(Box::new(facts(kind))), &house()).unwrap();
        assert_eq!(
            line(NotificationKind::Opened),
            "\u{25b2} CRITICAL #1042 checkout-api: 5xx rate above 5% \u{2014} https://fog.example.com/incidents/1042"
        );
        assert_eq!(
            line(NotificationKind::Resolved),
            "\u{2713} RESOLVED CRITICAL #1042 checkout-api: 5xx rate above 5% after 14 min \u{2014} \
             https://fog.example.com/incidents/1042"
        );
    }

    #[test]
    fn an_event_is_small_however_much_is_said() {
        let mut long = facts(NotificationKind::Opened);
        long.description = Some("x".repeat(100_000));
        let content = Content::Incident(Box::new(long));
        let event =
            event(&content, &house(), DeliveryId::new(Timestamp::UNIX_EPOCH, 1), Timestamp::UNIX_EPOCH);
        assert!(event.unwrap().to_string().len() < 20_000);
    }
}
