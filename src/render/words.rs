//! The phrases that several media share.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::{Letterhead, sanitize};
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::{IncidentFacts, NotificationKind};
use crate::domain::severity::Severity;

/// The most characters of a service's or policy's name.
const NAME: usize = 60;

/// How bad, loud.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
        Severity::Info => "INFO",
    }
}

/// Where the incident stands now, which may be further than when the message was decided.
pub(super) fn state(facts: &IncidentFacts) -> &'static str {
    match (facts.status, facts.kind) {
        (IncidentStatus::Resolved, _) => "RESOLVED",
        (IncidentStatus::Acknowledged, _) => "ACKNOWLEDGED",
        (IncidentStatus::Open, NotificationKind::Reopened) => "OPEN AGAIN",
        (IncidentStatus::Open, _) => "OPEN",
    }
}

/// `CRITICAL checkout-api: 5xx rate above 5%`
pub(super) fn headline(facts: &IncidentFacts) -> String {
    let (severity, title) = (severity(facts.severity), title(facts));
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

/// Why this recipient.
pub(super) fn policy(facts: &IncidentFacts) -> Option<String> {
    let policy = facts.policy.as_ref()?;
    Some(sanitize::line(policy.as_str(), NAME).into_owned())
}

/// `after 14 min`, once it is over.
pub(super) fn lasted(facts: &IncidentFacts) -> Option<String> {
    let resolved = facts.resolved_at?;
    let lasted = Duration::try_from(resolved.duration_since(facts.opened_at)).unwrap_or_default();
    Some(format!("after {}", duration(lasted)))
}

/// Coarse, for people.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `2026-11-21 14:02:10 UTC`
pub(super) fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
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
            assert_eq!(duration(Duration::from_secs(seconds)), words);
        }
    }
}
