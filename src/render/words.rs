//! The phrases that several media share.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::language::Language;
use super::{Letterhead, sanitize};
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::{IncidentFacts, NotificationKind};
use crate::domain::severity::Severity;

/// The most characters of a service's or policy's name.
const NAME: usize = 60;

/// How bad, loud.
pub(super) fn severity(severity: Severity, language: Language) -> &'static str {
    match severity {
        Severity::Critical => language.say("CRITICAL", "KRITISCH"),
        Severity::High => language.say("HIGH", "HOCH"),
        Severity::Medium => language.say("MEDIUM", "MITTEL"),
        Severity::Low => language.say("LOW", "NIEDRIG"),
        Severity::Info => "INFO",
    }
}

/// Why somebody is told, as things stand now, which may be further than when the message was decided.
pub(super) fn occasion(facts: &IncidentFacts) -> NotificationKind {
    match (facts.status, facts.kind) {
        (IncidentStatus::Resolved, _) => NotificationKind::Resolved,
        (IncidentStatus::Acknowledged, _) => NotificationKind::Acknowledged,
        (IncidentStatus::Open, kind) if kind.calls_for_action() => kind,
        (IncidentStatus::Open, _) => NotificationKind::Opened,
    }
}

/// Where the incident stands now, loud.
pub(super) fn state(facts: &IncidentFacts, language: Language) -> &'static str {
    match occasion(facts) {
        NotificationKind::Resolved => language.say("RESOLVED", "BEHOBEN"),
        NotificationKind::Acknowledged => language.say("ACKNOWLEDGED", "ÜBERNOMMEN"),
        NotificationKind::Reopened => language.say("OPEN AGAIN", "WIEDER OFFEN"),
        NotificationKind::Escalated => language.say("STILL OPEN", "NOCH OFFEN"),
        NotificationKind::Updated => language.say("WORSE", "SCHLIMMER"),
        NotificationKind::Opened | NotificationKind::Direct => language.say("OPEN", "OFFEN"),
    }
}

/// The same in front of something else, where that it is open goes without saying: `RESOLVED `.
pub(super) fn state_before(facts: &IncidentFacts, language: Language) -> String {
    match occasion(facts) {
        NotificationKind::Opened => String::new(),
        _ => format!("{} ", state(facts, language)),
    }
}

/// What a line begins with: `✓` once it is over, `▲` before.
pub(super) fn mark(facts: &IncidentFacts) -> char {
    match occasion(facts) {
        NotificationKind::Resolved => '\u{2713}',
        _ => '\u{25b2}',
    }
}

/// `CRITICAL checkout-api: 5xx rate above 5%`
pub(super) fn headline(facts: &IncidentFacts, language: Language) -> String {
    let (severity, title) = (severity(facts.severity, language), title(facts));
    match service(facts) {
        Some(service) => format!("{severity} {service}: {title}"),
        None => format!("{severity} {title}"),
    }
}

/// What is wrong, in one line.
pub(super) fn title(facts: &IncidentFacts) -> String {
    sanitize::line(&facts.title, sanitize::SUBJECT).into_owned()
}

/// What it is about, in a word.
pub(super) fn service(facts: &IncidentFacts) -> Option<String> {
    let service = sanitize::line(facts.service.as_deref()?, NAME);
    (!service.is_empty()).then(|| service.into_owned())
}

/// Who has it, in one line.
pub(super) fn taken_by(facts: &IncidentFacts) -> Option<String> {
    let who = facts.acknowledged_by.as_deref().filter(|_| facts.status == IncidentStatus::Acknowledged)?;
    Some(sanitize::line(who, NAME).into_owned())
}

/// Why this recipient.
pub(super) fn policy(facts: &IncidentFacts) -> Option<String> {
    let policy = facts.policy.as_ref()?;
    Some(sanitize::line(policy.as_str(), NAME).into_owned())
}

/// How it stands, where that is more than open: `resolved after 14 min`, `taken by ada`.
pub(super) fn standing(facts: &IncidentFacts, language: Language) -> Option<String> {
    match occasion(facts) {
        NotificationKind::Resolved => {
            lasted(facts, language).map(|lasted| format!("{} {lasted}", language.say("resolved", "behoben")))
        }
        NotificationKind::Acknowledged => {
            taken_by(facts).map(|who| format!("{} {who}", language.say("taken by", "übernommen von")))
        }
        NotificationKind::Escalated => Some(language.say("still open", "noch offen").to_owned()),
        NotificationKind::Updated => Some(language.say("worse now", "jetzt schlimmer").to_owned()),
        NotificationKind::Opened | NotificationKind::Reopened | NotificationKind::Direct => None,
    }
}

/// `after 14 min`, once it is over.
pub(super) fn lasted(facts: &IncidentFacts, language: Language) -> Option<String> {
    let resolved = facts.resolved_at?;
    let lasted = Duration::try_from(resolved.duration_since(facts.opened_at)).unwrap_or_default();
    Some(format!("{} {}", language.say("after", "nach"), duration(lasted, language)))
}

/// Coarse, for people.
pub(super) fn duration(duration: Duration, language: Language) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} {}", seconds / 86_400, language.say("days", "Tage")),
    }
}

/// `2026-11-21 14:02:10 UTC`
pub(super) fn moment(moment: Timestamp, language: Language) -> String {
    let format = language.say("%Y-%m-%d %H:%M:%S UTC", "%d.%m.%Y %H:%M:%S UTC");
    moment.strftime(format).to_string()
}

/// Where it came from.
pub(super) fn source(facts: &IncidentFacts) -> String {
    sanitize::line(&facts.source, NAME).into_owned()
}

/// Which Foghorn speaks; empty if it has no name.
pub(super) fn server(letterhead: &Letterhead) -> String {
    sanitize::line(&letterhead.server_name, NAME).into_owned()
}

/// The first labels, each fit for one line.
pub(super) fn label_lines(facts: &IncidentFacts) -> impl Iterator<Item = (String, String)> {
    let line = |text| sanitize::line(text, NAME).into_owned();
    facts.labels.iter().take(30).map(move |(key, value)| (line(key), line(value)))
}

/// `env=prod region=eu-west-1`, as long as it fits one line.
pub(super) fn labels(facts: &IncidentFacts) -> String {
    let mut labels = String::new();
    for (key, value) in label_lines(facts) {
        let separator = if labels.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(labels, "{separator}{key}={value}");
    }
    labels
}

/// Text and address of each link that may be followed.
pub(super) fn links(facts: &IncidentFacts) -> Vec<(String, &str)> {
    let harmless = facts.links.iter().filter(|link| is_web_address(&link.url)).take(20);
    harmless
        .map(|link| {
            let name = sanitize::line(&link.text, NAME);
            let name = if name.is_empty() { "Link".into() } else { name };
            (name.into_owned(), link.url.as_str())
        })
        .collect()
}

/// May be followed without harm: `http` or `https`, and nothing that could end the link.
pub(super) fn is_web_address(url: &str) -> bool {
    let has_scheme = ["https://", "http://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let breaks = |character: char| {
        character.is_control() || character.is_whitespace() || matches!(character, '<' | '>' | '"' | '\\')
    };
    has_scheme && url.len() <= 2_000 && !url.contains(breaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        for good in ["https://wiki.example.com/a?b=c&d", "HTTP://example.com"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            " https://example.com",
            "https://example.com/\"><img>",
            "https://a b",
            "https",
            "",
        ] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }

    #[test]
    fn durations_are_coarse() {
        let table = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (840, "14 min"),
            (3_700, "1 h 1 min"),
            (200_000, "2 days"),
        ];
        for (seconds, words) in table {
            assert_eq!(duration(Duration::from_secs(seconds), Language::English), words);
        }
    }
}
