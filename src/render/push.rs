//! Push: a title, a subtitle and a body for the lock screen, and the JSON that APNs and FCM take.
//!
//! A newer message about an incident replaces the older one on the screen.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::language::Language;
use super::{Letterhead, OwnWords, RenderedText, TemplateFault, bundle, sanitize, words};
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::{Content, IncidentFacts, NotificationKind};
use crate::domain::severity::Severity;

/// The most characters of the body, so that a payload stays far below its limit.
const BODY: usize = 300;
/// The most bytes of a payload that APNs and FCM take.
const PAYLOAD: usize = 4_096;

/// How loud the worst may be on an iPhone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loudest {
    /// Breaks through a focus, not through silence.
    #[default]
    TimeSensitive,
    /// Breaks through silence too, which Apple has to have allowed to the app.
    Critical,
}

/// What the lock screen shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushText {
    /// How bad and where.
    pub title: String,
    /// The number; empty for a direct notification.
    pub subtitle: String,
    /// What.
    pub body: String,
}

/// `content` for a lock screen.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn render(content: &Content, letterhead: &Letterhead) -> Result<PushText, TemplateFault> {
    match content {
        Content::Incident(facts) => {
            let instead = letterhead.instead(OwnWords::Push, facts);
            let own = || incident(facts, letterhead.language());
            Ok(instead.map_or_else(own, |said| templated(&said, number(facts))))
        }
        Content::Direct(request) => Ok(templated(&letterhead.direct(request)?, String::new())),
        Content::Bundle(contents) => Ok(templated(&bundle::bundle(contents, letterhead)?, String::new())),
    }
}

fn number(facts: &IncidentFacts) -> String {
    format!("#{}", facts.number)
}

/// What somebody else's words are on a lock screen.
pub(super) fn templated(said: &RenderedText, subtitle: String) -> PushText {
    PushText {
        title: sanitize::line(&said.subject, 100).into_owned(),
        subtitle,
        body: sanitize::line(&said.text, BODY).into_owned(),
    }
}

fn incident(facts: &IncidentFacts, language: Language) -> PushText {
    let (state, severity) = (words::state_before(facts, language), words::severity(facts.severity, language));
    let title = match words::service(facts) {
        Some(service) => format!("{state}{severity} {service}"),
        None => format!("{state}{severity}"),
    };
    PushText { title, subtitle: number(facts), body: sanitize::line(&facts.title, BODY).into_owned() }
}

/// Headers and body for APNs. The provider adds its topic and the device's address.
pub fn apns(
    content: &Content,
    text: &PushText,
    letterhead: &Letterhead,
    expires_at: Timestamp,
    loudest: Loudest,
) -> Value {
    let mut alert = json!({ "title": text.title, "body": text.body });
    if !text.subtitle.is_empty() {
        alert["subtitle"] = json!(text.subtitle);
    }
    let expiration = expires_at.as_second().to_string();
    let Content::Incident(facts) = content else {
        return json!({
            "headers": { "apns-push-type": "alert", "apns-priority": "10", "apns-expiration": expiration },
            "body": { "aps": { "alert": alert, "sound": "default" }, "v": 1 }
        });
    };
    let (level, sound, relevance) = match (urgency(facts), loudest) {
        (Severity::Critical, Loudest::Critical) => {
            ("critical", json!({ "critical": 1, "name": "page.caf", "volume": 1.0 }), 1.0)
        }
        (Severity::Critical, Loudest::TimeSensitive) => ("time-sensitive", json!("page.caf"), 1.0),
        (Severity::High, _) => ("time-sensitive", json!("page.caf"), 0.8),
        (Severity::Medium, _) => ("active", json!("default"), 0.5),
        (Severity::Low | Severity::Info, _) => ("passive", Value::Null, 0.1),
    };
    let priority = if sound.is_null() { "5" } else { "10" };
    let thread = format!("inc-{}", facts.number);
    let mut aps = json!({
        "alert": alert, "thread-id": thread, "category": "INCIDENT",
        "interruption-level": level, "relevance-score": relevance, "mutable-content": 1
    });
    if !sound.is_null() {
        aps["sound"] = sound;
    }
    let mut body = json!({ "aps": aps, "incident": facts.number, "status": facts.status.as_str(), "v": 1 });
    if let Some(url) = letterhead.incident_url(facts.number) {
        body["url"] = json!(url);
    }
    fit(&mut body, "/aps/alert/body");
    json!({
        "headers": {
            "apns-push-type": "alert",
            "apns-priority": priority,
            "apns-expiration": expiration,
            "apns-collapse-id": thread
        },
        "body": body
    })
}

/// The message for FCM HTTP v1 to the device of `token`, worth `lifetime` from now.
pub fn fcm(
    content: &Content,
    text: &PushText,
    letterhead: &Letterhead,
    token: &str,
    lifetime: Duration,
) -> Value {
    // FCM takes up to four weeks.
    let ttl = format!("{}s", lifetime.as_secs().min(2_419_200));
    let Content::Incident(facts) = content else {
        return json!({ "message": {
            "token": token,
            "notification": { "title": text.title, "body": text.body },
            "android": { "priority": "HIGH", "ttl": ttl }
        } });
    };
    let (priority, channel, shown) = match urgency(facts) {
        Severity::Critical => ("HIGH", "pages-critical", "PRIORITY_MAX"),
        Severity::High => ("HIGH", "pages", "PRIORITY_HIGH"),
        Severity::Medium => ("HIGH", "alerts", "PRIORITY_DEFAULT"),
        Severity::Low | Severity::Info => ("NORMAL", "quiet", "PRIORITY_LOW"),
    };
    // Values of "data" are strings, always.
    let mut data = json!({ "incident": facts.number.to_string(), "status": facts.status.as_str() });
    if let Some(url) = letterhead.incident_url(facts.number) {
        data["url"] = json!(url);
    }
    let mut message = json!({ "message": {
        "token": token,
        "notification": { "title": text.title, "body": format!("{} {}", text.subtitle, text.body) },
        "data": data,
        "android": {
            "priority": priority,
            "ttl": ttl,
            "notification": {
                "channel_id": channel,
                "tag": format!("inc-{}", facts.number),
                "notification_priority": shown,
                "visibility": "PUBLIC"
            }
        }
    } });
    fit(&mut message, "/message/notification/body");
    message
}

/// Cuts the text at `place` until `payload` is short enough or the text is gone: a page that says
/// less is better than one that is refused.
fn fit(payload: &mut Value, place: &str) {
    loop {
        let excess = payload.to_string().len().saturating_sub(PAYLOAD);
        let Some(Value::String(text)) = payload.pointer_mut(place) else { return };
        if excess == 0 || text.is_empty() {
            return;
        }
        // No character takes more than six bytes, and the mark of the cut is three.
        match text.chars().count().saturating_sub(excess.div_ceil(6) + 1) {
            0 => text.clear(),
            kept => *text = sanitize::cut(text, kept).into_owned(),
        }
    }
}

/// How loud: as bad as it is, and quiet once it is over.
fn urgency(facts: &IncidentFacts) -> Severity {
    match (facts.status, facts.kind) {
        (IncidentStatus::Resolved, _) | (_, NotificationKind::Acknowledged) => {
            facts.severity.max(Severity::Low)
        }
        (IncidentStatus::Open | IncidentStatus::Acknowledged, _) => facts.severity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::incident::sample::facts;

    fn house() -> Letterhead {
        Letterhead { public_url: "https://foghorn.example.com".into(), ..Letterhead::default() }
    }

    fn content(kind: NotificationKind) -> Content {
        Content::Incident(Box::new(facts(kind)))
    }

    #[test]
    fn a_page_for_ios_is_time_sensitive_and_replaces_the_older_one() {
        let content = content(NotificationKind::Opened);
        let text = render(&content, &house()).unwrap();
        let expires_at = Timestamp::from_second(1_795_271_531).unwrap();
        assert_eq!(
            apns(&content, &text, &house(), expires_at, Loudest::TimeSensitive),
            json!({
                "headers": {
                    "apns-push-type": "alert", "apns-priority": "10",
                    "apns-expiration": "1795271531", "apns-collapse-id": "inc-1042"
                },
                "body": {
                    "aps": {
                        "alert": {
                            "title": "CRITICAL checkout-api", "subtitle": "#1042",
                            "body": "5xx rate above 5%"
                        },
                        "thread-id": "inc-1042", "category": "INCIDENT",
                        "interruption-level": "time-sensitive", "relevance-score": 1.0,
                        "sound": "page.caf", "mutable-content": 1
                    },
                    "incident": 1042, "status": "open",
                    "url": "https://foghorn.example.com/incidents/1042", "v": 1
                }
            })
        );
    }

    #[test]
    fn a_page_for_android_goes_to_the_loudest_channel() {
        let content = content(NotificationKind::Opened);
        let text = render(&content, &house()).unwrap();
        let message = fcm(&content, &text, &house(), "token", Duration::from_secs(1_800));
        assert_eq!(
            message,
            json!({ "message": {
                "token": "token",
                "notification": { "title": "CRITICAL checkout-api", "body": "#1042 5xx rate above 5%" },
                "data": {
                    "incident": "1042", "status": "open",
                    "url": "https://foghorn.example.com/incidents/1042"
                },
                "android": {
                    "priority": "HIGH", "ttl": "1800s",
                    "notification": {
                        "channel_id": "pages-critical", "tag": "inc-1042",
                        "notification_priority": "PRIORITY_MAX", "visibility": "PUBLIC"
                    }
                }
            } })
        );
    }

    #[test]
    fn what_is_over_makes_no_noise() {
        let content = content(NotificationKind::Resolved);
        let text = render(&content, &house()).unwrap();
        assert_eq!(text.title, "RESOLVED CRITICAL checkout-api");
        let payload = apns(&content, &text, &house(), Timestamp::UNIX_EPOCH, Loudest::Critical);
        assert_eq!(payload["body"]["aps"]["interruption-level"], "passive");
        assert_eq!(payload["body"]["aps"].get("sound"), None);
    }

    #[test]
    fn the_longest_page_stays_below_the_limit_of_apns() {
        let mut long = facts(NotificationKind::Opened);
        long.title = "🔴".repeat(5_000);
        long.service = Some("ß".repeat(5_000));
        let content = Content::Incident(Box::new(long));
        let text = render(&content, &house()).unwrap();
        let payload = apns(&content, &text, &house(), Timestamp::MAX, Loudest::Critical);
        assert!(payload["body"].to_string().len() <= 4_096);
        assert_eq!(payload["body"]["aps"]["alert"]["body"], json!(text.body), "nothing had to go");
    }

    #[test]
    fn what_leaves_no_room_costs_words_and_not_the_page() {
        let words = "\"🔴".repeat(150);
        for (rest, is_cut) in [(10, false), (3_100, false), (3_300, true), (4_000, true), (5_000, true)] {
            let mut payload = json!({ "rest": "x".repeat(rest), "text": words });
            fit(&mut payload, "/text");
            let (length, text) = (payload.to_string().len(), payload["text"].as_str().unwrap());
            assert_eq!(text != words, is_cut, "{rest}");
            assert!(length <= PAYLOAD || text.is_empty(), "{rest}: {length}");
            assert!(length + 12 > PAYLOAD || !is_cut, "{rest}: {length} is more than had to go");
        }
    }

    #[test]
    fn only_the_worst_breaks_through_silence_and_only_where_it_may() {
        for (severity, loudest, level) in [
            (Severity::Critical, Loudest::Critical, "critical"),
            (Severity::Critical, Loudest::TimeSensitive, "time-sensitive"),
            (Severity::High, Loudest::Critical, "time-sensitive"),
        ] {
            let mut facts = facts(NotificationKind::Opened);
            facts.severity = severity;
            let content = Content::Incident(Box::new(facts));
            let text = render(&content, &house()).unwrap();
            let payload = apns(&content, &text, &house(), Timestamp::MAX, loudest);
            let aps = &payload["body"]["aps"];
            assert_eq!(aps["interruption-level"], level);
            assert_eq!(aps["sound"].is_object(), level == "critical", "{aps}");
        }
    }
}
