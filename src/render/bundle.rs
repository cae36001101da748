//! Several messages to one address as one: what is worst is named first, and nothing is left out of a mail.

use std::fmt::Write as _;
use std::sync::Arc;

use super::email::{PAGE_END, push_start};
use super::language::Language;
use super::{Letterhead, RenderedText, TemplateFault, sanitize, webhook, words};
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::{Content, IncidentFacts};
use crate::domain::severity::Severity;

/// So many are named in a subject and in a text message.
const NAMED: usize = 2;
/// The most characters of what is named.
const NAME: usize = 40;

/// `contents` as one message: a subject, and a line for each.
pub(super) fn bundle(
    contents: &[Arc<Content>],
    letterhead: &Letterhead,
) -> Result<RenderedText, TemplateFault> {
    let mut text = String::new();
    let (mut html, language) = (String::new(), letterhead.language());
    push_start(&mut html, language);
    html.push_str("<ul style=\"margin:0;padding-left:20px\">");
    for content in contents {
        let line = webhook::line(content, letterhead)?;
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "{line}");
        html.push_str("<li style=\"margin:8px 0\">");
        push_item(&mut html, content, &line, letterhead);
        html.push_str("</li>");
    }
    html.push_str("</ul>");
    html.push_str(PAGE_END);
    Ok(RenderedText { subject: format!("[Foghorn] {}", summary(contents, language)), text, html: Some(html) })
}

/// `5 open, 2 critical: checkout-api, payments-worker +3`, or `3 messages: Invoice, Receipt +1`.
pub(super) fn summary(contents: &[Arc<Content>], language: Language) -> String {
    let named: Vec<String> = contents.iter().filter_map(|content| name(content)).collect();
    let mut said = counts(contents, language);
    let shown: Vec<&str> = named.iter().take(NAMED).map(String::as_str).collect();
    if !shown.is_empty() {
        let _ = write!(said, ": {}", shown.join(", "));
        let more = contents.len() - shown.len();
        if more > 0 {
            let _ = write!(said, " +{more}");
        }
    }
    said
}

fn counts(contents: &[Arc<Content>], language: Language) -> String {
    let facts: Vec<&IncidentFacts> = contents.iter().filter_map(|content| incident(content)).collect();
    if facts.len() < contents.len() {
        return format!("{} {}", contents.len(), language.say("messages", "Nachrichten"));
    }
    let standing = |status| facts.iter().filter(|facts| facts.status == status).count();
    let mut said: Vec<String> = [
        (standing(IncidentStatus::Open), language.say("open", "offen")),
        (standing(IncidentStatus::Acknowledged), language.say("acknowledged", "übernommen")),
        (standing(IncidentStatus::Resolved), language.say("resolved", "behoben")),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    let critical = |facts: &&&IncidentFacts| {
        facts.severity == Severity::Critical && facts.status != IncidentStatus::Resolved
    };
    let critical = facts.iter().filter(critical).count();
    if critical > 0 {
        said.push(format!("{critical} {}", language.say("critical", "kritisch")));
    }
    said.join(", ")
}

fn incident(content: &Content) -> Option<&IncidentFacts> {
    match content {
        Content::Incident(facts) => Some(facts),
        Content::Direct(_) | Content::Bundle(_) => None,
    }
}

/// What a message is about, in a few words.
fn name(content: &Content) -> Option<String> {
    let facts = incident(content)?;
    let named = words::service(facts).unwrap_or_else(|| words::title(facts));
    Some(format!("#{} {}", facts.number, sanitize::cut(&named, NAME)))
}

fn push_item(html: &mut String, content: &Content, line: &str, letterhead: &Letterhead) {
    let Some(facts) = incident(content) else { return sanitize::push_html(html, line) };
    let language = letterhead.language();
    let (state, headline) = (words::state(facts, language), words::headline(facts, language));
    sanitize::push_html(html, &format!("{state} {headline} "));
    if let Some(url) = letterhead.incident_url(facts.number) {
        let word = match letterhead.offers_to_take(facts.status) {
            true => language.say("Acknowledge", "Übernehmen"),
            false => language.say("Look at", "Ansehen"),
        };
        html.push_str("<a href=\"");
        sanitize::push_html(html, &url);
        let _ = write!(html, "\">{word} #{}</a>", facts.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::RequestText;
    use crate::domain::notification::NotificationKind;
    use crate::render::incident::sample::facts;

    fn about(number: u64, service: &str, severity: Severity) -> Arc<Content> {
        let service = Some(service.to_owned());
        let facts = IncidentFacts { number, service, severity, ..facts(NotificationKind::Opened) };
        Arc::new(Content::Incident(Box::new(facts)))
    }

    fn storm() -> Vec<Arc<Content>> {
        vec![
            about(1042, "checkout-api", Severity::Critical),
            about(1043, "<b>payments</b>", Severity::High),
            about(1044, "mail", Severity::Critical),
        ]
    }

    #[test]
    fn how_many_and_how_bad_comes_first_and_nothing_is_left_out_of_a_mail() {
        let letterhead = Letterhead { public_url: "https://fog.example".into(), ..Letterhead::default() };
        let said = bundle(&storm(), &letterhead).expect("no template");
        assert_eq!(
            said.subject,
            "[Foghorn] 3 open, 2 critical: #1042 checkout-api, #1043 <b>payments</b> +1"
        );
        let html = said.html.expect("a page");
        for number in [1042, 1043, 1044] {
            assert!(said.text.contains(&format!("https://fog.example/incidents/{number}")), "{}", said.text);
            assert!(html.contains(&format!("<a href=\"https://fog.example/incidents/{number}\">")), "{html}");
        }
        assert!(html.contains("&lt;b&gt;payments") && !html.contains("<b>payments"), "{html}");
    }

    #[test]
    fn a_storm_is_told_in_the_language_of_the_house() {
        let templates = crate::render::Templates::default().read_in(Some("de".to_owned()));
        let house = Letterhead { templates: Arc::new(templates), ..Letterhead::default() };
        let said = bundle(&storm(), &house).expect("no template");
        assert!(said.subject.starts_with("[Foghorn] 3 offen, 2 kritisch: "), "{}", said.subject);
        assert!(said.text.starts_with("\u{25b2} KRITISCH #1042 "), "{}", said.text);
    }

    #[test]
    fn messages_that_are_no_incidents_are_counted() {
        let plain = |subject: &str| {
            Arc::new(Content::Direct(RequestText::Plain { subject: subject.into(), body: "b".into() }))
        };
        let said =
            bundle(&[plain("Invoice"), plain("Receipt")], &Letterhead::default()).expect("no template");
        assert_eq!(
            (said.subject.as_str(), said.text.as_str()),
            ("[Foghorn] 2 messages", "Invoice: b\nReceipt: b\n")
        );
    }

    #[test]
    fn a_storm_is_one_part_of_a_text_message() {
        let content = Content::Bundle(storm());
        let text = crate::render::sms::render(&content, &Letterhead::default(), &Default::default());
        let text = text.expect("no template");
        assert_eq!(text.segments, 1, "{}", text.text);
        assert!(text.text.starts_with("Foghorn: 3 open, 2 critical: #1042 checkout-api"), "{}", text.text);
    }
}
